"""Guests see cards and their own registrations, not the workspace's events (R8.17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.features.browsing.choice_views import NONE_ORGANIZED
from bot.features.home.views import UPCOMING_HEADING
from bot.notifications.worker import SWEEP_INTERVAL
from bot.slack.error_messages import sentence
from bot.slack.member_directory import CACHED_FOR
from bot.slack.refusals import GuestRefused, GuestStatusUnknown
from playground.client.member_client import ActionResult
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, SlackHarness, reply, text_of

LOOK_UP = "users.info"
REFUSED, UNKNOWN = sentence(GuestRefused()), sentence(GuestStatusUnknown())
GUESTS = [{"is_restricted": True}, {"is_ultra_restricted": True}]
TITLE = "Yoga in the park"


def make_guest(harness: SlackHarness, **restriction: bool) -> None:
    given: dict[str, Any] = restriction or {"is_restricted": True}
    harness.workspace.put_member(replace(harness.workspace.member(BJORN), **given))


def command(harness: SlackHarness, name: str, text: str = "") -> ActionResult:
    return harness.slack.command(BJORN, RANDOM, name, text)


def home(harness: SlackHarness) -> str:
    harness.slack.open_home(BJORN)
    view = harness.workspace.views.home(BJORN)
    assert view is not None
    return text_of(view.body["blocks"])


@pytest.mark.parametrize("restriction", GUESTS, ids=["several channels", "one channel"])
@pytest.mark.parametrize(
    ("name", "text"),
    [("/events", ""), ("/register", ""), ("/register", "yoga in")],
)
def test_guest_gets_no_list_and_finds_nothing_by_title(
    harness: SlackHarness, restriction: dict[str, bool], name: str, text: str
) -> None:
    harness.event()
    make_guest(harness, **restriction)
    said = reply(command(harness, name, text))
    assert said == REFUSED
    assert TITLE not in said


def test_guest_finds_no_event_of_others_to_manage(harness: SlackHarness) -> None:
    """As everyone else, so nothing has to be asked about guests."""
    harness.event()
    make_guest(harness)
    said = reply(command(harness, "/event", "yoga in"))
    assert NONE_ORGANIZED in said
    assert TITLE not in said


def test_guest_does_not_see_upcoming_events_in_home(harness: SlackHarness) -> None:
    harness.event()
    make_guest(harness)
    shown = home(harness)
    assert UPCOMING_HEADING in shown
    assert REFUSED in shown
    assert TITLE not in shown


def test_guest_registers_on_the_card_without_a_look_up(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    make_guest(harness)
    assert sentences.seat() in reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert harness.api.calls(LOOK_UP) == []


def test_guest_registers_by_id_without_a_look_up(harness: SlackHarness) -> None:
    harness.event()
    make_guest(harness)
    assert sentences.seat() in reply(command(harness, "/register", "yoga"))
    assert harness.api.calls(LOOK_UP) == []


def test_guest_sees_and_leaves_own_registrations(harness: SlackHarness) -> None:
    harness.event()
    make_guest(harness)
    harness.register(BJORN)
    assert TITLE in reply(command(harness, "/registrations"))
    assert TITLE in home(harness)
    assert sentences.unregistered() in reply(command(harness, "/unregister", "yoga in"))


def test_guest_manages_own_events_by_title(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.event("tea", title="Yoga in the evening")
    make_guest(harness)
    view = command(harness, "/event", "yoga in").view
    assert view is not None
    assert TITLE in text_of(view.body["blocks"])


def test_picker_that_was_open_offers_a_guest_nothing(harness: SlackHarness) -> None:
    harness.event()
    view = command(harness, "/register").view
    assert view is not None
    make_guest(harness)
    harness.clock.advance(CACHED_FOR)
    assert harness.slack.options(BJORN, view, ActionId.EVENT, query="in the").options == []


def test_member_can_try_again_if_slack_never_answered(harness: SlackHarness) -> None:
    harness.event()
    harness.api.fail_next(LOOK_UP, Fault.rate_limited(30))
    assert reply(command(harness, "/events")) == UNKNOWN
    assert TITLE in reply(command(harness, "/events"))


def test_member_whom_slack_is_slow_about_gets_lists_within_a_minute(
    harness: SlackHarness,
) -> None:
    """Nobody waits for the second look-up, which has more time."""
    harness.deliver_due(0)
    harness.event()
    harness.api.fail_next(LOOK_UP, Fault.closed())
    command(harness, "/events")
    harness.deliver_due(SWEEP_INTERVAL + 3)
    harness.api.faults.set_default(lambda method: Fault.closed() if method == LOOK_UP else None)
    assert TITLE in reply(command(harness, "/events"))


@pytest.mark.parametrize("is_guest", [False, True])
def test_last_answer_counts_while_slack_does_not_answer(
    harness: SlackHarness, is_guest: bool
) -> None:
    harness.event()
    if is_guest:
        make_guest(harness)
    before = reply(command(harness, "/events"))
    harness.clock.advance(timedelta(hours=5))
    harness.api.fail_next(LOOK_UP, Fault.server_error())
    assert reply(command(harness, "/events")) == before


def test_guests_are_looked_up_once_in_five_minutes(harness: SlackHarness) -> None:
    make_guest(harness)
    for _ in range(3):
        command(harness, "/events")
    assert len(harness.api.calls(LOOK_UP)) == 1
