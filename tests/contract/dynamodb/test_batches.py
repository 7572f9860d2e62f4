"""Those who press Register while a commit is under way go through DynamoDB together, in the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from domain.commands import RegisterOutcome
from domain.planning.plan import Plan
from domain.service import Service
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.dynamodb.requests import counted
from tests.support.environment import ids, new_event, new_users, service_on
from tests.support.invariants import assert_invariants
from tests.support.stores import empty_moto


class HeldStore(DynamoDBStore):
    """Holds its next commit until it is told to go on, so that others queue behind.

    Threads are no danger to moto here: one event has one leader, and only a leader makes requests.
    """

    held = False

    def __init__(self, store: DynamoDBStore) -> None:
        super().__init__(dynamodb_client(), store._prefix, "T1")
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def commit(self, plan: Plan) -> None:
        if self.held:
            self.held = False
            self.reached.set()
            self.go_on.wait()
        super().commit(plan)


@contextmanager
def held_door(
    service: Service, store: HeldStore
) -> Iterator[Callable[[str], Future[RegisterOutcome]]]:
    """Give what lets one person after the other queue; the door opens at the end."""
    with ThreadPoolExecutor(64) as pool:
        store.held = True
        first = pool.submit(service.register, "e1", "first")
        store.reached.wait()

        def arrive(user_id: str) -> Future[RegisterOutcome]:
            queued = service._executor.command_queue.queue_length("e1")
            future = pool.submit(service.register, "e1", user_id)
            while (
                service._executor.command_queue.queue_length("e1") == queued and not future.done()
            ):
                pass
            return future

        try:
            yield arrive
        finally:
            store.go_on.set()
        first.result()


@pytest.mark.parametrize(
    ("capacity", "together", "positions"),
    [(100, 49, [None] * 49), (1, 32, list(range(1, 33)))],
    ids=["49 seats", "32 joins"],
)
def test_forty_nine_seats_or_thirty_two_joins_that_wait_together_are_one_transaction(
    capacity: int, together: int, positions: list[int | None]
) -> None:
    """A transaction for the one in front, two reads and a transaction for all who wait behind."""
    with empty_moto() as tables:
        store = HeldStore(tables)
        service = service_on(store, new_id=ids("rush"))
        crowd = [f"p{number}" for number in range(together)]
        new_users(service, "first", *crowd)
        new_event(service, capacity=capacity)
        with counted(dynamodb_client()) as requests:
            with held_door(service, store) as arrive:
                placed = [arrive(user_id) for user_id in crowd]
            assert [future.result().position for future in placed] == positions
        assert (requests.reads, requests.transactions, requests.other_writes) == (2, 2, 0)
        found = assert_invariants(store)
        assert found.seated("e1") + found.waitlisted("e1") == ["first", *crowd]


def test_one_more_than_fits_goes_in_the_next_transaction() -> None:
    """DynamoDB takes 100 actions: the 33rd join would be the 101st, and waits for its turn."""
    with empty_moto() as tables:
        store = HeldStore(tables)
        service = service_on(store, new_id=ids("more"))
        crowd = [f"p{number}" for number in range(33)]
        new_users(service, "first", *crowd)
        new_event(service, capacity=1)
        with counted(dynamodb_client()) as requests:
            with held_door(service, store) as arrive:
                placed = [arrive(user_id) for user_id in crowd]
            assert [future.result().position for future in placed] == list(range(1, 34))
        assert requests.transactions == 3
        assert_invariants(store)
