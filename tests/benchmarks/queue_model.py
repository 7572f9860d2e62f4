"""A rush for one event on AWS Lambda with the request queue (R14), on paper, beside one without it.

DynamoDB's limits are those of `tests.benchmarks.model`, and Lambda's those of `tests.benchmarks.lambda_model`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import simpy

from bot.entrypoints.settings import ENOUGH_CONCURRENCY
from domain.errors import TooLate
from domain.execution.queueing_executor import (
    CONFLICTS,
    OPEN_SECONDS,
    POLL_SECONDS,
    POLL_SPREAD,
    REPLY_LATER_AFTER,
)
from domain.execution.retry import FIRST_PAUSE, RetryPolicy
from tests.benchmarks.idle import GB, PER_GB_SECOND, PER_MILLION_INVOCATIONS
from tests.benchmarks.lambda_model import COLD_START, Account, Function, Stream, Throttled
from tests.benchmarks.model import (
    IN_A_FUNCTION,
    SECONDS,
    SLACK_TIMEOUT,
    USERS,
    End,
    Process,
    Steps,
)
from tests.benchmarks.queue_functions import (
    CONSUMED,
    Consumer,
    Design,
    Log,
    Press,
    QueueDatabase,
    Replies,
)
from tests.benchmarks.queue_units import queue_units
from tests.benchmarks.units import PER_MILLION
from tests.support.environment import ManualClock

NOTIFIER = 1
"""Concurrency that the notifier takes during a rush."""

PER_ADDRESS = 1.00
"""Dollars for a million requests to API Gateway."""

PRICED = 1_000_000


@dataclass(frozen=True)
class Rush:
    """Presses for one event, spread evenly, and the functions that receive them."""

    presses: int = USERS
    seconds: float = SECONDS
    concurrency: int = 1_000
    """The account's quota."""
    started: int = 1_000
    """Slack functions that have started before. With none, the other functions have not, either."""
    reply: float = 0.12
    """Seconds in which Slack takes a reply."""
    cold_start: tuple[float, float] = COLD_START


@dataclass
class Result:
    """What became of the presses, and what it cost."""

    rush: Rush
    database: QueueDatabase
    account: Account
    log: Log
    acknowledged: list[float] = field(default_factory=list)
    """Seconds until the acknowledgement, of all presses that Lambda accepted."""
    asked_to_wait: int = 0
    busy: int = 0
    """How many were told "busy"."""
    throttled: int = 0
    """How many Lambda refused."""

    @property
    def turned_away(self) -> int:
        """How many were not answered in time, nor asked to wait."""
        late = sum(seconds > SLACK_TIMEOUT for seconds in self.acknowledged)
        return self.busy + self.throttled + late

    @property
    def overtaken(self) -> float:
        """The longest time, in seconds, by which a press came before another one that was decided earlier."""
        latest = longest = 0.0
        for received in self.log.order:
            latest = max(latest, received)
            longest = max(longest, latest - received)
        return longest

    @property
    def read_units(self) -> float:
        """The read units, as on DynamoDB's bill."""
        return self.database.units["read"] + queue_units().look * self.database.looks

    @property
    def gb_seconds(self) -> float:
        """The functions' time, times their memory."""
        return self.account.seconds * GB

    @property
    def dollars(self) -> float:
        """The price of the requests to API Gateway, to Lambda and to DynamoDB, and of the functions' time."""
        millions = (
            self.database.units["write"] * PER_MILLION["write"]
            + self.read_units * PER_MILLION["read"]
            + self.account.invocations * PER_MILLION_INVOCATIONS
            + self.rush.presses * PER_ADDRESS
        )
        return millions / PRICED + self.gb_seconds * PER_GB_SECOND


class QueueModel:
    """A rush for one event, with the functions and the database."""

    def __init__(self, rush: Rush, design: Design | None, seed: int) -> None:
        self.env, self._dice = simpy.Environment(), random.Random(seed)
        self._rush = rush
        self.database = QueueDatabase(self.env, self._dice)
        self._design = design or Design()
        account = Account(self.env, rush.concurrency - NOTIFIER)
        log = Log()
        self.result = Result(rush, self.database, account, log)

        def function(started: int) -> Function:
            return Function(account, self._dice, started=started, cold_start=rush.cold_start)

        self._replies = Replies(
            self.database,
            self._design,
            log,
            account=account,
            function=function(min(self._design.reply_invocations, rush.started)),
            post=self._post,
        )
        consumer = Consumer(
            *(self.database, self._design, log),
            on_result=self._replies.add,
            tell=self._replies.tell,
        )
        self._queue = Stream(
            account,
            random.Random(seed),  # designs are compared with the same latencies
            function(min(1, rush.started)),
            consumer.handle,
            batch_size=CONSUMED,
        )
        slack = function(rush.started)
        serve = self._serve_directly if design is None else self.serve
        for number in range(rush.presses):
            press = Press(number, self._dice.uniform(0, rush.seconds))
            self.env.process(self._send(press, slack, serve))

    def _post(self) -> simpy.Event:
        """Wait until Slack has taken a reply."""
        return self.database.takes(self._rush.reply)

    def _send(self, press: Press, slack: Function, serve: Callable[[Press], Steps]) -> Steps:
        yield self.env.timeout(press.received)
        try:
            yield from slack.run(lambda: serve(press))
        except Throttled:
            self.result.throttled += 1
        else:
            self.result.acknowledged.append(self.env.now - press.received)

    def _serve_directly(self, press: Press) -> Steps:
        """Decide a press in the function that receives it, as without a queue."""
        yield self.env.timeout(IN_A_FUNCTION)
        if (yield from self._is_decided_directly(press)):
            self.result.log.order.append(press.received)
        else:
            self.result.busy += 1
        yield self._post()

    def _is_decided_directly(self, press: Press) -> Steps:
        clock = ManualClock()
        clock.advance(self.env.now)
        policy = RetryPolicy(clock, self._dice.random, lambda: press.received)
        try:
            deadline = policy.deadline()
        except TooLate:
            return False
        return (yield from Process(self.database, 0).serve(deadline))

    def serve(self, press: Press) -> Steps:
        """Decide a press, or hand it over while the queue is open."""
        yield self.env.timeout(IN_A_FUNCTION)
        yield from self.database.read_user()
        if (yield from self._is_committed(press)):
            self.result.log.order.append(press.received)
        else:
            yield from self.database.put_in_queue(queue_units().request)
            self._queue.add(press)
            waits = self._waits and self.env.now < press.received + REPLY_LATER_AFTER
            if not (yield from self._is_decided_in_time(press)):
                self.result.asked_to_wait += 1
                if not (waits and self._design.says_to_wait):
                    return
        yield self._post()

    def _is_committed(self, press: Press) -> Steps:
        """Return whether a press was decided here. If not, the queue is open: the last conflict opens it."""
        database = self.database
        for number in range(CONFLICTS):
            if number:
                yield self.env.timeout(self._dice.random() * FIRST_PAUSE)
            yield from database.read_batch(2)  # the event, and until when its queue is open
            version, left = database.version, database.open_until - self.env.now
            if left > 0:
                if left < OPEN_SECONDS / 2:
                    yield from self._open()
                return False
            yield from database.read_batch(2)
            end, _ = yield from database.transact(version, 1)
            if end is End.DONE:
                return True
        yield from self._open()
        return False

    def _open(self) -> Steps:
        until = self.env.now + OPEN_SECONDS
        yield from self.database.put_in_queue(queue_units().opening)
        self.database.open_until = max(self.database.open_until, until)

    @property
    def _waits(self) -> bool:
        return self._rush.concurrency >= ENOUGH_CONCURRENCY

    def _is_decided_in_time(self, press: Press) -> Steps:
        """Return whether the result is there while the function waits. If not, the reply is awaited."""
        database = self.database
        while self._waits and self.env.now < press.received + REPLY_LATER_AFTER:
            spread = self._dice.uniform(1 - POLL_SPREAD, 1 + POLL_SPREAD)
            yield self.env.timeout(POLL_SECONDS * spread)
            yield from database.look()
            if press.is_decided:
                return True
        yield from database.put(queue_units().awaited_reply)
        press.is_awaited = True
        self._replies.add(press)
        return False


def simulate(rush: Rush, design: Design | None = None, *, seed: int = 1) -> Result:
    """Return the result of a rush, with a queue of this design. With None, there is no queue."""
    model = QueueModel(rush, design, seed)
    model.env.run()
    return model.result
