"""Background work of which a process runs only so much at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from domain.ports import Clock, Spawn, ThreadNotStarted

T = TypeVar("T")


class BackgroundQueue:
    """Runs work in the background, in order of arrival, in at most so many threads. Thread-safe.

    A thread ends when nothing is queued. If none can be started, the work waits for `ensure_running`, or for
    the next `submit`.
    """

    def __init__(self, spawn: Spawn, threads: int) -> None:
        self._spawn = spawn
        self._threads = threads
        self._lock = threading.Lock()
        self._queued: deque[Callable[[], None]] = deque()
        self._running = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Queue the work. Returns immediately."""
        with self._lock:
            self._queued.append(work)
        self.ensure_running()

    def ensure_running(self) -> None:
        """Start a thread if work is queued and another one may run."""
        with self._lock:
            if not self._queued or self._running >= self._threads:
                return
            self._running += 1
        try:
            self._spawn(self._run)
        except ThreadNotStarted:
            with self._lock:
                self._running -= 1

    def _run(self) -> None:
        """Run what is queued. What fails ends its thread, which logs it; another one takes the rest."""
        while (work := self._take()) is not None:
            try:
                work()
            except BaseException:
                with self._lock:
                    self._running -= 1
                self.ensure_running()
                raise

    def _take(self) -> Callable[[], None] | None:
        with self._lock:
            if self._queued:
                return self._queued.popleft()
            self._running -= 1
            return None


class Work(Generic[T]):
    """Work in the background, or now if no thread can be started."""

    def __init__(self, work: Callable[[], T], spawn: Spawn, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._result: Future[T] = Future()
        self._is_done = threading.Event()
        try:
            spawn(self._run)
        except ThreadNotStarted:
            self._run()

    def _run(self) -> None:
        try:
            result = self._work()
        except Exception as error:  # noqa: BLE001  # raised in `wait`
            self._result.set_exception(error)
        else:
            self._result.set_result(result)
        self._is_done.set()

    def is_successful(self) -> bool:
        """Return whether the work is done, and raised nothing."""
        return self._is_done.is_set() and self._result.exception() is None

    def wait(self) -> T:
        """Return what the work returns, or raise what it raises."""
        while not self._is_done.is_set():
            self._clock.wait(self._is_done, 60.0)
        return self._result.result()
