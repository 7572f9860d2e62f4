"""Leases: one process at a time does a job, whatever the clocks of the processes say (R9.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.errors import OperatorNeeded
from domain.models import DeliveryState
from domain.ports import Clock, Conflict, Outbox

FORGOTTEN_AFTER = 10
"""How many of its lengths after this process saw another's lease it forgets that. The lease then counts as new."""


class Leases:
    """Takes leases for one process, `holder`. Each ends `seconds` after it was last renewed.

    Every process counts these seconds on its own monotonic clock: the holder from its last renewal,
    any other from when it saw the row change last. So no lease is taken from a holder that renews it,
    and one whose holder died is taken by the first process that saw it unchanged for that long.
    A time in which the store takes no writes until its operator acts does not count: no holder can
    renew then. Each gets the whole length again to store what it has done.
    """

    def __init__(self, outbox: Outbox, clock: Clock, *, holder: str, seconds: float) -> None:
        self._outbox = outbox
        self._clock = clock
        self._holder = holder
        self._seconds = seconds
        self._others: dict[str, tuple[int, float]] = {}
        """Leases of other processes, oldest first: the row's last revision, and when this process saw it first."""

    def take(self, key: str) -> Lease | None:
        """Take a lease, or return None while another process holds it.

        Raises `Unavailable` and `OperatorNeeded`.
        """
        revision, since = self._others.get(key, (None, 0.0))
        asked_at = self._clock.monotonic()
        try:
            state = self._outbox.take_lease(
                key,
                holder=self._holder,
                until=self._clock.now() + timedelta(seconds=self._seconds),
                expired=revision if asked_at >= since + self._seconds else None,
            )
        except OperatorNeeded:
            self._others.clear()
            raise
        if state.holder == self._holder:
            self._others.pop(key, None)
            return Lease(self._outbox, self._clock, state, self._seconds, asked_at)
        if state.revision != revision:
            self._remember(key, state.revision)
        return None

    def _remember(self, key: str, revision: int) -> None:
        now = self._clock.monotonic()
        self._others.pop(key, None)
        self._others[key] = revision, now
        forgotten = now - FORGOTTEN_AFTER * self._seconds
        while next(iter(self._others.values()))[1] <= forgotten:
            del self._others[next(iter(self._others))]


class Lease:
    """A lease that this process took, with the row that it is stored in."""

    def __init__(
        self, outbox: Outbox, clock: Clock, state: DeliveryState, seconds: float, taken_at: float
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._seconds = seconds
        self._renewed_at = taken_at
        self._stored = state
        self._delivered: tuple[int, ...] = ()
        """Versions whose entries the next `save` marks as delivered."""
        self.state = state

    def renew(self) -> None:
        """Renew the lease if half of it is over. Raises `Conflict` if another process has it.

        Call this right before sending: a process that was suspended must send nothing outdated.
        """
        if self._clock.monotonic() >= self._renewed_at + self._seconds / 2:
            self.save()

    def stage(self, **values: object) -> None:
        """Change fields of the state, for the next `save` to store."""
        self.state = self.state.model_copy(update=values)

    def stage_delivered(self, versions: Sequence[int]) -> None:
        """Have the next `save` mark these entries as delivered, at most `MARKS_PER_SAVE` of them.

        Marks that an earlier lease could not store are saved first, because these take their place.
        """
        if self._delivered:
            self.save()
        self._delivered = tuple(versions)

    def save(self, **values: object) -> None:
        """Change fields, store the state and renew the lease. Raises `Conflict` if the lease is lost."""
        # Without an answer, the write may have applied. The changed state stays, to be stored again.
        until = self._clock.now() + timedelta(seconds=self._seconds)
        self.stage(**({"leased_until": until} | values))
        asked_at = self._clock.monotonic()
        try:
            stored = self._store()
        except Conflict:
            stored = self._save_after_own_request()
        self.state = self._stored = stored
        self._delivered = ()
        self._renewed_at = asked_at

    def _store(self) -> DeliveryState:
        return self._outbox.save_delivery(self.state, delivered=self._delivered)

    def _save_after_own_request(self) -> DeliveryState:
        """Store the state all the same if the row was changed by a late request of this holder for the lease.

        The answer of that request was lost. Raises `Conflict` if anybody else had the lease since, or progress was
        stored.
        """
        row = self._outbox.get_delivery(self.state.event_id)
        if row.holder != self.state.holder or _progress(row) != _progress(self._stored):
            raise Conflict
        self.stage(revision=row.revision)
        return self._store()

    def restore(self, earlier: Lease) -> None:
        """Continue with what an earlier lease of this process could not store, unless progress was stored since."""
        if _progress(self._stored) == _progress(earlier._stored):
            self.stage(**_progress(earlier.state))
            self._delivered = earlier._delivered

    def release(self) -> None:
        """Store the state and end the lease, if this process still has it. Raises `Unavailable`."""
        try:
            self.save(leased_until=None)
        except Conflict:
            return


def _progress(state: DeliveryState) -> dict[str, object]:
    """Return the fields that say what is done, without those that say who has the lease."""
    names = DeliveryState.model_fields.keys() - {"holder", "leased_until", "revision"}
    return {name: getattr(state, name) for name in names}
