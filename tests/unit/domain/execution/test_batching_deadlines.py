"""Command queues when a deadline passes, or a thread is interrupted, at the same time as something else.

A caller waits on the clock. A clock of the test decides when the test's own caller wakes up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.errors import Busy
from domain.execution.batching import CommandQueue, QueuedCommand, _EventQueue
from tests.support.batching import (
    NO_DEADLINE,
    Callers,
    Interrupted,
    UppercaseExecutor,
    hold,
    release,
)
from tests.support.environment import ManualClock


class Waking(ManualClock):
    """Each wait of the test's own thread returns what `wakes` returns. Other threads wait as usual."""

    def __init__(self, wakes: Callable[[threading.Event], bool]) -> None:
        super().__init__()
        self.wakes = wakes
        self.waits: list[float] = []

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        if threading.current_thread() is not threading.main_thread():
            return super().wait(signal, seconds)
        self.waits.append(seconds)
        return self.wakes(signal)


@pytest.mark.parametrize(("after", "seconds"), [(2.0, 2.0), (0.0, 0.0), (-3.0, 0.0)])
def test_caller_waits_until_its_deadline(
    executor: UppercaseExecutor, callers: Callers, after: float, seconds: float
) -> None:
    hold(executor, callers)
    waking = Waking(lambda _: False)
    waking.advance(timedelta(seconds=5))
    callers.command_queue._clock = waking
    with pytest.raises(Busy):
        callers.command_queue.submit("event", "late", waking.monotonic() + after)
    assert waking.waits == [seconds]
    assert callers.command_queue.queue_length("event") == 0


def test_caller_that_becomes_leader_at_its_deadline_runs(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    hold(executor, callers)

    def gets_the_lead(signal: threading.Event) -> bool:
        release(executor)
        signal.wait()
        return False

    callers.command_queue._clock = Waking(gets_the_lead)
    assert callers.command_queue.submit("event", "late", NO_DEADLINE) == "LATE"


def test_command_that_completes_at_its_deadline_has_its_result(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    hold(executor, callers)

    def is_served(signal: threading.Event) -> bool:
        release(executor)
        signal.wait()
        return False

    callers.enqueue("leader")
    callers.command_queue._clock = Waking(is_served)
    assert callers.command_queue.submit("event", "late", NO_DEADLINE) == "LATE"
    assert executor.batches == [["first"], ["leader", "late"]]


def test_caller_of_a_taken_command_waits_without_polling(
    command_queue: CommandQueue[str, str],
) -> None:
    class Answering(threading.Event):
        """Completes the command as soon as its caller waits without a limit."""

        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                taken.result.set_result("TAKEN")
            return super().wait(timeout)

    taken: QueuedCommand[str, str] = QueuedCommand("taken", deadline=0.0)
    taken.is_taken = True
    taken.wake = Answering()
    command_queue._wait("event", _EventQueue(), taken)
    assert taken.result.done()


@pytest.mark.parametrize("is_late", [False, True])
def test_command_queued_again_waits_until_its_deadline(
    executor: UppercaseExecutor, callers: Callers, is_late: bool
) -> None:
    """Being woken does not mean that its time is up. Once it is, the command is withdrawn."""
    goes_on = threading.Event()
    led: list[str] = []

    class Called(Waking):
        """The second caller to lead does so only once the test's caller waits again, or is gone."""

        def wait(self, signal: threading.Event, seconds: float) -> bool:
            called = super().wait(signal, seconds)
            if threading.current_thread() is not threading.main_thread():
                led.append("one more")
                if len(led) == 2:
                    goes_on.wait()
            return called

    def wakes(signal: threading.Event) -> bool:
        if len(waking.waits) == 1:
            release(executor)
        elif is_late:
            return False
        else:
            goes_on.set()
        return signal.wait()

    executor.max_served = 1
    hold(executor, callers)
    callers.command_queue._clock = waking = Called(wakes)
    callers.enqueue("a")
    b = callers.enqueue("b")
    try:
        if is_late:
            with pytest.raises(Busy):
                callers.command_queue.submit("event", "c", NO_DEADLINE)
        else:
            assert callers.command_queue.submit("event", "c", NO_DEADLINE) == "C"
    finally:
        goes_on.set()
    assert b.result() == "B"
    led_by_b = ["b"] if is_late else ["b", "c"]
    led_by_c: list[list[str]] = [] if is_late else [["c"]]
    assert executor.batches == [["first"], ["a", "b", "c"], led_by_b, *led_by_c]


def test_caller_interrupted_on_becoming_leader_hands_over(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    first = hold(executor, callers)
    behind = []

    def ends(signal: threading.Event) -> bool:
        behind.append(callers.enqueue("behind"))
        release(executor)
        signal.wait()
        raise Interrupted

    callers.command_queue._clock = Waking(ends)
    with pytest.raises(Interrupted):
        callers.command_queue.submit("event", "gone", NO_DEADLINE)
    assert (first.result(), behind[0].result()) == ("FIRST", "BEHIND")
    assert executor.batches == [["first"], ["behind"]]


def test_caller_interrupted_on_becoming_leader_leaves_no_queue(
    executor: UppercaseExecutor, callers: Callers
) -> None:
    first = hold(executor, callers)

    def ends(signal: threading.Event) -> bool:
        release(executor)
        signal.wait()
        raise Interrupted

    callers.command_queue._clock = Waking(ends)
    with pytest.raises(Interrupted):
        callers.command_queue.submit("event", "gone", NO_DEADLINE)
    assert first.result() == "FIRST"
    assert len(callers.command_queue) == 0
    assert callers.command_queue.submit("event", "next", NO_DEADLINE) == "NEXT"


def test_queue_length_without_commands_is_zero(command_queue: CommandQueue[str, str]) -> None:
    assert command_queue.queue_length("event") == 0
