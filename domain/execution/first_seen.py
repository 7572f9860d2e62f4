"""When this process first saw something stored: the start of a wait that needs no other process's clock."""

from __future__ import annotations

from domain.ports import Clock

MAX_REMEMBERED = 10_000
"""Things remembered at a time. When there are more, the oldest is forgotten, and counts as new."""


class FirstSeen:
    """Remembers when this process first saw each thing. Its times are seconds on the monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[tuple[str | int, ...], float] = {}

    def at(self, *key: str | int) -> float:
        """Return when this process first asked about a key: now, if it never did."""
        if key not in self._times and len(self._times) >= MAX_REMEMBERED:
            del self._times[next(iter(self._times))]
        return self._times.setdefault(key, self._clock.monotonic())

    def forget(self, *key: str | int) -> None:
        """Forget a key that will not come up again."""
        self._times.pop(key, None)
