"""One queue per event: commands that wait together go through together.

The first to arrive leads: it takes what waits, has it served, and hands the lead to the oldest that
still waits. Nobody waits for a timer: a command that comes alone is a batch of one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Generic, TypeVar

from domain.errors import Busy
from domain.ports import Clock

C = TypeVar("C")
R = TypeVar("R")


class _State(Enum):
    QUEUED = auto()
    TAKEN = auto()
    SETTLED = auto()


class Entry(Generic[C, R]):
    """One caller's command in its lane. Whoever serves it settles it, once."""

    def __init__(self, command: C, deadline: float) -> None:
        self.command = command
        self.deadline = deadline
        """On the clock's `monotonic`: from then on, the caller wants to be told that it was not done."""
        self._state = _State.QUEUED
        self._called = threading.Event()  # look again: you lead, you are settled, or you wait again
        self._result: R | None = None
        self._error: BaseException | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the command has its result, or the error that refused it."""
        return self._state is _State.SETTLED

    def settle(self, result: R) -> None:
        """Give the caller its result."""
        self._result = result
        self._settled()

    def refuse(self, error: BaseException) -> None:
        """Raise the error in the caller."""
        self._error = error
        self._settled()

    def _settled(self) -> None:
        if self.is_settled:
            raise RuntimeError(f"{self.command!r} was settled twice")
        self._state = _State.SETTLED
        self._called.set()

    def _outcome(self) -> R:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # settled without error: `settle` wrote it


class _Lane(Generic[C, R]):
    def __init__(self) -> None:
        self.queue: deque[Entry[C, R]] = deque()
        self.leader: Entry[C, R] | None = None


class CommandQueue(Generic[C, R]):
    """Serves commands in batches, one batch per lane at a time, in order of arrival.

    `serve(key, batch)` settles the first entry of the batch and as many more as it can; those left
    go back to the front. If it raises, the rest of its batch is served one by one, so that an
    error reaches only the command that causes it: it must not raise before it knows that what it
    tried did not apply.
    """

    def __init__(
        self,
        serve: Callable[[str, Sequence[Entry[C, R]]], None],
        clock: Clock,
        *,
        batch_size: int,
    ) -> None:
        self._serve = serve
        self._clock = clock
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane[C, R]] = {}

    def __len__(self) -> int:
        """Return how many lanes are in use."""
        return len(self._lanes)

    def waiting(self, key: str) -> int:
        """Return how many commands are queued in a lane and not yet taken."""
        with self._lock:
            lane = self._lanes.get(key)
            return len(lane.queue) if lane else 0

    def go_through(self, key: str, command: C, deadline: float) -> R:
        """Return the command's result, or raise what refused it.

        Raises `Busy` if the deadline passes before the command is taken: then it never will be.
        """
        entry: Entry[C, R] = Entry(command, deadline)
        with self._lock:
            lane = self._lanes.setdefault(key, _Lane())
            lane.queue.append(entry)
            if lane.leader is None:
                lane.leader = entry
        while not entry.is_settled:
            if lane.leader is entry:
                self._lead(key, lane, entry)
            else:
                self._wait(key, lane, entry)
        return entry._outcome()

    def _wait(self, key: str, lane: _Lane[C, R], entry: Entry[C, R]) -> None:
        try:
            left = max(0.0, entry.deadline - self._clock.monotonic())
            called = self._clock.wait(entry._called, left)
            with self._lock:
                entry._called.clear()
                if called or entry.is_settled or lane.leader is entry:
                    return
                if entry._state is _State.QUEUED:
                    lane.queue.remove(entry)
                    raise Busy
            # Taken: whoever leads will settle it or put it back, and call after that.
            entry._called.wait()
        except BaseException:
            with self._lock:
                self._withdraw(key, lane, entry)
            raise

    def _withdraw(self, key: str, lane: _Lane[C, R], entry: Entry[C, R]) -> None:
        """Leave no queued entry, and no lead, with a thread that is going away."""
        if entry in lane.queue:
            lane.queue.remove(entry)
        if lane.leader is entry:
            self._hand_over(key, lane)

    def _lead(self, key: str, lane: _Lane[C, R], entry: Entry[C, R]) -> None:
        with self._lock:
            batch = [lane.queue.popleft() for _ in range(min(len(lane.queue), self._batch_size))]
            for taken in batch:
                taken._state = _State.TAKEN
        try:
            self._serve_all(key, batch)
        except BaseException as error:
            # The leading thread is being ended, and takes only its own command with it.
            if not entry.is_settled:
                entry.refuse(error)
            raise
        finally:
            with self._lock:
                left = [taken for taken in batch if not taken.is_settled]
                for taken in left:
                    taken._state = _State.QUEUED
                lane.queue.extendleft(reversed(left))
                self._hand_over(key, lane)
                for taken in left:
                    taken._called.set()

    def _serve_all(self, key: str, batch: Sequence[Entry[C, R]]) -> None:
        try:
            self._serve(key, batch)
        except Exception as error:  # noqa: BLE001  # it is raised in the caller that caused it
            left = [entry for entry in batch if not entry.is_settled]
            if len(batch) == 1:
                for entry in left:
                    entry.refuse(error)
                return
            for entry in left:
                self._serve_all(key, [entry])

    def _hand_over(self, key: str, lane: _Lane[C, R]) -> None:
        if lane.queue:
            lane.leader = lane.queue[0]
            lane.leader._called.set()
        else:
            lane.leader = None
            del self._lanes[key]
