"""Finding and removing an attendee (R4.6, R8.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.slack import error_messages
from domain.enums import NotificationKind
from domain.errors import NotRegistered
from domain.inputs import EventChanges, UserDraft
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, manage_modal, press, said, submit, top


def person(town: Town, user_id: str, by: str = BJORN) -> View:
    """Open Manage, then an attendee's details."""
    managed(town, by)
    return press(town, ActionId.ATTENDEE, by, value=user_id)


NOT_REGISTERED = error_messages.to(BJORN, NotRegistered("yoga", sentences.YOGA, CHLOE)).text


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_attendee_is_shown_with_status_and_time(town: Town) -> None:
    yoga(town)
    assert f"<@{CHLOE}> has had a seat in *Yoga in the park* since" in said(person(town, CHLOE))
    assert f"<@{HARUKI}> is 2nd on the waitlist for *Yoga in the park*" in said(
        person(harness, HARUKI)
    )


def test_attendee_is_found_by_name(town: Town) -> None:
    """Slack's user select searches members by name."""
    yoga(town)
    managed(town)
    view = press(town, ActionId.FIND_ATTENDEE, selected=DIEGO)
    assert f"<@{DIEGO}> is 1st on the waitlist" in said(view)


def test_non_attendee_is_said_not_to_be_registered(town: Town) -> None:
    yoga(town)
    managed(town)
    assert f"<@{PRIYA}> isn’t registered" in said(
        press(harness, ActionId.FIND_ATTENDEE, selected=PRIYA)
    )


def test_attendee_not_in_slack_is_named(town: Town) -> None:
    """API clients register users with ids of their own."""
    town.event(organizer_id=BJORN)
    town.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Ada *Lovelace*"))
    town.bot.service.register("yoga", "emp-7")
    assert "Ada *Lovelace* · seat since" in said(managed(town))


def test_removal_promotes_next_and_notifies_both(town: Town) -> None:
    yoga(town)
    seen = submit(town, person(town, CHLOE), {BlockId.REASON: "no-show, *twice*"})
    assert f"<@{DIEGO}> gets the seat" in said(seen.view)
    harness.deliver_due(4)
    (told,) = harness.direct_messages(CHLOE)
    assert sentences.notified(NotificationKind.REMOVED) in told
    assert "no-show, *twice*" in told
    assert f"[{ActionId.SHOW_EVENTS}]" in told
    assert sentences.promoted() in harness.direct_messages(DIEGO)[0]
    assert f"<@{CHLOE}>" not in said(harness.workspace.views.stack(BJORN)[0])
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_removal_without_reason(town: Town) -> None:
    yoga(town)
    submit(town, person(town, CHLOE))
    town.settle(4)
    assert "Reason" not in town.told(CHLOE)[0]


def test_too_long_reason_is_marked(town: Town) -> None:
    yoga(town)
    before = town.everything()
    seen = submit(town, person(town, CHLOE), {BlockId.REASON: "x" * 301})
    assert seen.errors == {"reason": "Must have at most 300 characters."}
    assert harness.everything() == before


def test_non_organizer_is_refused(town: Town) -> None:
    yoga(town)
    view = person(town, CHLOE, PRIYA)
    town.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = town.everything()
    assert NOT_ALLOWED in said(submit(town, view, user_id=PRIYA).view)
    assert town.everything() == before


def test_removal_twice_says_not_registered(town: Town) -> None:
    yoga(town)
    view = person(town, CHLOE)
    submit(town, view)
    town.workspace.views.update(view.id, view.body)
    seen = submit(town, view)
    assert NOT_REGISTERED in said(seen.view)
    harness.deliver_due(4)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert harness.assert_invariants().seated("yoga") == [DIEGO]


def test_deleted_event_is_refused(town: Town) -> None:
    yoga(town)
    view = person(town, CHLOE)
    town.bot.service.delete_event("yoga")
    assert GONE in said(submit(town, view).view)


def test_attendee_who_left_is_not_removed(town: Town) -> None:
    yoga(town)
    view = person(town, CHLOE)
    town.bot.service.unregister("yoga", CHLOE)
    assert NOT_REGISTERED in said(submit(town, view).view)
    town.settle(4)
    assert town.told(CHLOE) == []


@pytest.mark.parametrize("over", [True, False])
def test_removal_after_event_does_not_claim_notifications(town: Town, over: bool) -> None:
    """Regression: the form and the reply claimed notifications that were not sent."""
    yoga(town)
    if over:
        harness.clock.advance(timedelta(days=2, minutes=1))
    else:
        harness.bot.service.cancel_event("yoga")
    harness.deliver_due(65)
    before = {user_id: len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO)}
    view = person(harness, CHLOE)
    assert "no one will be notified" in said(view)
    answered = said(submit(harness, view).view)
    assert "notified" not in answered
    harness.deliver_due(6)
    assert {user_id: len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO)} == before


def test_history_has_reason(town: Town) -> None:
    yoga(town)
    submit(town, person(town, CHLOE), {BlockId.REASON: "no-show"})
    managed(town)
    text = said(press(town, ActionId.HISTORY))
    assert f"<@{BJORN}> removed <@{CHLOE}>: no-show" in text
    assert f"<@{DIEGO}> got a seat from the waitlist" in text


def test_former_organizer_sees_no_attendee(town: Town) -> None:
    """Not by the details button, and not by the search."""
    yoga(town)
    managed(town, PRIYA)
    town.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    view = town.workspace.views.stack(PRIYA)[0]
    ways: tuple[tuple[ActionId, dict[str, Any]], ...] = (
        (ActionId.ATTENDEE, {"value": CHLOE}),
        (ActionId.FIND_ATTENDEE, {"selected": CHLOE}),
    )
    for action, how in ways:
        seen = harness.slack.click(PRIYA, view, action, **how)
        assert NOT_ALLOWED in said(seen.view)
        harness.slack.close(PRIYA, top(harness, PRIYA).id)


def test_find_attendee_of_deleted_event_is_refused(town: Town) -> None:
    yoga(town)
    view = managed(town)
    town.bot.service.delete_event("yoga")
    seen = town.slack.click(BJORN, view, ActionId.FIND_ATTENDEE, selected=CHLOE)
    assert GONE in said(seen.view)
