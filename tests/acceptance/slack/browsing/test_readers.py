"""Lists and choices for the person who sees them: their own status, and what they can do (R8.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.blocks.ids import ActionId
from bot.blocks.paging import BACK_TO_START, SHOW_MORE
from bot.features.browsing.choice_views import NONE_ORGANIZED
from domain.inputs import EventChanges
from domain.models import Actor, Registration
from domain.ports import Unavailable
from playground.demo.seed import RANDOM
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.slack import sentences
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    SlackHarness,
    reply,
    run_bot,
    shown,
)

SEAT, FIRST = "You have a seat", "You’re 1st on the waitlist"
REGISTER, UNREGISTER = f"[{ActionId.REGISTER}]", f"[{ActionId.UNREGISTER}]"
CHOOSE, LEAVE = f"[{ActionId.CHOOSE_TO_REGISTER}]", f"[{ActionId.CHOOSE_TO_UNREGISTER}]"


def events(harness: SlackHarness, user_id: str) -> str:
    return reply(harness.slack.command(user_id, RANDOM, "/events"))


def register(harness: SlackHarness, user_id: str, typed: str) -> str:
    return reply(harness.slack.command(user_id, RANDOM, "/register", typed))


# /events


def test_events_show_the_readers_status_and_only_what_applies(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, BJORN)
    for user_id, status, button in (
        (CHLOE, SEAT, UNREGISTER),
        (BJORN, FIRST, UNREGISTER),
        (DIEGO, None, REGISTER),
    ):
        text = events(harness, user_id)
        assert [one for one in (SEAT, FIRST) if one in text] == [one for one in [status] if one]
        assert [one for one in (REGISTER, UNREGISTER) if one in text] == [button]


@pytest.mark.parametrize("ended", ["closed", "deadline", "full"])
def test_events_offer_no_registration_that_would_be_refused(
    harness: SlackHarness, ended: str
) -> None:
    deadline = harness.clock.now() + timedelta(hours=1)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE)
    match ended:
        case "closed":
            harness.bot.service.close_event("yoga")
        case "deadline":
            harness.clock.advance(timedelta(hours=2))
        case "full":
            harness.bot.service.edit_event("yoga", EventChanges.of(has_waitlist=False))
    text = events(harness, BJORN)
    assert sentences.YOGA in text
    assert REGISTER not in text
    assert UNREGISTER not in text
    assert UNREGISTER in events(harness, CHLOE), "one can leave all the same"


def test_press_in_events_shows_when_they_are_listed_again(harness: SlackHarness) -> None:
    harness.event()
    listed = harness.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    harness.slack.click(BJORN, listed, ActionId.REGISTER)
    again = harness.slack.click(BJORN, listed, ActionId.REGISTER)
    assert sentences.already() in reply(again), "the list itself stays as it was"
    listed = harness.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    assert SEAT in shown(listed)
    left = harness.slack.click(BJORN, listed, ActionId.UNREGISTER)
    assert sentences.unregistered() in reply(left)
    assert REGISTER in events(harness, BJORN)


def test_events_offered_in_a_message_show_the_readers_status(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess")
    harness.register(BJORN)
    harness.register(BJORN, event_id="chess")
    harness.bot.service.remove("yoga", BJORN, actor=Actor(AMARA))
    harness.deliver_due()
    message = harness.workspace.messages(harness.workspace.dm(BJORN).id)[-1]
    text = reply(harness.slack.click(BJORN, message, ActionId.SHOW_EVENTS))
    assert f"*Chess* · {SEAT}" in text
    assert f"*{sentences.YOGA}* · " not in text


def test_events_lead_back_to_the_start(harness: SlackHarness) -> None:
    for number in range(20):
        starts_at = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(f"e{number}", title=f"Number {number}!", starts_at=starts_at)
    first = harness.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    assert SHOW_MORE in str(first.blocks)
    assert BACK_TO_START not in str(first.blocks)
    second = harness.slack.click(BJORN, first, ActionId.MORE_EVENTS).messages[-1]
    assert "*Number 0!*" not in shown(second)
    assert BACK_TO_START in str(second.blocks)
    back = harness.slack.click(BJORN, second, ActionId.EVENTS_BACK).messages[-1]
    assert shown(back) == shown(first)


def test_page_that_has_become_empty_leads_back(harness: SlackHarness) -> None:
    for number in range(9):
        starts_at = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(f"e{number}", starts_at=starts_at)
    first = harness.slack.command(BJORN, RANDOM, "/events").ephemeral[-1]
    harness.bot.service.delete_event("e8")
    second = harness.slack.click(BJORN, first, ActionId.MORE_EVENTS).messages[-1]
    assert sentences.YOGA not in shown(second)
    assert f"[{ActionId.EVENTS_BACK}]" in shown(second)


# Choices


def test_choice_shows_the_readers_status_and_lets_leave(harness: SlackHarness) -> None:
    harness.event("y1", title="Yoga for beginners")
    harness.event("y2")
    harness.register(BJORN, event_id="y1")
    asked = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    text = reply(asked)
    assert f"*Yoga for beginners* · {SEAT}" in text
    assert (text.count(CHOOSE), text.count(LEAVE)) == (1, 1)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.CHOOSE_TO_UNREGISTER)
    assert sentences.unregistered("Yoga for beginners") in shown(left.messages[-1])
    assert harness.assert_invariants().registrations == {}


def test_choice_offers_no_registration_that_would_be_refused(harness: SlackHarness) -> None:
    harness.event("y1", title="Yoga for beginners", capacity=1, has_waitlist=False)
    harness.event("y2")
    harness.register(CHLOE, event_id="y1")
    text = register(harness, BJORN, "yoga")
    assert "Yoga for beginners" in text
    assert text.count(CHOOSE) == 1
    assert LEAVE not in text


def test_suggestion_shows_the_readers_status(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, BJORN)
    assert FIRST in register(harness, BJORN, "yoag")
    assert CHOOSE not in register(harness, BJORN, "yoag")
    assert CHOOSE in register(harness, DIEGO, "yoag")


def test_choice_names_the_events_time_zone(harness: SlackHarness) -> None:
    """Slack shows each reader's own; the fallback is for clients that can't."""
    for event_id in ("y1", "y2"):
        harness.event(event_id, organizer_id=BJORN)
    for command in ("/register", "/event"):
        text = reply(harness.slack.command(BJORN, RANDOM, command, "yoga"))
        assert text.count("(Europe/Berlin)") == 2
        assert "UTC" not in text


def test_choice_to_manage_has_only_what_its_reader_may_manage(harness: SlackHarness) -> None:
    """Chloé organizes the events, and Amara is an admin."""
    for event_id in ("y1", "y2"):
        harness.event(event_id, organizer_id=CHLOE)
    manage = f"[{ActionId.MANAGE}]"
    for typed in ("yoga", "yoag"):
        refused = harness.slack.command(BJORN, RANDOM, "/event", typed)
        assert NONE_ORGANIZED in reply(refused)
        for user_id in (CHLOE, AMARA):
            offered = harness.slack.command(user_id, RANDOM, "/event", typed)
            assert reply(offered).count(manage) == 2


def test_choice_of_registrations_shows_their_status(harness: SlackHarness) -> None:
    harness.event("y1", capacity=1)
    harness.event("y2")
    harness.register(CHLOE, BJORN, event_id="y1")
    harness.register(BJORN, event_id="y2")
    text = reply(harness.slack.command(BJORN, RANDOM, "/unregister", "yoga"))
    assert SEAT in text
    assert FIRST in text


# When the store fails


class FailingStore(SQLiteStore):
    """Fails to read a user's registrations when a test says so."""

    unreadable = False

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        if self.unreadable:
            raise Unavailable
        return super().get_registrations_of(user_id)


@pytest.fixture
def failing(server: tuple[object, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, FailingStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


def test_no_half_list_if_registrations_can_not_be_read(failing: SlackHarness) -> None:
    for event_id in ("y1", "y2"):
        failing.event(event_id)
    assert isinstance(failing.store, FailingStore)
    failing.store.unreadable = True
    assert events(failing, BJORN) == sentences.BUSY
    assert register(failing, BJORN, "yoga") == sentences.BUSY
