"""The turnstile: batches, deadlines, leaders that fail, lanes that go away. Threads meet at gates, never by time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import InvalidStateError, ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.errors import Busy
from domain.execution.batching import CommandQueue, QueuedCommand
from tests.support.batching import (
    NO_DEADLINE,
    Callers,
    Interrupted,
    UppercaseEntry,
    UppercaseExecutor,
    hold,
    release,
)
from tests.support.environment import ManualClock


def test_who_comes_alone_is_served_alone(
    command_queue: CommandQueue[str, str], executor: UppercaseExecutor
) -> None:
    assert command_queue.submit("event", "a", NO_DEADLINE) == "A"
    assert executor.batches == [["a"]]


def test_those_who_wait_together_go_through_together_in_order(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    first = hold(executor, callers)
    waiting = [callers.enqueue(name) for name in "abcd"]
    release(executor)
    assert [future.result() for future in [first, *waiting]] == ["FIRST", "A", "B", "C", "D"]
    assert executor.batches == [["first"], ["a", "b", "c", "d"]]


def test_each_event_has_a_lane_of_its_own(executor: UppercaseExecutor, callers: Callers) -> None:
    hold(executor, callers)
    executor.held = False
    assert callers.command_queue.submit("another event", "b", NO_DEADLINE) == "B"
    release(executor)


def test_a_batch_is_no_larger_than_its_size(executor: UppercaseExecutor, callers: Callers) -> None:
    hold(executor, callers)
    waiting = [callers.enqueue(f"{number:02}") for number in range(15)]
    release(executor)
    assert [future.result() for future in waiting] == [f"{number:02}" for number in range(15)]
    assert [len(batch) for batch in executor.batches] == [1, 10, 5]


def test_what_a_batch_leaves_goes_first_in_the_next(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    executor.max_served = 2
    hold(executor, callers)
    waiting = [callers.enqueue(name) for name in "abc"]
    release(executor)
    assert [future.result() for future in waiting] == ["A", "B", "C"]
    assert executor.batches == [["first"], ["a", "b", "c"], ["c"]]


def test_past_its_deadline_a_queued_command_is_withdrawn_and_never_served(
    executor: UppercaseExecutor, callers: Callers, clock: ManualClock
) -> None:
    first = hold(executor, callers)
    with pytest.raises(Busy):
        callers.command_queue.submit("event", "late", clock.monotonic())
    release(executor)
    first.result()
    assert executor.batches == [["first"]]


def test_a_taken_command_is_waited_for_whatever_its_deadline(
    executor: UppercaseExecutor, callers: Callers, clock: ManualClock
) -> None:
    hold(executor, callers)
    soon = callers.enqueue("soon", deadline=clock.monotonic() + 1)
    executor.open.release()
    executor.entered.acquire()  # its batch is being served
    clock.advance(timedelta(seconds=5))
    release(executor)
    assert soon.result() == "SOON"


def test_the_culprit_in_a_batch_fails_alone(executor: UppercaseExecutor, callers: Callers) -> None:
    executor.errors["b"] = ZeroDivisionError("b did it")
    hold(executor, callers)
    a, b, c = (callers.enqueue(name) for name in "abc")
    release(executor)
    assert (a.result(), c.result()) == ("A", "C")
    with pytest.raises(ZeroDivisionError, match="b did it"):
        b.result()
    assert executor.batches == [["first"], ["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert executor.keys == {"event"}


def test_a_leader_that_fails_hands_over(executor: UppercaseExecutor, callers: Callers) -> None:
    executor.errors["first"] = ZeroDivisionError()
    first = hold(executor, callers)
    behind = callers.enqueue("behind")
    release(executor)
    with pytest.raises(ZeroDivisionError):
        first.result()
    assert behind.result() == "BEHIND"


def test_a_leader_that_is_ended_hands_over_and_its_batch_is_served(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    """Only the ended thread's own command is lost with it."""
    hold(executor, callers)
    leader, behind = callers.enqueue("leader"), callers.enqueue("behind")
    executor.errors["leader"] = Interrupted()
    release(executor)
    with pytest.raises(Interrupted):
        leader.result()
    assert behind.result() == "BEHIND"
    assert executor.batches == [["first"], ["leader", "behind"], ["behind"]]


def test_a_leader_ended_after_its_own_was_done_hands_over(
    callers: Callers, executor: UppercaseExecutor
) -> None:
    def serve(_: str, batch: Sequence[UppercaseEntry]) -> None:
        executor.serve("event", batch[:1])
        if batch[0].command == "leader":
            raise Interrupted

    callers.command_queue._run_batch = serve
    hold(executor, callers)
    leader, behind = callers.enqueue("leader"), callers.enqueue("behind")
    release(executor)
    with pytest.raises(Interrupted):
        leader.result()
    assert behind.result() == "BEHIND"


def test_a_caller_ended_while_it_waits_is_withdrawn(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    class EndingClock(ManualClock):
        def wait(self, signal: threading.Event, seconds: float) -> bool:
            raise Interrupted

    first = hold(executor, callers)
    callers.command_queue._clock = EndingClock()
    with pytest.raises(Interrupted):
        callers.command_queue.submit("event", "gone", NO_DEADLINE)
    assert callers.command_queue.queue_length("event") == 0
    release(executor)
    assert first.result() == "FIRST"


class GatedClock(ManualClock):
    """Who has a deadline waits at a gate, whatever calls it; then time is up, or the thread is ended."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.ends = False
        self.waits: list[float] = []

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        if seconds > 100:
            return super().wait(signal, seconds)
        self.waits.append(seconds)
        self.gate.acquire()
        if self.ends:
            raise Interrupted
        return False


@pytest.fixture
def gated(callers: Callers) -> GatedClock:
    callers.command_queue._clock = clock = GatedClock()
    return clock


def test_time_that_is_up_while_a_command_is_being_served_takes_nothing_back(
    executor: UppercaseExecutor, callers: Callers, gated: GatedClock
) -> None:
    gated.advance(timedelta(seconds=1))
    hold(executor, callers)
    leader = callers.enqueue("leader")
    soon = callers.enqueue("soon", deadline=5)
    executor.open.release()
    executor.entered.acquire()  # both are being served
    gated.gate.release()
    release(executor)
    assert (leader.result(), soon.result()) == ("LEADER", "SOON")
    assert gated.waits == [4.0]  # as long as is left
    assert executor.batches == [["first"], ["leader", "soon"]]


def test_a_caller_ended_when_the_lead_is_its_own_hands_it_over(
    executor: UppercaseExecutor, callers: Callers, gated: GatedClock
) -> None:
    first = hold(executor, callers)
    gone = callers.enqueue("gone", deadline=5)
    behind = callers.enqueue("behind")
    executor.open.release()
    first.result()
    gated.ends = True
    gated.gate.release()
    with pytest.raises(Interrupted):
        gone.result()
    release(executor)
    assert behind.result() == "BEHIND"
    assert executor.batches == [["first"], ["behind"]]


def test_a_caller_ended_when_the_lead_is_its_own_leaves_no_lane(
    executor: UppercaseExecutor, callers: Callers, gated: GatedClock
) -> None:
    first = hold(executor, callers)
    gone = callers.enqueue("gone", deadline=5)
    release(executor)
    first.result()
    gated.ends = True
    gated.gate.release()
    with pytest.raises(Interrupted):
        gone.result()
    assert len(callers.command_queue) == 0


def test_where_nobody_goes_nobody_waits(command_queue: CommandQueue[str, str]) -> None:
    assert command_queue.queue_length("event") == 0


def test_an_empty_lane_is_removed(executor: UppercaseExecutor, callers: Callers) -> None:
    hold(executor, callers)
    waiting = [callers.enqueue(name) for name in "ab"]
    assert len(callers.command_queue) == 1
    release(executor)
    for future in waiting:
        future.result()
    callers.pool.shutdown()
    assert len(callers.command_queue) == 0


def test_settling_twice_is_a_bug() -> None:
    entry: UppercaseEntry = QueuedCommand("a", NO_DEADLINE)
    entry.result.set_result("A")
    with pytest.raises(InvalidStateError):
        entry.result.set_result("B")


def test_a_thousand_calls_from_many_threads_are_each_served_once(
    command_queue: CommandQueue[str, str], executor: UppercaseExecutor
) -> None:
    names = [str(number) for number in range(1000)]

    def call(name: str) -> str:
        return command_queue.submit(name[-1], name, NO_DEADLINE)

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(call, names)) == names
    assert sorted(name for batch in executor.batches for name in batch) == sorted(names)
    assert len(command_queue) == 0
