"""Past this machine, on paper: a rush for one event in a discrete-event model of DynamoDB.

What is written is what the code writes: batches are planned by `domain.planning.planner`, their items made by
`storage.dynamodb.items` and measured; pauses are `domain.execution.retry`'s. What is assumed is how long requests take
and DynamoDB's documented limits, which stand below. There is no burst and no adaptive capacity: the
worst that the documentation allows.
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
from typing import Any

import simpy

from bot.entrypoints.bootstrap import THREADS
from domain.commands import Register
from domain.execution.executor import BATCH_SIZE
from domain.execution.retry import REQUEST_SECONDS, RetryPolicy
from domain.planning import planner
from domain.planning.snapshot import Snapshot
from storage.dynamodb.conditions import transact_item
from storage.dynamodb.tables import Tables
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.units import units_of
from tests.support.builders import an_event
from tests.support.dynamodb.conflicts import ON_THE_WAY, READ, TRANSACTION
from tests.support.environment import START, ManualClock

PEOPLE, SEATS, SECONDS = 5_000, 1_000, 10.0

WRITES_A_SECOND, READS_A_SECOND = 1_000, 3_000
"""Units that one partition takes (DynamoDB's page on partitions and hot keys)."""

SPREAD = (0.7, 1.6)
"""Times what a request takes about: the fastest and the slowest."""

SHORTEST, LONGEST = 0.025, 2.0
"""Seconds: pauses of who has a transaction of his own, before full jitter."""

SLACK_WAITS = 3.0
AT_MOST = 0.5
"""Seconds of the 99th percentile (R8.12 asks for 3 of all)."""

IN_A_FUNCTION = 0.02
"""Seconds of a Lambda function's own work for a request."""

IN_A_PROCESS = 0.0042
"""Seconds of a process's own work for a click, about as `rush_http` finds them: no two at once."""

LOADS = (50, 200, 500, 1_000, 1_500, 2_000, 5_000, 10_000)
"""People within ten seconds."""

Steps = Generator[simpy.Event, Any, Any]


class End(Enum):
    """How a transaction ends."""

    DONE = auto()
    CONFLICT = auto()
    STALE = auto()
    THROTTLED = auto()


@dataclass
class Partition:
    """Takes so many units a second, and holds those of one second; beyond that it throttles."""

    env: simpy.Environment
    rate: float
    left: float = field(init=False)
    since: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.rate

    def takes(self, units: float) -> bool:
        """Take the units, if they are there."""
        self.left = min(self.rate, self.left + (self.env.now - self.since) * self.rate)
        self.since = self.env.now
        if self.left < units:
            return False
        self.left -= units
        return True


@cache
def planned(waiting: int, free: int) -> tuple[int, dict[str, int]]:
    """Return how many of so many requests one commit takes, and its write units on the event's partitions."""
    event = an_event(
        capacity=SEATS, registered_count=SEATS - free, description="Mats are there. " * 20
    )
    people = [f"U{number:08}" for number in range(waiting)]
    snapshot = Snapshot(event, people)
    commands = [Register(user_id) for user_id in people]
    plan = planner.plan(snapshot, commands, event_id="e1", now=START, plan_id="p" * 32)
    units: Counter[str] = Counter()
    for action in plan.actions:
        ((kind, part),) = transact_item(Tables("", "T024BE7LD"), action).items()
        if part["TableName"] != "users":
            units[part["TableName"]] += units_of(kind, part)
    taken = len(plan.outcomes)
    # Of registrations and of undelivered entries, the index alone is one partition's.
    units["roster"] = min(taken, free)
    del units["registrations"]
    return taken, dict(units)


class DynamoDB:
    """One event's items: the partitions that all of its writes meet on."""

    def __init__(self, env: simpy.Environment, dice: random.Random) -> None:
        self.env = env
        self.dice = dice
        self.version = 0
        self.registered = 0
        self.ends: Counter[End] = Counter()
        self._is_busy = False
        names = ("events", "journal", "waitlist", "roster")
        self._writes = {name: Partition(env, WRITES_A_SECOND) for name in names}
        self._reads = Partition(env, READS_A_SECOND)

    def takes(self, about: float) -> simpy.Event:
        """Let a request take its time."""
        return self.env.timeout(about * self.dice.uniform(*SPREAD))

    def read(self) -> Steps:
        """Read the event: strongly consistent, of its one partition. Returns its version, None if throttled."""
        yield self.takes(READ)
        return self.version if self._reads.takes(1) else None

    def transact(self, version: int, waiting: int) -> Steps:
        """Commit on condition of a version. Returns how it ends, and how many it took."""
        taken, units = planned(waiting, max(0, min(SEATS - self.registered, waiting)))
        yield self.takes(ON_THE_WAY)
        end = End.CONFLICT
        if not self._is_busy:
            self._is_busy = True
            yield self.takes(TRANSACTION)
            self._is_busy = False
            end = self._end(version, taken, units)
        self.ends[end] += 1
        return end, taken

    def _end(self, version: int, taken: int, units: dict[str, int]) -> End:
        # A condition that fails costs what the write would have, and so does one of which a part is throttled.
        had = [self._writes[name].takes(needed) for name, needed in units.items()]
        if not all(had):
            return End.THROTTLED
        if version != self.version:
            return End.STALE
        self.version += 1
        self.registered += taken
        return End.DONE


@dataclass
class Result:
    """What became of everybody: the seconds of those who were answered, and who was turned away."""

    requests: int
    database: DynamoDB
    answered: list[float] = field(default_factory=list)
    turned_away: int = 0

    @property
    def p99(self) -> float:
        """The 99th percentile, in seconds, of everybody who was answered."""
        return percentile(self.answered, 99) if self.answered else math.inf

    @property
    def holds(self) -> bool:
        """Whether all were answered, nearly all of them at once."""
        return not self.turned_away and self.p99 < AT_MOST


class Alone:
    """A transaction per request, begun again with full jitter until it applies; as many at once as come."""

    def __init__(self, database: DynamoDB) -> None:
        self._database = database

    def serve(self) -> Steps:
        """Return whether the request was carried out."""
        database, pause = self._database, SHORTEST
        while True:
            version = yield from database.read()
            yield database.takes(READ)  # its rows
            if version is not None:
                end, _ = yield from database.transact(version, 1)
                if end is End.DONE:
                    return True
            yield database.env.timeout(database.dice.random() * pause)
            pause = min(2 * pause, LONGEST)


class _Waits:
    """The pauses of `domain.execution.retry`, in the model's time."""

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
        """Return the seconds to wait before the next attempt, None where there is none in time."""
        self._set()
        if next(self._pauses, self) is self:
            return None
        return max(0.0, self._clock.monotonic() - self._env.now)  # the clock counts microseconds


class Process:
    """A process: its threads, its one interpreter, and its turnstile."""

    def __init__(self, database: DynamoDB, own_work: float) -> None:
        self._database = database
        self._own_work = own_work
        self._threads = simpy.Resource(database.env, THREADS)
        self._interpreter = simpy.Resource(database.env, 1)
        self._queue: deque[tuple[float, simpy.Event]] = deque()
        self._is_led = False

    def serve(self) -> Steps:
        """Return whether the request was carried out."""
        env = self._database.env
        with self._threads.request() as thread:
            yield thread
            if self._own_work:
                with self._interpreter.request() as interpreter:
                    yield interpreter
                    yield env.timeout(self._own_work)
            yield self._database.takes(READ)  # the person
            settled = env.event()
            self._queue.append((env.now + REQUEST_SECONDS, settled))
            if not self._is_led:
                self._is_led = True
                env.process(self._lead())
            return (yield settled)

    def _lead(self) -> Steps:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(BATCH_SIZE, len(self._queue)))]
            yield from self._serve(batch)
        self._is_led = False

    def _serve(self, batch: Sequence[tuple[float, simpy.Event]]) -> Steps:
        database = self._database
        waits = _Waits(database, max(deadline for deadline, _ in batch))
        while (pause := waits.before_next()) is not None:
            yield database.env.timeout(pause)
            for deadline, settled in batch:
                if deadline <= database.env.now:
                    settled.succeed(False)
            batch = [one for one in batch if not one[1].triggered]
            if not batch:
                return
            version = yield from database.read()
            yield database.takes(READ)  # all of their rows
            if version is None:
                continue
            end, taken = yield from database.transact(version, len(batch))
            if end is End.DONE:
                for _, settled in batch[:taken]:
                    settled.succeed(True)
                self._queue.extendleft(reversed(batch[taken:]))
                return
        for _, settled in batch:
            settled.succeed(False)


class Functions:
    """So many Lambda functions, one request each at a time; with all of them busy, Lambda turns away."""

    def __init__(self, database: DynamoDB, number: int) -> None:
        self._database = database
        self._free = number

    def serve(self) -> Steps:
        """Return whether the request was carried out."""
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
"""Makes a deployment; what it returns picks, for each request, what serves it."""


def alone(database: DynamoDB) -> Callable[[], Serve]:
    """Deploy what serves each request by itself."""
    return lambda: Alone(database).serve


def processes(number: int, own_work: float) -> Deploy:
    """Deploy so many processes, of which a request meets any."""

    def deploy(database: DynamoDB) -> Callable[[], Serve]:
        running = [Process(database, own_work) for _ in range(number)]
        return lambda: database.dice.choice(running).serve

    return deploy


def functions(number: int) -> Deploy:
    """Deploy so many Lambda functions."""

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
    deploy: Deploy, requests: int = PEOPLE, *, seconds: float = SECONDS, seed: int = 1
) -> Result:
    """Return what becomes of so many requests, which come evenly spread over so many seconds."""
    env, dice = simpy.Environment(), random.Random(seed)
    database = DynamoDB(env, dice)
    result = Result(requests, database)
    pick = deploy(database)

    def person(begins: float) -> Steps:
        yield env.timeout(begins)
        if (yield from pick()()):
            result.answered.append(env.now - begins)
        else:
            result.turned_away += 1

    for _ in range(requests):
        env.process(person(dice.uniform(0, seconds)))
    env.run()
    return result


def figures() -> Iterator[Figure]:
    """Yield what becomes of 5,000 within ten seconds, and which deployment carries how many."""
    for name, deploy in DEPLOYMENTS.items():
        result = simulate(deploy)
        ends, late = result.database.ends, sum(one > SLACK_WAITS for one in result.answered)
        yield Figure(f"{name}: median", percentile(result.answered, 50), "s")
        limit = AT_MOST if name == "one process" else None
        yield Figure(f"{name}: 99th percentile", result.p99, "s", at_most=limit)
        yield Figure(f"{name}: turned away, or after 3 s", result.turned_away + late)
        yield Figure(f"{name}: transactions", ends.total())
        for end in (End.CONFLICT, End.STALE, End.THROTTLED):
            yield Figure(f"{name}: of them {end.name.lower()}", ends[end])
    for name, deploy in DEPLOYMENTS.items():
        carried = takewhile(lambda load: simulate(deploy, load).holds, LOADS)  # noqa: B023  # used at once
        yield Figure(
            f"{name}: carries, within ten seconds, up to", max(carried, default=0), "people"
        )
