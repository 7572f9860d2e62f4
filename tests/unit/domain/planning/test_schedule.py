"""The schedule: reminders (R8.15), across time zones and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commands import Edit, Register, RunSchedule, SetStatus
from domain.enums import Audience, ChangeKind, Deletion, EventStatus, NotificationKind
from domain.errors import Invalid
from domain.inputs import DEFAULT_REMINDERS, EventChanges, EventDraft
from domain.models import Event
from domain.planning.plan import Plan
from domain.planning.schedule import next_due_at, reminder_times
from domain.service import Service
from tests.support import builders as rows
from tests.support.environment import (
    START,
    ManualClock,
    commit_together,
    ids,
    new_event,
    new_users,
    service_on,
)
from tests.support.faulty_store import FaultyStore, conflict
from tests.support.memory_store import MemoryStore


def an_event(starts_at: datetime, **values: Any) -> Event:
    return rows.an_event(starts_at=starts_at, **{"reminders": DEFAULT_REMINDERS, **values})


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.mark.parametrize(
    ("starts", "reminded"),
    [
        ("2026-11-24T18:00", "2026-11-23T18:00"),
        # The clocks change in the night before.
        ("2026-10-25T18:00", "2026-10-24T18:00"),
        ("2026-03-29T18:00", "2026-03-28T18:00"),
        # The time occurs twice on the day before: the first counts.
        ("2026-10-26T02:30", "2026-10-25T02:30"),
    ],
)
def test_reminder_a_day_before_keeps_the_wall_clock_time(starts: str, reminded: str) -> None:
    event = an_event(berlin(starts), reminders=(24 * 60,))
    assert reminder_times(event) == (berlin(reminded),)


def test_reminder_at_a_skipped_hour_is_an_hour_later() -> None:
    event = an_event(berlin("2026-03-30T02:30"), reminders=(24 * 60,))
    (reminder,) = reminder_times(event)
    assert reminder == berlin("2026-03-29T03:30")


def test_reminder_an_hour_before_counts_elapsed_time() -> None:
    """On the night of the change, 1:30 and 3:30 are one hour apart."""
    event = an_event(berlin("2026-03-29T03:30"), reminders=(60,))
    assert reminder_times(event) == (berlin("2026-03-29T01:30"),)


def test_canceled_or_deleted_event_is_never_due() -> None:
    later = START + timedelta(days=9)
    assert next_due_at(an_event(later), START) is not None
    assert next_due_at(an_event(later, status=EventStatus.CANCELED), START) is None
    assert next_due_at(an_event(later, deletion=Deletion.IN_PROGRESS), START) is None


def test_registration_deadline_is_due_unless_it_is_the_start() -> None:
    later, deadline = START + timedelta(days=9), START + timedelta(hours=1)
    assert next_due_at(an_event(later, registration_deadline=deadline), START) == deadline
    at_start = an_event(later, registration_deadline=later, reminders=())
    assert next_due_at(at_start, START) == later
    assert next_due_at(at_start, later) is None


def test_start_and_end_are_due() -> None:
    """From then on the card offers less (R8.3)."""
    starts_at, ends_at = START + timedelta(days=2), START + timedelta(days=3)
    event = an_event(starts_at, ends_at=ends_at, reminders=())
    assert next_due_at(event, START) == starts_at
    assert next_due_at(event, starts_at) == ends_at
    assert next_due_at(event, ends_at) is None


def test_end_that_an_edit_moves_into_the_past_is_due() -> None:
    """Otherwise the card would offer to unregister from an event that is over, forever."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    starts_at = START + timedelta(days=2)
    new_event(service, "e1", starts_at=starts_at, ends_at=starts_at + timedelta(hours=4))
    clock.advance(timedelta(days=2, hours=2))
    assert service.sweep() == 1
    ended_at = starts_at + timedelta(hours=1)
    service.edit_event("e1", EventChanges.of(ends_at=ended_at))
    assert store.events["e1"].next_due_at == ended_at
    assert service.sweep() == 1
    swept = store.events["e1"]
    assert (swept.last_due_at, swept.next_due_at) == (ended_at, None)


def test_event_of_an_earlier_version_is_due_at_its_start_from_its_next_commit_on() -> None:
    """Earlier versions stored a due time only for reminders, so the card would never say that it started."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada")
    new_event(service, "e1", starts_at=START + timedelta(days=2), reminders=())
    store.events["e1"] = store.events["e1"].model_copy(update={"next_due_at": None})
    service_on(store, clock=clock).register("e1", "ada")
    assert store.events["e1"].next_due_at == store.events["e1"].starts_at


def test_edit_of_the_end_keeps_the_start_of_an_event_of_an_earlier_version_due() -> None:
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    starts_at, ends_at = START + timedelta(days=2), START + timedelta(days=2, hours=4)
    new_event(service, "e1", starts_at=starts_at, ends_at=ends_at, reminders=())
    store.events["e1"] = store.events["e1"].model_copy(update={"next_due_at": None})
    service = service_on(store, clock=clock)
    service.edit_event("e1", EventChanges.of(ends_at=ends_at - timedelta(hours=1)))
    assert store.events["e1"].next_due_at == starts_at


def test_deadline_that_a_clock_ahead_has_handled_is_not_due_again_when_the_start_moves() -> None:
    """Waitlisted users would be notified of it twice."""
    store, clock, ahead = MemoryStore(), ManualClock(), ManualClock()
    service = service_on(store, clock=clock)
    deadline, starts_at = START + timedelta(hours=1), START + timedelta(days=2)
    new_event(service, "e1", starts_at=starts_at, registration_deadline=deadline)
    ahead.advance(timedelta(hours=1, seconds=5))
    assert service_on(store, clock=ahead).sweep() == 1
    clock.advance(timedelta(minutes=59, seconds=58))
    service.edit_event("e1", EventChanges.of(starts_at=starts_at + timedelta(hours=3)))
    due_at = store.events["e1"].next_due_at
    assert due_at is not None
    assert due_at > deadline


def past_deadline(service: Service, store: MemoryStore, clock: ManualClock) -> datetime:
    """Create an event with a waitlisted user whose deadline has passed, before any sweep. Return the deadline."""
    deadline = START + timedelta(hours=1)
    new_users(service, "ada", "bob")
    new_event(
        service,
        "e1",
        capacity=1,
        starts_at=START + timedelta(days=2),
        registration_deadline=deadline,
        reminders=(),
    )
    commit_together(store, "e1", [Register("ada"), Register("bob")])
    clock.advance(timedelta(hours=1, seconds=20))
    return deadline


def test_deadline_that_a_new_start_keeps_is_past_for_the_card() -> None:
    """No sweep will say so: the edit itself announced it."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    deadline = past_deadline(service, store, clock)
    service.edit_event("e1", EventChanges.of(starts_at=START + timedelta(days=3)))
    assert store.events["e1"].last_due_at == deadline


def test_deadline_that_an_organizer_closes_past_is_past_for_the_card() -> None:
    """Also if the event is reopened."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    deadline = past_deadline(service, store, clock)
    service.close_event("e1")
    service.reopen_event("e1")
    assert store.events["e1"].last_due_at == deadline


def test_deadline_of_an_earlier_version_is_past_for_the_card_from_the_next_commit_on() -> None:
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    deadline = past_deadline(service, store, clock)
    store.events["e1"] = store.events["e1"].model_copy(update={"next_due_at": None})
    service_on(store, clock=clock).unregister("e1", "bob")
    event = store.events["e1"]
    assert (event.last_due_at, event.next_due_at) == (deadline, event.starts_at)


def test_sweep_at_the_start_only_says_so_in_a_new_version() -> None:
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada", "bob")
    new_event(service, "e1", capacity=1, starts_at=START + timedelta(days=2), reminders=())
    commit_together(store, "e1", [Register("ada"), Register("bob")])
    before = store.events["e1"]
    clock.advance(timedelta(days=2))
    assert service.sweep() == 1
    assert store.events["e1"] == before.model_copy(
        update={
            "version": before.version + 1,
            "next_due_at": None,
            "last_due_at": clock.now(),
            "committed_at": clock.now(),
        }
    )
    entry = store.journal["e1", before.version + 1]
    assert (entry.changes, entry.notifications) == ((), ())
    assert service.sweep() == 0


@given(
    st.lists(st.integers(5, 30 * 24 * 60), max_size=5, unique=True),
    st.integers(1, 60 * 24 * 60),
    st.lists(st.integers(1, 5_000), max_size=40),
)
def test_sweeps_at_any_times_send_each_reminder_once_before_the_start(
    reminders: list[int], starts_in: int, pauses: list[int]
) -> None:
    """Reminders that were missed together are sent as one."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada")
    starts_at = START + timedelta(minutes=starts_in)
    event = new_event(service, "e1", starts_at=starts_at, reminders=tuple(reminders))
    service.register("e1", "ada")
    moments = [at for at in reminder_times(event) if at > START]
    decided: list[datetime] = []
    last = START
    for pause in [*pauses, starts_in]:
        clock.advance(timedelta(minutes=pause))
        service.sweep()
        passed = [at for at in moments if last < at <= clock.now()]
        kinds = [
            notification.kind
            for entry in store.journal.values()
            for notification in entry.notifications
        ]
        count = kinds.count(NotificationKind.REMINDER)
        expected = len(decided) + bool(passed and clock.now() < starts_at)
        assert count == expected
        decided += [clock.now()] * (count - len(decided))
        last = clock.now()
        stored = store.events["e1"].next_due_at
        assert stored == min((at for at in [*moments, starts_at] if at > last), default=None)


def test_reminder_is_recorded_for_registered_users() -> None:
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada", "bob")
    new_event(service, "e1", capacity=1, starts_at=START + timedelta(days=2))
    commit_together(store, "e1", [Register("ada"), Register("bob")])
    clock.advance(timedelta(days=1))
    assert service.sweep() == 1
    entry = store.journal["e1", store.events["e1"].version]
    assert [change.kind for change in entry.changes] == [ChangeKind.REMINDED]
    (notification,) = entry.notifications
    assert (notification.kind, notification.audience) == (
        NotificationKind.REMINDER,
        Audience.REGISTERED,
    )


def test_reminder_without_registered_users_only_moves_the_due_time() -> None:
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_event(service, "e1", starts_at=START + timedelta(days=2))
    clock.advance(timedelta(days=1))
    service.sweep()
    entry = store.journal["e1", store.events["e1"].version]
    assert (entry.changes, entry.notifications) == ((), ())
    assert store.events["e1"].next_due_at == START + timedelta(days=2, hours=-1)


def test_schedule_before_the_due_time_changes_nothing() -> None:
    store = MemoryStore()
    service = service_on(store)
    new_event(service, "e1", starts_at=START + timedelta(days=2))
    before = store.events["e1"]
    commit_together(store, "e1", [RunSchedule()])
    assert service.sweep() == 0
    assert store.events["e1"] == before


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": START + timedelta(days=5)},
        {"reminders": (120,)},
        {"time_zone": "Asia/Tokyo", "reminders": (1440,)},
        {"registration_deadline": START + timedelta(hours=2)},
        {"reminders": (), "ends_at": START + timedelta(days=3)},
    ],
    ids=["start", "reminders", "zone", "deadline", "end"],
)
def test_edit_updates_the_due_time(changes: dict[str, object]) -> None:
    store = MemoryStore()
    service = service_on(store)
    new_event(service, "e1", starts_at=START + timedelta(days=2))
    commit_together(store, "e1", [Edit(EventChanges.of(**changes), None)])
    event = store.events["e1"]
    assert event.next_due_at == next_due_at(event, START)


def overdue() -> tuple[Service, MemoryStore]:
    """Return an event with an attendee, half a minute after its reminder became due, before a sweep."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada")
    new_event(service, "e1", starts_at=START + timedelta(days=2), reminders=(1440,))
    service.register("e1", "ada")
    clock.advance(timedelta(days=1, seconds=30))
    return service, store


@pytest.mark.parametrize(
    "changes",
    [{"reminders": (1440, 180)}, {"registration_deadline": START + timedelta(hours=40)}],
    ids=["reminders", "deadline"],
)
def test_edit_between_due_time_and_sweep_keeps_the_reminder(
    changes: dict[str, object],
) -> None:
    """Otherwise the edit would move the due time past it."""
    service, store = overdue()
    service.edit_event("e1", EventChanges.of(**changes))
    assert store.events["e1"].next_due_at == START + timedelta(days=1)
    assert service.sweep() == 1
    kinds = [
        notification.kind
        for entry in store.journal.values()
        for notification in entry.notifications
    ]
    assert kinds == [NotificationKind.REMINDER]
    assert service.sweep() == 0


@pytest.mark.parametrize(
    "changes",
    [{"reminders": (1440, 180)}, {"registration_deadline": START + timedelta(hours=40)}],
    ids=["reminders", "deadline"],
)
def test_edit_does_not_repeat_a_reminder_that_was_sent_by_a_clock_ahead(
    changes: dict[str, object],
) -> None:
    """The sweep's clock was an hour ahead of the editor's, or this process's was set back since."""
    service, store = overdue()
    assert service.sweep() == 1
    editor = service_on(store, clock=ManualClock(START + timedelta(hours=23)), new_id=ids("editor"))
    editor.edit_event("e1", EventChanges.of(**changes))
    due = store.events["e1"].next_due_at
    assert due is not None
    assert due > START + timedelta(days=1)


def test_moved_event_drops_an_overdue_reminder() -> None:
    service, store = overdue()
    service.edit_event("e1", EventChanges.of(starts_at=START + timedelta(days=5)))
    assert store.events["e1"].next_due_at == START + timedelta(days=4)
    assert service.sweep() == 0


def past_its_deadline() -> tuple[Service, MemoryStore]:
    """Return an event with one waitlisted user, half a minute after its registration deadline."""
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada", "bob")
    deadline = START + timedelta(hours=1)
    new_event(service, "e1", capacity=1, reminders=(), registration_deadline=deadline)
    for user_id in ("ada", "bob"):
        service.register("e1", user_id)
    clock.advance(timedelta(hours=1, seconds=30))
    return service, store


def notified_of(store: MemoryStore) -> list[NotificationKind]:
    entries = sorted(store.journal.values(), key=lambda entry: entry.version)
    return [notification.kind for entry in entries for notification in entry.notifications]


MOVED, CLOSED = NotificationKind.MOVED, NotificationKind.CLOSED


@pytest.mark.parametrize("days", [1, 5], ids=["earlier", "later"])
def test_moved_event_still_notifies_of_the_deadline_that_just_passed(days: int) -> None:
    """The move sets a new due time, and no sweep has seen the deadline."""
    service, store = past_its_deadline()
    service.edit_event("e1", EventChanges.of(starts_at=START + timedelta(days=days)))
    service.edit_event("e1", EventChanges.of(starts_at=START + timedelta(days=days, hours=1)))
    service.sweep()
    service.close_event("e1")
    assert notified_of(store) == [MOVED, CLOSED, MOVED]


def test_moved_event_notifies_of_no_deadline_that_a_sweep_has_seen() -> None:
    service, store = past_its_deadline()
    service.sweep()
    service.edit_event("e1", EventChanges.of(starts_at=START + timedelta(days=5)))
    service.sweep()
    assert notified_of(store) == [CLOSED, MOVED]


@pytest.mark.parametrize("deadline", [None, START + timedelta(days=3)], ids=["none", "later"])
def test_event_moved_with_its_deadline_is_open_again(deadline: datetime | None) -> None:
    service, store = past_its_deadline()
    later = START + timedelta(days=5)
    service.edit_event("e1", EventChanges.of(starts_at=later, registration_deadline=deadline))
    service.sweep()
    assert notified_of(store) == [MOVED]


def test_deadline_is_not_announced_twice_if_an_organizer_closed_and_reopened() -> None:
    service, store = past_its_deadline()
    service.close_event("e1")
    service.reopen_event("e1")
    service.sweep()
    assert notified_of(store) == [CLOSED]


def test_canceled_event_has_no_due_time() -> None:
    store = MemoryStore()
    new_event(service_on(store), "e1", starts_at=START + timedelta(days=2))
    commit_together(store, "e1", [SetStatus(EventStatus.CANCELED, None)])
    assert store.events["e1"].next_due_at is None


@pytest.mark.parametrize("minutes", [[4], [43_201], [5, 6, 7, 8, 9, 10], ["60"]])
def test_invalid_reminders_are_refused(minutes: list[object]) -> None:
    with pytest.raises(Invalid, match="reminders"):
        EventChanges.of(reminders=minutes)


def test_reminders_are_unique_and_sorted() -> None:
    draft = EventDraft.of(
        title="Yoga",
        starts_at=START,
        time_zone="UTC",
        organizer_id="boss",
        capacity=1,
        has_waitlist=True,
        reminders=[60, 1440, 60],
    )
    assert draft.reminders == (1440, 60)


def test_sweep_with_a_failing_event_runs_the_others_and_raises() -> None:
    class ErrorHandler(MemoryStore):
        def commit(self, plan: Plan) -> None:
            if plan.event_id == "e1" and is_reminding:
                raise RuntimeError("no such luck")
            super().commit(plan)

    is_reminding = False
    store, clock = ErrorHandler(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada")
    for event_id in ("e1", "e2"):
        new_event(service, event_id, starts_at=START + timedelta(days=2))
        service.register(event_id, "ada")
    clock.advance(timedelta(days=1))
    is_reminding = True
    with pytest.raises(RuntimeError, match="no such luck"):
        service.sweep()
    assert store.events["e1"].next_due_at == START + timedelta(days=1)
    assert store.events["e2"].next_due_at == START + timedelta(days=2, hours=-1)


def test_busy_event_is_left_to_the_next_sweep() -> None:
    store, clock = FaultyStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada")
    new_event(service, "e1", starts_at=START + timedelta(days=2))
    service.register("e1", "ada")
    clock.advance(timedelta(days=1))
    store.faults = [conflict] * 100
    assert service.sweep() == 0
    store.faults.clear()
    assert service.sweep() == 1


def test_deactivated_organizer_is_not_notified() -> None:
    store = MemoryStore()
    service = service_on(store)
    new_users(service, "organizer", "ada")
    new_event(service, "e1", co_organizer_ids=("ada",))
    service.register("e1", "organizer")
    assert service.deactivate_user("organizer")
    notified = [
        notification.user_id
        for entry in store.journal.values()
        for notification in entry.notifications
    ]
    assert set(notified) == {"ada"}
