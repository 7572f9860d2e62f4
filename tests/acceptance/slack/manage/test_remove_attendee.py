"""Finding and removing an attendee (R4.6, R8.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.manage.attendee_views import no_one_notified
from bot.slack import error_messages
from domain.enums import NotificationKind
from domain.errors import NotRegistered
from domain.inputs import EventChanges, UserDraft
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, manage_modal, press, said, submit, top


def details(harness: SlackHarness, user_id: str, by: str = BJORN) -> View:
    """Open Manage, then an attendee's details."""
    manage_modal(harness, by)
    return press(harness, ActionId.ATTENDEE, by, value=user_id)


NOT_REGISTERED = error_messages.message_for(
    BJORN, NotRegistered("yoga", sentences.YOGA, CHLOE)
).text


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_attendee_is_shown_with_status_and_time(harness: SlackHarness) -> None:
    yoga(harness)
    seated = said(details(harness, CHLOE))
    assert f"<@{CHLOE}> has had a seat in *Yoga in the park* since" in seated
    assert "Joined the waitlist" not in seated
    assert f"<@{HARUKI}> is 2nd on the waitlist for *Yoga in the park*" in said(
        details(harness, HARUKI)
    )


def test_attendee_is_shown_with_time_on_the_waitlist(harness: SlackHarness) -> None:
    yoga(harness)
    harness.clock.advance(timedelta(hours=1))
    harness.bot.service.unregister("yoga", CHLOE)
    assert "Joined the waitlist" in said(details(harness, DIEGO))
    assert "Waitlisted since" in said(details(harness, HARUKI))


def test_attendee_is_found_by_name(harness: SlackHarness) -> None:
    """Slack's user select searches members by name."""
    yoga(harness)
    manage_modal(harness)
    view = press(harness, ActionId.FIND_ATTENDEE, selected=DIEGO)
    assert f"<@{DIEGO}> is 1st on the waitlist" in said(view)


def test_cleared_search_changes_nothing(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack sends a select that was cleared as a choice of nothing."""
    yoga(harness)
    view = manage_modal(harness)
    result = harness.slack.click(BJORN, view, ActionId.FIND_ATTENDEE, selected=None)
    assert (result.failure, result.messages) == (None, [])
    assert result.view == harness.workspace.views.get(view.id)
    assert caplog.records == []


def test_non_attendee_is_reported_as_not_registered(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    assert f"<@{PRIYA}> isn’t registered" in said(
        press(harness, ActionId.FIND_ATTENDEE, selected=PRIYA)
    )


def test_attendee_not_in_slack_is_named(harness: SlackHarness) -> None:
    """API clients register users with ids of their own."""
    harness.event(organizer_id=BJORN)
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Ada *Lovelace*"))
    harness.bot.service.register("yoga", "emp-7")
    assert "Ada *Lovelace* · seat since" in said(manage_modal(harness))


def test_removal_promotes_next_and_notifies_both(harness: SlackHarness) -> None:
    yoga(harness)
    result = submit(harness, details(harness, CHLOE), {BlockId.REASON: "no-show, *twice*"})
    assert f"<@{DIEGO}> gets the seat" in said(result.view)
    harness.deliver_due(4)
    (message,) = harness.direct_messages(CHLOE)
    assert sentences.notified(NotificationKind.REMOVED) in message
    assert "no-show, *twice*" in message
    assert f"[{ActionId.SHOW_EVENTS}]" in message
    assert sentences.promoted() in harness.direct_messages(DIEGO)[0]
    assert f"<@{CHLOE}>" not in said(harness.workspace.views.stack(BJORN)[0])
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_removal_without_reason(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, details(harness, CHLOE))
    harness.deliver_due(4)
    assert "Reason" not in harness.direct_messages(CHLOE)[0]


def test_too_long_reason_is_a_field_error(harness: SlackHarness) -> None:
    yoga(harness)
    before = harness.everything()
    result = submit(harness, details(harness, CHLOE), {BlockId.REASON: "x" * 301})
    assert result.errors == {"reason": "Must have at most 300 characters."}
    assert harness.everything() == before


def test_non_organizer_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    view = details(harness, CHLOE, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    assert NOT_ALLOWED in said(submit(harness, view, user_id=PRIYA).view)
    assert harness.everything() == before


def test_removal_twice_says_not_registered(harness: SlackHarness) -> None:
    yoga(harness)
    view = details(harness, CHLOE)
    submit(harness, view)
    harness.workspace.views.update(view.id, view.body)
    result = submit(harness, view)
    assert NOT_REGISTERED in said(result.view)
    harness.deliver_due(4)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_deleted_event_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    view = details(harness, CHLOE)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(submit(harness, view).view)


def test_attendee_who_left_is_not_removed(harness: SlackHarness) -> None:
    yoga(harness)
    view = details(harness, CHLOE)
    harness.bot.service.unregister("yoga", CHLOE)
    assert NOT_REGISTERED in said(submit(harness, view).view)
    harness.deliver_due(4)
    assert harness.direct_messages(CHLOE) == []


@pytest.mark.parametrize("over", [True, False])
def test_removal_after_event_does_not_claim_notifications(
    harness: SlackHarness, over: bool
) -> None:
    """Regression: the form and the reply claimed notifications that were not sent."""
    yoga(harness)
    if over:
        harness.clock.advance(timedelta(days=2, minutes=1))
    else:
        harness.bot.service.cancel_event("yoga")
    harness.deliver_due(65)
    before = {user_id: len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO)}
    view = details(harness, CHLOE)
    assert "no one will be notified" in said(view)
    answered = said(submit(harness, view).view)
    assert no_one_notified(harness.bot.service.get_event("yoga")) in answered
    harness.deliver_due(6)
    assert {user_id: len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO)} == before


def test_history_has_reason(harness: SlackHarness) -> None:
    yoga(harness)
    submit(harness, details(harness, CHLOE), {BlockId.REASON: "no-show"})
    manage_modal(harness)
    text = said(press(harness, ActionId.HISTORY))
    assert f"<@{BJORN}> removed <@{CHLOE}>: no-show" in text
    assert f"<@{DIEGO}> got a seat from the waitlist" in text


def test_former_organizer_sees_no_attendee(harness: SlackHarness) -> None:
    """Not by the details button, and not by the search."""
    yoga(harness)
    manage_modal(harness, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    view = harness.workspace.views.stack(PRIYA)[0]
    ways: tuple[tuple[ActionId, dict[str, Any]], ...] = (
        (ActionId.ATTENDEE, {"value": CHLOE}),
        (ActionId.FIND_ATTENDEE, {"selected": CHLOE}),
    )
    for action, how in ways:
        result = harness.slack.click(PRIYA, view, action, **how)
        assert NOT_ALLOWED in said(result.view)
        harness.slack.close(PRIYA, top(harness, PRIYA).id)


def test_find_attendee_of_deleted_event_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    view = manage_modal(harness)
    harness.bot.service.delete_event("yoga")
    result = harness.slack.click(BJORN, view, ActionId.FIND_ATTENDEE, selected=CHLOE)
    assert GONE in said(result.view)
