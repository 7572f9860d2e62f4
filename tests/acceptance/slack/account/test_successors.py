"""The successor whom a person who deletes their data can choose for their events (R2.9)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.formatting import moment
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import mention
from bot.features.account import views as account_views
from bot.slack.error_messages import CHOOSE_ANOTHER, sentence
from bot.slack.member_directory import CACHED_FOR
from bot.slack.refusals import SlackBusy, SuccessorRefused
from domain.enums import ChangeKind
from domain.errors import UnknownUser
from domain.execution.deletion_ids import deletion_id_with
from domain.inputs import EventChanges
from playground.client.member_client import ActionResult
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Message
from tests.support.environment import start_user_deletion
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    SlackHarness,
    reply,
    shown,
)

LOOK_UP = "users.info"
SELECT = f"'action_id': '{ActionId.SUCCESSOR}'"


def organizing(harness: SlackHarness, *co_organizers: str, event_id: str = "yoga") -> None:
    """Create an event of Björn's."""
    harness.bot.service.ensure_user(harness.draft(BJORN))
    harness.event(event_id, organizer_id=BJORN, co_organizer_ids=co_organizers)


def question(harness: SlackHarness) -> Message:
    return harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]


def choose(harness: SlackHarness, asked: Message, user_id: str) -> Message:
    """Choose a successor. Return the question that takes the first one's place."""
    result = harness.slack.click(BJORN, asked, ActionId.SUCCESSOR, selected=user_id)
    assert result.failure is None
    again = result.messages[-1]
    assert again.ts == asked.ts
    return again


def confirm(harness: SlackHarness, asked: Message) -> ActionResult:
    return harness.slack.click(BJORN, asked, ActionId.FORGET_ME)


def organizers(harness: SlackHarness, event_id: str = "yoga") -> tuple[str, ...]:
    return harness.bot.service.get_event(event_id).organizer_ids


def change_member(harness: SlackHarness, user_id: str, **values: Any) -> None:
    harness.workspace.put_member(replace(harness.workspace.member(user_id), **values))


def test_successor_organizes_events_that_no_one_else_organizes(harness: SlackHarness) -> None:
    organizing(harness)
    organizing(harness, DIEGO, event_id="chess")
    asked = choose(harness, question(harness), CHLOE)
    done = confirm(harness, asked)
    harness.deliver_due()
    for said, does in ((shown(asked), "will organize"), (reply(done), "organizes")):
        assert f"– {mention(CHLOE)} {does} it" in said
        assert f"– {mention(DIEGO)} {does} it" in said
    assert (organizers(harness), organizers(harness, "chess")) == ((CHLOE,), (DIEGO,))
    (message,) = harness.direct_messages(CHLOE)
    assert f"{mention(BJORN)} deleted their data" in message
    assert "you’re now the organizer of *Yoga in the park*" in message
    assert harness.direct_messages(AMARA) == []
    assert harness.bot.service.get_user(CHLOE).user_id == CHLOE, "for a later deactivation"
    harness.assert_invariants()


def test_delete_pressed_on_the_first_question_keeps_the_choice(harness: SlackHarness) -> None:
    """A person can press it before the question that names the successor takes its place."""
    organizing(harness)
    asked = question(harness)
    choose(harness, asked, CHLOE)
    confirm(harness, asked)
    assert organizers(harness) == (CHLOE,)


def test_events_of_one_title_show_their_starts(harness: SlackHarness) -> None:
    organizing(harness)
    organizing(harness, event_id="again")
    event = harness.bot.service.get_event("yoga")
    later = event.starts_at + timedelta(days=7)
    harness.bot.service.edit_event("again", EventChanges.of(starts_at=later, ends_at=None))
    asked = shown(question(harness))
    assert moment(event.starts_at, event.time_zone) in asked
    assert moment(later, event.time_zone) in asked


def test_keep_pressed_after_the_deletion_does_not_say_that_nothing_was_deleted(
    harness: SlackHarness,
) -> None:
    """A person can have asked twice."""
    organizing(harness)
    first, second = question(harness), question(harness)
    confirm(harness, first)
    kept = harness.slack.click(BJORN, second, ActionId.KEEP_DATA).messages[-1]
    assert account_views.nothing_deleted().text not in shown(kept)


def test_history_says_why_the_organizer_changed(harness: SlackHarness) -> None:
    organizing(harness)
    confirm(harness, choose(harness, question(harness), CHLOE))
    last = harness.bot.service.list_history("yoga").items[0].changes[0]
    assert (last.kind, last.fields) == (
        ChangeKind.ORGANIZER_LEFT,
        {"organizer_id": (BJORN, CHLOE)},
    )


def test_no_successor_is_asked_for_without_an_event_that_needs_one(harness: SlackHarness) -> None:
    organizing(harness, DIEGO)
    assert SELECT not in str(question(harness).blocks)
    organizing(harness, event_id="chess")
    assert SELECT in str(question(harness).blocks)


@pytest.mark.parametrize("state", ["past", "canceled"])
def test_past_and_canceled_events_are_handed_over_silently(
    harness: SlackHarness, state: str
) -> None:
    organizing(harness)
    if state == "canceled":
        harness.bot.service.cancel_event("yoga")
    harness.clock.advance(timedelta(days=4))
    organizing(harness, event_id="chess")
    confirm(harness, choose(harness, question(harness), CHLOE))
    harness.deliver_due()
    assert (organizers(harness), organizers(harness, "chess")) == ((CHLOE,), (CHLOE,))
    assert len(harness.direct_messages(CHLOE)) == 1


def test_many_events_are_handed_over(harness: SlackHarness) -> None:
    for number in range(30):
        organizing(harness, event_id=f"e{number}")
    asked = choose(harness, question(harness), CHLOE)
    assert f"and {30 - account_views.MAX_NAMED} more" in shown(asked)
    confirm(harness, asked)
    harness.deliver_due()
    assert {organizers(harness, f"e{number}") for number in range(30)} == {(CHLOE,)}
    assert harness.store.get_user(BJORN) is None


def test_events_that_no_one_else_organizes_are_named_first(harness: SlackHarness) -> None:
    """With a successor for these, the question and the reply name them."""
    for number in range(account_views.MAX_NAMED):
        organizing(harness, DIEGO, event_id=f"shared{number}")
    later = harness.clock.now() + timedelta(days=9)
    harness.event("own", title="Own", organizer_id=BJORN, starts_at=later)
    asked = question(harness)
    assert "no one else organizes it" in shown(asked)
    chosen = choose(harness, asked, CHLOE)
    done = confirm(harness, chosen)
    for said, does in ((shown(chosen), "will organize"), (reply(done), "organizes")):
        assert re.search(rf"\*Own\*, .+ – {mention(CHLOE)} {does} it", said)


def test_events_of_an_organizer_who_is_no_user_are_handed_over(harness: SlackHarness) -> None:
    """An event that is created over HTTP names whom it likes."""
    harness.event(organizer_id=BJORN)
    confirm(harness, choose(harness, question(harness), CHLOE))
    assert organizers(harness) == (CHLOE,)
    assert harness.store.get_user(BJORN) is None


def test_who_has_no_data_is_not_asked(harness: SlackHarness) -> None:
    asked = harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me")
    assert reply(asked) == sentence(UnknownUser(BJORN))


UNFIT: dict[str, dict[str, Any]] = {
    "guest of several channels": {"is_restricted": True},
    "guest of one channel": {"is_ultra_restricted": True},
    "deactivated": {"deleted": True},
    "app": {"is_bot": True},
    "stranger": {"is_stranger": True},
}


@pytest.mark.parametrize("values", UNFIT.values(), ids=UNFIT)
def test_unfit_successor_is_refused_when_chosen(
    harness: SlackHarness, values: dict[str, Any]
) -> None:
    organizing(harness)
    change_member(harness, CHLOE, **values)
    asked = choose(harness, question(harness), CHLOE)
    assert f"{mention(CHLOE)} can’t take over your events. {CHOOSE_ANOTHER}" in shown(asked)
    assert "no one else organizes it" in shown(asked)
    chosen = choose(harness, asked, DIEGO)
    assert CHOOSE_ANOTHER not in shown(chosen)
    confirm(harness, chosen)
    assert organizers(harness) == (DIEGO,)


def test_oneself_is_refused(harness: SlackHarness) -> None:
    organizing(harness)
    assert CHOOSE_ANOTHER in shown(choose(harness, question(harness), BJORN))


@pytest.mark.parametrize("values", UNFIT.values(), ids=UNFIT)
def test_successor_who_became_unfit_is_refused_and_nothing_is_deleted(
    harness: SlackHarness, values: dict[str, Any]
) -> None:
    organizing(harness)
    asked = choose(harness, question(harness), CHLOE)
    change_member(harness, CHLOE, **values)
    harness.clock.advance(CACHED_FOR)
    assert reply(confirm(harness, asked)) == sentence(SuccessorRefused(CHLOE))
    assert organizers(harness) == (BJORN,)
    assert harness.bot.service.get_user(BJORN).user_id == BJORN
    assert harness.store.get_user(CHLOE) is None


def test_successor_whom_an_event_deactivates_is_refused_at_once(harness: SlackHarness) -> None:
    """They were no user when the event came, so nobody would notice later that they are gone."""
    organizing(harness)
    asked = choose(harness, question(harness), CHLOE)
    harness.slack.update_member(CHLOE, deleted=True)
    assert reply(confirm(harness, asked)) == sentence(SuccessorRefused(CHLOE))
    assert harness.store.get_user(CHLOE) is None


def test_successor_who_is_being_deleted_is_refused(harness: SlackHarness) -> None:
    organizing(harness)
    harness.bot.service.ensure_user(harness.draft(CHLOE))
    asked = choose(harness, question(harness), CHLOE)
    start_user_deletion(harness.store, CHLOE)
    assert reply(confirm(harness, asked)) == sentence(SuccessorRefused(CHLOE))
    assert organizers(harness) == (BJORN,)


def test_choice_waits_for_a_slack_that_answers(harness: SlackHarness) -> None:
    organizing(harness)
    asked = question(harness)
    harness.api.fail_next(LOOK_UP, Fault.server_error())
    result = harness.slack.click(BJORN, asked, ActionId.SUCCESSOR, selected=CHLOE)
    assert reply(result) == sentence(SlackBusy())
    assert mention(CHLOE) in shown(choose(harness, asked, CHLOE))


def test_second_press_changes_nothing_twice(harness: SlackHarness) -> None:
    """R8.13."""
    organizing(harness)
    asked = choose(harness, question(harness), CHLOE)
    for _ in range(2):
        assert confirm(harness, asked).failure is None
    harness.deliver_due()
    assert organizers(harness) == (CHLOE,)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_second_press_with_a_successor_who_became_unfit_says_that_nothing_is_stored(
    harness: SlackHarness,
) -> None:
    """The refusal of a successor says that nothing was deleted."""
    organizing(harness)
    asked = choose(harness, question(harness), CHLOE)
    confirm(harness, asked)
    change_member(harness, CHLOE, deleted=True)
    harness.clock.advance(CACHED_FOR)
    assert reply(confirm(harness, asked)) == sentence(UnknownUser(BJORN))


def being_deleted(harness: SlackHarness, successor_id: str) -> None:
    """Start Björn's deletion in a process that dies."""
    harness.bot.service.ensure_user(harness.draft(successor_id))
    start_user_deletion(harness.store, BJORN, deletion_id_with(successor_id, "d1"))


def test_reply_names_the_successor_of_the_deletion_that_has_started(harness: SlackHarness) -> None:
    organizing(harness)
    asked = choose(harness, question(harness), DIEGO)
    being_deleted(harness, CHLOE)
    said = reply(confirm(harness, asked))
    assert f"{mention(CHLOE)} organizes it now" in said
    assert mention(DIEGO) not in said
    assert organizers(harness) == (CHLOE,)


def test_unfit_successor_does_not_matter_once_the_deletion_has_started(
    harness: SlackHarness,
) -> None:
    organizing(harness)
    asked = choose(harness, question(harness), DIEGO)
    being_deleted(harness, CHLOE)
    change_member(harness, DIEGO, deleted=True)
    harness.clock.advance(CACHED_FOR)
    assert f"{mention(CHLOE)} organizes it now" in reply(confirm(harness, asked))


def test_forget_me_asks_nothing_once_the_deletion_has_started(harness: SlackHarness) -> None:
    organizing(harness)
    being_deleted(harness, CHLOE)
    said = question(harness)
    assert ActionId.FORGET_ME not in str(said.blocks)
    assert f"{mention(CHLOE)} will organize it" in shown(said)


def test_choice_comes_too_late_once_the_deletion_has_started(harness: SlackHarness) -> None:
    organizing(harness)
    asked = question(harness)
    being_deleted(harness, CHLOE)
    said = shown(choose(harness, asked, DIEGO))
    assert f"{mention(CHLOE)} will organize it" in said
    assert mention(DIEGO) not in said


def test_crash_loses_no_successor(harness: SlackHarness) -> None:
    organizing(harness)
    harness.bot.service.ensure_user(harness.draft(CHLOE))
    start_user_deletion(harness.store, BJORN, deletion_id_with(CHLOE, "d1"))
    assert organizers(harness) == (BJORN,)
    harness.deliver_due(5)
    assert organizers(harness) == (CHLOE,)
    assert harness.store.get_user(BJORN) is None
    assert len(harness.direct_messages(CHLOE)) == 1


@pytest.mark.parametrize("is_deleted", [False, True])
def test_admins_are_asked_if_the_successor_left_meanwhile(
    harness: SlackHarness, is_deleted: bool
) -> None:
    organizing(harness)
    harness.bot.service.ensure_user(harness.draft(CHLOE))
    start_user_deletion(harness.store, BJORN, deletion_id_with(CHLOE, "d1"))
    if is_deleted:
        harness.bot.service.delete_user(CHLOE)
    else:
        start_user_deletion(harness.store, CHLOE, deletion_id_with(BJORN, "d2"))
    harness.deliver_due(5)
    assert organizers(harness) == ()
    assert len(harness.direct_messages(AMARA)) == 1
    assert harness.direct_messages(CHLOE) == []
