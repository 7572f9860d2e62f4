"""The time that one event gets for its messages and cards, before other events get theirs."""

from __future__ import annotations

from bot.notifications.sender import Paused
from domain.execution.leases import Lease
from domain.ports import Clock

TIME_SLICE = 0.5
"""Seconds of sending messages for one event, and of posting its cards, before other events get their turn."""


class TimeSlice:
    """The time for one event's messages under its lease. It begins now, and ends at `until` at the latest.

    Times are seconds on the monotonic clock.
    """

    def __init__(self, clock: Clock, lease: Lease, until: float) -> None:
        self.until = until
        """When the process's own time ends."""
        self._clock = clock
        self._lease = lease
        self._ends_at = self.for_cards()
        self._is_used = False

    def for_cards(self) -> float:
        """Return when the time for cards ends if it begins now."""
        return min(self._clock.monotonic() + TIME_SLICE, self.until)

    def check(self) -> None:
        """Let others have their turn once the slice of time is over, by raising `Paused`; renew the lease.

        Each slice allows one step at least: on a slow store, the reads before it may take the whole slice.
        """
        self.check_end()
        if self._is_used and self._clock.monotonic() >= self._ends_at:
            raise Paused(self._clock.monotonic())
        self._is_used = True
        self._lease.renew()

    def check_end(self) -> None:
        """Stop once the process's own time is over, by raising `Paused`."""
        if self._clock.monotonic() >= self.until:
            raise Paused(self._clock.monotonic())
