"""Stop the series: a button below the message about one of its events (R13.4)."""

from __future__ import annotations

from datetime import timedelta

from bot.blocks.formatting import when
from bot.blocks.ids import ActionId
from bot.features.registration.views import ONLY_THIS
from bot.notifications.worker import SWEEP_INTERVAL
from playground.workspace.model import Message
from tests.support.series import new_series
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, PRIYA, SlackHarness, reply


def enrolled(harness: SlackHarness) -> Message:
    """Have an event of a series register Priya, and return the message about it."""
    starts_at = harness.clock.now() + timedelta(days=7, seconds=30)
    new_series(harness.bot.service, starts_at=starts_at, organizer_id=BJORN)
    harness.register(PRIYA, event_id="yoga")
    harness.deliver_due(SWEEP_INTERVAL + 3)
    return harness.workspace.messages(harness.workspace.dm(PRIYA).id)[-1]


def test_message_says_why_and_later_events_leave_them_out(harness: SlackHarness) -> None:
    message = enrolled(harness)
    assert "because you registered for the whole series" in message.text
    result = harness.slack.click(PRIYA, message, ActionId.STOP_SERIES)
    said = reply(result)
    assert "no longer registered for all of *Yoga*" in said
    assert "still signed up for these dates" in said
    assert harness.bot.service.get_event("yoga").waitlist_count == 0
    assert harness.bot.service.find_registration("yoga-1", PRIYA) is not None


def test_second_press_says_that_there_is_nothing_to_stop(harness: SlackHarness) -> None:
    message = enrolled(harness)
    harness.slack.click(PRIYA, message, ActionId.STOP_SERIES)
    said = reply(harness.slack.click(PRIYA, message, ActionId.STOP_SERIES))
    assert "You’re not registered for all of *Yoga*." in said


def test_question_before_a_seat_is_lost_names_the_date(harness: SlackHarness) -> None:
    """All dates of a series have the same title."""
    message = enrolled(harness)
    for user_id in (CHLOE, DIEGO):
        harness.register(user_id, event_id="yoga-1")
    said = reply(harness.slack.click(PRIYA, message, ActionId.GIVE_UP_SEAT))
    assert "Your seat in *Yoga* will go to the next person" in said
    assert when(harness.bot.service.get_event("yoga-1")) in said
    assert ONLY_THIS in said


def test_skipping_one_keeps_the_series(harness: SlackHarness) -> None:
    message = enrolled(harness)
    harness.slack.click(PRIYA, message, ActionId.GIVE_UP_SEAT)
    assert harness.bot.service.find_registration("yoga-1", PRIYA) is None
    assert harness.bot.service.get_event("yoga").waitlist_count == 1
