"""A second read in a thread of its own: a list then takes as long as its slower request."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 8
"""Reads of one store that run beside others at the same time. Beyond that, they come one after the other."""


class BesideReads:
    """Runs reads beside those of their callers. Thread-safe."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "read")

    def start(self, read: Callable[[], T]) -> Callable[[], T]:
        """Start a read; return what waits for its result, or raises what it raised.

        If no thread is free by then, that reads itself.
        """
        try:
            future = self._pool.submit(read)
        except RuntimeError:  # the system starts no more threads
            return read
        return lambda: read() if future.cancel() else future.result()
