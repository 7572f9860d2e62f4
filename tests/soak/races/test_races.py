"""Races of sixteen threads on SQLite and DynamoDB: some order of the calls explains all answers.

The sums below pytest's report say how many histories and calls were checked.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from domain.commands import RegisterOutcome
from domain.ports import Store
from storage.sqlite.store import SQLiteStore
from tests.support.counting import Count
from tests.support.dynamodb.local import local_endpoint
from tests.support.environment import ids, new_event, new_users, service_on
from tests.support.invariants import assert_invariants
from tests.support.races.calls import Call
from tests.support.races.judging import assert_race_is_valid
from tests.support.races.race_process import Address, RaceWorker, race
from tests.support.races.races import RACES, THREADS, Race
from tests.support.races.recording import RecordingService, run_together, switching_every
from tests.support.scale import scaled
from tests.support.second_checker.from_races import count_judged
from tests.support.stores import Kind, empty_store

BY_BOTH = "histories of events in races, by both judges"

Run = Callable[[Store, Race, str, random.Random], list[list[Call]]]
"""Runs a race on a store; returns the calls of each process."""

Seeds = Mapping[str, range]

FEW = {"sqlite": range(1), "local": range(1)}
MANY = {"sqlite": range(scaled(12)), "local": range(scaled(3))}
"""Seeds of each race, by store. A seed fixes the scripts; their timing differs every time."""

on_each_store = pytest.mark.parametrize("kind", ["sqlite", "local"])
each_race = pytest.mark.parametrize("name", RACES)
few_and_many = pytest.mark.parametrize(
    "seeds",
    [pytest.param(FEW, marks=pytest.mark.short), pytest.param(MANY, marks=pytest.mark.soak)],
    ids=["few", "many"],
)


@on_each_store
@each_race
@few_and_many
def test_sixteen_threads(kind: Kind, name: str, seeds: Seeds, count: Count) -> None:
    """Race in one process, where queued commands share a commit."""
    _run_and_check(kind, name, seeds[kind], _in_threads, count)


@on_each_store
@each_race
@few_and_many
def test_four_processes(
    kind: Kind,
    name: str,
    seeds: Seeds,
    racers: list[RaceWorker],
    count: Count,
) -> None:
    """Race of four processes with four threads each, which share only the store."""

    def in_processes(
        store: Store, started: Race, unique: str, dice: random.Random
    ) -> list[list[Call]]:
        return race(
            racers,
            _address(store),
            unique,
            started.scripts,
            list(started.events),
            switch_interval=_switch_interval(dice),
        )

    _run_and_check(kind, name, seeds[kind], in_processes, count)


def _run_and_check(kind: Kind, name: str, seeds: range, run: Run, count: Count) -> None:
    """Run a race with each seed, check it, and count its calls."""
    for seed in seeds:
        unique = f"{name} {seed}"
        dice = random.Random(unique)
        started = RACES[name](dice)
        with empty_store(kind) as store:
            initial = started.prepare(store)
            histories = run(store, started, unique, dice)
            try:
                count("calls in races", assert_race_is_valid(store, initial, histories))
                calls = [call for of_one in histories for call in of_one]
                count(BY_BOTH, count_judged(started.events, calls))
            except Exception as error:
                error.add_note(f"in the race {unique}")
                raise
        count("histories of races", 1)


def _in_threads(store: Store, started: Race, unique: str, dice: random.Random) -> list[list[Call]]:
    process = RecordingService(store, unique)
    with switching_every(_switch_interval(dice)):
        run_together([(process, started.scripts)], list(started.events))
    return [process.calls]


def _switch_interval(dice: random.Random) -> float:
    return dice.choice([0.005, 0.0001, 0.00001])


@pytest.fixture(scope="module")
def racers() -> Iterator[list[RaceWorker]]:
    four = [RaceWorker() for _ in range(4)]
    yield four
    for racer in four:
        racer.close()


def _address(store: Store) -> Address:
    """Return the address at which another process finds the store."""
    if isinstance(store, SQLiteStore):
        return "sqlite", store._file._path
    return local_endpoint(), store._prefix  # type: ignore[attr-defined]


@each_race
def test_race_has_a_script_for_each_thread(name: str) -> None:
    assert len(RACES[name](random.Random()).scripts) == THREADS


@on_each_store
def test_commands_run_in_order_of_arrival(kind: Kind) -> None:
    """Tickets follow the order in which calls were queued, in one commit or in several."""
    crowd = [f"p{number}" for number in range(45)]
    random.Random(1).shuffle(crowd)
    with empty_store(kind) as store:
        new_users(service_on(store), *crowd)
        new_event(service_on(store), capacity=7)
        go_on = threading.Event()
        service = service_on(store, on_commit=lambda _: _wait(go_on), new_id=ids("queue"))
        command_queue = service._executor.command_queue
        with ThreadPoolExecutor(len(crowd)) as pool:
            placed: list[Future[RegisterOutcome]] = []
            for behind, user_id in enumerate(crowd):
                placed.append(pool.submit(service.register, "e1", user_id))
                # The first commit is held; all other calls are queued behind it.
                while (len(command_queue), command_queue.queue_length("e1")) != (1, behind):
                    assert not any(one.done() for one in placed)
            go_on.set()
        assert [one.result().registration.ticket for one in placed] == list(range(1, 46))
        found = assert_invariants(store)
        assert found.seated("e1") + found.waitlisted("e1") == crowd


def _wait(signal: threading.Event) -> None:
    signal.wait()
