"""A queueing executor and a consumer on an in-memory store, with time and faults under the test's control."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from domain.commands import Command, Outcome
from domain.errors import RollcallError
from domain.execution.committer import Committer
from domain.execution.queue_consumer import QueueConsumer
from domain.execution.queueing_executor import OPEN_SECONDS, Queueing
from domain.execution.request_codec import decode_result, encode_command
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import UnconfirmedResolver
from domain.models import Event
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Conflict
from domain.queued import QueuedRequest, RequestResult
from domain.service import Service
from tests.support.environment import ManualClock, ids, run_now
from tests.support.memory_queue import MemoryRequestQueue

LONG = 60.0


class FaultyQueue(MemoryRequestQueue):
    """A queue and store whose commits and results meet the faults that a test chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.before_commit: list[Callable[[Plan], None]] = []
        """Called before each commit, one after the other. Each may raise."""
        self.after_commit: list[Callable[[Plan], None]] = []
        self.before_results: list[Callable[..., None]] = []
        self.commits: list[Plan] = []
        self.rejected = 0
        """Commits whose conditions did not hold."""
        self.event_reads = 0

    def commit(self, plan: Plan) -> None:
        if self.before_commit:
            self.before_commit.pop(0)(plan)
        stored = plan.event and self.journal.get((plan.event_id, plan.event.version))
        if not stored or stored.plan_id != plan.plan_id:
            self._commit(plan)
            self.commits.append(plan)
        if self.after_commit:
            self.after_commit.pop(0)(plan)

    def _commit(self, plan: Plan) -> None:
        try:
            super().commit(plan)
        except Conflict:
            self.rejected += 1
            raise

    def get_event(self, event_id: str) -> Event | None:
        self.event_reads += 1
        return super().get_event(event_id)

    def put_results(self, results: Sequence[RequestResult]) -> None:
        if self.before_results:
            self.before_results.pop(0)()
        super().put_results(results)


def fine(_: object = None) -> None:
    """Let a call succeed."""


def conflict(_: object = None) -> None:
    """Reject a write."""
    raise Conflict


def lost(_: object = None) -> None:
    """Lose the answer to a write."""
    raise AnswerLost


def void(_: object) -> None:
    """Ignore what a function returns."""


class Died(BaseException):
    """The process died."""


def dies(_: object = None) -> None:
    """End the process."""
    raise Died


class LateWork(ManualClock):
    """Background work that is done only when somebody waits for it: the last first.

    So a commit comes after the reads for the next one, and before the results of the one before.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock.now())
        self._works: list[Callable[[], None]] = []

    def spawn(self, work: Callable[[], None]) -> None:
        self._works.append(work)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        while not signal.is_set():
            self._works.pop()()
        return True


class Queues:
    """Functions that share a store and its queues. `received_at` is when the request in progress was received."""

    def __init__(self, *, wait_seconds: float = 1.6, address: str | None = "address") -> None:
        self.clock = ManualClock()
        self.store = FaultyQueue()
        self.new_id = ids()
        self.wait_seconds = wait_seconds
        self.address = address
        self.failures: list[Exception] = []
        self.received_at: float | None = None

    def function(self) -> Service:
        """Return the service of a function that has just started."""
        return Service(
            self.store,
            self.clock,
            new_id=self.new_id,
            jitter=lambda: 0.5,
            spawn=run_now,
            on_commit=lambda _: None,
            received_at=lambda: self.received_at,
            queueing=Queueing(self.store, lambda: self.address, self.wait_seconds),
        )

    def consumer(self) -> QueueConsumer:
        """Return a consumer that has just started, with a clock of its own."""
        clock = LateWork(self.clock)
        retry = RetryPolicy(clock, lambda: 0.5)
        resolver = UnconfirmedResolver(retry, clock, run_now)

        def log_failure(error: Exception) -> str:
            self.failures.append(error)
            return "reference"

        return QueueConsumer(
            self.store,
            self.store,
            retry,
            clock,
            Committer(self.store, retry, clock, self.new_id, resolver),
            new_id=self.new_id,
            spawn=clock.spawn,
            log_failure=log_failure,
        )

    def open(self, event_id: str = "e1") -> None:
        """Open an event's queue."""
        until = self.clock.now() + timedelta(seconds=OPEN_SECONDS)
        self.store.open_queue(event_id, until)

    def add(self, *commands: Command, event_id: str = "e1") -> list[QueuedRequest]:
        """Add requests to an event's queue, and return all that are in it."""
        for command in commands:
            text = encode_command(command)
            request = QueuedRequest(self.new_id(), event_id, self.clock.now(), text)
            self.store.put_request(request)
        return self.store.requests[event_id]

    def consume(self, event_id: str = "e1", *, until: float = LONG) -> int:
        """Have a new consumer carry out all requests of an event's queue, as after a failed invocation."""
        requests = self.store.requests[event_id]
        return self.consumer().consume(event_id, requests, until).number

    def results(self, event_id: str = "e1") -> list[Outcome | RollcallError | None]:
        """Return what became of the requests of an event, in order."""
        found = (self.store.results.get(one.request_id) for one in self.store.requests[event_id])
        return [None if one is None else decode_result(one) for one in found]
