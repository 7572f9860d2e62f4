"""Many unconfirmed requests: one thread resolves them all, and neither failures nor slow callers hold it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from domain.commands import RegisterOutcome
from domain.errors import Busy, NotConfirmed, OperatorNeeded
from domain.execution import unconfirmed
from domain.execution.background import BackgroundQueue
from domain.execution.unconfirmed import COMPLETING_THREADS
from domain.inputs import UserChanges
from domain.planning.plan import Plan
from domain.ports import AnswerLost, ThreadNotStarted
from domain.service import Service
from tests.support.environment import ManualClock, new_event, new_users, run_all, service_on
from tests.support.faulty_store import FaultyStore, lost

USERS = [f"u{number}" for number in range(30)]


class BrownOut(FaultyStore):
    """Store that can read, and answers no write while `is_silent`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_silent = False

    def commit(self, plan: Plan) -> None:
        if self.is_silent:
            self.attempts.append(plan)
            raise AnswerLost
        super().commit(plan)


class Threads:
    """Background work, kept until a test runs it. While `is_out`, no thread can be started."""

    def __init__(self) -> None:
        self.pending: list[Callable[[], None]] = []
        self.is_out = False

    def __call__(self, work: Callable[[], None]) -> None:
        if self.is_out:
            raise ThreadNotStarted
        self.pending.append(work)


@pytest.fixture
def store() -> BrownOut:
    return BrownOut()


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: BrownOut, threads: Threads, clock: ManualClock) -> Service:
    service = service_on(store, clock=clock, spawn=threads)
    new_users(service, *USERS)
    new_event(service, capacity=10)
    return service


def press_unconfirmed(service: Service, user_id: str) -> Future[object]:
    with pytest.raises(NotConfirmed) as raised:
        service.register("e1", user_id)
    return raised.value.result


def test_requests_without_an_answer_take_one_thread_in_all(
    service: Service, store: BrownOut, threads: Threads
) -> None:
    store.is_silent = True
    results = [press_unconfirmed(service, user_id) for user_id in USERS * 5]
    assert len(threads.pending) == 1
    store.is_silent = False
    run_all(threads.pending)
    assert all(isinstance(result.exception(0), Busy) for result in results)


def test_resolving_rests_longer_the_longer_there_is_no_answer(
    service: Service, store: BrownOut, threads: Threads, clock: ManualClock
) -> None:
    store.is_silent = True
    press_unconfirmed(service, "u1")
    began, store.attempts = clock.monotonic(), []

    def answers_after_a_minute() -> None:
        store.is_silent = clock.monotonic() < began + 60
        store.before_reading_journal = answers_after_a_minute

    answers_after_a_minute()
    run_all(threads.pending)
    assert 20 <= len(store.attempts) <= 40


def test_request_that_fails_to_resolve_does_not_stop_others(
    service: Service, store: BrownOut, threads: Threads
) -> None:
    new_event(service, "damaged")
    store.is_silent = True
    with pytest.raises(NotConfirmed) as damaged:
        service.register("damaged", "u1")
    other = press_unconfirmed(service, "u2")
    store.is_silent = False
    failures = iter([ZeroDivisionError()] * 3)
    read = store.get_journal_entry

    def fails(event_id: str, version: int) -> object:
        if event_id == "damaged" and (error := next(failures, None)):
            raise error
        return read(event_id, version)

    store.get_journal_entry = fails  # type: ignore[assignment,method-assign]
    threads.pending.pop(0)()
    with pytest.raises(ZeroDivisionError):
        threads.pending.pop(0)()
    run_all(threads.pending)
    assert other.done()
    assert damaged.value.result.done()


def test_slow_callback_does_not_hold_up_other_results(store: BrownOut) -> None:
    """A callback posts to Slack, for seconds."""
    release, known = threading.Event(), threading.Event()
    started: list[threading.Thread] = []

    def spawn(work: Callable[[], None]) -> None:
        started.append(threading.Thread(target=work, daemon=True))
        started[-1].start()

    service = service_on(store, spawn=spawn)
    new_users(service, *USERS)
    new_event(service, "e1", capacity=10)
    results = []
    for user_id in USERS[:2]:
        store.faults = [lost, *[_silent] * 100]
        results.append(press_unconfirmed(service, user_id))
    results[0].add_done_callback(lambda _: release.wait(10))
    results[1].add_done_callback(lambda _: known.set())
    store.faults = []
    assert known.wait(10)
    release.set()
    for thread in started:
        thread.join(10)
    assert isinstance(results[0].result(0), RegisterOutcome)


def _silent(store: FaultyStore, plan: Plan) -> None:
    raise AnswerLost


def test_results_are_completed_in_so_many_threads_at_most(
    service: Service, store: BrownOut, threads: Threads
) -> None:
    store.is_silent = True
    for user_id in USERS:
        press_unconfirmed(service, user_id)
    store.is_silent = False
    threads.pending.pop()()
    assert len(threads.pending) == COMPLETING_THREADS


def test_request_is_resolved_by_the_next_sweep_if_no_thread_could_be_started(
    service: Service, store: BrownOut, threads: Threads
) -> None:
    store.is_silent = threads.is_out = True
    result = press_unconfirmed(service, "u1")
    store.is_silent = False
    service.sweep()
    assert not result.done()
    threads.is_out = False
    service.sweep()
    run_all(threads.pending)
    assert result.done()


def test_result_is_completed_by_the_next_sweep_if_no_thread_could_be_started(
    service: Service, store: BrownOut, threads: Threads
) -> None:
    store.is_silent = True
    result = press_unconfirmed(service, "u1")
    store.is_silent, threads.is_out = False, True
    threads.pending.pop()()
    assert not result.done()
    threads.is_out = False
    service.sweep()
    run_all(threads.pending)
    assert result.done()


def test_too_many_unconfirmed_requests_are_busy_and_send_nothing(
    service: Service, store: BrownOut, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unconfirmed, "MAX_UNCONFIRMED", 3)
    store.is_silent = True
    for user_id in USERS[:3]:
        press_unconfirmed(service, user_id)
    store.attempts = []
    with pytest.raises(Busy):
        service.register("e1", "u5")
    with pytest.raises(Busy):
        service.update_user("u5", UserChanges.of(name="Uma"))
    assert store.attempts == []
    store.is_silent = False
    run_all(threads.pending)
    service.register("e1", "u5")


def test_fault_for_the_operator_changes_nothing_and_is_said_at_once(
    service: Service, store: BrownOut, clock: ManualClock
) -> None:
    store.faults = [_disk_full]
    began = clock.monotonic()
    with pytest.raises(OperatorNeeded):
        service.register("e1", "u1")
    assert clock.monotonic() == began
    service.register("e1", "u1")


def test_fault_for_the_operator_after_a_lost_answer_is_not_confirmed(
    service: Service, store: BrownOut, threads: Threads
) -> None:
    """The first attempt may have applied, so "nothing changed" could be wrong."""
    store.faults = [lost, *[_disk_full] * 100]

    def unreadable() -> None:
        store.before_reading_journal = unreadable
        raise OperatorNeeded("The disk is full.")

    store.before_reading_journal = unreadable
    result = press_unconfirmed(service, "u1")
    store.faults, store.before_reading_journal = [], None
    run_all(threads.pending)
    assert isinstance(result.result(0), RegisterOutcome)


def _disk_full(store: FaultyStore, plan: Plan) -> None:
    raise OperatorNeeded("The disk is full.")


def test_failing_work_leaves_the_rest_to_another_thread() -> None:
    threads, done = Threads(), []
    queue = BackgroundQueue(threads, 1)

    def fail() -> None:
        raise ZeroDivisionError

    queue.submit(fail)
    queue.submit(lambda: done.append("rest"))
    with pytest.raises(ZeroDivisionError):
        threads.pending.pop()()
    run_all(threads.pending)
    assert done == ["rest"]
