"""How long is tried, and with what pauses: full jitter, up to the deadline of whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from domain.errors import Busy
from domain.models import Page
from domain.ports import Clock, Unavailable

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a request may take, of the 3 that Slack allows (R8.12)."""

FIRST_PAUSE = 0.025
LONGEST_PAUSE = 0.8
"""Seconds: the pauses between attempts double between these, each cut by full jitter."""

PAGE = 50
"""A page's length where the caller names none."""


class Patience:
    """Tries again. `jitter` gives numbers from 0 to 1, `seconds` how long a request that begins now may take."""

    def __init__(
        self,
        clock: Clock,
        jitter: Callable[[], float],
        seconds: Callable[[], float] = lambda: PATIENCE,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._seconds = seconds

    def deadline(self) -> float:
        """Return the moment, on the clock's `monotonic`, until which a request that begins now is tried."""
        return self._clock.monotonic() + self._seconds()

    def pauses(self, deadline: float | None) -> Iterator[None]:
        """Yield once at once, then after ever longer pauses, until the deadline (None: without end)."""
        longest = FIRST_PAUSE
        while True:
            yield
            pause = self._jitter() * longest
            if deadline is not None and self._clock.monotonic() + pause >= deadline:
                return
            self._clock.sleep(pause)
            longest = min(2 * longest, LONGEST_PAUSE)

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

    def at_one_moment(self, read: Callable[[], T | None]) -> T:
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

    def all_pages(self, read: Callable[..., Page[T]]) -> Iterator[T]:
        """Yield a whole list, read page by page; raises `Busy`."""
        cursor: str | None = None
        while True:
            page = self.reading(lambda after=cursor: read(limit=PAGE, cursor=after))  # type: ignore[misc]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
