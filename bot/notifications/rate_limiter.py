"""Rate limiter for card updates: each card at most once a second, all together at Slack's rate."""

from __future__ import annotations

from domain.ports import Clock

CARD_INTERVAL = 1.0
"""Least seconds between two updates of one card, also in a rush (R8.3)."""

UPDATES_A_MINUTE = 50
"""The rate of `chat.update` that Slack allows each workspace."""

BURST = 10
"""Updates that may follow each other immediately."""

RESERVATION_GRACE = 5.0
"""Seconds for which a card keeps its position in the queue after its reserved time."""

_ROUNDING = 1e-5
"""Tolerance in tokens: a wait that is rounded may end slightly before the reserved time."""

Key = tuple[str, str]


class RateLimiter:
    """A token bucket with a queue, so a busy card can't starve the others. Not thread-safe.

    Its times are seconds on the monotonic clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = float(BURST)
        self._refilled_at = clock.monotonic()
        self._last: dict[Key, float] = {}
        self._queue: dict[Key, float] = {}  # in order, each with its reserved time

    def take(self, card: Key) -> float | None:
        """Take a token, or queue the card and return when to ask again."""
        now = self._clock.monotonic()
        last = self._last.get(card)
        if last is not None and last + CARD_INTERVAL > now:
            return last + CARD_INTERVAL
        self._refill(now)
        self._queue = {
            other: reserved
            for other, reserved in self._queue.items()
            if reserved + RESERVATION_GRACE > now
        }
        ahead = list(self._queue).index(card) if card in self._queue else len(self._queue)
        missing = 1 + ahead - self._tokens
        if missing > _ROUNDING:
            self._queue[card] = now + missing * 60 / UPDATES_A_MINUTE
            return self._queue[card]
        self._queue.pop(card, None)
        self._tokens -= 1
        self._last = {key: at for key, at in self._last.items() if at + CARD_INTERVAL > now}
        self._last[card] = now
        return None

    def _refill(self, now: float) -> None:
        passed = now - self._refilled_at
        self._refilled_at = now
        self._tokens = min(float(BURST), self._tokens + passed * UPDATES_A_MINUTE / 60)
