"""Manage that is open still: for one who organizes no more, of an event that is gone, or canceled (R8.9).

Every button of it, and every form that it opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.manage.attendee_views import no_one_notified
from bot.slack.refusals import NoUseOnceOver
from domain.enums import ClosedReason
from domain.inputs import EventChanges
from domain.models import Actor
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, manage_modal, press, said, submit, top

CANCELED = sentences.EVENT_CANCELED

WAYS: Mapping[ActionId, Mapping[str, Any]] = {
    ActionId.EDIT: {},
    ActionId.CHANGE_CAPACITY: {},
    ActionId.CLOSE: {},
    ActionId.REOPEN: {},
    ActionId.POST_CARD: {},
    ActionId.MESSAGE_ATTENDEES: {},
    ActionId.EXPORT: {},
    ActionId.HISTORY: {},
    ActionId.CANCEL_EVENT: {},
    ActionId.DELETE_EVENT: {},
    ActionId.DUPLICATE: {},
    ActionId.ADD_ATTENDEES: {},
    ActionId.ATTENDEE: {"value": CHLOE},
    ActionId.FIND_ATTENDEE: {"selected": CHLOE},
    ActionId.ATTENDEES_PAGE: {},
    ActionId.ATTENDEES_BACK: {},
}
"""Each button of Manage, and how to press it."""

TITLE = {BlockId.CONFIRMATION: "Yoga in the park"}
FORMS: Mapping[str, tuple[ActionId, list[Mapping[BlockId, Any]]]] = {
    "edit": (ActionId.EDIT, [{BlockId.TITLE: "Pilates"}]),
    "capacity, preview": (ActionId.CHANGE_CAPACITY, [{BlockId.CAPACITY: "9"}]),
    "capacity": (ActionId.CHANGE_CAPACITY, [{BlockId.CAPACITY: "9"}, {}]),
    "card": (ActionId.POST_CARD, [{BlockId.CHANNEL: EVENTS}]),
    "adding": (ActionId.ADD_ATTENDEES, [{BlockId.ATTENDEES: [HARUKI]}, {}]),
    "adding, preview": (ActionId.ADD_ATTENDEES, [{BlockId.ATTENDEES: [HARUKI]}]),
    "message": (ActionId.MESSAGE_ATTENDEES, [{BlockId.TEXT: "Hello"}, {}]),
    "message, preview": (ActionId.MESSAGE_ATTENDEES, [{BlockId.TEXT: "Hello"}]),
    "cancel": (ActionId.CANCEL_EVENT, [{}]),
    "delete": (ActionId.DELETE_EVENT, [TITLE]),
    "remove": (ActionId.ATTENDEE, [{BlockId.REASON: "no-show"}]),
}
"""Each form: the button that opens it, and the values of each submit."""


def open_manage(harness: SlackHarness, action: ActionId) -> View:
    """Open the page of Manage that has the button, as co-organizer Priya."""
    is_paged = action in (ActionId.ATTENDEES_PAGE, ActionId.ATTENDEES_BACK)
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=100)
    harness.register(CHLOE, DIEGO, *(f"U1{number:04}" for number in range(70 if is_paged else 0)))
    if action is ActionId.REOPEN:
        harness.bot.service.close_event("yoga", actor=Actor(BJORN))
    view = manage_modal(harness, PRIYA)
    return (
        press(harness, ActionId.ATTENDEES_PAGE, PRIYA)
        if action is ActionId.ATTENDEES_BACK
        else view
    )


def open_form(harness: SlackHarness, name: str) -> tuple[View, Mapping[BlockId, Any]]:
    """Open a form as Priya, up to its last step. Return it and the values to submit."""
    action, steps = FORMS[name]
    open_manage(harness, action)
    view = press(harness, action, PRIYA, **WAYS[action])
    for step in steps[:-1]:
        submit(harness, view, step, PRIYA)
        view = top(harness, PRIYA)
    return view, steps[-1]


def resign(harness: SlackHarness) -> None:
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))


def pressed(harness: SlackHarness, action: ActionId, view: View) -> ActionResult:
    result = harness.slack.click(PRIYA, view, action, **WAYS[action])
    assert result.failure is None, result.failure
    return result


@pytest.mark.parametrize("action", WAYS)
def test_former_organizer_is_refused_by_every_button(
    harness: SlackHarness, action: ActionId
) -> None:
    view = open_manage(harness, action)
    resign(harness)
    before = harness.everything()
    assert NOT_ALLOWED in said(pressed(harness, action, view).view)
    assert harness.everything() == before


@pytest.mark.parametrize("action", WAYS)
def test_deleted_event_is_refused_by_every_button(harness: SlackHarness, action: ActionId) -> None:
    view = open_manage(harness, action)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(pressed(harness, action, view).view)


@pytest.mark.parametrize("name", FORMS)
def test_former_organizer_is_refused_by_every_form(harness: SlackHarness, name: str) -> None:
    view, values = open_form(harness, name)
    resign(harness)
    before, cards = harness.everything(), len(harness.workspace.messages(EVENTS))
    assert NOT_ALLOWED in said(submit(harness, view, values, PRIYA).view)
    assert (harness.everything(), len(harness.workspace.messages(EVENTS))) == (before, cards)


@pytest.mark.parametrize("name", FORMS)
def test_deleted_event_is_refused_by_every_form(harness: SlackHarness, name: str) -> None:
    view, values = open_form(harness, name)
    harness.bot.service.delete_event("yoga")
    before, cards = harness.everything(), len(harness.workspace.messages(EVENTS))
    assert GONE in said(submit(harness, view, values, PRIYA).view)
    assert (harness.everything(), len(harness.workspace.messages(EVENTS))) == (before, cards)


@pytest.mark.parametrize("name", ["edit", "capacity, preview", "capacity", "card"])
def test_canceled_event_is_not_changed_by_forms(harness: SlackHarness, name: str) -> None:
    view, values = open_form(harness, name)
    harness.bot.service.cancel_event("yoga")
    before = harness.everything()
    assert CANCELED in said(submit(harness, view, values, PRIYA).view)
    assert harness.everything() == before


NO_USE_ONCE_CANCELED = [
    *(ActionId.EDIT, ActionId.CHANGE_CAPACITY, ActionId.CLOSE, ActionId.REOPEN),
    *(ActionId.POST_CARD, ActionId.CANCEL_EVENT),
]
"""Buttons that Manage has only while the event is not canceled."""


@pytest.mark.parametrize("action", NO_USE_ONCE_CANCELED)
def test_button_that_has_no_effect_on_a_canceled_event_says_so(
    harness: SlackHarness, action: ActionId
) -> None:
    view = open_manage(harness, action)
    harness.bot.service.cancel_event("yoga")
    before = harness.everything()
    assert CANCELED in said(pressed(harness, action, view).view)
    assert harness.everything() == before


NO_USE_ONCE_OVER = [
    *(ActionId.CHANGE_CAPACITY, ActionId.CLOSE, ActionId.REOPEN),
    *(ActionId.POST_CARD, ActionId.CANCEL_EVENT),
]
"""Buttons that Manage has only while the event is not over."""


@pytest.mark.parametrize("action", NO_USE_ONCE_OVER)
def test_button_that_has_no_effect_once_the_event_is_over_says_so(
    harness: SlackHarness, action: ActionId
) -> None:
    view = open_manage(harness, action)
    harness.clock.advance(timedelta(days=2))
    before = harness.everything()
    assert sentences.refusal(NoUseOnceOver()) in said(pressed(harness, action, view).view)
    assert harness.everything() == before


@pytest.mark.parametrize("name", ["capacity, preview", "capacity", "card", "cancel"])
def test_form_that_has_no_effect_once_the_event_is_over_says_so(
    harness: SlackHarness, name: str
) -> None:
    view, values = open_form(harness, name)
    harness.clock.advance(timedelta(days=2))
    before = harness.everything()
    assert sentences.refusal(NoUseOnceOver()) in said(submit(harness, view, values, PRIYA).view)
    assert harness.everything() == before


def test_removal_form_open_until_the_end_says_that_no_one_is_notified(
    harness: SlackHarness,
) -> None:
    view, values = open_form(harness, "remove")
    harness.clock.advance(timedelta(days=2))
    result = submit(harness, view, values, PRIYA)
    assert no_one_notified(harness.bot.service.get_event("yoga")) in said(result.view)


@pytest.mark.parametrize("action", [ActionId.CLOSE, ActionId.REOPEN])
def test_registration_of_an_event_that_has_started_is_neither_closed_nor_reopened(
    harness: SlackHarness, action: ActionId
) -> None:
    view = open_manage(harness, action)
    starts_at = harness.bot.service.get_event("yoga").starts_at
    harness.bot.service.edit_event("yoga", EventChanges.of(ends_at=starts_at + timedelta(hours=1)))
    harness.clock.advance(timedelta(days=2))
    before = harness.everything()
    refused = sentences.closed(ClosedReason.STARTED, starts_at)
    assert refused in said(pressed(harness, action, view).view)
    assert harness.everything() == before


@pytest.mark.parametrize(
    "action", [one for one in WAYS if one not in ("export", "close", "reopen")]
)
def test_double_click_on_every_button_changes_nothing(
    harness: SlackHarness, action: ActionId
) -> None:
    """A button that opens a form opens a second one over the first, and nothing fails."""
    view = open_manage(harness, action)
    before = harness.everything()
    for _ in range(2):
        pressed(harness, action, view)
    assert harness.everything() == before


def test_former_organizer_cannot_manage_from_home(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA])
    harness.slack.open_home(PRIYA)
    home = harness.workspace.views.home(PRIYA)
    assert home is not None
    resign(harness)
    result = harness.slack.click(PRIYA, home, ActionId.MANAGE)
    assert NOT_ALLOWED in said(result.view)


def test_every_manage_button_is_covered(harness: SlackHarness) -> None:
    """A new button must be added here."""
    view = open_manage(harness, ActionId.CLOSE)
    elements = [
        element
        for block in view.blocks
        for element in [*block.get("elements", ()), block.get("accessory")]
    ]
    found = {one["action_id"] for one in elements if one and "action_id" in one}
    assert ActionId.EDIT in found
    assert found <= set(WAYS)
