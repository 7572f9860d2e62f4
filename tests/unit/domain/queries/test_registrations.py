"""Queries about registrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import timedelta

import pytest

from domain.errors import UnknownEvent
from domain.inputs import EventChanges
from domain.models import Event, EventForUser, Page, Registration, WaitlistEntry
from tests.support.environment import START, ManualClock, new_event, new_users, service_on
from tests.support.memory_store import MemoryStore


def test_own_history_of_a_missing_event_raises() -> None:
    service = service_on(MemoryStore())
    with pytest.raises(UnknownEvent):
        service.list_registration_history("e1", "a")


class CountingStore(MemoryStore):
    """Store that counts its reads, and the positions it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()
        self.positions = 0

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        self.reads["registrations"] += 1
        return super().get_registrations_of(user_id)

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        self.reads["events"] += 1
        return super().get_events(event_ids)

    def count_entries_before(
        self, event_id: str, entry: WaitlistEntry, *, after: int
    ) -> int | None:
        self.positions += 1
        return super().count_entries_before(event_id, entry, after=after)


def test_only_positions_of_the_past_registrations_shown_are_read() -> None:
    store, clock = CountingStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada", "ben")
    for number in range(12):
        starts_at = START + timedelta(days=1 + number)
        new_event(service, f"e{number:02}", starts_at=starts_at, capacity=1)
        service.register(f"e{number:02}", "ada")
        service.register(f"e{number:02}", "ben")
    clock.advance(timedelta(days=30))
    store.positions = 0
    past = service.list_past_registrations("ben", first=3, limit=2)
    assert [(one.event.event_id, one.position) for one in past.items] == [("e08", 1), ("e07", 1)]
    assert (past.first, past.count, store.positions) == (3, 12, 2)
    assert service.list_past_registrations("ben", first=12, limit=2).first == 0


def test_events_for_a_user_cost_two_reads_and_one_for_each_position() -> None:
    """And one that makes sure of the positions. Registrations for other events cost nothing."""
    store, clock = CountingStore(), ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "ada", "ben")
    for number in range(12):
        new_event(
            service, f"e{number:02}", capacity=1, starts_at=START + timedelta(days=1 + number)
        )
    for event_id in ("e00", "e01", "e09", "e10"):
        service.register(event_id, "ada")
        service.register(event_id, "ben")
    service.edit_event("e02", EventChanges.of(has_waitlist=False))
    service.register("e02", "ada")

    def listed(user_id: str, positions: int) -> Page[EventForUser]:
        store.reads.clear()
        store.positions = 0
        page = service.list_upcoming_for(user_id, limit=4)
        assert store.reads == {"registrations": 1, "events": 2 if positions else 1}
        assert store.positions == positions
        return page

    listed("ada", 0)
    page = listed("ben", 2)
    registrations = [one.registration for one in page.items]
    assert [one and one.position for one in registrations] == [1, 1, None, None]
    assert [one.accepts for one in page.items] == [True, True, False, True]
    (first,) = service.get_events_for("ada", ["e03", "nothing"])
    assert (first.event.event_id, first.registration) == ("e03", None)


def test_position_of_a_user_for_whom_events_are_listed_is_true_at_one_moment() -> None:
    """The first on the waitlist leaves while the list is read."""

    class LeavingStore(CountingStore):
        def count_entries_before(
            self, event_id: str, entry: WaitlistEntry, *, after: int
        ) -> int | None:
            if not self.positions:
                self.positions += 1
                service.unregister("e1", "ben")
            return super().count_entries_before(event_id, entry, after=after)

    store = LeavingStore()
    service = service_on(store)
    new_users(service, "ada", "ben", "cleo")
    new_event(service, "e1", capacity=1)
    for user_id in ("ada", "ben", "cleo"):
        service.register("e1", user_id)
    (seen,) = service.get_events_for("cleo", ["e1"])
    assert seen.registration is not None
    assert seen.registration.position == 1
    assert (seen.event.waitlist_count, store.reads["registrations"]) == (1, 2)


def test_only_a_registration_that_had_a_seat_at_once_never_waited() -> None:
    store = MemoryStore()
    service = service_on(store)
    new_users(service, "ada", "ben")
    new_event(service, "e1", capacity=1)
    for user_id in ("ada", "ben"):
        service.register("e1", user_id)
    seated = service.get_registration("e1", "ada").registration
    assert not seated.may_have_waited
    assert service.get_registration("e1", "ben").registration.may_have_waited
    service.unregister("e1", "ada")
    assert service.get_registration("e1", "ben").registration.may_have_waited
    of_earlier_version = seated.model_copy(
        update={"registered_version": None, "seated_version": None}
    )
    assert of_earlier_version.may_have_waited
