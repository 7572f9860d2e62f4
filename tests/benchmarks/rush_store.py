"""The rush, in the store: batches of the command queue, against one transaction per request.

Everyone registers for one event at the same time. *Grouped* is the service as it is. *One by one* reads,
plans and commits each request separately with the same code, and retries conflicts with full jitter.
The two alternate on the same store, and grouped runs first and last.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bot.entrypoints.system import SystemClock, new_id
from domain.commands import Register
from domain.errors import Busy
from domain.execution.loader import load_snapshot
from domain.planning import planner
from domain.ports import Conflict, Store
from domain.service import Service
from storage.sqlite.store import SQLiteStore
from tests.benchmarks.figures import Figure, percentile, ratio_of
from tests.support.builders import a_user
from tests.support.dynamodb.local import offer_engine
from tests.support.environment import new_event
from tests.support.stores import empty_local

USERS = 2_000
SEATS = 200
THREADS = 64
ROUNDS = {"DynamoDB Local": 1, "SQLite": 3}
"""Rounds of each way. One by one, 2,000 registrations take five minutes on DynamoDB Local."""

SHORTEST, LONGEST = 0.025, 2.0
"""The first and the longest delay of one by one, in seconds before jitter."""

IN_A_WEEK = SystemClock().now() + timedelta(days=7)

_numbers = count(1)

Register1 = Callable[[str, str], None]


@dataclass(frozen=True)
class Rush:
    """The result of one rush: registrations a second, seconds of each, and retries."""

    throughput: float
    latencies: Sequence[float]
    retries: int

    @property
    def p99(self) -> float:
        """The 99th percentile, in seconds."""
        return percentile(self.latencies, 99)


def figures() -> Iterator[Figure]:
    """Yield the comparison on DynamoDB Local, then on SQLite."""
    end = offer_engine()
    try:
        with empty_local() as store:
            yield from _compared("DynamoDB Local", store, times=10)
    finally:
        end()
    with (
        TemporaryDirectory() as folder,
        closing(SQLiteStore(Path(folder) / "rush.sqlite", "T1")) as store,
    ):
        yield from _compared("SQLite", store, times=3)


def _compared(name: str, store: Store, *, times: float) -> Iterator[Figure]:
    users = [f"u{number}" for number in range(USERS)]
    for user_id in users:
        store.put_user(a_user(user_id), replaces=None)
    ways = {"grouped": grouped, "one by one": one_by_one}
    found: dict[str, list[Rush]] = {way: [] for way in ways}
    for way in (*[*ways] * ROUNDS[name], "grouped"):
        found[way].append(rush(store, users, ways[way]))
    throughput = {way: median(one.throughput for one in of) for way, of in found.items()}
    p99 = {way: median(one.p99 for one in of) for way, of in found.items()}
    for way, of in found.items():
        yield Figure(f"{name}, {way}: registrations a second", throughput[way])
        yield Figure(f"{name}, {way}: 99th percentile", p99[way] * 1000, "ms")
        yield Figure(f"{name}, {way}: retried, or refused as busy", max(r.retries for r in of))
    faster = ratio_of(throughput["grouped"], throughput["one by one"])
    yield Figure(f"{name}: throughput, grouped over one by one", faster, "times", at_least=times)
    share = ratio_of(p99["grouped"], p99["one by one"])
    limit = 0.1 if name.startswith("DynamoDB") else None
    yield Figure(f"{name}: 99th percentile, grouped over one by one", share, "times", at_most=limit)


def rush(
    store: Store, users: Sequence[str], way: Callable[[Store], tuple[Register1, list[int]]]
) -> Rush:
    """Register everyone for a new event, and check its counts."""
    event_id = f"rush{next(_numbers)}"
    new_event(service_of(store), event_id, capacity=SEATS, starts_at=IN_A_WEEK)
    register, retries = way(store)

    def press(user_id: str) -> float:
        begun = time.perf_counter()
        register(event_id, user_id)
        return time.perf_counter() - begun

    with ThreadPoolExecutor(THREADS) as threads:
        begun = time.perf_counter()
        latencies = list(threads.map(press, users))
        took = time.perf_counter() - begun
    event = store.get_event(event_id)
    assert event is not None
    assert (event.registered_count, event.waitlist_count) == (SEATS, len(users) - SEATS)
    return Rush(len(users) / took, latencies, sum(retries))


def grouped(store: Store) -> tuple[Register1, list[int]]:
    """Return a function that registers through the service, and its count of retries."""
    service, retries = service_of(store), [0]

    def register(event_id: str, user_id: str) -> None:
        while True:
            try:
                service.register(event_id, user_id)
                return
            except Busy:
                retries.append(1)

    return register, retries


def one_by_one(store: Store) -> tuple[Register1, list[int]]:
    """Return a function that registers with its own transaction, and its count of retries."""
    retries, dice, clock = [0], random.Random(7), SystemClock()

    def register(event_id: str, user_id: str) -> None:
        pause = SHORTEST
        while True:
            try:
                _commit_alone(store, event_id, user_id)
                return
            except Conflict:
                retries.append(1)
                clock.sleep(dice.random() * pause)
                pause = min(2 * pause, LONGEST)

    return register, retries


def _commit_alone(store: Store, event_id: str, user_id: str) -> None:
    """Read, plan and commit one registration. Raises `Conflict`."""
    commands = [Register(user_id)]
    plan = planner.plan(
        load_snapshot(store, event_id, commands),
        commands,
        event_id=event_id,
        now=SystemClock().now(),
        plan_id=new_id(),
    )
    (outcome,) = plan.outcomes
    if isinstance(outcome, Exception):
        raise outcome
    store.commit(plan)


def service_of(store: Store) -> Service:
    """Return a service with the real clock."""
    return Service(
        store,
        SystemClock(),
        new_id=new_id,
        jitter=random.random,
        spawn=lambda work: work(),
        on_commit=lambda _: None,
    )
