"""Previews: each is true at one moment, whatever happens during the reads."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from domain.errors import NotRegistered, UnknownEvent
from domain.models import Registration, WaitlistEntry
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import Rows
from tests.support.environment import ids, new_event, new_users, service_on
from tests.support.memory_store import MemoryStore


class BusyStore(MemoryStore):
    """Something happens once, as soon as the read named `after` has its rows."""

    after = ""
    meanwhile: Callable[[], object] | None = None

    def _has_read(self, name: str) -> None:
        if name == self.after and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        rows = super().get_rows(event_id, registrations_of=registrations_of, users=users)
        self._has_read("rows")
        return rows

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        last = super().get_last_seated(event_id, limit=limit)
        self._has_read("last seated")
        return last

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int | None
    ) -> tuple[WaitlistEntry, ...]:
        entries = super().get_waitlist(event_id, after=after, until=until, limit=limit)
        self._has_read("waitlist")
        return entries


def test_preview_unregister_during_changes_is_of_one_moment() -> None:
    """R8.4: a user without anyone behind leaves, and then a waitlist forms."""
    store = BusyStore()
    service, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    service.register("e1", "a")

    def others_come() -> None:
        other.unregister("e1", "a")
        other.register("e1", "b")
        other.register("e1", "c")

    store.after, store.meanwhile = "rows", others_come
    with pytest.raises(NotRegistered):
        service.preview_unregister("e1", "a")


def test_preview_of_a_lower_capacity_during_changes_is_of_one_moment() -> None:
    """R2.5: one of the affected users leaves while they are read."""
    store = BusyStore()
    service, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=3)
    for user_id in ("a", "b", "c"):
        service.register("e1", user_id)
    store.after = "last seated"
    store.meanwhile = lambda: other.unregister("e1", "c")
    preview = service.preview_capacity("e1", 1)
    assert (preview.affected, preview.affected_count) == (("b",), 1)


def test_preview_of_a_higher_capacity_during_an_unregistration_is_of_one_moment() -> None:
    """R2.5: the first on the waitlist leaves after the waitlist was read, before the registration."""
    store = BusyStore()
    service, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    for user_id in ("a", "b", "c"):
        service.register("e1", user_id)
    store.after = "waitlist"
    store.meanwhile = lambda: other.unregister("e1", "b")
    assert service.preview_capacity("e1", 2).promoted == ("c",)


def test_preview_of_an_addition_during_changes_is_of_one_moment() -> None:
    """R12.4: someone registers after the event was read."""
    store = BusyStore()
    service, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(service, "a", "b")
    new_event(service, capacity=1)
    store.after = "rows"
    store.meanwhile = lambda: other.register("e1", "b")
    preview = service.preview_addition("e1", ["a"])
    assert [one.position for one in preview.added] == [1]
    assert preview.event.registered_count == 1


def test_preview_capacity_of_contradicting_data_raises() -> None:
    """R7.6: data that contradicts itself is not read forever."""
    store = MemoryStore()
    service = service_on(store)
    new_users(service, "a", "b")
    new_event(service, capacity=1)
    for user_id in ("a", "b"):
        service.register("e1", user_id)
    del store.registrations["e1", "b"]
    with pytest.raises(InconsistentSnapshot):
        service.preview_capacity("e1", 2)


def test_preview_capacity_of_an_unknown_event_is_refused() -> None:
    with pytest.raises(UnknownEvent):
        service_on(MemoryStore()).preview_capacity("gone", 2)
