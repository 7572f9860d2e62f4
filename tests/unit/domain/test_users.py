"""Two who delete the same user, one of them late: what was made since then is another's (R7.1)."""

from __future__ import annotations

from collections.abc import Callable

from domain.ports import Conflict
from domain.service import Service
from tests.support.environment import ids, new_event, new_users, service_on
from tests.support.faulty_store import FaultyStore, conflict
from tests.support.invariants import assert_invariants

Work = Callable[[], None]


def with_one_who_is_in(store: FaultyStore, left_over: list[Work]) -> tuple[Service, Service]:
    """Return two processes on a store where `a` has a seat; what the first leaves for later is kept back."""
    one = service_on(store, spawn=left_over.append)
    other = service_on(store, new_id=ids("other"))
    new_users(one, "a")
    new_event(one)
    one.register("e1", "a")
    return one, other


def comes_back(service: Service) -> None:
    """Let another process finish the deletion; then the user is created anew, and registers."""
    assert service.finish_unfinished() == 1
    new_users(service, "a")
    assert service.register("e1", "a").position is None


def test_a_cascade_that_goes_on_late_leaves_alone_who_was_created_anew() -> None:
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


def test_a_leave_that_is_on_its_way_does_not_take_a_seat_that_was_given_since() -> None:
    """Between the look at the mark and the commit the other one finishes, and the user is back."""
    store = FaultyStore()
    one, other = with_one_who_is_in(store, [])
    store.before_commit = lambda: comes_back(other)
    assert one.delete_user("a")
    assert assert_invariants(store).seated("e1") == ["a"]


def test_a_repair_that_is_overtaken_does_not_take_a_seat_that_was_given_since() -> None:
    """A registration has no user; while it is mended, the user is created, leaves and registers anew."""
    store = FaultyStore()
    one, other = with_one_who_is_in(store, [])
    del store.users["a"]

    def comes_back_by_hand() -> None:
        new_users(other, "a")
        other.unregister("e1", "a")
        other.register("e1", "a")

    store.before_commit = comes_back_by_hand
    list(one.repair(lambda _: None))
    assert assert_invariants(store).seated("e1") == ["a"]


def test_a_deletion_whose_end_can_not_be_written_goes_on_until_it_can() -> None:
    """The last write is refused for longer than a request, and longer than the background, may take."""

    class Stubborn(FaultyStore):
        is_stubborn = True

        def delete_user(self, user_id: str, mark: str) -> None:
            if self.is_stubborn:
                raise Conflict("throttled")
            super().delete_user(user_id, mark)

    store = Stubborn()
    one, _ = with_one_who_is_in(store, [])
    assert not one.delete_user("a")
    assert one.finish_unfinished() == 0
    store.is_stubborn = False
    assert one.finish_unfinished() == 1
    assert "a" not in store.users
