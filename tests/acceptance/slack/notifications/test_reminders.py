"""Reminders: sent once to everyone registered at that time, whatever happens in between (R8.15)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import Bot, assemble
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.environment import ids, run_now
from tests.support.notifications.message_kinds import DEADLINE, buttons_of, kind_of, kinds_of
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SECRET, SlackHarness
from tests.support.slack.modals import manage_modal, press, said


def reminders(harness: SlackHarness, user_id: str) -> int:
    return kinds_of(harness.direct_messages(user_id)).count(NotificationKind.REMINDER)


def pass_time(harness: SlackHarness, by: timedelta) -> None:
    """Let time pass while the bot is stopped, then run it for a minute."""
    harness.clock.advance(by)
    harness.deliver_due(65)


def test_attendees_are_reminded_a_day_and_an_hour_before(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    pass_time(harness, timedelta(hours=23))
    assert reminders(harness, CHLOE) == 0
    pass_time(harness, timedelta(hours=1))
    assert reminders(harness, CHLOE) == 1
    pass_time(harness, timedelta(hours=22))
    assert reminders(harness, CHLOE) == 1
    pass_time(harness, timedelta(hours=1))
    assert reminders(harness, CHLOE) == 2
    assert all(
        one in harness.direct_messages(CHLOE)[-1] for one in buttons_of(NotificationKind.REMINDER)
    )
    assert "Riverside lawn" in harness.direct_messages(CHLOE)[-1]
    assert harness.direct_messages(DIEGO) == [], "waitlisted attendees get no reminder"


def test_reminder_goes_to_the_promoted_attendee_and_not_to_the_one_who_left(
    harness: SlackHarness,
) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(hours=23))
    harness.bot.service.unregister("yoga", CHLOE)
    pass_time(harness, timedelta(hours=1))
    assert reminders(harness, CHLOE) == 0
    assert reminders(harness, DIEGO) == 1


def test_attendee_who_leaves_before_delivery_is_not_reminded(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(hours=24))
    assert harness.bot.service.sweep() == 1
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(5)
    assert (reminders(harness, CHLOE), reminders(harness, DIEGO)) == (0, 1)


def test_moved_event_reminds_of_its_new_date_only(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    later = harness.clock.now() + timedelta(days=9)
    harness.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    pass_time(harness, timedelta(days=2))
    assert reminders(harness, CHLOE) == 0
    pass_time(harness, timedelta(days=6))
    assert reminders(harness, CHLOE) == 1


def test_event_moved_before_delivery_does_not_remind_of_its_old_date(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    harness.bot.service.sweep()
    later = harness.clock.now() + timedelta(days=9)
    harness.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    harness.deliver_due(5)
    assert reminders(harness, CHLOE) == 0


def test_reminder_has_the_location_at_delivery(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    harness.bot.service.sweep()
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    harness.deliver_due(5)
    reminder = harness.direct_messages(CHLOE)[
        kinds_of(harness.direct_messages(CHLOE)).index(NotificationKind.REMINDER)
    ]
    assert "Room 2" in reminder
    assert "Riverside" not in reminder


def test_late_reminder_says_how_soon_the_event_starts_when_it_is_sent(
    harness: SlackHarness,
) -> None:
    """R8.15: the bot was down for the last hour but ten minutes."""
    harness.event(reminders=(60,))
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=47))
    harness.bot.service.sweep()
    pass_time(harness, timedelta(minutes=50))
    (reminder,) = harness.direct_messages(CHLOE)
    assert "starts in 10 minutes." in reminder


def test_reminder_has_the_join_link_and_the_waitlist(harness: SlackHarness) -> None:
    """R12.2."""
    harness.event(capacity=1, join_link="https://example.org/meet?a=1&b=2")
    harness.register(CHLOE, DIEGO)
    pass_time(harness, timedelta(hours=24))
    (reminder,) = harness.direct_messages(CHLOE)
    assert "<https://example.org/meet?a=1&amp;b=2>" in reminder
    assert "1 person is on the waitlist" in reminder
    assert harness.direct_messages(DIEGO) == []


def test_missed_reminders_are_sent_as_one(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=47, minutes=30))
    assert reminders(harness, CHLOE) == 1


def test_no_reminder_is_sent_after_the_start(harness: SlackHarness) -> None:
    harness.event(ends_at=harness.clock.now() + timedelta(days=3))
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=49))
    assert reminders(harness, CHLOE) == 0


def test_failed_reminder_is_not_retried_after_the_start(harness: SlackHarness) -> None:
    harness.event(reminders=(5,))
    harness.register(CHLOE)
    harness.clock.advance(timedelta(days=2) - timedelta(minutes=4))
    harness.api.fail_next("chat.postMessage", Fault.server_error(), times=30)
    harness.deliver_due(400)
    assert reminders(harness, CHLOE) == 0


def test_two_sweeps_decide_a_reminder_once(harness: SlackHarness) -> None:
    """As two processes, or one that restarts: the commit that moves the due time decides."""
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    assert [harness.bot.service.sweep() for _ in range(3)] == [1, 0, 0]
    harness.deliver_due(10)
    assert reminders(harness, CHLOE) == 1


def restarted(harness: SlackHarness, name: str) -> Bot:
    """Return the bot of a new process on the same store."""
    return assemble(
        harness.store,
        harness.client,
        workspace_id=harness.workspace.team_id,
        signing_secret=SECRET,
        clock=harness.clock,
        new_id=ids(name),
        jitter=lambda: 0.5,
        spawn=run_now,
    )


@pytest.mark.parametrize("decided", [True, False], ids=["decided", "only due"])
def test_process_that_ends_in_between_leaves_one_reminder_to_the_next(
    harness: SlackHarness, decided: bool
) -> None:
    """It ends when the reminder is due, or decided but not sent. Two more processes follow."""
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    if decided:
        harness.bot.service.sweep()
    for name in ("second", "third"):
        bot = restarted(harness, name)
        for _ in range(140):
            bot.notification_worker.process_due_events()
            harness.clock.advance(timedelta(seconds=0.5))
        assert reminders(harness, CHLOE) == 1


def test_canceled_event_sends_no_reminder(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    pass_time(harness, timedelta(hours=24))
    assert reminders(harness, CHLOE) == 0


def test_deleted_event_sends_no_reminder(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.delete_event("yoga")
    pass_time(harness, timedelta(hours=24))
    assert reminders(harness, CHLOE) == 0


def test_event_without_reminders_reminds_no_one(harness: SlackHarness) -> None:
    harness.event(reminders=())
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=47, minutes=30))
    assert reminders(harness, CHLOE) == 0


# Closed registration


def test_waitlisted_attendees_are_notified_when_registration_is_closed(
    harness: SlackHarness,
) -> None:
    harness.event(capacity=1, organizer_id=BJORN)
    harness.register(CHLOE, DIEGO, HARUKI)
    harness.bot.service.close_event("yoga")
    harness.deliver_due(5)
    for user_id in (DIEGO, HARUKI):
        (message,) = harness.direct_messages(user_id)
        assert kind_of(message) == NotificationKind.CLOSED
        assert "*Yoga in the park*" in message
        assert all(button in message for button in buttons_of(NotificationKind.CLOSED))
    assert harness.direct_messages(CHLOE) == []


def test_waitlisted_attendees_are_notified_when_the_deadline_passes(harness: SlackHarness) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE, DIEGO)
    pass_time(harness, timedelta(hours=5))
    (message,) = harness.direct_messages(DIEGO)
    assert kind_of(message) == DEADLINE
    assert "*Yoga in the park*" in message
    assert harness.direct_messages(CHLOE) == []


def test_closing_after_the_deadline_notifies_no_one_again(harness: SlackHarness) -> None:
    harness.event(
        capacity=1,
        organizer_id=BJORN,
        registration_deadline=harness.clock.now() + timedelta(hours=5),
    )
    harness.register(CHLOE, DIEGO)
    pass_time(harness, timedelta(hours=5))
    manage_modal(harness)
    note = said(press(harness, ActionId.CLOSE))
    harness.deliver_due(5)
    assert len(harness.direct_messages(DIEGO)) == 1
    assert "1 person" not in note


def test_closing_before_the_deadlines_sweep_notifies_once(harness: SlackHarness) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(hours=5))
    harness.bot.service.close_event("yoga")
    harness.deliver_due(65)
    (message,) = harness.direct_messages(DIEGO)
    assert kind_of(message) == NotificationKind.CLOSED


def test_closing_before_the_deadline_notifies_once(harness: SlackHarness) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE, DIEGO)
    harness.bot.service.close_event("yoga")
    pass_time(harness, timedelta(hours=5))
    assert len(harness.direct_messages(DIEGO)) == 1
