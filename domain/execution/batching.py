"""One command queue per event: commands that wait at the same time form one batch.

The first caller to arrive leads: it takes what is queued, runs it, and hands the lead to the oldest
command that is still queued. There is no timer: a command that arrives alone is a batch of one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from domain.errors import Busy
from domain.ports import Clock

C = TypeVar("C")
R = TypeVar("R")

LONGEST_WAIT = 3_600.0
"""Seconds after which a caller whose command was taken looks again. Its leader wakes it."""


class QueuedCommand(Generic[C, R]):
    """One caller's command. The leader of its batch completes `result`, once."""

    def __init__(self, command: C, deadline: float) -> None:
        self.command = command
        self.deadline = deadline
        """On the clock's `monotonic`: from then on, the caller prefers `Busy` to a result."""
        self.result: Future[R] = Future()
        self.is_taken = False
        self.wake = threading.Event()
        """The caller looks again: it leads, its result is there, or its command is queued again."""
        self.result.add_done_callback(lambda _: self.wake.set())


class _EventQueue(Generic[C, R]):
    def __init__(self) -> None:
        self.commands: deque[QueuedCommand[C, R]] = deque()
        self.leader: QueuedCommand[C, R] | None = None


class CommandQueue(Generic[C, R]):
    """Runs commands in batches, one batch per event at a time, in order of arrival.

    `run_batch(event_id, batch)` completes the first command of the batch and as many more as it can.
    The rest goes back to the front of the queue. If it raises, the rest of the batch is run one by
    one, and only the command that causes the error gets it. So it must not raise before it knows
    that nothing was written.
    """

    def __init__(
        self,
        run_batch: Callable[[str, Sequence[QueuedCommand[C, R]]], None],
        clock: Clock,
        *,
        batch_size: int,
    ) -> None:
        self._run_batch = run_batch
        self._clock = clock
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._queues: dict[str, _EventQueue[C, R]] = {}

    def __len__(self) -> int:
        """Return how many events have a queue."""
        return len(self._queues)

    def queue_length(self, event_id: str) -> int:
        """Return how many commands of an event are queued and not taken."""
        with self._lock:
            queue = self._queues.get(event_id)
            return len(queue.commands) if queue else 0

    def submit(self, event_id: str, command: C, deadline: float) -> R:
        """Return the command's result, or raise the error that it was completed with.

        Raises `Busy` if the deadline passes before the command is taken: then it never runs.
        """
        queued: QueuedCommand[C, R] = QueuedCommand(command, deadline)
        with self._lock:
            queue = self._queues.setdefault(event_id, _EventQueue())
            queue.commands.append(queued)
            if queue.leader is None:
                queue.leader = queued
        while not queued.result.done():
            if queue.leader is queued:
                self._lead(event_id, queue, queued)
            else:
                self._wait(event_id, queue, queued)
        return queued.result.result()

    def _wait(self, event_id: str, queue: _EventQueue[C, R], queued: QueuedCommand[C, R]) -> None:
        try:
            left = max(0.0, queued.deadline - self._clock.monotonic())
            woken = self._clock.wait(queued.wake, left)
            with self._lock:
                queued.wake.clear()
                if woken or queued.result.done() or queue.leader is queued:
                    return
                if not queued.is_taken:
                    queue.commands.remove(queued)
                    raise Busy
            # The leader completes a taken command or queues it again, and wakes its caller.
            self._clock.wait(queued.wake, LONGEST_WAIT)
        except BaseException:
            with self._lock:
                self._withdraw(event_id, queue, queued)
            raise

    def _withdraw(
        self, event_id: str, queue: _EventQueue[C, R], queued: QueuedCommand[C, R]
    ) -> None:
        """Remove the command of a thread that is ending from the queue, and from its lead."""
        if queued in queue.commands:
            queue.commands.remove(queued)
        if queue.leader is queued:
            self._hand_over(event_id, queue)

    def _lead(self, event_id: str, queue: _EventQueue[C, R], leader: QueuedCommand[C, R]) -> None:
        with self._lock:
            size = min(len(queue.commands), self._batch_size)
            batch = [queue.commands.popleft() for _ in range(size)]
            for queued in batch:
                queued.is_taken = True
        try:
            self._run(event_id, batch)
        except BaseException as error:
            # The leading thread is being ended: only its own command fails with it.
            if not leader.result.done():
                leader.result.set_exception(error)
            raise
        finally:
            with self._lock:
                rest = [queued for queued in batch if not queued.result.done()]
                for queued in rest:
                    queued.is_taken = False
                queue.commands.extendleft(reversed(rest))
                self._hand_over(event_id, queue)
                for queued in rest:
                    queued.wake.set()

    def _run(self, event_id: str, batch: Sequence[QueuedCommand[C, R]]) -> None:
        try:
            self._run_batch(event_id, batch)
        except Exception as error:  # noqa: BLE001  # it is raised in the caller that caused it
            rest = [queued for queued in batch if not queued.result.done()]
            if len(batch) == 1:
                for queued in rest:
                    queued.result.set_exception(error)
                return
            for queued in rest:
                self._run(event_id, [queued])

    def _hand_over(self, event_id: str, queue: _EventQueue[C, R]) -> None:
        if queue.commands:
            queue.leader = queue.commands[0]
            queue.leader.wake.set()
        else:
            queue.leader = None
            del self._queues[event_id]
