"""A rush for one event in a discrete-event model of DynamoDB, beyond what one machine can measure.

Batches are planned by `domain.planning.planner`, items are made by `storage.dynamodb.items`, and delays
come from `domain.execution.retry`. The durations of requests are assumptions, and DynamoDB's limits are
the documented ones, without bursts and adaptive capacity.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple

import simpy

from bot.entrypoints.bootstrap import THREADS
from domain.commands import Register
from domain.execution.executor import BATCH_SIZE
from domain.execution.retry import REQUEST_SECONDS, RetryPolicy
from domain.planning import planner
from domain.planning.plan import ACTIONS_PER_COMMIT, Plan, PutRegistration
from domain.planning.snapshot import Snapshot
from storage.dynamodb.conditions import transact_item
from storage.dynamodb.keys import Keys
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.units import units_of
from tests.support.builders import an_event
from tests.support.dynamodb.conflicts import ON_THE_WAY, READ, TRANSACTION
from tests.support.environment import START, ManualClock

USERS, SEATS, SECONDS = 5_000, 1_000, 10.0

EVENT_ID = "e" * 32

WRITES_A_SECOND, READS_A_SECOND = 1_000, 3_000
"""The limits of one partition, in units (DynamoDB's documentation of partitions and hot keys)."""

SPREAD = (0.7, 1.6)
"""The fastest and the slowest request, as a factor of the usual duration."""

SHORTEST, LONGEST = 0.025, 2.0
"""Delays of a transaction per request, in seconds before full jitter."""

SLACK_TIMEOUT = 3.0
AT_MOST = 0.5
"""The limit of the 99th percentile, in seconds. R8.12 allows 3 seconds for every request."""

IN_A_FUNCTION = 0.02
"""Seconds of a Lambda function's own work per request."""

IN_A_PROCESS = 0.0042
"""Seconds of a process's own work per press, by `rush_http`. They don't overlap."""

LOADS = (50, 200, 500, 1_000, 1_500, 2_000, 5_000, 10_000)
"""People within ten seconds."""

Steps = Generator[simpy.Event, Any, Any]


class End(Enum):
    """The outcome of a transaction."""

    DONE = auto()
    CONFLICT = auto()
    STALE = auto()
    THROTTLED = auto()


@dataclass
class Partition:
    """A partition with a limit of units per second, which throttles beyond it."""

    env: simpy.Environment
    rate: float
    left: float = field(init=False)
    since: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.rate

    def takes(self, units: float) -> bool:
        """Take the units if available. Return whether they were."""
        self.left = min(self.rate, self.left + (self.env.now - self.since) * self.rate)
        self.since = self.env.now
        if self.left < units:
            return False
        self.left -= units
        return True


class Planned(NamedTuple):
    """A commit as the code plans it."""

    taken: int
    """The number of requests in it."""
    actions: int
    hot: dict[str, int]
    """Write units by table, on the partitions that all commits of the event write."""
    units: int
    """All of its write units."""


@cache
def plan_of(requests: int, free: int, budget: int = ACTIONS_PER_COMMIT) -> Plan:
    """Return the plan of as many of the waiting requests as fit."""
    event = an_event(
        event_id=EVENT_ID,
        capacity=SEATS,
        registered_count=SEATS - free,
        description="Mats are there. " * 20,
    )
    users = [f"U{number:08}" for number in range(requests)]
    commands = [Register(user_id) for user_id in users]
    return planner.plan(
        *(Snapshot(event, users), commands),
        event_id=EVENT_ID,
        now=START,
        plan_id="p" * 32,
        budget=budget,
    )


def costs_of(plan: Plan) -> Planned:
    """Return what a plan of registrations writes."""
    units: Counter[str] = Counter()
    seats = 0
    for action in plan.actions:
        ((kind, part),) = transact_item(Keys("", "T024BE7LD"), action).items()
        units[part["TableName"]] += units_of(kind, part)
        seats += isinstance(action, PutRegistration) and action.registration.seated_at is not None
    every = units.total()
    # Users and registrations spread over partitions. Only the registrations' roster index is on one.
    units["roster"] = seats
    del units["registrations"], units["users"]
    return Planned(len(plan.outcomes), len(plan.actions), dict(units), every)


@cache
def planned(requests: int, free: int) -> Planned:
    """Return the commit of as many of the waiting requests as fit."""
    return costs_of(plan_of(requests, free))


class DynamoDB:
    """One event's items, on the partitions that all of its writes share."""

    def __init__(self, env: simpy.Environment, dice: random.Random) -> None:
        self.env = env
        self.dice = dice
        self.version = 0
        self.registered = 0
        self.ends: Counter[End] = Counter()
        self.units: Counter[str] = Counter()
        """The request units taken, as on DynamoDB's bill: reads and writes."""
        self._is_busy = False
        names = ("events", "journal", "waitlist", "roster")
        self.writes = {name: Partition(env, WRITES_A_SECOND) for name in names}
        self._reads = Partition(env, READS_A_SECOND)

    def takes(self, about: float) -> simpy.Event:
        """Wait for the duration of a request."""
        return self.env.timeout(about * self.dice.uniform(*SPREAD))

    def read(self) -> Steps:
        """Read the event with strong consistency. Return its version, or None if throttled."""
        yield self.takes(READ)
        self.units["read"] += 1
        return self.version if self._reads.takes(1) else None

    def read_rows(self, number: int) -> Steps:
        """Read so many small items with strong consistency, of partitions of their own."""
        self.units["read"] += number
        yield self.takes(READ)

    def plan(self, requests: int) -> Planned:
        """Return the commit of waiting requests, as the event is now."""
        return planned(requests, max(0, min(SEATS - self.registered, requests)))

    def transact(self, version: int, requests: int) -> Steps:
        """Commit on condition of a version. Return the outcome, and the number of requests in the commit."""
        plan = self.plan(requests)
        end = yield from self.commit(version, plan)
        return end, plan.taken

    def commit(self, version: int, plan: Planned, seconds: float = TRANSACTION) -> Steps:
        """Commit a plan on condition of a version, in so many seconds. Return the outcome."""
        yield self.takes(ON_THE_WAY)
        end = End.CONFLICT
        if not self._is_busy:
            self._is_busy = True
            yield self.takes(seconds)
            self._is_busy = False
            end = self._end(version, plan)
        self.ends[end] += 1
        # A rejected transaction costs as much as one that applies.
        self.units["write"] += plan.units
        return end

    def _end(self, version: int, plan: Planned) -> End:
        # A failed condition costs as much as the write, and so does a partly throttled transaction.
        had = [self.writes[name].takes(needed) for name, needed in plan.hot.items()]
        if not all(had):
            return End.THROTTLED
        if version != self.version:
            return End.STALE
        self.version += 1
        self.registered += plan.taken
        return End.DONE


@dataclass
class Result:
    """The seconds of handled requests, and the number of refused ones."""

    requests: int
    database: DynamoDB
    answered: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def p99(self) -> float:
        """The 99th percentile of handled requests, in seconds."""
        return percentile(self.answered, 99) if self.answered else math.inf

    @property
    def holds(self) -> bool:
        """Whether all requests were handled, within the limit of the 99th percentile."""
        return not self.refused and self.p99 < AT_MOST


class Alone:
    """A transaction per request, retried with full jitter until it applies, without a concurrency limit."""

    def __init__(self, database: DynamoDB) -> None:
        self._database = database

    def serve(self) -> Steps:
        """Return whether the request was handled."""
        database, pause = self._database, SHORTEST
        while True:
            version = yield from database.read()
            yield from database.read_rows(2)
            if version is not None:
                end, _ = yield from database.transact(version, 1)
                if end is End.DONE:
                    return True
            yield database.env.timeout(database.dice.random() * pause)
            pause = min(2 * pause, LONGEST)


class _Pauses:
    """The delays of `domain.execution.retry`, in the model's time."""

    def __init__(self, database: DynamoDB, deadline: float) -> None:
        self._env = database.env
        self._clock = ManualClock()
        self._deadline = deadline
        retry = RetryPolicy(self._clock, database.dice.random)
        self._set()
        self._pauses = retry.pauses(deadline)

    def _set(self) -> None:
        self._clock.advance(timedelta(seconds=self._env.now - self._clock.monotonic()))

    def before_next(self) -> float | None:
        """Return the seconds before the next attempt, or None if there is no time for one."""
        self._set()
        if next(self._pauses, self) is self:
            return None
        return max(0.0, self._clock.monotonic() - self._env.now)  # the clock counts microseconds


class Process:
    """A process with its threads, one interpreter and a command queue."""

    def __init__(self, database: DynamoDB, own_work: float) -> None:
        self._database = database
        self._own_work = own_work
        self._threads = simpy.Resource(database.env, THREADS)
        self._interpreter = simpy.Resource(database.env, 1)
        self._queue: deque[tuple[float, simpy.Event]] = deque()
        self._is_led = False

    def serve(self, deadline: float | None = None) -> Steps:
        """Return whether the request was handled. Its deadline is the usual one if none is given."""
        env = self._database.env
        with self._threads.request() as thread:
            yield thread
            if self._own_work:
                with self._interpreter.request() as interpreter:
                    yield interpreter
                    yield env.timeout(self._own_work)
            yield from self._database.read_rows(1)  # the user
            done = env.event()
            until = env.now + REQUEST_SECONDS if deadline is None else deadline
            self._queue.append((until, done))
            if not self._is_led:
                self._is_led = True
                env.process(self._lead())
            return (yield done)

    def _lead(self) -> Steps:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(BATCH_SIZE, len(self._queue)))]
            yield from self._serve(batch)
        self._is_led = False

    def _serve(self, batch: Sequence[tuple[float, simpy.Event]]) -> Steps:
        database = self._database
        pauses = _Pauses(database, max(deadline for deadline, _ in batch))
        while (pause := pauses.before_next()) is not None:
            yield database.env.timeout(pause)
            for deadline, done in batch:
                if deadline <= database.env.now:
                    done.succeed(False)
            batch = [one for one in batch if not one[1].triggered]
            if not batch:
                return
            version = yield from database.read()
            yield from database.read_rows(2 * len(batch))
            if version is None:
                continue
            end, taken = yield from database.transact(version, len(batch))
            if end is End.DONE:
                for _, done in batch[:taken]:
                    done.succeed(True)
                self._queue.extendleft(reversed(batch[taken:]))
                return
        for _, done in batch:
            done.succeed(False)


class Functions:
    """Lambda functions with one request each at a time. Lambda refuses requests while all are busy."""

    def __init__(self, database: DynamoDB, number: int) -> None:
        self._database = database
        self._free = number

    def serve(self) -> Steps:
        """Return whether the request was handled."""
        if not self._free:
            return False
        self._free -= 1
        yield self._database.env.timeout(IN_A_FUNCTION)
        process = Process(self._database, 0)
        done = yield from process.serve()
        self._free += 1
        return done


Serve = Callable[[], Steps]
Deploy = Callable[[DynamoDB], Callable[[], Serve]]
"""Builds a deployment. The result picks a server for each request."""


def alone(database: DynamoDB) -> Callable[[], Serve]:
    """Deploy a transaction per request."""
    return lambda: Alone(database).serve


def processes(number: int, own_work: float) -> Deploy:
    """Deploy processes. Each request goes to a random one."""

    def deploy(database: DynamoDB) -> Callable[[], Serve]:
        running = [Process(database, own_work) for _ in range(number)]
        return lambda: database.dice.choice(running).serve

    return deploy


def functions(number: int) -> Deploy:
    """Deploy Lambda functions."""

    def deploy(database: DynamoDB) -> Callable[[], Serve]:
        running = Functions(database, number)
        return lambda: running.serve

    return deploy


DEPLOYMENTS: dict[str, Deploy] = {
    "a transaction per request": alone,
    "one process": processes(1, 0),
    "one process, with its own work": processes(1, IN_A_PROCESS),
    "4 processes, with their own work": processes(4, IN_A_PROCESS),
    "200 Lambda functions": functions(200),
}


def simulate(
    deploy: Deploy, requests: int = USERS, *, seconds: float = SECONDS, seed: int = 1
) -> Result:
    """Return the result of so many requests, spread evenly over so many seconds."""
    env, dice = simpy.Environment(), random.Random(seed)
    database = DynamoDB(env, dice)
    result = Result(requests, database)
    pick = deploy(database)

    def user(begins: float) -> Steps:
        yield env.timeout(begins)
        if (yield from pick()()):
            result.answered.append(env.now - begins)
        else:
            result.refused += 1

    for _ in range(requests):
        env.process(user(dice.uniform(0, seconds)))
    env.run()
    return result


def figures() -> Iterator[Figure]:
    """Yield the results of 5,000 requests within ten seconds, and the load that each deployment handles."""
    for name, deploy in DEPLOYMENTS.items():
        result = simulate(deploy)
        ends, late = result.database.ends, sum(one > SLACK_TIMEOUT for one in result.answered)
        yield Figure(f"{name}: median", percentile(result.answered, 50), "s")
        limit = AT_MOST if name == "one process" else None
        yield Figure(f"{name}: 99th percentile", result.p99, "s", at_most=limit)
        yield Figure(f"{name}: refused, or after 3 s", result.refused + late)
        yield Figure(f"{name}: transactions", ends.total())
        for end in (End.CONFLICT, End.STALE, End.THROTTLED):
            yield Figure(f"{name}: of them {end.name.lower()}", ends[end])
    for name, deploy in DEPLOYMENTS.items():
        handled = takewhile(lambda load: simulate(deploy, load).holds, LOADS)  # noqa: B023  # used immediately
        yield Figure(
            f"{name}: handles, within ten seconds, up to", max(handled, default=0), "people"
        )
