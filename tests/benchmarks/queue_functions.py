"""The functions behind the request queue (R14), in discrete events: the consumer, and the one that replies.

What they send, and in which order, is as in `domain.execution.queue_consumer` and `bot.notifications.queued_replies`;
`tests/benchmarks/test_queue_requests.py` compares the requests. The durations of requests are assumptions.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import simpy

from bot.notifications.queued_replies import TOGETHER
from domain.execution.executor import BATCH_SIZE
from domain.execution.retry import FIRST_PAUSE
from domain.queued import SLOTS
from storage.dynamodb.request_queue import BATCH_WRITE
from storage.dynamodb.schema import REQUESTS
from tests.benchmarks.lambda_model import Account, Function, Stream
from tests.benchmarks.model import (
    IN_A_FUNCTION,
    SEATS,
    WRITES_A_SECOND,
    DynamoDB,
    End,
    Partition,
    Planned,
    Steps,
)
from tests.benchmarks.queue_units import planned_with_results, queue_units
from tests.support.dynamodb.conflicts import READ, TRANSACTION

PER_ACTION = 0.00025
"""Seconds that each action adds to a transaction."""

BATCH, PUT = 0.008, 0.006
"""Seconds of a batch of reads or writes, and of a write."""

SEAT_WORK, JOIN_WORK = 0.00087, 0.00132
"""Seconds of the interpreter for each seat and for each waitlist entry.

A core of an AMD EPYC needs half as long to read, plan and encode one. Lambda's processors are slower, and writing
results takes time, too.
"""

RECORD_WORK = 0.00005
"""Seconds of the interpreter for each record of a stream."""

CONSUMED, REPLIED = 1_000, 100
"""The most records of an invocation of the consumer, and of the function that replies.

These and `SHARD_INVOCATIONS` are as in `infra.constructs.functions`, which a benchmark need not import: it starts Node.
"""

SHARDS = 4
"""Shards of the stream of a new table on demand: it takes 4,000 write units a second, 1,000 for each partition."""


@dataclass(frozen=True)
class Design:
    """What the queue does to be fast. Each part can be left out, to see what it is worth."""

    plans_ahead: bool = True
    """The consumer reads and plans a batch while the one before it is committed."""
    slots: int = SLOTS
    """How many batches may be committed whose results are not written yet."""
    writes_together: int = 1
    """Requests with results that the consumer sends at the same time."""
    replies_apart: bool = True
    """A function of its own replies to those who were asked to wait. Otherwise, the consumer does."""
    says_to_wait: bool = True
    """A function that has waited in vain says so in a message before it acknowledges the press."""
    reply_invocations: int = SHARDS
    """Concurrent invocations of the function that replies."""
    replies_together: int = TOGETHER
    """Replies that one invocation sends at the same time."""


@dataclass(eq=False)
class Press:
    """One person's press."""

    number: int
    received: float
    is_decided: bool = False
    """Its result is stored."""
    is_awaited: bool = False
    """It is stored that its person awaits a reply."""


@dataclass
class Log:
    """What the functions do."""

    order: list[float] = field(default_factory=list)
    """When each press was received, in the order in which they were decided."""
    late_replies: list[float] = field(default_factory=list)
    """Seconds from the press to the reply, of those who were asked to wait."""


class QueueDatabase(DynamoDB):
    """One event's items, with the partition of its queue."""

    def __init__(self, env: simpy.Environment, dice: random.Random) -> None:
        super().__init__(env, dice)
        self.open_until = 0.0
        for name in (REQUESTS.name, "results"):
            self.writes[name] = Partition(env, WRITES_A_SECOND)
        self.sent: Counter[str] = Counter()
        """The number of requests of each operation, of what this class and its users send."""
        self.looks = 0
        self.throttled_puts = 0

    def read(self) -> Steps:
        """Read the event with strong consistency. Return its version, or None if throttled."""
        self.sent["GetItem"] += 1
        return (yield from super().read())

    def read_user(self) -> Steps:
        """Read a user whom this function has not seen."""
        self.sent["GetItem"] += 1
        yield from self.read_rows(1)

    def read_batch(self, units: int) -> Steps:
        """Read items with strong consistency, in one request."""
        self.sent["BatchGetItem"] += 1
        self.units["read"] += units
        yield self.takes(BATCH)

    def look(self) -> Steps:
        """Look for a result."""
        self.sent["GetItem"] += 1
        self.looks += 1
        yield self.takes(READ)

    def commit(self, version: int, plan: Planned, seconds: float = TRANSACTION) -> Steps:
        """Commit a plan on condition of a version. Its actions take time, too. Return the outcome."""
        self.sent["TransactWriteItems"] += 1
        return (yield from super().commit(version, plan, seconds + PER_ACTION * plan.actions))

    def write_batch(self, units: int) -> Steps:
        """Write items on partitions of their own, in one request."""
        self.sent["BatchWriteItem"] += 1
        self.units["write"] += units
        yield self.takes(BATCH)

    def put(self, units: int) -> Steps:
        """Write an item on a partition of its own."""
        self.sent["PutItem"] += 1
        self.units["write"] += units
        yield self.takes(PUT)

    def delete(self, items: int, units: int) -> Steps:
        """Delete items at the same time, each with a request of its own."""
        self.sent["DeleteItem"] += items
        self.units["write"] += items * units
        yield self.takes(PUT)

    def put_in_queue(self, units: int) -> Steps:
        """Write an item of the event's queue. Try again while its partition throttles."""
        while True:
            yield from self.put(units)
            if self.writes[REQUESTS.name].takes(units):
                return
            self.throttled_puts += 1
            yield self.env.timeout(self.dice.random() * FIRST_PAUSE)


class Replies:
    """The function that tells those who were asked to wait, once the result and the awaited reply are stored."""

    def __init__(
        self,
        database: QueueDatabase,
        design: Design,
        log: Log,
        *,
        account: Account,
        function: Function,
        post: Callable[[], simpy.Event],
    ) -> None:
        self._database = database
        self._design = design
        self._log = log
        self._post = post
        self._streams = [
            Stream(account, database.dice, function, self._handle, batch_size=REPLIED)
            for _ in range(design.reply_invocations)
        ]

    def add(self, press: Press) -> None:
        """Add the record of a result or of an awaited reply."""
        if self._design.replies_apart:
            self._streams[press.number % len(self._streams)].add(press)

    def _handle(self, presses: list[Press]) -> Steps:
        yield self._database.env.timeout(IN_A_FUNCTION + RECORD_WORK * len(presses))
        yield from self.tell(presses)

    def tell(self, presses: Sequence[Press]) -> Steps:
        """Reply to those presses that have a result and whose persons await it."""
        database, together = self._database, self._design.replies_together
        presses = list(dict.fromkeys(presses))  # both records of one may be there
        yield from database.read_batch(len(presses))
        awaited = [press for press in presses if press.is_awaited]
        if awaited:
            yield from database.read_batch(len(awaited))
        due = [press for press in awaited if press.is_decided]
        for first in range(0, len(due), together):
            yield self._post()
            for press in due[first : first + together]:
                press.is_awaited = False
                self._log.late_replies.append(database.env.now - press.received)
            sent = len(due[first : first + together])
            yield from database.delete(sent, queue_units().awaited_reply)


@dataclass
class Batch:
    """Presses that are planned on a version of the event with so many free seats."""

    version: int
    free: int
    presses: Sequence[Press]
    plan: Planned


class Consumer:
    """The function that takes requests from the queue, and decides them in order."""

    def __init__(
        self,
        database: QueueDatabase,
        design: Design,
        log: Log,
        *,
        on_result: Callable[[Press], None],
        tell: Callable[[Sequence[Press]], Steps],
    ) -> None:
        self._database = database
        self._design = design
        self._log = log
        self._on_result = on_result
        self._tell = tell
        self._env = database.env
        self._pending: deque[Press] = deque()
        self._results: list[simpy.Process] = []
        """For each commit of this invocation: until its results are written."""

    def handle(self, records: list[Press]) -> Steps:
        """Decide all of the presses, and write their results."""
        yield self._env.timeout(IN_A_FUNCTION + RECORD_WORK * len(records))
        yield from self._database.put_in_queue(queue_units().opening)  # it stays open
        self._pending.extend(records)
        batch = yield from self._begin()
        while batch is not None:
            batch = yield from self._decide(batch)
        yield self._env.all_of(self._results)
        self._results.clear()

    def _begin(self) -> Steps:
        """Return the first batch, planned on the event as it is stored."""
        # An earlier invocation may have carried out the first request.
        yield from self._database.read_batch(queue_units().batches + 1)
        while (version := (yield from self._database.read())) is None:
            yield self._pause()
        return (yield from self._plan(version, max(0, SEATS - self._database.registered)))

    def _decide(self, batch: Batch) -> Steps:
        """Commit a batch, or begin again if that fails. Return the next batch, if there is one."""
        design = self._design
        if len(self._results) >= design.slots:
            yield self._results[-design.slots]
        ahead = self._env.process(self._plan_after(batch)) if design.plans_ahead else None
        end = yield from self._database.commit(batch.version, batch.plan)
        following = None if ahead is None else (yield ahead)
        if end is not End.DONE:
            for undone in (following, batch):
                self._pending.extendleft(reversed(undone.presses if undone else ()))
            yield self._pause()
            return (yield from self._begin())
        self._log.order += [press.received for press in batch.presses]
        self._results.append(self._env.process(self._write_results(batch.presses)))
        if not design.replies_apart:
            yield self._results[-1]
            yield from self._tell(batch.presses)
        return (yield from self._plan_after(batch)) if ahead is None else following

    def _pause(self) -> simpy.Event:
        return self._env.timeout(self._database.dice.random() * FIRST_PAUSE)

    def _plan_after(self, batch: Batch) -> Steps:
        """Return the next batch, planned on the event as this batch leaves it."""
        free = max(0, batch.free - len(batch.presses))
        return (yield from self._plan(batch.version + 1, free))

    def _plan(self, version: int, free: int) -> Steps:
        pending = self._pending
        presses = [pending.popleft() for _ in range(min(BATCH_SIZE, len(pending)))]
        if not presses:
            return None
        yield from self._database.read_batch(2 * len(presses))
        plan = planned_with_results(len(presses), min(free, len(presses)))
        seats = min(free, plan.taken)
        yield self._env.timeout(SEAT_WORK * seats + JOIN_WORK * (plan.taken - seats))
        pending.extendleft(reversed(presses[plan.taken :]))
        return Batch(version, free, presses[: plan.taken], plan)

    def _write_results(self, presses: Sequence[Press]) -> Steps:
        together = self._design.writes_together * BATCH_WRITE
        for first in range(0, len(presses), together):
            share = presses[first : first + together]
            parts = [share[part : part + BATCH_WRITE] for part in range(0, len(share), BATCH_WRITE)]
            yield self._env.all_of([self._env.process(self._write_part(part)) for part in parts])

    def _write_part(self, presses: Sequence[Press]) -> Steps:
        yield from self._database.write_batch(queue_units().result * len(presses))
        for press in presses:
            press.is_decided = True
            self._on_result(press)
