"""App Home follows what is done in it and in the modals over it, also if that is refused (R8.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.home.views import ORGANIZED_HEADING
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SlackHarness
from tests.support.slack.modals import press, said, submit, top


def home(harness: SlackHarness, user_id: str = BJORN) -> View:
    view = harness.slack.open_home(user_id).home
    assert view is not None
    return view


def now(harness: SlackHarness, user_id: str = BJORN) -> str:
    return said(harness.workspace.views.home(user_id))


def manage(harness: SlackHarness) -> View:
    """Open Manage from App Home."""
    harness.slack.click(BJORN, home(harness), ActionId.MANAGE)
    return top(harness)


def publishes(harness: SlackHarness) -> int:
    return len(harness.api.calls("views.publish"))


@dataclass(frozen=True)
class Form:
    """A form in Manage, and the text that App Home has after it but not before."""

    button: ActionId
    values: Mapping[BlockId, Any] = field(default_factory=dict)
    button_value: str | None = None
    shown_after: str = ""


FORMS = {
    "cancel": Form(ActionId.CANCEL_EVENT, shown_after="Canceled"),
    "edit": Form(ActionId.EDIT, {BlockId.TITLE: "Night yoga"}, shown_after="Night yoga"),
    "remove": Form(ActionId.ATTENDEE, button_value=CHLOE, shown_after=sentences.taken(0, 5)),
}


def open_form(harness: SlackHarness, form: Form) -> View:
    manage(harness)
    how = {} if form.button_value is None else {"value": form.button_value}
    return press(harness, form.button, **how)


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=5)
    harness.register(CHLOE)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_change_in_manage_shows_in_home(harness: SlackHarness, form: Form) -> None:
    yoga(harness)
    view = open_form(harness, form)
    assert form.shown_after not in now(harness)
    submit(harness, view, form.values)
    assert form.shown_after in now(harness)


def test_deleted_event_leaves_home(harness: SlackHarness) -> None:
    yoga(harness)
    manage(harness)
    view = press(harness, ActionId.DELETE_EVENT)
    submit(harness, view, {BlockId.CONFIRMATION: sentences.YOGA})
    assert sentences.YOGA not in now(harness)


def test_new_capacity_shows_in_home(harness: SlackHarness) -> None:
    yoga(harness)
    manage(harness)
    view = press(harness, ActionId.CHANGE_CAPACITY)
    submit(harness, view, {BlockId.CAPACITY: "7"})
    submit(harness, top(harness), {BlockId.CAPACITY: "7"})
    assert sentences.taken(1, 7) in now(harness)


def test_closed_and_reopened_registration_shows_in_home(harness: SlackHarness) -> None:
    yoga(harness)
    manage(harness)
    before = now(harness)
    press(harness, ActionId.CLOSE)
    closed = now(harness)
    press(harness, ActionId.REOPEN)
    assert closed != before
    assert now(harness) == before


def test_change_in_manage_publishes_home_once(harness: SlackHarness) -> None:
    """R8.12: on Lambda, this comes before the acknowledgement."""
    yoga(harness)
    view = open_form(harness, FORMS["cancel"])
    before = publishes(harness)
    submit(harness, view)
    assert publishes(harness) == before + 1


def test_change_that_manage_does_not_show_shows_in_home(harness: SlackHarness) -> None:
    yoga(harness)
    view = open_form(harness, FORMS["cancel"])
    harness.api.fail_next("views.update", Fault.server_error())
    submit(harness, view)
    assert "Canceled" in now(harness)


def test_refused_form_updates_home(harness: SlackHarness) -> None:
    yoga(harness)
    view = open_form(harness, FORMS["cancel"])
    harness.bot.service.delete_event("yoga")
    assert sentences.EVENT_GONE in said(submit(harness, view).view)
    assert ORGANIZED_HEADING not in now(harness)


def test_button_without_use_once_over_updates_home(harness: SlackHarness) -> None:
    yoga(harness)
    manage(harness)
    before = now(harness)
    harness.clock.advance(timedelta(days=8))
    press(harness, ActionId.CANCEL_EVENT)
    assert now(harness) != before


@pytest.mark.parametrize(
    "button",
    [ActionId.REGISTRATION_HISTORY, ActionId.ADD_TO_CALENDAR, ActionId.GOING],
)
def test_press_that_succeeds_updates_home(harness: SlackHarness, button: ActionId) -> None:
    """The event got another title since App Home was shown."""
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(DIEGO, CHLOE)
    harness.bot.service.unregister("yoga", DIEGO)
    view = home(harness, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(title="Night yoga"))
    harness.slack.click(CHLOE, view, button)
    assert "Night yoga" in now(harness, CHLOE)


def test_seat_kept_after_a_change_updates_home(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.slack.click(CHLOE, home(harness, CHLOE), ActionId.UNREGISTER, value="yoga")
    harness.bot.service.cancel_event("yoga")
    harness.slack.click(CHLOE, top(harness, CHLOE), ActionId.KEEP_REGISTRATION)
    assert "Canceled" in now(harness, CHLOE)


def test_manage_opened_from_a_stale_home_updates_it(harness: SlackHarness) -> None:
    yoga(harness)
    view = home(harness)
    harness.bot.service.cancel_event("yoga")
    harness.slack.click(BJORN, view, ActionId.MANAGE)
    assert "Canceled" in now(harness)


def test_press_outside_modals_and_home_publishes_nothing(harness: SlackHarness) -> None:
    yoga(harness)
    card = harness.card(harness.bot.service.get_event("yoga"))
    harness.slack.click(DIEGO, card, ActionId.GOING)
    assert publishes(harness) == 0
