"""Queries about registrations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import UnknownEvent
from domain.models import WaitlistEntry
from tests.support.environment import START, ManualClock, new_event, new_users, service_on
from tests.support.memory_store import MemoryStore


def test_own_history_of_a_missing_event_raises() -> None:
    service = service_on(MemoryStore())
    with pytest.raises(UnknownEvent):
        service.list_registration_history("e1", "a")


class CountingStore(MemoryStore):
    """Store that counts the positions it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = 0

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
