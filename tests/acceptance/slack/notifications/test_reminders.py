"""Reminders: sent once to everyone registered at that time, whatever happens in between (R8.15)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import Bot, assemble
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.environment import at_once, ids
from tests.support.notifications.message_kinds import DEADLINE, buttons_of, kind_of, kinds_of
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SECRET, Town
from tests.support.slack.modals import managed, press, said


def reminders(town: Town, user_id: str) -> int:
    return kinds_of(town.told(user_id)).count(NotificationKind.REMINDER)


def pass_time(town: Town, by: timedelta) -> None:
    """Let time pass while the bot is stopped, then run it for a minute."""
    town.clock.advance(by)
    town.settle(65)


def test_attendees_are_reminded_a_day_and_an_hour_before(town: Town) -> None:
    town.event(capacity=1)
    town.register(CHLOE, DIEGO)
    pass_time(town, timedelta(hours=23))
    assert reminders(town, CHLOE) == 0
    pass_time(town, timedelta(hours=1))
    assert reminders(town, CHLOE) == 1
    pass_time(town, timedelta(hours=22))
    assert reminders(town, CHLOE) == 1
    pass_time(town, timedelta(hours=1))
    assert reminders(town, CHLOE) == 2
    assert all(one in town.told(CHLOE)[-1] for one in buttons_of(NotificationKind.REMINDER))
    assert "Riverside lawn" in town.told(CHLOE)[-1]
    assert town.told(DIEGO) == [], "waitlisted attendees get no reminder"


def test_reminder_goes_to_the_promoted_attendee_instead_of_the_one_who_left(town: Town) -> None:
    town.event(capacity=1)
    town.register(CHLOE, DIEGO)
    town.clock.advance(timedelta(hours=23))
    town.bot.service.unregister("yoga", CHLOE)
    pass_time(town, timedelta(hours=1))
    assert reminders(town, CHLOE) == 0
    assert reminders(town, DIEGO) == 1


def test_attendee_who_leaves_before_delivery_is_not_reminded(town: Town) -> None:
    town.event()
    town.register(CHLOE, DIEGO)
    town.clock.advance(timedelta(hours=24))
    assert town.bot.service.sweep() == 1
    town.bot.service.unregister("yoga", CHLOE)
    town.settle(5)
    assert (reminders(town, CHLOE), reminders(town, DIEGO)) == (0, 1)


def test_moved_event_reminds_of_its_new_date_only(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    later = town.clock.now() + timedelta(days=9)
    town.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    pass_time(town, timedelta(days=2))
    assert reminders(town, CHLOE) == 0
    pass_time(town, timedelta(days=6))
    assert reminders(town, CHLOE) == 1


def test_event_moved_before_delivery_does_not_remind_of_its_old_date(
    town: Town,
) -> None:
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    town.bot.service.sweep()
    later = town.clock.now() + timedelta(days=9)
    town.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    town.settle(5)
    assert reminders(town, CHLOE) == 0


def test_reminder_has_the_location_at_delivery(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    town.bot.service.sweep()
    town.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    town.settle(5)
    reminder = town.told(CHLOE)[kinds_of(town.told(CHLOE)).index(NotificationKind.REMINDER)]
    assert "Room 2" in reminder
    assert "Riverside" not in reminder


def test_missed_reminders_are_sent_as_one(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    pass_time(town, timedelta(hours=47, minutes=30))
    assert reminders(town, CHLOE) == 1


def test_no_reminder_is_sent_after_the_start(town: Town) -> None:
    town.event(ends_at=town.clock.now() + timedelta(days=3))
    town.register(CHLOE)
    pass_time(town, timedelta(hours=49))
    assert reminders(town, CHLOE) == 0


def test_failed_reminder_is_not_retried_after_the_start(town: Town) -> None:
    town.event(reminders=(5,))
    town.register(CHLOE)
    town.clock.advance(timedelta(days=2) - timedelta(minutes=4))
    town.api.fail_next("chat.postMessage", Fault.server_error(), times=30)
    town.settle(400)
    assert reminders(town, CHLOE) == 0


def test_two_sweeps_decide_a_reminder_once(town: Town) -> None:
    """As two processes, or one that restarts: the commit that moves the due time decides."""
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    assert [town.bot.service.sweep() for _ in range(3)] == [1, 0, 0]
    town.settle(10)
    assert reminders(town, CHLOE) == 1


def restarted(town: Town, name: str) -> Bot:
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
    town: Town, decided: bool
) -> None:
    """It ends when the reminder is due, or decided but not sent. Two more processes follow."""
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    if decided:
        harness.bot.service.sweep()
    for name in ("second", "third"):
        bot = restarted(town, name)
        for _ in range(140):
            bot.notification_worker.process_due_events()
            harness.clock.advance(timedelta(seconds=0.5))
        assert reminders(harness, CHLOE) == 1


def test_canceled_event_sends_no_reminder(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    town.bot.service.cancel_event("yoga")
    pass_time(town, timedelta(hours=24))
    assert reminders(town, CHLOE) == 0


def test_deleted_event_sends_no_reminder(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    town.bot.service.delete_event("yoga")
    pass_time(town, timedelta(hours=24))
    assert reminders(town, CHLOE) == 0


def test_an_event_without_reminders_reminds_nobody(harness: SlackHarness) -> None:
    harness.event(reminders=())
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=47, minutes=30))
    assert reminders(harness, CHLOE) == 0


# Closed registration


def test_waitlisted_attendees_are_notified_when_registration_is_closed(town: Town) -> None:
    town.event(capacity=1, organizer_id=BJORN)
    town.register(CHLOE, DIEGO, HARUKI)
    town.bot.service.close_event("yoga")
    town.settle(5)
    for user_id in (DIEGO, HARUKI):
        (told,) = town.told(user_id)
        assert kind_of(told) == NotificationKind.CLOSED
        assert "*Yoga in the park*" in told
        assert all(button in told for button in buttons_of(NotificationKind.CLOSED))
    assert town.told(CHLOE) == []


def test_waitlisted_attendees_are_notified_when_the_deadline_passes(town: Town) -> None:
    deadline = town.clock.now() + timedelta(hours=5)
    town.event(capacity=1, registration_deadline=deadline)
    town.register(CHLOE, DIEGO)
    pass_time(town, timedelta(hours=5))
    (told,) = town.told(DIEGO)
    assert kind_of(told) == DEADLINE
    assert "*Yoga in the park*" in told
    assert town.told(CHLOE) == []


def test_closing_after_the_deadline_notifies_no_one_again(town: Town) -> None:
    town.event(
        capacity=1,
        organizer_id=BJORN,
        registration_deadline=harness.clock.now() + timedelta(hours=5),
    )
    town.register(CHLOE, DIEGO)
    pass_time(town, timedelta(hours=5))
    managed(town)
    note = said(press(town, ActionId.CLOSE))
    town.settle(5)
    assert len(town.told(DIEGO)) == 1
    assert "1 person" not in note


def test_closing_before_the_deadlines_sweep_notifies_once(town: Town) -> None:
    deadline = town.clock.now() + timedelta(hours=5)
    town.event(capacity=1, registration_deadline=deadline)
    town.register(CHLOE, DIEGO)
    town.clock.advance(timedelta(hours=5))
    town.bot.service.close_event("yoga")
    town.settle(65)
    (told,) = town.told(DIEGO)
    assert kind_of(told) == NotificationKind.CLOSED


def test_closing_before_the_deadline_notifies_once(town: Town) -> None:
    deadline = town.clock.now() + timedelta(hours=5)
    town.event(capacity=1, registration_deadline=deadline)
    town.register(CHLOE, DIEGO)
    town.bot.service.close_event("yoga")
    pass_time(town, timedelta(hours=5))
    assert len(town.told(DIEGO)) == 1
