"""The retry policy: how long something is tried, and with what pauses. Full jitter, up to a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from domain.errors import Busy
from domain.models import PAGE_SIZE, Page
from domain.ports import Clock, Unavailable

T = TypeVar("T")

REQUEST_SECONDS = 2.0
"""Seconds that a request may take, of the 3 that Slack allows (R8.12)."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.8
GROWTH = 4
"""Pauses grow by this factor from the first to the longest, in seconds. Full jitter shortens each."""

MAX_PAUSE_SHARE = 0.5
"""The most that a pause takes of the remaining time.

So the request that has waited longest tries most often and finishes before requests that just began.
With 500 users that 50 Lambda functions register for one event at the same time, pauses that only grow
turn 87 users away with 2,390 transactions, these 28 with 2,250 (`tests/soak/races/test_fifty_lambdas.py`,
in virtual time)."""

LONG_PAGE_SIZE = 1_000
"""Length of a page when a whole list of events is searched: less than the 1 MB of a DynamoDB query."""


class RetryPolicy:
    """Repeats attempts until a deadline.

    `jitter` returns numbers from 0 to 1, `seconds` how long a request that begins now may take.
    """

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
        """Return the deadline of a request that begins now, on the clock's `monotonic`."""
        return self._clock.monotonic() + self._seconds()

    def shortened(self, pause: float) -> float:
        """Return a pause after full jitter."""
        return self._jitter() * pause

    def pauses(self, deadline: float | None) -> Iterator[None]:
        """Yield immediately, then after each pause, until the deadline (None: forever)."""
        longest = FIRST_PAUSE
        while True:
            yield
            now = self._clock.monotonic()
            if deadline is not None:
                longest = min(longest, max(FIRST_PAUSE, MAX_PAUSE_SHARE * (deadline - now)))
            pause = self.shortened(longest)
            if deadline is not None and now + pause >= deadline:
                return
            self._clock.sleep(pause)
            longest = min(GROWTH * longest, LONGEST_PAUSE)

    def attempts(self) -> Iterator[None]:
        """Yield as `pauses` does, for as long as a request may take."""
        return self.pauses(self.deadline())

    def read(self, read: Callable[[], T]) -> T:
        """Return what `read` returns, repeated while it raises `Unavailable`; raise `Busy`."""
        for _ in self.attempts():
            try:
                return read()
            except Unavailable:
                continue
        raise Busy

    def read_consistently(self, read: Callable[[], T | None]) -> T:
        """Return what `read` returns once nothing changes while it reads; until then it returns None.

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
        """Yield the items of all pages; raise `Busy`."""
        cursor: str | None = None
        while True:
            page = self.read(lambda after=cursor: read(limit=limit, cursor=after))  # type: ignore[misc]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
