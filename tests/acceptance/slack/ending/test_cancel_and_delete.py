"""Canceling, with everyone told, and deleting, once the title is typed (R8.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.formatting import escape
from bot.blocks.ids import ActionId, BlockId
from domain.enums import EventStatus
from domain.errors import UnknownEvent
from domain.inputs import EventChanges
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, form, managed, press, said, submit


def yoga(harness: SlackHarness, **values: Any) -> None:
    harness.event(organizer_id=BJORN, capacity=1, **values)
    harness.register(CHLOE, DIEGO)


def test_canceling_asks_first_and_says_who_is_told(harness: SlackHarness) -> None:
    yoga(harness)
    assert "2 people in it will be told" in said(form(harness, ActionId.CANCEL_EVENT))
    assert harness.bot.service.get_event("yoga").status is EventStatus.OPEN


def test_everyone_is_told_of_a_cancellation_with_a_way_off_the_calendar(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.CANCEL_EVENT))
    harness.deliver_due(6)
    for user_id in (CHLOE, DIEGO):
        (told,) = harness.direct_messages(user_id)
        assert "was canceled" in told
        assert "[Take it off my calendar]" in told
    assert "Canceled" in said(managed(harness))


def test_canceled_twice_it_is_told_once(harness: SlackHarness) -> None:
    yoga(harness)
    managed(harness)
    first = press(harness, ActionId.CANCEL_EVENT)
    submit(harness, first)
    harness.workspace.views.update(first.id, first.body)
    assert "canceled already" in said(submit(harness, first).view)
    harness.deliver_due(6)
    assert len(harness.direct_messages(CHLOE)) == 1


@pytest.mark.parametrize("action", [ActionId.CANCEL_EVENT, ActionId.DELETE_EVENT])
def test_others_may_not(harness: SlackHarness, action: ActionId) -> None:
    yoga(harness, co_organizer_ids=[HARUKI])
    view = form(harness, action, HARUKI)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    values = {BlockId.CONFIRMATION: "Yoga in the park"} if action is ActionId.DELETE_EVENT else {}
    assert NOT_ALLOWED in said(submit(harness, view, values, HARUKI).view)
    assert harness.everything() == before


@pytest.mark.parametrize("action", [ActionId.CANCEL_EVENT, ActionId.DELETE_EVENT])
def test_an_event_that_vanished_meanwhile_says_so(harness: SlackHarness, action: ActionId) -> None:
    yoga(harness)
    view = form(harness, action)
    harness.bot.service.delete_event("yoga")
    values = {BlockId.CONFIRMATION: "Yoga in the park"} if action is ActionId.DELETE_EVENT else {}
    assert GONE in said(submit(harness, view, values).view)


@pytest.mark.parametrize("action", [ActionId.CANCEL_EVENT, ActionId.DELETE_EVENT])
def test_of_an_event_that_is_over_nobody_is_told_and_nobody_is_said_to_be(
    harness: SlackHarness, action: ActionId
) -> None:
    yoga(harness)
    harness.clock.advance(timedelta(days=2, minutes=1))
    view = form(harness, action)
    values = {BlockId.CONFIRMATION: "Yoga in the park"} if action is ActionId.DELETE_EVENT else {}
    answered = said(submit(harness, view, values).view)
    harness.deliver_due(6)
    assert "will be told" not in said(view) + answered
    assert harness.direct_messages(CHLOE) == []


@pytest.mark.parametrize("typed", ["", "yoga", "Yoga in the parc"])
def test_deleting_wants_the_title(harness: SlackHarness, typed: str) -> None:
    yoga(harness)
    before = harness.everything()
    seen = submit(harness, form(harness, ActionId.DELETE_EVENT), {BlockId.CONFIRMATION: typed})
    assert list(seen.errors) == ["confirmation"]
    assert harness.everything() == before


def test_a_deleted_event_is_gone_and_its_people_are_told(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    seen = submit(harness, view, {BlockId.CONFIRMATION: " yoga in the PARK "})
    assert "is deleted" in said(seen.view)
    harness.deliver_due(6)
    with pytest.raises(UnknownEvent):
        harness.bot.service.get_event("yoga")
    for user_id in (CHLOE, DIEGO):
        (told,) = harness.direct_messages(user_id)
        assert "was deleted" in told
        assert "[What else is coming]" in told
    assert "is deleted" in said(harness.workspace.views.stack(BJORN)[0])
    harness.assert_invariants()


def test_what_else_is_coming_is_shown_beside_the_message(harness: SlackHarness) -> None:
    yoga(harness)
    harness.event("chess", title="Chess")
    harness.bot.service.delete_event("yoga")
    harness.deliver_due(6)
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    seen = harness.slack.click(CHLOE, message, ActionId.SHOW_EVENTS)
    assert seen.failure is None
    assert "Chess" in str([one.blocks for one in seen.ephemeral])


def test_deleted_twice_it_is_gone_once(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    submit(harness, view, {BlockId.CONFIRMATION: "Yoga in the park"})
    # The same request, as a retry after a lost answer would bring it.
    again = harness.workspace.views.open(BJORN, view.body, None)
    seen = submit(harness, again, {BlockId.CONFIRMATION: "Yoga in the park"})
    assert GONE in said(seen.view)
    harness.deliver_due(6)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_a_title_that_was_copied_from_a_message_deletes(harness: SlackHarness) -> None:
    """What keeps its asterisks from formatting anything is in the copy."""
    harness.event(organizer_id=BJORN, title="*Yoga* in _the_ park")
    view = form(harness, ActionId.DELETE_EVENT)
    copied = escape("*Yoga* in _the_ park")
    assert "is deleted" in said(submit(harness, view, {BlockId.CONFIRMATION: copied}).view)


def test_deleting_wants_the_title_of_today(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    harness.bot.service.edit_event("yoga", EventChanges.of(title="Pilates"))
    seen = submit(harness, view, {BlockId.CONFIRMATION: "Yoga in the park"})
    assert list(seen.errors) == ["confirmation"]
    assert harness.bot.service.get_event("yoga").title == "Pilates"


def test_who_joined_since_the_question_is_told_of_the_cancellation_too(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    view = form(harness, ActionId.CANCEL_EVENT)
    harness.register(HARUKI)
    assert "3 people in it will be told" in said(submit(harness, view).view)
    harness.deliver_due(6)
    assert "was canceled" in harness.direct_messages(HARUKI)[0]
