"""Writes that were not confirmed before their deadline, and how they are resolved (R8.12)."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.background import BackgroundQueue
from domain.execution.retry import FIRST_PAUSE, GROWTH, RetryPolicy
from domain.ports import Clock, Spawn, ThreadNotStarted

T = TypeVar("T")

MAX_UNCONFIRMED = 1_000
"""Unconfirmed requests of a process. At this many the store takes nothing, and further ones are not sent."""

LONGEST_PAUSE = 5.0
"""Seconds between two attempts to resolve a request, at most."""

LOOK_AGAIN = 0.5
"""Seconds until a new request is seen while all others wait for their next attempt."""

COMPLETING_THREADS = 8
"""Threads that complete results. Who waits for one may call Slack, for seconds."""

Attempt = Callable[[], bool]
"""Tries to find out how a request ended. Returns whether it is known, and then has completed its results."""


class Unconfirmed(Exception):
    """The deadline passed, and it is not known whether the write applied."""


@dataclass(order=True)
class _Open:
    """A request to resolve, ordered by the moment of its next attempt on the monotonic clock."""

    due: float
    number: int
    attempt: Attempt = field(compare=False)
    pause: float = field(compare=False, default=FIRST_PAUSE)
    is_reported: bool = field(compare=False, default=False)


class UnconfirmedResolver:
    """Finds out in the background how unconfirmed writes ended, in one thread for all of them.

    `spawn` logs what fails there.
    """

    def __init__(self, retry: RetryPolicy, clock: Clock, spawn: Spawn) -> None:
        self._retry = retry
        self._clock = clock
        self._spawn = spawn
        self._completing = BackgroundQueue(spawn, COMPLETING_THREADS)
        self._lock = threading.Lock()
        self._open: list[_Open] = []
        self._numbers = count()
        self._unresolved = 0
        self._is_running = False

    def __len__(self) -> int:
        """Return how many requests are not resolved."""
        return self._unresolved

    def refuse_if_full(self) -> None:
        """Raise `Busy` if too many requests are unconfirmed: another one would be, too."""
        if self._unresolved >= MAX_UNCONFIRMED:
            raise Busy

    def finish_or_continue(self, work: Callable[[], T]) -> T:
        """Return what the work returns, or raise `NotConfirmed` if it raises `Unconfirmed`.

        Then the work is repeated in the background until it ends otherwise. It must be able to
        continue from any state.
        """
        self.refuse_if_full()
        try:
            return work()
        except Unconfirmed:
            result: Future[object] = Future()
            self.keep_trying(lambda: self._repeat(work, result))
            raise NotConfirmed(result) from None

    def _repeat(self, work: Callable[[], object], result: Future[object]) -> bool:
        try:
            outcome = work()
        except (Busy, Unconfirmed):
            return False
        except RollcallError as refusal:
            outcome = refusal
        self.complete(result, outcome)
        return True

    def keep_trying(self, attempt: Attempt) -> None:
        """Repeat an attempt in the background, with growing pauses, until it returns True.

        It is repeated whatever fails. Its first unexpected failure is reported.
        """
        with self._lock:
            self._unresolved += 1
            entry = _Open(self._clock.monotonic(), next(self._numbers), attempt)
            heapq.heappush(self._open, entry)
        self.ensure_running()

    def ensure_running(self) -> None:
        """Start what does not run although there is work for it: a thread could not be started before."""
        self._completing.ensure_running()
        with self._lock:
            if self._is_running or not self._open:
                return
            self._is_running = True
        try:
            self._spawn(self._run)
        except ThreadNotStarted:
            with self._lock:
                self._is_running = False

    def complete(self, result: Future[object], outcome: object) -> None:
        """Complete a result in the background: with an outcome, or with the refusal that it is."""

        def complete() -> None:
            if isinstance(outcome, RollcallError):
                result.set_exception(outcome)
            else:
                result.set_result(outcome)

        self._completing.submit(complete)

    def report(self, error: Exception) -> None:
        """Have a failure logged that its caller does not see."""

        def fail() -> None:
            raise error

        self._completing.submit(fail)

    def _run(self) -> None:
        while (next_due := self._next_due()) is not None:
            left = next_due - self._clock.monotonic()
            if left > LOOK_AGAIN:
                self._clock.sleep(LOOK_AGAIN)
                continue
            if left > 0:
                self._clock.sleep(left)
            entry = self._take()
            if self._is_known(entry):
                with self._lock:
                    self._unresolved -= 1
                continue
            entry.due = self._clock.monotonic() + self._retry.shortened(entry.pause)
            entry.pause = min(GROWTH * entry.pause, LONGEST_PAUSE)
            with self._lock:
                heapq.heappush(self._open, entry)

    def _next_due(self) -> float | None:
        """Return when the next attempt is due. Without one the thread ends."""
        with self._lock:
            self._is_running = bool(self._open)
            return self._open[0].due if self._open else None

    def _take(self) -> _Open:
        with self._lock:
            return heapq.heappop(self._open)

    def _is_known(self, entry: _Open) -> bool:
        try:
            return entry.attempt()
        except Exception as error:  # noqa: BLE001  # reported
            if not entry.is_reported:
                self.report(error)
            entry.is_reported = True
            return False
