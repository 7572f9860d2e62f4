"""The retry policy: how long something is tried, and with what pauses. Full jitter, up to a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from domain.errors import Busy, TooLate
from domain.models import PAGE_SIZE, Page
from domain.ports import Clock, Unavailable

T = TypeVar("T")

REQUEST_SECONDS = 2.0
"""Seconds after its receipt when a request stops trying, of the 3 that Slack allows (R8.12)."""

LATEST_SECONDS = 2.6
"""Seconds after its receipt when a request begins nothing anymore: its answer would come too late (R8.12)."""

LATE_SECONDS = 0.5
"""Seconds that a call of a late request may try, until `LATEST_SECONDS`. One attempt is always made."""

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

    `jitter` returns numbers from 0 to 1. `received_at` returns when the request in progress was received, on the
    clock's `monotonic`, and None if there is none: then the time of each call counts from its start.
    """

    def __init__(
        self,
        clock: Clock,
        jitter: Callable[[], float],
        received_at: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._received_at = received_at

    def deadline(self) -> float:
        """Return the deadline of what begins now, on the clock's `monotonic`; raise `TooLate`.

        All calls of one request have one deadline. One that begins shortly before it, or later, can make an attempt.
        """
        now = self._clock.monotonic()
        received_at = self._received_at()
        if received_at is None:
            return now + REQUEST_SECONDS
        latest = received_at + LATEST_SECONDS
        if now >= latest:
            raise TooLate
        return max(received_at + REQUEST_SECONDS, min(now + LATE_SECONDS, latest))

    def seconds_left(self) -> float:
        """Return how long the request in progress may still take, without the grace for a late start."""
        received_at = self._received_at()
        if received_at is None:
            return REQUEST_SECONDS
        return max(0.0, received_at + REQUEST_SECONDS - self._clock.monotonic())

    def seconds_since_receipt(self) -> float:
        """Return how long ago the request in progress was received; 0 if there is none."""
        received_at = self._received_at()
        return 0.0 if received_at is None else max(0.0, self._clock.monotonic() - received_at)

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
