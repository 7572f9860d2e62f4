"""Manage: roster, capacity with its preview, closing and reopening; for organizers and admins (R8.8, R8.9)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.manage.views import manage
from bot.slack.member_directory import KEPT_FOR
from domain.inputs import EventChanges
from domain.models import EventRegistrations
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    PRIYA,
    SlackHarness,
    answer,
    text_of,
)

CAPACITY = (BlockId.CAPACITY, ActionId.INPUT)


def managed(harness: SlackHarness, user_id: str = BJORN, event_id: str = "yoga") -> View:
    view = harness.slack.command(user_id, RANDOM, "/event", event_id).view
    assert view is not None
    return view


def top(harness: SlackHarness, user_id: str = BJORN) -> View:
    return harness.workspace.views.stack(user_id)[-1]


def shown(view: View) -> str:
    return text_of(view.blocks)


def capacity_form(harness: SlackHarness) -> View:
    harness.slack.click(BJORN, managed(harness), ActionId.CHANGE_CAPACITY)
    return top(harness)


# Opening it


def test_manage_on_the_card_and_the_command_show_the_same(harness: SlackHarness) -> None:
    card = harness.card(harness.event(organizer_id=BJORN))
    harness.register(CHLOE)
    by_command = managed(harness)
    by_card = harness.slack.click(BJORN, card, ActionId.MANAGE).view
    assert by_card is not None
    assert shown(by_card) == shown(by_command)
    assert "1 of 2 seats" in shown(by_card)
    assert by_card.title == "Manage event"


def test_event_with_a_part_of_several_titles_gives_a_choice(harness: SlackHarness) -> None:
    harness.event("y1", organizer_id=BJORN)
    harness.event("y2", organizer_id=BJORN)
    seen = harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    assert "Which one do you mean?" in answer(seen)
    view = harness.slack.click(BJORN, seen.ephemeral[-1], ActionId.MANAGE, value="y2").view
    assert view is not None
    assert '"y2"' in view.private_metadata


def test_event_with_an_unknown_name_says_so(harness: SlackHarness) -> None:
    assert "No event fits that" in answer(harness.slack.command(BJORN, RANDOM, "/event", "nothing"))


def test_co_organizers_may(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[CHLOE])
    assert "0 of 2 seats" in shown(managed(harness, CHLOE))


# R8.9


def test_others_change_nothing_and_are_told_so(harness: SlackHarness) -> None:
    card = harness.card(harness.event(organizer_id=BJORN))
    before = harness.assert_invariants()
    for seen in (
        harness.slack.click(CHLOE, card, ActionId.MANAGE),
        harness.slack.command(CHLOE, RANDOM, "/event", "yoga"),
    ):
        assert seen.view is None
        assert "Only the organizers of this event and workspace admins can do that" in answer(seen)
    assert harness.assert_invariants() == before


@pytest.mark.parametrize("action", [ActionId.CLOSE, ActionId.CHANGE_CAPACITY, ActionId.POST_CARD])
def test_an_organizer_who_is_one_no_more_changes_nothing_in_an_open_modal(
    harness: SlackHarness, action: ActionId
) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[CHLOE])
    view = managed(harness, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.assert_invariants()
    seen = harness.slack.click(CHLOE, view, action)
    assert "Only the organizers" in answer(seen)
    assert harness.assert_invariants() == before


def test_a_form_sent_by_an_organizer_who_is_one_no_more_changes_nothing(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=AMARA, co_organizer_ids=[BJORN])
    form = capacity_form(harness)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.assert_invariants()
    seen = harness.slack.submit(BJORN, form.id, {CAPACITY: "9"})
    assert "Only the organizers" in answer(seen)
    assert harness.assert_invariants() == before


def test_a_workspace_admin_may(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert "0 of 2 seats" in shown(managed(harness, AMARA))


def test_slack_is_asked_only_for_those_who_are_no_organizers_and_kept_for_five_minutes(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=BJORN)
    managed(harness, BJORN)
    assert harness.api.calls("users.info") == []
    managed(harness, AMARA)
    managed(harness, AMARA)
    assert len(harness.api.calls("users.info")) == 1
    harness.clock.advance(KEPT_FOR + timedelta(seconds=1))
    managed(harness, AMARA)
    assert len(harness.api.calls("users.info")) == 2


@pytest.mark.parametrize(
    "fault", [Fault.closed(), Fault.rate_limited(), Fault.server_error(503)], ids=repr
)
def test_permission_is_denied_when_slack_does_not_say_who_is_an_admin(
    harness: SlackHarness, fault: Fault
) -> None:
    harness.event(organizer_id=BJORN)
    harness.api.fail_next("users.info", fault)
    seen = harness.slack.command(AMARA, RANDOM, "/event", "yoga")
    assert "Only the organizers" in answer(seen)
    assert "0 of 2 seats" in shown(managed(harness, AMARA)), "asked again the next time"


# The roster: R6.2, R6.5


def test_the_roster_shows_seats_and_line_apart_with_positions(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE, DIEGO, HARUKI, PRIYA)
    text = shown(managed(harness))
    rows = [
        line.partition(" · ")[0] for line in text.splitlines() if "since" in line or "* (" in line
    ]
    assert rows == [
        "*Registered* (2)",
        f"<@{CHLOE}>",
        f"<@{DIEGO}>",
        "*Waiting* (2)",
        f"1. <@{HARUKI}>",
        f"2. <@{PRIYA}>",
    ]


def test_each_persons_button_says_to_a_screen_reader_whose_it_is(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    spoken = [
        block["accessory"]["accessibility_label"]
        for block in managed(harness).blocks
        if block.get("accessory", {}).get("action_id") == ActionId.PERSON
    ]
    assert spoken == ["Details of chloe", "Details of diego"]


def test_an_empty_event_says_so(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert "Nobody is registered yet." in shown(managed(harness))


def test_a_long_roster_comes_page_by_page_and_each_page_fits(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=40)
    many = [f"U{'0' * 60}{number:03}" for number in range(100)]
    harness.register(*many)
    view, texts = managed(harness), []
    while True:
        texts.append(shown(view))
        if "[Next page]" not in texts[-1]:
            break
        harness.slack.click(BJORN, view, ActionId.ROSTER_PAGE)
        view = top(harness)
    text = "\n".join(texts)
    assert len(texts) == 4
    for user_id in many:
        assert text.count(f"<@{user_id}>") == 1
    assert f"60. <@{many[-1]}>" in text
    for text in reversed(texts[:-1]):
        harness.slack.click(BJORN, top(harness), ActionId.ROSTER_BACK)
        assert shown(top(harness)) == text
    assert "[Previous page]" not in shown(top(harness))


def test_the_way_back_through_a_long_roster_fits_into_a_view(harness: SlackHarness) -> None:
    """Slack takes 3,000 characters of metadata: beyond them, the way back is cut at its beginning."""
    listing = EventRegistrations(harness.event("e" * 64), (), (), None)
    turned = [f"{number:0300}" for number in range(50)]
    metadata = manage(listing, {}, request_id="r" * 32, turned=turned).private_metadata
    assert metadata is not None
    assert len(metadata) <= 3_000
    kept = json.loads(metadata)["turned"]
    assert 0 < len(kept) < 50
    assert kept == turned[-len(kept) :]


# Capacity


def test_a_raise_is_previewed_then_done_and_those_promoted_are_told(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)
    form = capacity_form(harness)
    before = harness.assert_invariants()
    preview = harness.slack.submit(BJORN, form.id, {CAPACITY: "3"})
    assert f"1 to 3 gives a seat to <@{DIEGO}> and <@{HARUKI}>, and tells them." in answer(preview)
    assert harness.assert_invariants() == before, "a preview changes nothing"

    done = harness.slack.submit(BJORN, top(harness).id)
    assert "*Yoga in the park* has 3 seats now." in answer(done)
    assert "3 of 3 seats" in shown(harness.workspace.views.stack(BJORN)[0]), (
        "what lies below follows"
    )
    assert harness.assert_invariants().seated("yoga") == [CHLOE, DIEGO, HARUKI]
    harness.deliver_due()
    for user_id in (DIEGO, HARUKI):
        assert "There are more seats now" in harness.direct_messages(user_id)[0]
    assert harness.direct_messages(CHLOE) == []


def test_a_preview_of_a_raise_for_more_than_can_be_named_gives_the_number(
    harness: SlackHarness,
) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(*[f"U{number:03}" for number in range(200)])
    preview = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "150"})
    assert "and 144 more, and tells them." in answer(preview)


def test_a_change_that_moves_nobody_is_previewed_as_such(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=5)
    harness.register(CHLOE)
    preview = harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "4"})
    assert "5 to 4: nobody’s place changes." in answer(preview)
    assert "has 4 seats now" in answer(harness.slack.submit(BJORN, top(harness).id))


WRONG = {
    "none": ("0", "at least 1"),
    "less than none": ("-1", "at least 1"),
    "a seat and a half": ("1.5", "a whole number"),
    "one too many": ("100001", "at most 100,000"),
    "a number in words": ("ten", "a whole number"),
    "nothing": ("", "a whole number"),
}


@pytest.mark.parametrize(("typed", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_capacity_is_marked_at_its_field(
    harness: SlackHarness, typed: str, says: str
) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE, DIEGO)
    form = capacity_form(harness)
    before = harness.assert_invariants()
    seen = harness.slack.submit(BJORN, form.id, {CAPACITY: typed}, client_checks=False)
    assert list(seen.errors) == [BlockId.CAPACITY]
    assert says in seen.errors[BlockId.CAPACITY]
    assert harness.assert_invariants() == before


def test_fewer_than_are_registered_shows_who_came_last_and_removes_nobody(
    harness: SlackHarness,
) -> None:
    """R2.5."""
    harness.event(organizer_id=BJORN, capacity=4)
    harness.register(CHLOE, DIEGO, HARUKI, PRIYA)
    form = capacity_form(harness)
    before = harness.assert_invariants()
    text = answer(harness.slack.submit(BJORN, form.id, {CAPACITY: "2"}))
    assert (
        f"2 can’t be set: 4 people have a seat. The last to come were <@{PRIYA}> and <@{HARUKI}>."
        in text
    )
    assert harness.assert_invariants() == before
    # The form is still there, for another number.
    assert "4 to 5: nobody’s place changes." in answer(
        harness.slack.submit(BJORN, top(harness).id, {CAPACITY: "5"})
    )


def test_a_capacity_that_became_too_small_meanwhile_is_refused(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=5)
    harness.register(CHLOE)
    harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "1"})
    harness.register(DIEGO)
    seen = harness.slack.submit(BJORN, top(harness).id)
    assert "2 people have a seat already" in answer(seen)
    assert harness.assert_invariants().events["yoga"].capacity == 5


def test_a_second_press_on_confirm_changes_nothing_twice(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.submit(BJORN, capacity_form(harness).id, {CAPACITY: "2"})
    form = top(harness)
    payload = {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": BJORN, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": form.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True),
    }
    harness.slack.interact(payload)
    before = harness.assert_invariants()
    assert harness.slack.interact(payload).failure is None
    assert harness.assert_invariants() == before


# Closing and reopening


def test_close_and_reopen_change_the_event_and_what_is_shown(harness: SlackHarness) -> None:
    harness.card(harness.event(organizer_id=BJORN))
    harness.slack.click(BJORN, managed(harness), ActionId.CLOSE)
    assert "*Registration closed*" in shown(top(harness))
    assert "*Registration closed*" in harness.current_card_text()
    assert "[Register]" not in harness.current_card_text()
    assert "is closed" in answer(harness.slack.command(CHLOE, RANDOM, "/register", "yoga"))

    harness.slack.click(BJORN, top(harness), ActionId.REOPEN)
    assert "[Close registration]" in shown(top(harness))
    assert "You have a seat" in answer(harness.slack.command(CHLOE, RANDOM, "/register", "yoga"))


def test_a_double_click_on_close_leaves_it_closed(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    view = managed(harness)
    harness.slack.click(BJORN, view, ActionId.CLOSE)
    before = harness.assert_invariants()
    assert harness.slack.click(BJORN, view, ActionId.CLOSE).failure is None
    assert harness.assert_invariants() == before


def test_closing_an_event_that_was_canceled_meanwhile_says_so(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    view = managed(harness)
    harness.bot.service.cancel_event("yoga")
    seen = harness.slack.click(BJORN, view, ActionId.CLOSE)
    assert "This event was canceled" in answer(seen)


def test_the_card_of_a_channel_is_posted_again_from_manage(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.slack.click(BJORN, managed(harness), ActionId.POST_CARD)
    seen = harness.slack.submit(BJORN, top(harness).id, {(BlockId.CHANNEL, ActionId.INPUT): EVENTS})
    assert "The card of *Yoga in the park* is posted." in answer(seen)
    assert "0 of 2 seats" in text_of(harness.workspace.messages(EVENTS)[-1].blocks)


def test_a_second_press_of_post_makes_no_second_card(harness: SlackHarness) -> None:
    """R8.13."""
    harness.card(harness.event(organizer_id=BJORN))
    harness.slack.click(BJORN, managed(harness), ActionId.POST_CARD)
    form = top(harness)
    body = form.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True)
    chosen = {BlockId.CHANNEL: {ActionId.INPUT: {"selected_conversation": EVENTS}}}
    payload = {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": BJORN, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": body | {"state": {"values": chosen}},
    }
    first = harness.slack.interact(payload).response
    cards = len(harness.workspace.messages(EVENTS))
    second = harness.slack.interact(payload).response
    assert first is not None
    assert second is not None
    assert second.body == first.body
    assert len(harness.workspace.messages(EVENTS)) == cards

    harness.clock.advance(timedelta(seconds=1))
    harness.slack.click(BJORN, managed(harness), ActionId.POST_CARD)
    harness.slack.submit(BJORN, top(harness).id, {(BlockId.CHANNEL, ActionId.INPUT): EVENTS})
    assert len(harness.workspace.messages(EVENTS)) == cards + 1, "another form posts another"
