"""Virtual time, which all threads of a race share, and which passes only when every thread waits.

One thread runs at a time, and takes no time. The measured time is the sum of the pauses that the threads
ask for, on any machine, however slow.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count


class VirtualTime:
    """Clock of the threads of `run`. Implements `domain.ports.Clock`."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._sleeping: list[tuple[float, int, threading.Event]] = []
        self._order = count()
        self._running = 0

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Return after this many virtual seconds, when it is this thread's turn."""
        called = threading.Event()
        with self._lock:
            heapq.heappush(self._sleeping, (self._seconds + seconds, next(self._order), called))
            self._rest()
        called.wait()

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Return whether the signal came; functions don't wait for each other."""
        if not signal.is_set():
            self.sleep(seconds)
        return signal.is_set()

    def _rest(self) -> None:
        """Let the next thread continue, if no other one runs."""
        self._running -= 1
        if self._running == 0 and self._sleeping:
            self._seconds, _, called = heapq.heappop(self._sleeping)
            self._running = 1
            called.set()

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Run each of the works in a thread; raise the first error."""
        self._running = len(works)

        def take_part(work: Callable[[], None]) -> None:
            self.sleep(0)
            try:
                work()
            finally:
                with self._lock:
                    self._rest()

        with ThreadPoolExecutor(len(works)) as threads:
            for done in [threads.submit(take_part, work) for work in works]:
                done.result()
