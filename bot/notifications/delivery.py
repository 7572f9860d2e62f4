"""Delivery of one event's notifications and cards from its journal, or of one job, under a lease (R9)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import NamedTuple

from bot.notifications.calendar_files import CalendarFiles
from bot.notifications.card_delivery import CardDelivery
from bot.notifications.card_poster import CardPoster
from bot.notifications.deferred import DeferredNotifications
from bot.notifications.delivery_run import DeliveryRun
from bot.notifications.export_sender import ExportSender
from bot.notifications.notification_sender import NotificationSender
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import MessageSender
from bot.notifications.time_slice import TimeSlice
from bot.slack.admin_directory import AdminDirectory
from domain.errors import OperatorNeeded
from domain.execution.first_seen import FirstSeen
from domain.execution.leases import Lease, Leases
from domain.ports import Clock, Conflict

_logger = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds for which others wait for a process that died. Its holder renews a lease while it works."""

LEASE_RETRY = 1.0
"""Seconds before asking again for another process's lease. Its holder may have read the journal before our commit."""


class CardProgress(NamedTuple):
    """The version that all of an event's cards show at least, and when to update again (None: done).

    The time is in seconds on the monotonic clock.
    """

    version: int
    retry_at: float | None


class EventDelivery:
    """Delivers the notifications of one event, or one job, at a time. `holder` names this process in leases."""

    def __init__(
        self,
        store: StoreWithOutbox,
        message_sender: MessageSender,
        card_poster: CardPoster,
        admins: AdminDirectory,
        export_sender: ExportSender,
        clock: Clock,
        holder: str,
        *,
        calendar_files: CalendarFiles | None = None,
        lease: float = LEASE,
        lease_retry: float = LEASE_RETRY,
    ) -> None:
        """Make a delivery. Without `calendar_files`, it is for exports only."""
        self._lease_retry = lease_retry
        self._store = store
        self._card_poster = card_poster
        self._admins = admins
        self._export_sender = export_sender
        self._message_sender = message_sender
        self._calendar_files = calendar_files
        self._clock = clock
        self._leases = Leases(store, clock, holder=holder, seconds=lease)
        self._first_seen = FirstSeen(clock)
        self._unsaved: dict[str, Lease] = {}
        """Leases whose progress the store did not take, by event: a full disk must not have messages sent again."""

    def deliver(
        self,
        event_id: str,
        update_cards: Callable[[Callable[[], None]], CardProgress],
        *,
        until: float = math.inf,
    ) -> float | None:
        """Update cards and send notifications.

        Return when to continue, on the monotonic clock, or None if all is done.

        `update_cards` gets a function to call around each update. It renews the lease, and raises
        `Conflict` once another process has it. Cards come first: they must be right within seconds
        (R8.3). An entry stays marked undelivered until the cards show its version. Nothing is sent from
        `until` on.
        """
        self._store_unsaved()
        lease = self._leases.take(event_id)
        if lease is None:
            return self._clock.monotonic() + self._lease_retry
        self._restore_unsaved(lease)
        try:
            cards = update_cards(lease.renew)
            moments = [cards.retry_at, self._begin_run(lease, until).run(cards.version)]
        except Conflict:
            # It was over, and another process took it.
            _logger.info("lost the lease of %s", event_id)
            return self._clock.monotonic() + self._lease_retry
        finally:
            self._release(lease)
        return min((moment for moment in moments if moment is not None), default=None)

    def _begin_run(self, lease: Lease, until: float) -> DeliveryRun:
        """Return a run whose slice of time begins now."""
        time_slice = TimeSlice(self._clock, lease, until)
        deferred = DeferredNotifications(self._store, self._clock, lease, self._first_seen)
        return DeliveryRun(
            self._store,
            self._clock,
            lease,
            self._first_seen,
            time_slice=time_slice,
            deferred=deferred,
            cards=CardDelivery(self._store, self._clock, lease, deferred, self._card_poster),
            sender=NotificationSender(
                *(self._store, self._clock, lease, time_slice),
                *(self._message_sender, self._export_sender, self._calendar_files),
            ),
            admins=self._admins,
        )

    def _store_unsaved(self) -> None:
        """Store the progress that the store did not take before, of any event, and end its lease.

        Nothing is sent before that: messages of other events may take longer than the lease lasts, and another
        process would send again what was sent. Raises `OperatorNeeded`: it would take no other progress either.
        """
        for event_id in tuple(self._unsaved):
            try:
                lease = self._leases.take(event_id)
                if lease is not None:
                    self._restore_unsaved(lease)
                    self._release(lease)
            except OperatorNeeded:
                raise
            except Exception:  # noqa: BLE001, S112  # it holds up no other event, and is logged at its own turn
                continue

    def _restore_unsaved(self, lease: Lease) -> None:
        unsaved = self._unsaved.pop(lease.state.event_id, None)
        if unsaved is not None:
            lease.restore(unsaved)

    def _release(self, lease: Lease) -> None:
        try:
            lease.release()
        except Exception:  # whatever the store raised, it has not stored the progress
            self._unsaved[lease.state.event_id] = lease
            raise
