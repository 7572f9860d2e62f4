"""Two deletions at once, one of them late: a user created again is not touched (R7.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.commands import StartDeletion
from domain.ports import Conflict
from domain.service import Service
from tests.support.environment import commit_together, ids, new_event, new_users, service_on
from tests.support.faulty_store import FaultyStore, conflict
from tests.support.invariants import assert_invariants

Work = Callable[[], None]


def with_one_who_is_in(store: FaultyStore, left_over: list[Work]) -> tuple[Service, Service]:
    """Return two processes on a store where `a` has a seat. `left_over` gets the first one's background work."""
    one = service_on(store, spawn=left_over.append)
    other = service_on(store, new_id=ids("other"))
    new_users(one, "a")
    new_event(one)
    one.register("e1", "a")
    return one, other


def finish_all(service: Service) -> None:
    assert service.finish_unfinished() == 1


def comes_back(service: Service) -> None:
    """Let another process finish the deletion; then the user is created again and registers."""
    assert service.finish_unfinished() == 1
    new_users(service, "a")
    assert service.register("e1", "a").position is None


def test_late_deletion_does_not_touch_a_user_created_again() -> None:
    store = FaultyStore()
    left_over: list[Work] = []
    one, other = with_one_who_is_in(store, left_over)
    store.faults = [conflict] * 30
    assert not one.delete_user("a")
    store.faults.clear()
    comes_back(other)
    for work in left_over:
        work()
    assert assert_invariants(store).seated("e1") == ["a"]


def test_late_unregister_does_not_touch_a_new_registration() -> None:
    """The other process finishes between the check and the commit, and the user comes back."""
    store = FaultyStore()
    one, other = with_one_who_is_in(store, [])
    store.before_commit = lambda: comes_back(other)
    assert one.delete_user("a")
    assert assert_invariants(store).seated("e1") == ["a"]


def test_overtaken_repair_does_not_touch_a_new_registration() -> None:
    """A registration has no user. During its fix the user is created, leaves and registers again."""
    store = FaultyStore()
    one, other = with_one_who_is_in(store, [])
    del store.users["a"]

    def comes_back_on_their_own() -> None:
        new_users(other, "a")
        other.unregister("e1", "a")
        other.register("e1", "a")

    store.before_commit = comes_back_on_their_own
    list(one.repair(lambda _: None))
    assert assert_invariants(store).seated("e1") == ["a"]


def test_deletion_that_cannot_finish_continues_until_it_can() -> None:
    """The last write fails for longer than a request and the background work take."""

    class Stubborn(FaultyStore):
        is_stubborn = True

        def delete_user(self, user_id: str, deletion_id: str) -> None:
            if self.is_stubborn:
                raise Conflict("throttled")
            super().delete_user(user_id, deletion_id)

    store = Stubborn()
    one, _ = with_one_who_is_in(store, [])
    assert not one.delete_user("a")
    assert one.finish_unfinished() == 0
    store.is_stubborn = False
    assert one.finish_unfinished() == 1
    assert "a" not in store.users


def test_deletion_of_a_user_registered_for_a_missing_event_names_the_repair() -> None:
    """R7.6: it is not retried forever."""
    store = FaultyStore()
    one, _ = with_one_who_is_in(store, [])
    del store.events["e1"]
    with pytest.raises(LookupError, match="of a in e1 has no event; run check --repair"):
        one.delete_user("a")


def test_deletion_of_an_event_that_another_process_finishes_ends() -> None:
    """R7.1: the other process finishes it just before the first step is committed."""
    store = FaultyStore()
    one, other = with_one_who_is_in(store, [])
    commit_together(store, "e1", [StartDeletion(None)])
    store.before_commit = lambda: finish_all(other)
    assert one.finish_unfinished() == 1
    assert_invariants(store)
