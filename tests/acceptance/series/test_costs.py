"""What series cost in requests: idle ones nothing, and an occurrence with 1,000 registrations 34 commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import Register
from domain.service import Service
from tests.support.builders import plan_and_commit
from tests.support.environment import ManualClock, ids, new_users, service_on
from tests.support.memory_store import MemoryStore
from tests.support.series import new_series, register_for_all

WEEK = timedelta(weeks=1)

TOGETHER = 25
"""Users who register in one commit."""


class Recorded:
    """Store that records the name of each request, and calls `before` ahead of it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.names: list[str] = []
        self.before: Callable[[str], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            self.names.append(name)
            self.before(name)
            return getattr(self._store, name)(*args, **options)

        return call

    @contextmanager
    def recording(self) -> Iterator[Counter[str]]:
        """Count the requests that are made meanwhile."""
        self.names.clear()
        counted: Counter[str] = Counter()
        yield counted
        counted.update(self.names)


@pytest.fixture
def store() -> Recorded:
    return Recorded(MemoryStore())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Recorded, clock: ManualClock) -> Service:
    return process(store, clock)


def process(store: Recorded, clock: ManualClock, name: str = "id") -> Service:
    """Return the service of another process. It has nothing in its caches."""
    return service_on(store, clock=clock, new_id=ids(name))


def test_idle_series_costs_a_sweep_nothing(
    store: Recorded, service: Service, clock: ManualClock
) -> None:
    with store.recording() as without:
        service.sweep()
    new_series(service, days_ahead=14)
    new_users(service, "ada")
    register_for_all(service, "ada")
    service.sweep()
    with store.recording() as with_series:
        service.sweep()
    assert with_series == without
    assert without["list_due_events"] == 1


def wanted_by(service: Service, store: Recorded, number: int) -> list[str]:
    """Create a series that so many users register for; return their ids in order."""
    new_series(service, capacity=number // 2)
    users = [f"u{n:04}" for n in range(number)]
    new_users(service, *users)
    for first in range(0, number, TOGETHER):
        wishes = map(Register, users[first : first + TOGETHER])
        plan_and_commit(store, *wishes, event_id="yoga")
    return users


def test_occurrence_with_1000_registrations_takes_34_commits(
    store: Recorded, service: Service, clock: ManualClock
) -> None:
    users = wanted_by(service, store, 1_000)
    clock.advance(WEEK)
    with store.recording() as counted:
        process(store, clock, "sweep").sweep()
    found = service.list_registrations_in("yoga-1")
    assert [one.user_id for one in found.registered] == users[: len(found.registered)]
    event = service.get_event("yoga-1")
    assert (event.registered_count, event.waitlist_count) == (500, 500)
    assert (
        counted["commit"] == 1 + 32 + 1
    )  # made, opened, and noted in the series: at most 40 are allowed


@pytest.mark.parametrize("last", range(1, 7))
def test_occurrence_is_made_after_a_crash_at_any_commit(
    store: Recorded, service: Service, clock: ManualClock, last: int
) -> None:
    users = wanted_by(service, store, 100)
    clock.advance(WEEK)
    commits = 0

    def crash(name: str) -> None:
        nonlocal commits
        commits += name == "commit"
        if commits == last:
            raise KeyboardInterrupt

    store.before = crash
    with suppress(KeyboardInterrupt):
        process(store, clock, "dead").sweep()
    store.before = lambda _: None
    with store.recording() as counted:
        process(store, clock, "next").sweep()
    found = service.list_registrations_in("yoga-1")
    assert [one.user_id for one in found.registered] == users[:50]
    assert service.get_event("yoga-1").waitlist_count == 50
    assert counted["commit"] == 1 + 4 + 1 - (last - 1)


def test_occurrences_that_need_nothing_are_read_together(
    store: Recorded, service: Service, clock: ManualClock
) -> None:
    """Found by seed 53 of the simulation: with a slow store, reading one after the other took all the time."""
    new_series(service, days_ahead=60)
    new_users(service, "ada")
    service.register("yoga", "ada")
    for number in range(1, 9):
        service._long_operations.series.open(f"yoga-{number}", clock.monotonic() + 60)
    with store.recording() as counted:
        process(store, clock, "sweep").sweep()
    assert service.get_event("yoga").is_unfinished is False
    assert counted["get_event"] + counted["get_events"] <= 6


def test_slow_reads_leave_time_for_a_commit(
    store: Recorded, service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by seed 53 of the simulation: looking for those who go first took all the time, again and again."""
    new_series(service, capacity=5, missed_first=True)
    users = ("ada", "ben", "cleo", "dana", "eve", "fay")
    new_users(service, *users)
    for user_id in users:
        register_for_all(service, user_id)
    clock.advance(WEEK)
    service.sweep()
    clock.advance(WEEK)
    # A page has as many people as a commit: with one each, few people stand for a waitlist that takes many reads.
    monkeypatch.setattr("domain.execution.series_work.MAX_ENROLLED_PER_COMMIT", 1)
    store.before = lambda name: clock.advance(1.0 if name == "get_waitlist" else 0.0)
    for number in range(14):
        process(store, clock, f"sweep{number}").sweep()
    found = service.list_registrations_in("yoga-2")
    assert [one.user_id for one in found.registered] == ["fay", "ada", "ben", "cleo", "dana"]


def test_whoever_registers_again_meanwhile_has_another_turn(
    store: Recorded, service: Service, clock: ManualClock
) -> None:
    new_series(service, capacity=1)
    new_users(service, "ada", "ben")
    for user_id in ("ada", "ben"):
        register_for_all(service, user_id)
    clock.advance(WEEK)
    other = process(store, clock, "other")
    again: list[str] = []

    def register_again(name: str) -> None:
        if name == "get_rows" and "get_waitlist" in store.names and not again:
            again.append(name)
            other.unregister("yoga", "ada")
            other.register("yoga", "ada")

    store.names.clear()
    store.before = register_again
    service.sweep()
    store.before = lambda _: None
    service.sweep()
    found = service.list_registrations_in("yoga-1")
    assert [one.user_id for one in found.registered] == ["ben"]
    assert [one.entry.user_id for one in found.waitlist] == ["ada"]
