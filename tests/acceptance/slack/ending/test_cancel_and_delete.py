"""Canceling and deleting events (R8.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import escape
from bot.features.manage.attendee_views import no_one_notified
from domain.enums import EventStatus, NotificationKind
from domain.errors import UnknownEvent
from domain.inputs import MAX_REASON_LENGTH, EventChanges
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, form, manage_modal, press, said, submit


def yoga(harness: SlackHarness, **values: Any) -> None:
    harness.event(organizer_id=BJORN, capacity=1, **values)
    harness.register(CHLOE, DIEGO)


def test_cancel_asks_first_with_recipient_count(harness: SlackHarness) -> None:
    yoga(harness)
    assert "2 people will be notified" in said(form(harness, ActionId.CANCEL_EVENT))
    assert harness.bot.service.get_event("yoga").status is EventStatus.OPEN


def test_cancellation_notifies_attendees_with_calendar_button_for_those_with_a_seat(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.CANCEL_EVENT))
    harness.deliver_due(6)
    for user_id, has_seat in ((CHLOE, True), (DIEGO, False)):
        (message,) = harness.direct_messages(user_id)
        assert sentences.notified(NotificationKind.CANCELED, actor_id=BJORN) in message
        assert (f"[{ActionId.ADD_TO_CALENDAR}]" in message) is has_seat
    assert "Canceled" in said(manage_modal(harness))


def test_reason_of_a_cancellation_is_kept(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, form(harness, ActionId.CANCEL_EVENT), {BlockId.REASON: "It rains."})
    (entry, *_) = harness.bot.service.list_history("yoga").items
    assert "It rains." in [change.reason for change in entry.changes]


def test_reason_that_is_too_long_is_a_field_error(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.CANCEL_EVENT)
    result = submit(harness, view, {BlockId.REASON: "x" * (MAX_REASON_LENGTH + 1)})
    assert list(result.errors) == [BlockId.REASON]
    assert harness.bot.service.get_event("yoga").status is EventStatus.OPEN


def test_cancel_twice_notifies_once(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    first = press(harness, ActionId.CANCEL_EVENT)
    submit(harness, first)
    harness.workspace.views.update(first.id, first.body)
    assert "already canceled" in said(submit(harness, first).view)
    harness.deliver_due(6)
    assert len(harness.direct_messages(CHLOE)) == 1


@pytest.mark.parametrize("action", [ActionId.CANCEL_EVENT, ActionId.DELETE_EVENT])
def test_non_organizer_is_refused(harness: SlackHarness, action: ActionId) -> None:
    yoga(harness, co_organizer_ids=[HARUKI])
    view = form(harness, action, HARUKI)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    values = {BlockId.CONFIRMATION: "Yoga in the park"} if action is ActionId.DELETE_EVENT else {}
    assert NOT_ALLOWED in said(submit(harness, view, values, HARUKI).view)
    assert harness.everything() == before


@pytest.mark.parametrize("action", [ActionId.CANCEL_EVENT, ActionId.DELETE_EVENT])
def test_deleted_event_is_refused(harness: SlackHarness, action: ActionId) -> None:
    yoga(harness)
    view = form(harness, action)
    harness.bot.service.delete_event("yoga")
    values = {BlockId.CONFIRMATION: "Yoga in the park"} if action is ActionId.DELETE_EVENT else {}
    assert GONE in said(submit(harness, view, values).view)


@pytest.mark.parametrize("is_canceled", [True, False])
def test_deletion_after_event_says_that_no_one_is_notified(
    harness: SlackHarness, is_canceled: bool
) -> None:
    """The form is still open when the event is over or canceled, and promised a notification."""
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    if is_canceled:
        harness.bot.service.cancel_event("yoga")
        harness.deliver_due(6)
    else:
        harness.clock.advance(timedelta(days=2, minutes=1))
    event, before = harness.bot.service.get_event("yoga"), len(harness.direct_messages(CHLOE))
    submit(harness, view, {BlockId.CONFIRMATION: "Yoga in the park"})
    harness.deliver_due(6)
    assert no_one_notified(event) in said(harness.workspace.views.stack(BJORN)[0])
    assert len(harness.direct_messages(CHLOE)) == before


@pytest.mark.parametrize("is_over", [True, False])
def test_deletion_of_an_event_that_has_ended_offers_the_export_instead(
    harness: SlackHarness, is_over: bool
) -> None:
    """It can't be canceled anymore, and no one is notified."""
    yoga(harness)
    assert "export" not in said(form(harness, ActionId.DELETE_EVENT))
    if is_over:
        harness.clock.advance(timedelta(days=2, minutes=1))
    else:
        harness.bot.service.cancel_event("yoga")
    shown = said(form(harness, ActionId.DELETE_EVENT))
    assert "export" in shown
    assert "cancel" not in shown
    assert "notified" not in shown


@pytest.mark.parametrize("typed", ["", "yoga", "Yoga in the parc"])
def test_delete_with_wrong_title_is_refused(harness: SlackHarness, typed: str) -> None:
    yoga(harness)
    before = harness.everything()
    result = submit(harness, form(harness, ActionId.DELETE_EVENT), {BlockId.CONFIRMATION: typed})
    assert list(result.errors) == ["confirmation"]
    assert harness.everything() == before


def test_delete_removes_event_and_notifies_attendees(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    result = submit(harness, view, {BlockId.CONFIRMATION: " yoga in the PARK "})
    assert "has been deleted" in said(result.view)
    harness.deliver_due(6)
    with pytest.raises(UnknownEvent):
        harness.bot.service.get_event("yoga")
    for user_id in (CHLOE, DIEGO):
        (message,) = harness.direct_messages(user_id)
        assert sentences.notified(NotificationKind.DELETED) in message
        assert f"[{ActionId.SHOW_EVENTS}]" in message
    assert "has been deleted" in said(harness.workspace.views.stack(BJORN)[0])
    harness.assert_invariants()


def test_upcoming_events_button_replies_ephemerally(harness: SlackHarness) -> None:
    yoga(harness)
    harness.event("chess", title="Chess")
    harness.bot.service.delete_event("yoga")
    harness.deliver_due(6)
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    result = harness.slack.click(CHLOE, message, ActionId.SHOW_EVENTS)
    assert result.failure is None
    assert "Chess" in str([one.blocks for one in result.ephemeral])


def test_delete_twice_deletes_once(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    submit(harness, view, {BlockId.CONFIRMATION: "Yoga in the park"})
    # The same request, as a retry after a lost answer would bring it.
    again = harness.workspace.views.open(BJORN, view.body, None)
    result = submit(harness, again, {BlockId.CONFIRMATION: "Yoga in the park"})
    assert GONE in said(result.view)
    harness.deliver_due(6)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_delete_accepts_title_copied_from_message(harness: SlackHarness) -> None:
    """The copy has the lookalikes of asterisks."""
    harness.event(organizer_id=BJORN, title="*Yoga* in _the_ park")
    view = form(harness, ActionId.DELETE_EVENT)
    copied = escape("*Yoga* in _the_ park")
    assert "has been deleted" in said(submit(harness, view, {BlockId.CONFIRMATION: copied}).view)


@pytest.mark.parametrize("typed", ['"It\'s on" - \xa0the party', ":tada: “it’s on” – THE party"])
def test_delete_accepts_title_typed_on_a_keyboard(harness: SlackHarness, typed: str) -> None:
    """Quotes, dashes and emoji are hard to type as they are in a title."""
    harness.event(organizer_id=BJORN, title="🎉 “It’s on” – the party")
    view = form(harness, ActionId.DELETE_EVENT)
    assert "has been deleted" in said(submit(harness, view, {BlockId.CONFIRMATION: typed}).view)


def test_delete_after_rename_needs_new_title(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    harness.bot.service.edit_event("yoga", EventChanges.of(title="Pilates"))
    result = submit(harness, view, {BlockId.CONFIRMATION: "Yoga in the park"})
    assert list(result.errors) == ["confirmation"]
    assert harness.bot.service.get_event("yoga").title == "Pilates"


def test_cancellation_notifies_attendee_who_joined_after_question(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.CANCEL_EVENT)
    harness.register(HARUKI)
    assert "3 people will be notified" in said(submit(harness, view).view)
    harness.deliver_due(6)
    sentence = sentences.notified(NotificationKind.CANCELED, actor_id=BJORN)
    assert sentence in harness.direct_messages(HARUKI)[0]
