"""The turnstile: batches, deadlines, leaders that fail, lanes that go away. Threads meet at gates, never by time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import InvalidStateError, ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.errors import Busy
from domain.execution.batching import CommandQueue, QueuedCommand
from tests.support.batching import LATER, Crowd, Ended, Executor, Served, hold, release
from tests.support.environment import ManualClock


def test_who_comes_alone_is_served_alone(
    command_queue: CommandQueue[str, str], executor: Executor
) -> None:
    assert command_queue.submit("event", "a", LATER) == "A"
    assert executor.batches == [["a"]]


def test_those_who_wait_together_go_through_together_in_order(
    executor: Executor, crowd: Crowd
) -> None:
    first = hold(executor, crowd)
    waiting = [crowd.arrives(name) for name in "abcd"]
    release(executor)
    assert [future.result() for future in [first, *waiting]] == ["FIRST", "A", "B", "C", "D"]
    assert executor.batches == [["first"], ["a", "b", "c", "d"]]


def test_each_event_has_a_lane_of_its_own(executor: Executor, crowd: Crowd) -> None:
    hold(executor, crowd)
    executor.held = False
    assert crowd.command_queue.submit("another event", "b", LATER) == "B"
    release(executor)


def test_a_batch_is_no_larger_than_its_size(executor: Executor, crowd: Crowd) -> None:
    hold(executor, crowd)
    waiting = [crowd.arrives(f"{number:02}") for number in range(15)]
    release(executor)
    assert [future.result() for future in waiting] == [f"{number:02}" for number in range(15)]
    assert [len(batch) for batch in executor.batches] == [1, 10, 5]


def test_what_a_batch_leaves_goes_first_in_the_next(executor: Executor, crowd: Crowd) -> None:
    executor.most = 2
    hold(executor, crowd)
    waiting = [crowd.arrives(name) for name in "abc"]
    release(executor)
    assert [future.result() for future in waiting] == ["A", "B", "C"]
    assert executor.batches == [["first"], ["a", "b", "c"], ["c"]]


def test_past_its_deadline_a_queued_command_is_withdrawn_and_never_served(
    executor: Executor, crowd: Crowd, clock: ManualClock
) -> None:
    first = hold(executor, crowd)
    with pytest.raises(Busy):
        crowd.command_queue.submit("event", "late", clock.monotonic())
    release(executor)
    first.result()
    assert executor.batches == [["first"]]


def test_a_taken_command_is_waited_for_whatever_its_deadline(
    executor: Executor, crowd: Crowd, clock: ManualClock
) -> None:
    hold(executor, crowd)
    soon = crowd.arrives("soon", deadline=clock.monotonic() + 1)
    executor.open.release()
    executor.entered.acquire()  # its batch is being served
    clock.advance(timedelta(seconds=5))
    release(executor)
    assert soon.result() == "SOON"


def test_the_culprit_in_a_batch_fails_alone(executor: Executor, crowd: Crowd) -> None:
    executor.errors["b"] = ZeroDivisionError("b did it")
    hold(executor, crowd)
    a, b, c = (crowd.arrives(name) for name in "abc")
    release(executor)
    assert (a.result(), c.result()) == ("A", "C")
    with pytest.raises(ZeroDivisionError, match="b did it"):
        b.result()
    assert executor.batches == [["first"], ["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert executor.keys == {"event"}


def test_a_leader_that_fails_hands_over(executor: Executor, crowd: Crowd) -> None:
    executor.errors["first"] = ZeroDivisionError()
    first = hold(executor, crowd)
    behind = crowd.arrives("behind")
    release(executor)
    with pytest.raises(ZeroDivisionError):
        first.result()
    assert behind.result() == "BEHIND"


def test_a_leader_that_is_ended_hands_over_and_its_batch_is_served(
    executor: Executor, crowd: Crowd
) -> None:
    """Only the ended thread's own command is lost with it."""
    hold(executor, crowd)
    leader, behind = crowd.arrives("leader"), crowd.arrives("behind")
    executor.errors["leader"] = Ended()
    release(executor)
    with pytest.raises(Ended):
        leader.result()
    assert behind.result() == "BEHIND"
    assert executor.batches == [["first"], ["leader", "behind"], ["behind"]]


def test_a_leader_ended_after_its_own_was_done_hands_over(crowd: Crowd, executor: Executor) -> None:
    def serve(_: str, batch: Sequence[Served]) -> None:
        executor.serve("event", batch[:1])
        if batch[0].command == "leader":
            raise Ended

    crowd.command_queue._run_batch = serve
    hold(executor, crowd)
    leader, behind = crowd.arrives("leader"), crowd.arrives("behind")
    release(executor)
    with pytest.raises(Ended):
        leader.result()
    assert behind.result() == "BEHIND"


def test_a_caller_ended_while_it_waits_is_withdrawn(executor: Executor, crowd: Crowd) -> None:
    class EndingClock(ManualClock):
        def wait(self, signal: threading.Event, seconds: float) -> bool:
            raise Ended

    first = hold(executor, crowd)
    crowd.command_queue._clock = EndingClock()
    with pytest.raises(Ended):
        crowd.command_queue.submit("event", "gone", LATER)
    assert crowd.command_queue.queue_length("event") == 0
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
            raise Ended
        return False


@pytest.fixture
def gated(crowd: Crowd) -> GatedClock:
    crowd.command_queue._clock = clock = GatedClock()
    return clock


def test_time_that_is_up_while_a_command_is_being_served_takes_nothing_back(
    executor: Executor, crowd: Crowd, gated: GatedClock
) -> None:
    gated.advance(timedelta(seconds=1))
    hold(executor, crowd)
    leader = crowd.arrives("leader")
    soon = crowd.arrives("soon", deadline=5)
    executor.open.release()
    executor.entered.acquire()  # both are being served
    gated.gate.release()
    release(executor)
    assert (leader.result(), soon.result()) == ("LEADER", "SOON")
    assert gated.waits == [4.0]  # as long as is left
    assert executor.batches == [["first"], ["leader", "soon"]]


def test_a_caller_ended_when_the_lead_is_its_own_hands_it_over(
    executor: Executor, crowd: Crowd, gated: GatedClock
) -> None:
    first = hold(executor, crowd)
    gone = crowd.arrives("gone", deadline=5)
    behind = crowd.arrives("behind")
    executor.open.release()
    first.result()
    gated.ends = True
    gated.gate.release()
    with pytest.raises(Ended):
        gone.result()
    release(executor)
    assert behind.result() == "BEHIND"
    assert executor.batches == [["first"], ["behind"]]


def test_a_caller_ended_when_the_lead_is_its_own_leaves_no_lane(
    executor: Executor, crowd: Crowd, gated: GatedClock
) -> None:
    first = hold(executor, crowd)
    gone = crowd.arrives("gone", deadline=5)
    release(executor)
    first.result()
    gated.ends = True
    gated.gate.release()
    with pytest.raises(Ended):
        gone.result()
    assert len(crowd.command_queue) == 0


def test_where_nobody_goes_nobody_waits(command_queue: CommandQueue[str, str]) -> None:
    assert command_queue.queue_length("event") == 0


def test_an_empty_lane_is_removed(executor: Executor, crowd: Crowd) -> None:
    hold(executor, crowd)
    waiting = [crowd.arrives(name) for name in "ab"]
    assert len(crowd.command_queue) == 1
    release(executor)
    for future in waiting:
        future.result()
    crowd.pool.shutdown()
    assert len(crowd.command_queue) == 0


def test_settling_twice_is_a_bug() -> None:
    entry: Served = QueuedCommand("a", LATER)
    entry.result.set_result("A")
    with pytest.raises(InvalidStateError):
        entry.result.set_result("B")


def test_a_thousand_calls_from_many_threads_are_each_served_once(
    command_queue: CommandQueue[str, str], executor: Executor
) -> None:
    names = [str(number) for number in range(1000)]

    def call(name: str) -> str:
        return command_queue.submit(name[-1], name, LATER)

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(call, names)) == names
    assert sorted(name for batch in executor.batches for name in batch) == sorted(names)
    assert len(command_queue) == 0
