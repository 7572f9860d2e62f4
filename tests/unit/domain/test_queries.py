"""What people are told of their own place is true at one moment, whatever happens while it is read."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from domain.errors import NotRegistered, UnknownEvent
from domain.models import Registration
from domain.ports import Rows
from tests.support.environment import ids, new_event, new_users, service_on
from tests.support.memory_store import MemoryStore


class BusyStore(MemoryStore):
    """Something happens as soon as a registration has been read."""

    after_rows: Callable[[], None] | None = None

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        rows = super().get_rows(event_id, registrations_of=registrations_of, users=users)
        if self.after_rows is not None:
            meanwhile, self.after_rows = self.after_rows, None
            meanwhile()
        return rows


def test_what_leaving_would_cost_is_not_told_of_two_moments() -> None:
    """R8.4: somebody with a seat, and nobody behind, leaves meanwhile; then a line forms that he was never before."""
    store = BusyStore()
    service, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    service.register("e1", "a")

    def others_come() -> None:
        other.unregister("e1", "a")
        other.register("e1", "b")
        other.register("e1", "c")

    store.after_rows = others_come
    with pytest.raises(NotRegistered):
        service.preview_leave("e1", "a")


def test_of_an_event_that_is_not_there_nobody_has_a_history() -> None:
    service = service_on(MemoryStore())
    with pytest.raises(UnknownEvent):
        service.list_own_history("e1", "a")


def test_who_came_last_is_not_told_of_two_moments() -> None:
    """R2.5: while those are read whom a smaller capacity would not seat, one of them leaves."""

    class Leaving(MemoryStore):
        meanwhile: Callable[[], object] | None = None

        def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
            last = super().get_last_seated(event_id, limit=limit)
            if self.meanwhile is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                meanwhile()
            return last

    store = Leaving()
    service, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=3)
    for user_id in ("a", "b", "c"):
        service.register("e1", user_id)
    store.meanwhile = lambda: other.unregister("e1", "c")
    preview = service.preview_capacity("e1", 1)
    assert (preview.affected, preview.affected_count) == (("b",), 1)
