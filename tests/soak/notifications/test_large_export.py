"""A large export on DynamoDB Local, by two processes, while another event's messages go out (R9.6).

It has 50,000 attendees; with SCALE=2, as many as an event may have seats.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.entrypoints.system import SystemClock, new_id
from bot.notifications.worker import NotificationWorker
from domain.inputs import EventDraft
from domain.models import Actor
from domain.service import Service
from storage.dynamodb.store import DynamoDBStore
from tests.support.counting import Count
from tests.support.dynamodb.large_events import fill
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.environment import run_now
from tests.support.notifications.delivery import all_undelivered
from tests.support.scale import scaled
from tests.support.slack.exports import rows
from tests.support.slack.harness import AMARA, BJORN, SlackHarness, files
from tests.support.stores import empty_local

REGISTERED, WAITLISTED = scaled(35_000), scaled(15_000)

MAX_REQUESTS = 10 + scaled(25)

MAX_DELAY = 2.0
"""Seconds from a commit to its message."""

MAX_MINUTES = 10


class Process:
    """A worker with its threads and its client, which counts the requests of its export thread."""

    def __init__(self, harness: SlackHarness, tables: DynamoDBStore, holder: str) -> None:
        client = client_of(local_endpoint())
        self.requests: Counter[str] = Counter()
        events: Any = client.meta.events
        events.register("before-call.dynamodb", self._count)
        self.store = DynamoDBStore(client, tables._prefix, tables._items.workspace_id)
        self.worker = NotificationWorker(
            self.store,
            harness.client,
            SystemClock(),
            holder=holder,
            workspace_id=harness.workspace.team_id,
            sweep=lambda: 0,
            reconcile=lambda: None,
            spawn=run_now,
        )

    def _count(self, model: Any, **_: Any) -> None:
        if threading.current_thread().name == "exports":
            self.requests[model.name] += 1


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    for process in processes:
        process.worker.start()
    try:
        yield
    finally:
        for process in processes:
            process.worker.stop()


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_large_export_is_sent_once_and_delays_no_message(
    harness: SlackHarness, count: Count
) -> None:
    with empty_local(is_reused=False) as tables:
        fill(tables, "fair", REGISTERED, WAITLISTED, revision="r" * 32, time_zone="Europe/Berlin")
        processes = [Process(harness, tables, holder) for holder in ("one", "two")]

        def schedule(id_: str) -> None:
            for process in processes:
                process.worker.schedule(id_)

        clock = SystemClock()
        service = Service(
            tables,
            clock,
            new_id=new_id,
            jitter=lambda: 0.5,
            spawn=run_now,
            on_commit=schedule,
        )
        small_event(harness, service)
        with running(*processes):
            service.export("fair", request_id="once", actor=Actor(AMARA, is_admin=True))
            delays = [delay_of(harness, service, number) for number in until_sent(harness)]
            for process in processes:
                process.worker.exports.schedule_undelivered()  # as the sweep does
        (file,) = files(harness, AMARA)
        listed = rows(file)[1:]
        assert len({row[3] for row in listed}) == len(listed) == REGISTERED + WAITLISTED
        assert all(row[2] for row in listed)
        assert all_undelivered(tables) == set()
    requests = [sum(process.requests.values()) for process in processes]
    count("messages sent during the export", len(delays))
    count("requests of both processes' exports", sum(requests))
    assert sum(requests) <= MAX_REQUESTS
    assert max(delays) <= MAX_DELAY


def small_event(harness: SlackHarness, service: Service) -> None:
    service.ensure_user(harness.draft(BJORN))
    service.create_event(
        EventDraft.of(
            event_id="lunch",
            title="Lunch",
            starts_at=SystemClock().now().replace(year=2030),
            time_zone="Europe/Berlin",
            organizer_id=AMARA,
            capacity=5,
            has_waitlist=False,
        )
    )
    service.register("lunch", BJORN)


def until_sent(harness: SlackHarness) -> Iterator[int]:
    """Yield numbers until the file is there."""
    ends = time.monotonic() + 60 * MAX_MINUTES
    number = 0
    while not files(harness, AMARA):
        assert time.monotonic() < ends, "the file was not sent in time"
        number += 1
        yield number


def delay_of(harness: SlackHarness, service: Service, number: int) -> float:
    """Add a co-organizer's promotion: let Björn be removed, and return the message's delay."""
    before = len(harness.direct_messages(BJORN))
    service.remove("lunch", BJORN, actor=None, reason=f"Number {number}")
    committed = time.monotonic()
    while len(harness.direct_messages(BJORN)) == before:
        SystemClock().sleep(0.02)
    delay = time.monotonic() - committed
    service.register("lunch", BJORN)
    SystemClock().sleep(1.1)  # Slack takes a message a second
    return delay
