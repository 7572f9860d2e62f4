"""Adding people: chosen, previewed, added in one commit (R12.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import mention
from bot.features.adding.views import LIST_CHANGED, NO_ONE
from bot.slack.error_messages import FieldProblem, field_error, sentence
from bot.slack.refusals import SlackBusy
from domain.errors import TooFewSeats, TooManyToAdd
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.environment import start_user_deletion
from tests.support.slack import sentences
from tests.support.slack.adding import add, chosen, new_members, preview, yoga
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    PRIYA,
    SlackHarness,
)
from tests.support.slack.modals import form, manage_modal, press, said, submit, top


def test_preview_says_who_gets_a_seat_and_who_joins_the_waitlist_where(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    harness.register(AMARA)
    shown = said(preview(harness, CHLOE, DIEGO, AMARA, HARUKI))
    assert f"*Will get a seat (1):* {mention(CHLOE)}" in shown
    assert f"*Will join the waitlist (2):* {mention(DIEGO)} (1st), {mention(HARUKI)} (2nd)" in shown
    assert f"*Already in (1):* {mention(AMARA)}" in shown
    assert sentences.taken(1, 2) in shown
    assert harness.assert_invariants().seated("yoga") == [AMARA]


def test_confirmed_preview_adds_in_one_commit(harness: SlackHarness) -> None:
    yoga(harness)
    version = harness.bot.service.get_event("yoga").version
    done = add(harness, CHLOE, DIEGO, HARUKI)
    assert "3 people have been added to *Yoga in the park*" in said(done.view)
    assert harness.bot.service.get_event("yoga").version == version + 1
    rows = harness.assert_invariants()
    assert sorted(rows.seated("yoga")) == sorted([CHLOE, DIEGO])
    assert rows.waitlisted("yoga") == [HARUKI]


def test_a_single_attendee_who_is_added_is_no_group(harness: SlackHarness) -> None:
    yoga(harness)
    text = said(add(harness, CHLOE).view)
    assert "1 person has been added to *Yoga in the park*. They’ll get a direct message." in text


def test_manage_below_shows_who_was_added(harness: SlackHarness) -> None:
    yoga(harness)
    add(harness, CHLOE)
    (below, _) = harness.workspace.views.stack(BJORN)
    assert mention(CHLOE) in said(below)


def test_home_below_shows_how_many_are_in(harness: SlackHarness) -> None:
    yoga(harness)
    harness.slack.open_home(BJORN)
    add(harness, CHLOE)
    assert sentences.taken(1, 2) in said(harness.workspace.views.home(BJORN))


def test_each_reads_who_added_them_with_a_button_to_give_it_up(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    add(harness, CHLOE, DIEGO)
    harness.deliver_due(5)
    (seat,), (waitlisted,) = harness.direct_messages(CHLOE), harness.direct_messages(DIEGO)
    assert f"{mention(BJORN)} registered you for *Yoga in the park*" in seat
    assert f"[{ActionId.GIVE_UP_SEAT}]" in seat
    assert f"{mention(BJORN)} added you to the waitlist for *Yoga in the park*" in waitlisted
    assert f"[{ActionId.CHOOSE_TO_UNREGISTER}]" in waitlisted
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    harness.slack.click(CHLOE, message, ActionId.GIVE_UP_SEAT)
    question = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    harness.slack.click(CHLOE, question, ActionId.UNREGISTER_CONFIRMED)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_someone_who_left_meanwhile_hears_of_no_seat(harness: SlackHarness) -> None:
    yoga(harness)
    add(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(5)
    assert harness.direct_messages(CHLOE) == []


def test_history_says_who_added_whom(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    add(harness, CHLOE, DIEGO)
    manage_modal(harness)
    history = said(press(harness, ActionId.HISTORY))
    assert f"{mention(BJORN)} registered {mention(CHLOE)}" in history
    assert f"{mention(BJORN)} added {mention(DIEGO)} to the waitlist" in history


def test_own_history_names_no_organizer(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    add(harness, CHLOE, DIEGO)
    listed = harness.slack.command(DIEGO, RANDOM, "/registrations").ephemeral[-1]
    harness.slack.click(DIEGO, listed, ActionId.REGISTRATION_HISTORY)
    history = said(top(harness, DIEGO))
    assert "An organizer added you to the waitlist" in history
    assert mention(BJORN) not in history


def test_members_whom_rollcall_never_met_are_created_and_looked_up(harness: SlackHarness) -> None:
    yoga(harness)
    assert harness.store.get_user(PRIYA) is None
    add(harness, PRIYA)
    assert harness.bot.service.get_user(PRIYA).user_id == PRIYA
    harness.deliver_due(70)
    assert harness.bot.service.get_user(PRIYA).is_named


UNFIT: dict[str, dict[str, Any]] = {
    "deactivated": {"deleted": True},
    "app": {"is_bot": True},
    "stranger": {"is_stranger": True},
}


@pytest.mark.parametrize("values", UNFIT.values(), ids=UNFIT)
def test_those_who_cannot_attend_are_named_and_left_out(
    harness: SlackHarness, values: dict[str, Any]
) -> None:
    yoga(harness)
    harness.workspace.put_member(replace(harness.workspace.member(DIEGO), **values))
    shown = preview(harness, CHLOE, DIEGO)
    assert f"*Can’t be added (1):* {mention(DIEGO)}" in said(shown)
    submit(harness, shown)
    assert harness.assert_invariants().seated("yoga") == [CHLOE]


def test_guest_can_be_added(harness: SlackHarness) -> None:
    yoga(harness)
    harness.workspace.put_member(replace(harness.workspace.member(DIEGO), is_restricted=True))
    add(harness, DIEGO)
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_preview_of_no_one_to_add_adds_no_one(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(CHLOE)
    harness.workspace.put_member(replace(harness.workspace.member(DIEGO), deleted=True))
    shown = preview(harness, CHLOE, DIEGO)
    assert NO_ONE in said(shown)
    again = submit(harness, shown).view
    assert NO_ONE in said(again)
    assert harness.assert_invariants().seated("yoga") == [CHLOE]


def test_other_members_after_the_preview_are_previewed_first(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    again = submit(harness, shown, chosen([CHLOE, DIEGO])).view
    assert f"*Will get a seat (2):* {mention(CHLOE)}, {mention(DIEGO)}" in said(again)
    assert harness.assert_invariants().registrations == {}
    assert again is not None
    submit(harness, again)
    assert sorted(harness.assert_invariants().seated("yoga")) == sorted([CHLOE, DIEGO])


def test_other_members_after_the_preview_are_pointed_out(harness: SlackHarness) -> None:
    yoga(harness)
    shown = preview(harness, CHLOE)
    assert LIST_CHANGED not in said(shown)
    assert LIST_CHANGED in said(submit(harness, shown, chosen([CHLOE, DIEGO])).view)


def test_no_one_chosen_is_marked(harness: SlackHarness) -> None:
    yoga(harness)
    result = submit(harness, form(harness, ActionId.ADD_ATTENDEES))
    assert result.errors == {BlockId.ATTENDEES: field_error(FieldProblem.NO_ATTENDEES)}


def test_event_without_a_waitlist_takes_all_or_none(harness: SlackHarness) -> None:
    yoga(harness, capacity=1, has_waitlist=False)
    refused = sentence(TooFewSeats("yoga", "Yoga in the park", 2, 1))
    assert refused in said(
        submit(harness, form(harness, ActionId.ADD_ATTENDEES), chosen([CHLOE, DIEGO])).view
    )
    assert harness.assert_invariants().registrations == {}


def test_manage_offers_it_while_the_event_takes_registrations(harness: SlackHarness) -> None:
    yoga(harness)
    assert f"[{ActionId.ADD_ATTENDEES}]" in said(manage_modal(harness))
    harness.bot.service.close_event("yoga")
    assert f"[{ActionId.ADD_ATTENDEES}]" not in said(manage_modal(harness))


def test_someone_whose_data_is_being_deleted_is_named(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.ensure_user(harness.draft(DIEGO))
    start_user_deletion(harness.store, DIEGO)
    refused = submit(harness, form(harness, ActionId.ADD_ATTENDEES), chosen([CHLOE, DIEGO])).view
    assert f"The data of {mention(DIEGO)} is being deleted" in said(refused)
    assert harness.assert_invariants().registrations == {}


def test_slack_that_does_not_answer_changes_nothing(harness: SlackHarness) -> None:
    yoga(harness)
    opened = form(harness, ActionId.ADD_ATTENDEES)
    harness.api.fail_next("users.info", Fault.server_error())
    assert sentence(SlackBusy()) in said(submit(harness, opened, chosen([CHLOE])).view)


def test_too_many_for_one_commit_says_how_many_fit(harness: SlackHarness) -> None:
    yoga(harness, capacity=1)
    everyone = new_members(harness, 49)
    refused = submit(harness, form(harness, ActionId.ADD_ATTENDEES), chosen(everyone)).view
    assert sentence(TooManyToAdd("yoga", 49, 33)) in said(refused)
    assert harness.assert_invariants().registrations == {}


def test_reason_for_too_many_is_true_of_a_few_on_the_waitlist(harness: SlackHarness) -> None:
    yoga(harness, capacity=48)
    everyone = new_members(harness, 49)
    refused = submit(harness, form(harness, ActionId.ADD_ATTENDEES), chosen(everyone)).view
    assert "some would join the waitlist. Add up to 48 now" in said(refused)
