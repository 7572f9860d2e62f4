"""Who may update a card next: each at most once a second, all together as fast as Slack allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.ports import Clock

CARD_EVERY = timedelta(seconds=1)
"""A rush costs at most one update of a card in this time (R8.3)."""

UPDATES_A_MINUTE = 50
"""Slack promises `chat.update` this often to a workspace."""

BURST = 10
"""Updates that may follow each other at once."""

ABSENCE = timedelta(seconds=5)
"""How long after its promised moment a card keeps its place in the queue."""

_ROUNDING = 1e-5
"""Of a turn: moments have microseconds, so that a promised one can come a hair too early."""

Key = tuple[str, str]


class RateLimiter:
    """A token bucket with a queue: a busy card can't take the turns of those that wait. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = float(BURST)
        self._counted = clock.now()
        self._last: dict[Key, datetime] = {}
        self._queue: dict[Key, datetime] = {}  # in order, each with its promised moment

    def take(self, card: Key) -> datetime | None:
        """Take a turn; if there is none now, return when to ask again, with the place in the queue kept."""
        now = self._clock.now()
        last = self._last.get(card)
        if last is not None and last + CARD_EVERY > now:
            return last + CARD_EVERY
        self._refill(now)
        self._queue = {
            other: promised for other, promised in self._queue.items() if promised + ABSENCE > now
        }
        ahead = list(self._queue).index(card) if card in self._queue else len(self._queue)
        missing = 1 + ahead - self._tokens
        if missing > _ROUNDING:
            self._queue[card] = now + timedelta(seconds=missing * 60 / UPDATES_A_MINUTE)
            return self._queue[card]
        self._queue.pop(card, None)
        self._tokens -= 1
        self._last = {key: at for key, at in self._last.items() if at + CARD_EVERY > now}
        self._last[card] = now
        return None

    def _refill(self, now: datetime) -> None:
        passed = (now - self._counted).total_seconds()
        self._counted = now
        self._tokens = min(float(BURST), self._tokens + passed * UPDATES_A_MINUTE / 60)
