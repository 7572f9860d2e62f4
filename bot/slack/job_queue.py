"""Queue of jobs that a pool of threads does: each again until it is done, one at a time for each key, in order."""

from __future__ import annotations

import heapq
import logging
import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from domain.ports import Clock

_logger = logging.getLogger(__name__)

Job: TypeAlias = Callable[[], float | None] | Callable[[], None]
"""Makes one attempt. Returns the seconds until the next one, or None if the job is done."""

EAGER_THREADS = 8
BRIEF_WAIT = 0.1
"""Threads that start as soon as all others are busy, and the seconds that a job must wait before more start.

While jobs are short, more threads would only take the processor from those that answer requests."""

DRAIN_PAUSE = 5.0
"""The longest pause, in seconds, between two attempts of a job while the process stops."""


class JobQueue:
    """Jobs in the background, with at most `threads` threads and `limit` jobs. Thread-safe.

    A job that pauses holds no thread. Jobs with the same key run one after the other, in the order in which they came.
    """

    def __init__(self, name: str, clock: Clock, *, threads: int, limit: int) -> None:
        """Create a queue. Without threads, jobs run only in `run_due_jobs`."""
        self._name = name
        self._clock = clock
        self._max_threads = threads
        self._limit = limit
        self._lock = threading.Lock()
        self._due_changed = threading.Condition(self._lock)
        self._all_done = threading.Condition(self._lock)
        self._jobs: dict[str, deque[Job]] = {}
        """By key. The first one is running or due; the others wait for it."""
        self._due: list[tuple[float, int, str]] = []
        """A heap: when a key's first job may run, on the clock's `monotonic`, and a number for the order."""
        self._numbers = count()
        self._pending = 0
        self._threads = 0
        self._idle = 0
        self._is_full = False
        self._is_draining = False
        self._is_stopped = False

    def __len__(self) -> int:
        """Return how many jobs are not done."""
        return self._pending

    def submit(self, key: str, job: Job, *, coalesce: bool = False) -> bool:
        """Take a job and return True; return False if the queue is full or stopped, and the job will not run here.

        With `coalesce`, a job with this key that has not begun stands for this one, too.
        """
        with self._lock:
            if not self._has_capacity() or not self._has_thread():
                return False
            jobs = self._jobs.setdefault(key, deque())
            if coalesce and len(jobs) > 1:
                return True
            jobs.append(job)
            self._pending += 1
            if len(jobs) == 1:
                self._put_due(self._clock.monotonic(), key)
            return True

    def _has_capacity(self) -> bool:
        if self._is_stopped:
            return False
        if self._pending < self._limit:
            # Once it is half empty, it has recovered: the next time has a log line of its own.
            self._is_full = self._is_full and self._pending > self._limit // 2
            return True
        if not self._is_full:
            self._is_full = True
            _logger.error("%s: %d are pending, and no more are taken", self._name, self._pending)
        return False

    def _has_thread(self) -> bool:
        return self._threads > 0 or self._max_threads == 0 or self._start_thread()

    def _start_thread(self) -> bool:
        if self._threads == self._max_threads:
            return False
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no more
            _logger.warning("%s: a thread could not be started", self._name)
            return False
        self._threads += 1
        return True

    def _start_thread_if_needed(self) -> None:
        if self._idle < len(self._due):
            waited = self._clock.monotonic() - self._due[0][0]
            if self._threads < EAGER_THREADS or waited > BRIEF_WAIT:
                self._start_thread()

    def _put_due(self, at: float, key: str) -> None:
        heapq.heappush(self._due, (at, next(self._numbers), key))
        self._start_thread_if_needed()
        self._due_changed.notify()

    def _take_due(self) -> str | None:
        """Return the key of the job that has been due for the longest time, None if none is due."""
        if self._seconds_to_next() != 0:
            return None
        key = heapq.heappop(self._due)[2]
        if self._due:
            self._start_thread_if_needed()
            self._due_changed.notify()  # another thread waits for the next one
        return key

    def _seconds_to_next(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, self._due[0][0] - self._clock.monotonic())

    def _work(self) -> None:
        while True:
            with self._lock:
                while (key := self._take_due()) is None and not self._is_stopped:
                    self._idle += 1
                    self._due_changed.wait(self._seconds_to_next())
                    self._idle -= 1
            if key is None:
                return
            self._run(key)

    def run_due_jobs(self) -> None:
        """Run the jobs that are due, in this thread."""
        while True:
            with self._lock:
                key = self._take_due()
            if key is None:
                return
            self._run(key)

    def _run(self, key: str) -> None:
        with self._lock:
            job = self._jobs[key][0]
        try:
            pause = job()
        except Exception:  # the end of the thread's work: no caller is left to handle it
            _logger.exception("%s: a job failed", self._name)
            pause = None
        with self._lock:
            self._finish_attempt(key, pause)

    def _finish_attempt(self, key: str, pause: float | None) -> None:
        jobs = self._jobs[key]
        if pause is None:
            jobs.popleft()
            self._pending -= 1
            pause = 0.0
        elif self._is_draining:
            pause = min(pause, DRAIN_PAUSE)
        if jobs and not self._is_stopped:
            self._put_due(self._clock.monotonic() + pause, key)
        elif not jobs:
            del self._jobs[key]
        if not self._jobs:
            self._all_done.notify_all()

    def shorten_pauses(self) -> None:
        """Make no pause longer than `DRAIN_PAUSE` from now on, because the process is about to stop."""
        with self._lock:
            self._is_draining = True
            latest = self._clock.monotonic() + DRAIN_PAUSE
            self._due = [(min(at, latest), number, key) for at, number, key in self._due]
            heapq.heapify(self._due)
            self._due_changed.notify_all()

    def drain(self, seconds: float) -> list[Job]:
        """Go on for so many seconds, or until all jobs are done; then stop. Return those that are left, in any order.

        An attempt in progress does not delay the return.
        """
        self.shorten_pauses()
        with self._lock:
            end = self._clock.monotonic() + seconds
            while self._jobs and self._threads and (left := end - self._clock.monotonic()) > 0:
                self._all_done.wait(left)
            self._is_stopped = True
            self._due.clear()
            self._due_changed.notify_all()
            return [job for jobs in self._jobs.values() for job in jobs]
