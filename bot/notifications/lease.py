"""The lease on an event's delivery: one process at a time delivers, and records its progress."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Self

from bot.notifications.ports import StoreWithOutbox
from domain.models import DeliveryState
from domain.ports import Clock, Conflict

_logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long others wait for a process that died. Its holder renews a lease while it works."""


class DeliveryLease:
    """The lease on one event, with the event's `DeliveryState`."""

    def __init__(
        self, store: StoreWithOutbox, clock: Clock, state: DeliveryState, length: timedelta = LEASE
    ) -> None:
        self._length = length
        self._store = store
        self._clock = clock
        self.state = state

    @classmethod
    def take(
        cls,
        store: StoreWithOutbox,
        clock: Clock,
        event_id: str,
        holder: str,
        length: timedelta = LEASE,
    ) -> Self | None:
        """Take the lease, or return None while another process holds it."""
        now = clock.now()
        state = store.take_lease(event_id, holder=holder, now=now, until=now + length)
        return None if state is None else cls(store, clock, state, length)

    def renew(self) -> None:
        """Renew the lease if half of it is over. Raises `Conflict` if another process has it.

        Call this right before sending: a process that was suspended must send nothing outdated.
        """
        until = self.state.leased_until
        if until is None or self._clock.now() >= until - self._length / 2:
            self.save()

    def stage(self, **values: object) -> None:
        """Change fields of the state, for the next `save` to store."""
        self.state = self.state.model_copy(update=values)

    def save(self, **values: object) -> None:
        """Change fields, store the state and renew the lease. Raises `Conflict` if the lease is lost."""
        # Without an answer, the write may have applied. The changed state stays, to be stored again.
        self.stage(**({"leased_until": self._clock.now() + self._length} | values))
        self.state = self._store.save_delivery(self.state)

    def release(self) -> None:
        """Store the state and end the lease, if this process still has it."""
        try:
            self.save(leased_until=None)
        except Conflict:
            _logger.info("lost the lease of %s", self.state.event_id)
