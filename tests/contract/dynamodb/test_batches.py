"""Registrations that arrive during a commit share the next transaction."""

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
    """Store that holds its next commit until `go_on` is set, so more commands queue up.

    Moto is not thread-safe, but only the leader of an event's batch sends requests.
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
def held_commit(
    service: Service, store: HeldStore
) -> Iterator[Callable[[str], Future[RegisterOutcome]]]:
    """Give a function that queues the registration of a user. The held commit goes on at the end."""
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
def test_queued_49_registrations_or_32_waitlist_joins_are_one_transaction(
    capacity: int, together: int, positions: list[int | None]
) -> None:
    """One transaction for the first command, then two reads and a transaction for all the others."""
    with empty_moto() as tables:
        store = HeldStore(tables)
        service = service_on(store, new_id=ids("rush"))
        crowd = [f"p{number}" for number in range(together)]
        new_users(service, "first", *crowd)
        new_event(service, capacity=capacity)
        with counted(dynamodb_client()) as requests:
            with held_commit(service, store) as arrive:
                placed = [arrive(user_id) for user_id in crowd]
            assert [future.result().position for future in placed] == positions
        assert (requests.reads, requests.transactions, requests.other_writes) == (2, 2, 0)
        found = assert_invariants(store)
        assert found.seated("e1") + found.waitlisted("e1") == ["first", *crowd]


def test_command_that_does_not_fit_goes_into_the_next_transaction() -> None:
    """DynamoDB accepts 100 actions, and the 33rd join would be the 101st."""
    with empty_moto() as tables:
        store = HeldStore(tables)
        service = service_on(store, new_id=ids("more"))
        crowd = [f"p{number}" for number in range(33)]
        new_users(service, "first", *crowd)
        new_event(service, capacity=1)
        with counted(dynamodb_client()) as requests:
            with held_commit(service, store) as arrive:
                placed = [arrive(user_id) for user_id in crowd]
            assert [future.result().position for future in placed] == list(range(1, 34))
        assert requests.transactions == 3
        assert_invariants(store)
