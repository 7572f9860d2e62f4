"""Reminders: those registered at that moment, once, whatever happens in between (R8.15)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import Bot, assemble
from domain.enums import ChangeKind, NotificationKind
from domain.inputs import EventChanges
from domain.models import Change
from playground.web_api.fault_injection import Fault
from tests.support.environment import at_once, ids
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SECRET, Town
from tests.support.slack.modals import managed, press, said

REMINDER = sentences.notified(NotificationKind.REMINDER)


def reminders(town: Town, user_id: str) -> int:
    return sum(REMINDER in told for told in town.told(user_id))


def pass_time(town: Town, by: timedelta) -> None:
    """Let time pass at once, as for a process that was not running, and then do what is due."""
    town.clock.advance(by)
    town.settle(65)


def test_a_day_and_an_hour_before_those_registered_are_reminded(town: Town) -> None:
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
    assert f"[{ActionId.GIVE_UP_SEAT}]" in town.told(CHLOE)[-1]
    assert "Riverside lawn" in town.told(CHLOE)[-1]
    assert town.told(DIEGO) == [], "who waits has nothing to be reminded of"


def test_who_left_is_not_reminded_and_who_moved_up_is(town: Town) -> None:
    town.event(capacity=1)
    town.register(CHLOE, DIEGO)
    town.clock.advance(timedelta(hours=23))
    town.bot.service.unregister("yoga", CHLOE)
    pass_time(town, timedelta(hours=1))
    assert reminders(town, CHLOE) == 0
    assert reminders(town, DIEGO) == 1


def test_who_leaves_between_the_decision_and_the_message_is_not_reminded(town: Town) -> None:
    town.event()
    town.register(CHLOE, DIEGO)
    town.clock.advance(timedelta(hours=24))
    assert town.bot.service.sweep() == 1
    town.bot.service.unregister("yoga", CHLOE)
    town.settle(5)
    assert (reminders(town, CHLOE), reminders(town, DIEGO)) == (0, 1)


def test_an_event_that_was_moved_reminds_of_its_new_day_alone(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    later = town.clock.now() + timedelta(days=9)
    town.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    pass_time(town, timedelta(days=2))
    assert reminders(town, CHLOE) == 0
    pass_time(town, timedelta(days=6))
    assert reminders(town, CHLOE) == 1


def test_moved_between_the_decision_and_the_message_nobody_is_told_of_the_old_day(
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


def test_a_new_place_in_between_is_what_the_reminder_says(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    town.bot.service.sweep()
    town.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    town.settle(5)
    (reminder,) = [told for told in town.told(CHLOE) if REMINDER in told]
    assert "Room 2" in reminder
    assert "Riverside" not in reminder


def test_after_a_long_silence_one_reminder_comes_and_not_all_that_were_missed(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    pass_time(town, timedelta(hours=47, minutes=30))
    assert reminders(town, CHLOE) == 1


def test_after_the_start_nobody_is_reminded(town: Town) -> None:
    town.event(ends_at=town.clock.now() + timedelta(days=3))
    town.register(CHLOE)
    pass_time(town, timedelta(hours=49))
    assert reminders(town, CHLOE) == 0


def test_one_that_slack_did_not_take_in_time_is_not_sent_after_the_start(town: Town) -> None:
    town.event(reminders=(5,))
    town.register(CHLOE)
    town.clock.advance(timedelta(days=2) - timedelta(minutes=4))
    town.api.fail_next("chat.postMessage", Fault.server_error(), times=30)
    town.settle(400)
    assert reminders(town, CHLOE) == 0


def test_swept_by_two_it_is_decided_once(town: Town) -> None:
    """As two processes do, or one that was started anew: the commit that moves the due time decides."""
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    assert [town.bot.service.sweep() for _ in range(3)] == [1, 0, 0]
    town.settle(10)
    assert reminders(town, CHLOE) == 1


def started_anew(town: Town, name: str) -> Bot:
    """Return the bot of another process on the same store, as after a restart."""
    return assemble(
        town.store,
        town.client,
        workspace_id=town.workspace.team_id,
        signing_secret=SECRET,
        clock=town.clock,
        new_id=ids(name),
        jitter=lambda: 0.5,
        spawn=at_once,
    )


@pytest.mark.parametrize("decided", [True, False], ids=["decided", "only due"])
def test_a_process_that_ends_in_between_leaves_one_reminder_to_the_next(
    town: Town, decided: bool
) -> None:
    """It ends once the reminder is due, or once it is decided and not sent; the next two are started anew."""
    town.event()
    town.register(CHLOE)
    town.clock.advance(timedelta(hours=24))
    if decided:
        town.bot.service.sweep()
    for name in ("second", "third"):
        bot = started_anew(town, name)
        for _ in range(140):
            bot.notification_worker.run_due_events()
            town.clock.advance(timedelta(seconds=0.5))
        assert reminders(town, CHLOE) == 1


def test_a_canceled_event_reminds_nobody(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    town.bot.service.cancel_event("yoga")
    pass_time(town, timedelta(hours=24))
    assert reminders(town, CHLOE) == 0


def test_a_deleted_event_reminds_nobody(town: Town) -> None:
    town.event()
    town.register(CHLOE)
    town.bot.service.delete_event("yoga")
    pass_time(town, timedelta(hours=24))
    assert reminders(town, CHLOE) == 0


def test_an_event_without_reminders_reminds_nobody(town: Town) -> None:
    town.event(reminders=())
    town.register(CHLOE)
    pass_time(town, timedelta(hours=47, minutes=30))
    assert reminders(town, CHLOE) == 0


# Registration closed while waiting


def test_those_who_wait_are_told_when_registration_is_closed(town: Town) -> None:
    town.event(capacity=1, organizer_id=BJORN)
    town.register(CHLOE, DIEGO, HARUKI)
    town.bot.service.close_event("yoga")
    town.settle(5)
    for user_id in (DIEGO, HARUKI):
        (told,) = town.told(user_id)
        assert sentences.notified(NotificationKind.CLOSED, Change(kind=ChangeKind.CLOSED)) in told
        assert "still on the waitlist" in told
        assert f"[{ActionId.CHOOSE_TO_UNREGISTER}]" in told
    assert town.told(CHLOE) == []


def test_those_who_wait_are_told_when_the_deadline_passes(town: Town) -> None:
    deadline = town.clock.now() + timedelta(hours=5)
    town.event(capacity=1, registration_deadline=deadline)
    town.register(CHLOE, DIEGO)
    pass_time(town, timedelta(hours=5))
    (told,) = town.told(DIEGO)
    assert sentences.notified(NotificationKind.CLOSED) in told
    assert town.told(CHLOE) == []


def test_closed_after_the_deadline_those_who_wait_are_not_told_again(town: Town) -> None:
    town.event(
        capacity=1,
        organizer_id=BJORN,
        registration_deadline=town.clock.now() + timedelta(hours=5),
    )
    town.register(CHLOE, DIEGO)
    pass_time(town, timedelta(hours=5))
    managed(town)
    note = said(press(town, ActionId.CLOSE))
    town.settle(5)
    assert len(town.told(DIEGO)) == 1
    assert "will be notified" not in note


def test_closed_before_the_sweep_that_the_deadline_waits_for_it_is_told_once(town: Town) -> None:
    deadline = town.clock.now() + timedelta(hours=5)
    town.event(capacity=1, registration_deadline=deadline)
    town.register(CHLOE, DIEGO)
    town.clock.advance(timedelta(hours=5))
    town.bot.service.close_event("yoga")
    town.settle(65)
    (told,) = town.told(DIEGO)
    assert sentences.notified(NotificationKind.CLOSED, Change(kind=ChangeKind.CLOSED)) in told


def test_closed_before_the_deadline_it_is_told_once(town: Town) -> None:
    deadline = town.clock.now() + timedelta(hours=5)
    town.event(capacity=1, registration_deadline=deadline)
    town.register(CHLOE, DIEGO)
    town.bot.service.close_event("yoga")
    pass_time(town, timedelta(hours=5))
    assert len(town.told(DIEGO)) == 1
