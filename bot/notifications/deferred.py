"""Notifications of one event that could not be delivered yet, and their retries (R9.1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import FIRST_RETRY_DELAY
from bot.slack.api_errors import ErrorClass
from domain.execution.first_seen import FirstSeen
from domain.execution.leases import Lease
from domain.models import Deferred, JournalEntry
from domain.ports import Clock

MAX_RETRY_DELAY = 900.0

MAX_DEFERRED = 50
"""Deferred messages of an event. At this many, its other messages wait for their retries. Cards don't count."""

Send: TypeAlias = Callable[[Deferred, JournalEntry], ErrorClass | None]
"""Tries again. Returns `TEMPORARY` if it must be deferred again."""


class DeferredNotifications:
    """The deferred notifications in the delivery row under a lease, each person's and channel's in order."""

    def __init__(
        self, store: StoreWithOutbox, clock: Clock, lease: Lease, first_seen: FirstSeen
    ) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease
        self._first_seen = first_seen

    def next_retry(self) -> float | None:
        """Return when the next retry is due, on the monotonic clock, None if there is none."""
        # A person's first deferred notification sets the time, because the others wait for it.
        first = {one.user_id: one for one in reversed(self._lease.state.deferred)}
        return min(map(self._due_at, first.values()), default=None)

    def _due_at(self, deferred: Deferred) -> float:
        """Return when to try again, on the monotonic clock.

        The stored time is a wall time, perhaps another process's. It can't delay a retry for longer
        than its delay, counted from when this process first saw it.
        """
        by_wall_clock = (deferred.not_before - self._clock.now()).total_seconds()
        return min(
            self._first_seen_at(deferred) + _retry_delay(deferred.attempts),
            self._clock.monotonic() + by_wall_clock,
        )

    def _first_seen_at(self, deferred: Deferred) -> float:
        return self._first_seen.at(*_retry_key(self._lease.state.event_id, deferred))

    def is_full(self) -> bool:
        """Return whether so many messages wait that all others must wait for their retries."""
        return sum(not one.is_card for one in self._lease.state.deferred) >= MAX_DEFERRED

    def has_any_for(self, user_id: str) -> bool:
        """Return whether something waits for a person or channel: what is later must wait, too."""
        return any(one.user_id == user_id for one in self._lease.state.deferred)

    def add(
        self, user_id: str, version: int, number: int, attempts: int, *, is_card: bool = False
    ) -> None:
        """Defer a notification after so many attempts. The caller saves the state."""
        deferred = Deferred(
            user_id=user_id,
            version=version,
            notification=number,
            attempts=attempts,
            not_before=self._not_before(attempts),
            is_card=is_card,
        )
        self._first_seen_at(deferred)
        self._lease.stage(deferred=(*self._lease.state.deferred, deferred))

    def _not_before(self, attempts: int) -> datetime:
        return self._clock.now() + timedelta(seconds=_retry_delay(attempts))

    def retry(self, send: Send, *, cards: bool = False, ends_at: float = math.inf) -> None:
        """Retry the deferred messages, or cards, that are due, each person's or channel's in order.

        The one that takes until a moment on the monotonic clock is the last.
        """
        held_back: set[str] = set()
        for deferred in self._lease.state.deferred:
            if deferred.is_card is not cards:
                continue
            if deferred.user_id in held_back or self._due_at(deferred) > self._clock.monotonic():
                held_back.add(deferred.user_id)
                continue
            entry = self._store.get_journal_entry(self._lease.state.event_id, deferred.version)
            if entry is not None and send(deferred, entry) is ErrorClass.TEMPORARY:
                held_back.add(deferred.user_id)
                self._defer_again(deferred)
            else:
                self._remove(deferred)
            if self._clock.monotonic() >= ends_at:
                return

    def _defer_again(self, deferred: Deferred) -> None:
        attempts = deferred.attempts + 1
        again = deferred.model_copy(
            update={"attempts": attempts, "not_before": self._not_before(attempts)}
        )
        self._first_seen.forget(*_retry_key(self._lease.state.event_id, deferred))
        self._first_seen_at(again)
        self._lease.save(
            deferred=tuple(again if one == deferred else one for one in self._lease.state.deferred)
        )

    def _remove(self, deferred: Deferred) -> None:
        self._first_seen.forget(*_retry_key(self._lease.state.event_id, deferred))
        late = self._lease.state.late_versions
        if deferred.version <= self._lease.state.cleared_version and deferred.version not in late:
            late = (*late, deferred.version)
        self._lease.save(
            deferred=tuple(one for one in self._lease.state.deferred if one != deferred),
            # Saved together: after a crash, the next process still clears the entry's mark.
            late_versions=late,
        )


def _retry_delay(attempts: int) -> float:
    """Return the seconds before the next try: none for one that only waits for an earlier one."""
    if attempts == 0:
        return 0.0
    # Its number of tries has no limit: without one for the power, it would overflow in the end.
    return min(FIRST_RETRY_DELAY * 2.0 ** min(attempts - 1, 8), MAX_RETRY_DELAY)


def _retry_key(event_id: str, deferred: Deferred) -> tuple[str | int, ...]:
    return (event_id, deferred.user_id, deferred.version, deferred.notification, deferred.attempts)
