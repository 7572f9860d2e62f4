"""Reminders: those registered at that moment, once, whatever happens in between (R8.15)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import Bot, assemble
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.environment import at_once, ids
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SECRET, SlackHarness
from tests.support.slack.modals import managed, press, said

REMINDER = "A reminder: you have a seat in *Yoga in the park*."


def reminders(harness: SlackHarness, user_id: str) -> int:
    return sum(REMINDER in told for told in harness.direct_messages(user_id))


def pass_time(harness: SlackHarness, by: timedelta) -> None:
    """Let time pass at once, as for a process that was not running, and then do what is due."""
    harness.clock.advance(by)
    harness.deliver_due(65)


def test_a_day_and_an_hour_before_those_registered_are_reminded(harness: SlackHarness) -> None:
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
    assert "[Give up my seat]" in harness.direct_messages(CHLOE)[-1]
    assert "Riverside lawn" in harness.direct_messages(CHLOE)[-1]
    assert harness.direct_messages(DIEGO) == [], "who waits has nothing to be reminded of"


def test_who_left_is_not_reminded_and_who_moved_up_is(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(hours=23))
    harness.bot.service.unregister("yoga", CHLOE)
    pass_time(harness, timedelta(hours=1))
    assert reminders(harness, CHLOE) == 0
    assert reminders(harness, DIEGO) == 1


def test_who_leaves_between_the_decision_and_the_message_is_not_reminded(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(hours=24))
    assert harness.bot.service.sweep() == 1
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(5)
    assert (reminders(harness, CHLOE), reminders(harness, DIEGO)) == (0, 1)


def test_an_event_that_was_moved_reminds_of_its_new_day_alone(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    later = harness.clock.now() + timedelta(days=9)
    harness.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    pass_time(harness, timedelta(days=2))
    assert reminders(harness, CHLOE) == 0
    pass_time(harness, timedelta(days=6))
    assert reminders(harness, CHLOE) == 1


def test_moved_between_the_decision_and_the_message_nobody_is_told_of_the_old_day(
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


def test_a_new_place_in_between_is_what_the_reminder_says(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    harness.bot.service.sweep()
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    harness.deliver_due(5)
    (reminder,) = [told for told in harness.direct_messages(CHLOE) if REMINDER in told]
    assert "Room 2" in reminder
    assert "Riverside" not in reminder


def test_after_a_long_silence_one_reminder_comes_and_not_all_that_were_missed(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=47, minutes=30))
    assert reminders(harness, CHLOE) == 1


def test_after_the_start_nobody_is_reminded(harness: SlackHarness) -> None:
    harness.event(ends_at=harness.clock.now() + timedelta(days=3))
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=49))
    assert reminders(harness, CHLOE) == 0


def test_one_that_slack_did_not_take_in_time_is_not_sent_after_the_start(
    harness: SlackHarness,
) -> None:
    harness.event(reminders=(5,))
    harness.register(CHLOE)
    harness.clock.advance(timedelta(days=2) - timedelta(minutes=4))
    harness.api.fail_next("chat.postMessage", Fault.server_error(), times=30)
    harness.deliver_due(400)
    assert reminders(harness, CHLOE) == 0


def test_swept_by_two_it_is_decided_once(harness: SlackHarness) -> None:
    """As two processes do, or one that was started anew: the commit that moves the due time decides."""
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    assert [harness.bot.service.sweep() for _ in range(3)] == [1, 0, 0]
    harness.deliver_due(10)
    assert reminders(harness, CHLOE) == 1


def started_anew(harness: SlackHarness, name: str) -> Bot:
    """Return the bot of another process on the same store, as after a restart."""
    return assemble(
        harness.store,
        harness.client,
        workspace_id=harness.workspace.team_id,
        signing_secret=SECRET,
        clock=harness.clock,
        new_id=ids(name),
        jitter=lambda: 0.5,
        spawn=at_once,
    )


@pytest.mark.parametrize("decided", [True, False], ids=["decided", "only due"])
def test_a_process_that_ends_in_between_leaves_one_reminder_to_the_next(
    harness: SlackHarness, decided: bool
) -> None:
    """It ends once the reminder is due, or once it is decided and not sent; the next two are started anew."""
    harness.event()
    harness.register(CHLOE)
    harness.clock.advance(timedelta(hours=24))
    if decided:
        harness.bot.service.sweep()
    for name in ("second", "third"):
        bot = started_anew(harness, name)
        for _ in range(140):
            bot.notification_worker.run_due_events()
            harness.clock.advance(timedelta(seconds=0.5))
        assert reminders(harness, CHLOE) == 1


def test_a_canceled_event_reminds_nobody(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    pass_time(harness, timedelta(hours=24))
    assert reminders(harness, CHLOE) == 0


def test_a_deleted_event_reminds_nobody(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.delete_event("yoga")
    pass_time(harness, timedelta(hours=24))
    assert reminders(harness, CHLOE) == 0


def test_an_event_without_reminders_reminds_nobody(harness: SlackHarness) -> None:
    harness.event(reminders=())
    harness.register(CHLOE)
    pass_time(harness, timedelta(hours=47, minutes=30))
    assert reminders(harness, CHLOE) == 0


# Registration closed while waiting


def test_those_who_wait_are_told_when_registration_is_closed(harness: SlackHarness) -> None:
    harness.event(capacity=1, organizer_id=BJORN)
    harness.register(CHLOE, DIEGO, HARUKI)
    harness.bot.service.close_event("yoga")
    harness.deliver_due(5)
    for user_id in (DIEGO, HARUKI):
        (told,) = harness.direct_messages(user_id)
        assert "Registration for *Yoga in the park* was closed." in told
        assert "you are still in line" in told
        assert "[Leave the line]" in told
    assert harness.direct_messages(CHLOE) == []


def test_those_who_wait_are_told_when_the_deadline_passes(harness: SlackHarness) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE, DIEGO)
    pass_time(harness, timedelta(hours=5))
    (told,) = harness.direct_messages(DIEGO)
    assert "Registration for *Yoga in the park* has ended." in told
    assert harness.direct_messages(CHLOE) == []


def test_closed_after_the_deadline_those_who_wait_are_not_told_again(harness: SlackHarness) -> None:
    harness.event(
        capacity=1,
        organizer_id=BJORN,
        registration_deadline=harness.clock.now() + timedelta(hours=5),
    )
    harness.register(CHLOE, DIEGO)
    pass_time(harness, timedelta(hours=5))
    managed(harness)
    note = said(press(harness, ActionId.CLOSE))
    harness.deliver_due(5)
    assert len(harness.direct_messages(DIEGO)) == 1
    assert "will be told" not in note


def test_closed_before_the_sweep_that_the_deadline_waits_for_it_is_told_once(
    harness: SlackHarness,
) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE, DIEGO)
    harness.clock.advance(timedelta(hours=5))
    harness.bot.service.close_event("yoga")
    harness.deliver_due(65)
    (told,) = harness.direct_messages(DIEGO)
    assert "Registration for *Yoga in the park* was closed." in told


def test_closed_before_the_deadline_it_is_told_once(harness: SlackHarness) -> None:
    deadline = harness.clock.now() + timedelta(hours=5)
    harness.event(capacity=1, registration_deadline=deadline)
    harness.register(CHLOE, DIEGO)
    harness.bot.service.close_event("yoga")
    pass_time(harness, timedelta(hours=5))
    assert len(harness.direct_messages(DIEGO)) == 1
