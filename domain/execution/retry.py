"""How long is tried, and with what pauses: full jitter, up to the deadline of whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from domain.errors import Busy
from domain.models import Page
from domain.ports import Clock, Unavailable

T = TypeVar("T")

REQUEST_SECONDS = 2.0
"""Seconds that a request may take, of the 3 that Slack allows (R8.12)."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.8
GROWTH = 4
"""Seconds: pauses grow from the first to the longest so many times, each cut by full jitter."""

MAX_PAUSE_SHARE = 0.5
"""Of the time that is left, the most that a pause takes: who has waited longest asks most often, and so
comes before those who have just begun. Of 500 people whom 50 Lambda functions let into one event at
once, pauses that only grow turn 87 away, with 2,390 transactions; these 28, with 2,250
(`tests/races/test_fifty_lambdas.py`, in virtual time)."""

PAGE_SIZE = 50
"""A page's length where the caller names none."""

LONG_PAGE_SIZE = 1_000
"""A page's length where a list is searched to its end: of events, below the 1 MB that DynamoDB gives at a time."""


class RetryPolicy:
    """Tries again. `jitter` gives numbers from 0 to 1, `seconds` how long a request that begins now may take."""

    def __init__(
        self,
        clock: Clock,
        jitter: Callable[[], float],
        seconds: Callable[[], float] = lambda: REQUEST_SECONDS,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._seconds = seconds

    def deadline(self) -> float:
        """Return the moment, on the clock's `monotonic`, until which a request that begins now is tried."""
        return self._clock.monotonic() + self._seconds()

    def pauses(self, deadline: float | None) -> Iterator[None]:
        """Yield once at once, then after each pause, until the deadline (None: without end)."""
        longest = FIRST_PAUSE
        while True:
            yield
            now = self._clock.monotonic()
            if deadline is not None:
                longest = min(longest, max(FIRST_PAUSE, MAX_PAUSE_SHARE * (deadline - now)))
            pause = self._jitter() * longest
            if deadline is not None and now + pause >= deadline:
                return
            self._clock.sleep(pause)
            longest = min(GROWTH * longest, LONGEST_PAUSE)

    def attempts(self) -> Iterator[None]:
        """Yield as `pauses` does, for as long as a request may take."""
        return self.pauses(self.deadline())

    def reading(self, read: Callable[[], T]) -> T:
        """Return what `read` gives, tried again while it is `Unavailable`; raises `Busy`."""
        for _ in self.attempts():
            try:
                return read()
            except Unavailable:
                continue
        raise Busy

    def read_consistently(self, read: Callable[[], T | None]) -> T:
        """Return what `read` gives once nothing moves while it reads; until then it gives None.

        Raises `Busy`.
        """
        for _ in self.attempts():
            try:
                result = read()
            except Unavailable:
                continue
            if result is not None:
                return result
        raise Busy

    def read_all_pages(
        self, read: Callable[..., Page[T]], *, limit: int = PAGE_SIZE
    ) -> Iterator[T]:
        """Yield a whole list, read page by page of so many; raises `Busy`."""
        cursor: str | None = None
        while True:
            page = self.reading(lambda after=cursor: read(limit=limit, cursor=after))  # type: ignore[misc]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
