"""The requests that an operation takes in all on DynamoDB: before its answer, and for what follows it (R9.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.notifications.delivery import LEASE
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.worker import NotificationWorker
from domain.inputs import EventChanges
from domain.models import DeliveryState, Event
from domain.service import Service
from playground.demo.seed import EVENTS
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.dynamodb.requests import Requests, counted
from tests.support.environment import new_event, run_now, service_on
from tests.support.notifications.delivery import all_undelivered
from tests.support.notifications.message_kinds import kinds_of
from tests.support.slack.cards import put_card
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, shown
from tests.support.stores import empty_moto


@dataclass
class Process:
    """One process on DynamoDB, in the town's workspace. What it committed is in `scheduled`."""

    harness: SlackHarness
    store: DynamoDBStore
    service: Service
    notification_worker: NotificationWorker
    scheduled: list[str] = field(default_factory=list)

    def deliver(self) -> None:
        """Deliver what this process committed, and the updates of cards that must wait a second."""
        for event_id in set(self.scheduled):
            while (again := self.notification_worker.process_event(event_id)) is not None:
                self.harness.clock.advance(again - self.harness.clock.monotonic())
        self.scheduled.clear()

    def requests(self, operation: Callable[[], object]) -> tuple[int, int]:
        """Return the number of requests before an operation's answer, and in all."""
        self.harness.clock.advance(timedelta(minutes=1))
        with counted(dynamodb_client()) as sent:
            operation()
            before = _number(sent)
            self.deliver()
        assert all_undelivered(self.store) == set()
        return before, _number(sent)

    def register(self, user_id: str) -> None:
        """Register a user."""
        self.service.register("yoga", user_id)


def _number(requests: Requests) -> int:
    return requests.reads + requests.transactions + requests.other_writes + requests.scans


def a_process(harness: SlackHarness, store: DynamoDBStore, holder: str, prefix: str) -> Process:
    """Return a process that has seen nothing yet."""
    numbers = iter(range(1_000_000))
    scheduled: list[str] = []
    service = service_on(
        store,
        clock=harness.clock,
        on_commit=scheduled.append,
        new_id=lambda: f"{prefix}{next(numbers)}",
    )
    worker = NotificationWorker(
        store,
        harness.client,
        harness.clock,
        holder=holder,
        workspace_id=harness.workspace.team_id,
        sweep=service.finish_unfinished,
        reconcile=lambda: None,
        spawn=run_now,
    )
    return Process(harness, store, service, worker, scheduled)


@pytest.fixture
def process(harness: SlackHarness) -> Iterator[Process]:
    """Give a process with the event `yoga`, which has two seats and one attendee, and with its users."""
    with empty_moto() as store:
        process = a_process(harness, store, "this", "a")
        new_event(process.service, "yoga", starts_at=harness.clock.now() + timedelta(days=2))
        for user_id in (AMARA, BJORN, CHLOE, DIEGO):
            process.service.ensure_user(harness.draft(user_id))
        process.register(AMARA)
        process.deliver()
        yield process


def with_card(process: Process) -> None:
    """Post the event's card, and store it."""
    put_card(process.harness.client, process.store, process.service.get_event("yoga"), EVENTS)


def test_registration_takes_four_requests_in_all(process: Process) -> None:
    """Nobody is to be notified, and there is no card: two reads find that out, and a transaction records it."""
    assert process.requests(lambda: process.register(BJORN)) == (1, 4)
    assert process.requests(lambda: process.service.unregister("yoga", BJORN)) == (3, 6)


def test_registration_takes_three_requests_more_with_a_card(process: Process) -> None:
    """The lease, the card's version, and a look whether the event has changed meanwhile."""
    with_card(process)
    assert process.requests(lambda: process.register(BJORN)) == (1, 7)
    assert "2 of 2 seats" in shown(process.harness.workspace.messages(EVENTS)[-1])


def test_promotion_takes_three_requests_more_for_its_message(process: Process) -> None:
    """The lease, a look whether it is still true, and its record. Leaving with a promotion takes five."""
    for user_id in (BJORN, CHLOE):
        process.register(user_id)
    process.deliver()
    assert process.requests(lambda: process.service.unregister("yoga", BJORN)) == (5, 11)
    assert kinds_of(process.harness.direct_messages(CHLOE)) == ["promoted"]


def test_several_registrations_at_a_time_take_five_requests_to_deliver(process: Process) -> None:
    """One more reads their entries."""

    def register_twice() -> None:
        process.register(BJORN)
        process.register(CHLOE)

    assert process.requests(register_twice) == (2, 6)


def test_process_that_knows_nothing_of_the_event_takes_one_request_more(process: Process) -> None:
    another = a_process(process.harness, process.store, "another", "b")
    assert another.requests(lambda: another.register(BJORN)) == (3, 7)


def test_event_without_anything_new_takes_two_reads(process: Process) -> None:
    with counted(dynamodb_client()) as sent:
        assert process.notification_worker.process_event("yoga") is None
    assert (sent.reads, sent.transactions, sent.other_writes) == (2, 0, 0)


# What makes a delivery without a lease safe


class Meanwhile:
    """The store, with something that happens right before each saving of a delivery row."""

    def __init__(self, store: DynamoDBStore, act: Callable[[], object]) -> None:
        self._store = store
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        """Save it after something else happened."""
        self._act()
        return self._store.save_delivery(delivery, delivered=delivered)


def worker_with(process: Process, act: Callable[[], object]) -> NotificationWorker:
    """Return the worker of another process, to which something happens before it saves."""
    return NotificationWorker(
        cast(StoreWithOutbox, Meanwhile(process.store, act)),
        process.harness.client,
        process.harness.clock,
        holder="slow",
        workspace_id=process.harness.workspace.team_id,
        sweep=lambda: None,
        reconcile=lambda: None,
        spawn=run_now,
    )


def test_nothing_is_marked_if_another_process_takes_the_lease_meanwhile(process: Process) -> None:
    """It may be about to post a card of an older version, which it must find outdated afterwards."""
    process.register(BJORN)
    process.scheduled.clear()
    slow = worker_with(
        process,
        lambda: process.store.take_lease(
            "yoga", holder="another", until=process.harness.clock.now()
        ),
    )
    assert slow.process_event("yoga") is not None
    assert all_undelivered(process.store) == {"yoga"}
    process.harness.clock.advance(LEASE)
    assert slow.process_event("yoga") is None
    assert all_undelivered(process.store) == set()


def test_entry_that_is_committed_meanwhile_stays_undelivered(process: Process) -> None:
    process.register(BJORN)
    version = process.service.get_event("yoga").version
    slow = worker_with(
        process, lambda: process.service.edit_event("yoga", EventChanges.of(title="Late"))
    )
    slow.process_event("yoga")
    assert process.store.get_undelivered("yoga") == (version + 1,)


def test_event_whose_entry_was_lost_is_delivered_under_a_lease(process: Process) -> None:
    """The journal has a gap. What comes after it is delivered all the same."""
    process.register(BJORN)
    process.register(CHLOE)
    event: Event = process.service.get_event("yoga")
    dynamodb_client().delete_item(
        **process.store._keys.at(process.store._keys.journal_entry("yoga", event.version - 1))
    )
    process.deliver()
    assert process.store.get_delivery("yoga").holder == "this"
    assert process.store.get_delivery("yoga").delivered_version == event.version
    assert all_undelivered(process.store) == set()
