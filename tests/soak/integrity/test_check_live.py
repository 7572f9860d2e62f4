"""R7.6: a check of data that keeps changing reports true violations and no false ones."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from domain.errors import RollcallError
from domain.inputs import EventChanges, UserDraft
from domain.integrity.violations import ViolationKind
from domain.models import JournalEntry
from domain.planning.plan import Plan, PutEvent, PutJournalEntry
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import Clock, Conflict, Store
from domain.service import Service
from tests.support.environment import START, ids, new_event, new_users, run_now
from tests.support.integrity.corruption import check, repair
from tests.support.invariants import assert_invariants
from tests.support.questions import NOTES, fingerprints_of
from tests.support.races.recording import WallClock
from tests.support.scale import scaled
from tests.support.stores import Kind, empty_store

THREADS = 8
USERS = [f"u{number}" for number in range(30)]

ASKED = fingerprints_of(NOTES)
"""What every form of the traffic asks, also when the event has not asked it for a while."""


class ShortPauseClock(WallClock):
    """Clock with real seconds and short pauses: these stores need not wait for their index."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


def service_of_a_process(store: Store, name: str, clock: Clock | None = None) -> Service:
    """Return a service in real time, with its own ids and command queue."""
    return Service(
        store,
        clock or WallClock(),
        new_id=ids(name),
        jitter=lambda: 0.5,
        spawn=run_now,
        on_commit=lambda _: None,
    )


class RandomTraffic:
    """Random traffic of many users in a few events, which are deleted and replaced."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.service = service_of_a_process(store, "traffic")
        self.seed = seed
        self.events = ["e1", "e2", "e3"]
        self.done = 0
        self._numbers = count(4)
        self._lock = threading.Lock()
        new_users(self.service, *USERS)
        for event_id in self.events:
            new_event(self.service, event_id, capacity=4, questions=[NOTES])

    def run(self, stopping: threading.Event) -> None:
        """Make random calls from many threads until `stopping` is set; ignore refusals."""

        def one(number: int) -> None:
            dice = random.Random(self.seed * 1_000 + number)  # a test's
            while not stopping.is_set():
                with suppress(RollcallError, InconsistentSnapshot):
                    self._something(dice)
                with self._lock:
                    self.done += 1

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, range(THREADS)))

    def _something(self, dice: random.Random) -> None:
        event_id, user_id = dice.choice(self.events), dice.choice(USERS)
        notes = {"notes": dice.choice(["", "Late", "No nuts"])}
        whats: dict[Callable[[], object], int] = {
            lambda: self.service.register(event_id, user_id, notes, asked=ASKED): 40,
            lambda: self.service.change_answers(event_id, user_id, notes, asked=ASKED): 15,
            lambda: self.service.edit_event(
                event_id, EventChanges.of(questions=[NOTES] * dice.randint(0, 1))
            ): 3,
            lambda: self.service.unregister(event_id, user_id): 25,
            lambda: self.service.edit_event(
                event_id, EventChanges.of(capacity=dice.randint(1, 12))
            ): 12,
            lambda: self._recreate_user(user_id): 6,
            lambda: self._replace_event(event_id): 3,
        }
        (what,) = dice.choices([*whats], [*whats.values()])
        what()

    def _recreate_user(self, user_id: str) -> None:
        self.service.delete_user(user_id)
        self.service.create_user(UserDraft.of(user_id=user_id, name=user_id))

    def _replace_event(self, event_id: str) -> None:
        with self._lock:
            if event_id not in self.events:
                return
            new_id = f"e{next(self._numbers)}"
            new_event(self.service, new_id, capacity=4, questions=[NOTES])
            self.events[self.events.index(event_id)] = new_id
        self.service.delete_event(event_id)


@contextmanager
def running(traffic: RandomTraffic) -> Iterator[None]:
    """Run the traffic meanwhile."""
    stopping = threading.Event()
    thread = threading.Thread(target=traffic.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def assert_no_false_violation(kind: Kind, seed: int, checks: int, operations: int) -> None:
    """Check again and again during this many operations; assert that there is never a violation.

    Each check takes longer than the one before, because the traffic adds events. On a slow machine, five times the
    operations are enough, however few checks they have met.
    """
    with empty_store(kind) as store:
        traffic = RandomTraffic(store, seed)
        with running(traffic):
            for number in count():
                if traffic.done >= (operations if number >= checks else 5 * operations):
                    break
                assert check(service_of_a_process(store, f"check{number}")) == []
        traffic.service.finish_unfinished()
        assert_invariants(store)
        assert check(traffic.service) == []


@pytest.mark.parametrize(("kind", "checks", "operations"), [("sqlite", 10, 300), ("local", 1, 12)])
def test_live_traffic_causes_no_violation(kind: Kind, checks: int, operations: int) -> None:
    assert_no_false_violation(kind, 1, checks, operations)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(scaled(1)))
@pytest.mark.parametrize(
    ("kind", "checks", "operations"), [("sqlite", 40, 2_000), ("local", 3, 100)]
)
def test_live_traffic_causes_no_violation_at_length(
    kind: Kind, checks: int, operations: int, seed: int
) -> None:
    assert_no_false_violation(kind, seed, checks, operations)


def miscount(store: Store, event_id: str) -> None:
    """Raise the waitlist count by two, in a commit, which a concurrent plan can't undo."""
    while True:
        event = store.get_event(event_id)
        assert event is not None
        values = {"waitlist_count": event.waitlist_count + 2, "version": event.version + 1}
        wrong = event.model_copy(update=values)
        entry = JournalEntry(
            event_id=event_id, version=wrong.version, plan_id=f"wrong{wrong.version}", at=START
        )
        actions = (PutEvent(wrong, event.version), PutJournalEntry(entry))
        with suppress(Conflict):
            store.commit(Plan(entry.plan_id, event_id, None, (), actions))
            return


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("local", marks=pytest.mark.soak)])
def test_violation_in_a_busy_event_is_found_and_fixed(kind: Kind) -> None:
    """Users register and leave all the time."""
    with empty_store(kind) as store:
        service = service_of_a_process(store, "busy")
        user_ids = [f"u{number}" for number in range(24)]
        new_users(service, *user_ids)
        new_event(service, "e1", capacity=3)
        stopping = threading.Event()
        moves = [0] * THREADS

        def come_and_go(number: int) -> None:
            own = user_ids[number::THREADS]
            while not stopping.is_set():
                for user_id in own:
                    with suppress(RollcallError, InconsistentSnapshot):
                        service.register("e1", user_id)
                    with suppress(RollcallError, InconsistentSnapshot):
                        service.unregister("e1", user_id)
                    moves[number] += 1

        with ThreadPoolExecutor(THREADS) as pool:
            futures = [pool.submit(come_and_go, number) for number in range(THREADS)]
            try:
                miscount(store, "e1")
                before = sum(moves)
                found = check(service_of_a_process(store, "check", ShortPauseClock()))
                # With a wrong count, newcomers are waitlisted although seats are free.
                expected = {
                    *(ViolationKind.WAITLIST_COUNT, ViolationKind.FREE_SEAT),
                    ViolationKind.JOURNAL_EVENT,
                }
                kinds = {violation.kind for violation in found}
                assert ViolationKind.WAITLIST_COUNT in kinds <= expected
                fixed = repair(service_of_a_process(store, "repair", ShortPauseClock()))
                kinds = {fix.violation.kind for fix in fixed}
                assert ViolationKind.WAITLIST_COUNT in kinds <= expected
                assert check(service_of_a_process(store, "again", ShortPauseClock())) == []
                assert sum(moves) > before
            finally:
                stopping.set()
            for one in futures:
                one.result()
        assert check(service) == []
