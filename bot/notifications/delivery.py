"""Delivery of one event's notifications and cards from its journal, or of one job, under a lease (R9)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.notifications.calendar_files import CalendarFiles
from bot.notifications.card_delivery import CardDelivery
from bot.notifications.card_poster import CardPoster
from bot.notifications.deferred import DeferredNotifications
from bot.notifications.delivery_run import DeliveryRun
from bot.notifications.export_sender import ExportSender
from bot.notifications.notification_sender import NotificationSender
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.rate_limiter import CARD_INTERVAL
from bot.notifications.recipients import JOURNAL_PAGE
from bot.notifications.sender import MessageSender
from bot.notifications.time_slice import TimeSlice
from bot.slack.admin_directory import AdminDirectory
from domain.errors import OperatorNeeded
from domain.execution.first_seen import FirstSeen
from domain.execution.leases import Lease, Leases
from domain.models import Card, DeliveryState, Event, JournalEntry
from domain.ports import MARKS_PER_SAVE, Clock, Conflict

_logger = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds for which others wait for a process that died. Its holder renews a lease while it works."""

LEASE_RETRY = 1.0
"""Seconds before asking again for another process's lease. Its holder may have read the journal before our commit."""


MAX_REMEMBERED = 10_000
"""Events remembered at a time. When there are more, all are forgotten. That costs a read for each."""


class CardProgress(NamedTuple):
    """The version that all of an event's cards show at least, and when to update again (None: done).

    The time is in seconds on the monotonic clock.
    """

    version: int
    retry_at: float | None


class OutdatedCards(NamedTuple):
    """An event, and its cards that don't show it as it is, or perhaps don't."""

    event: Event
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class _ReadAhead:
    """The rows that a delivery starts from. They are current under the lease if the row's revision grew by one."""

    delivery: DeliveryState
    entries: tuple[JournalEntry, ...]
    """The first page of those that are not delivered."""
    outdated: OutdatedCards

    def needs_nothing(self) -> bool:
        """Return whether nobody is to be notified, nothing is deferred, and all cards are as they should be."""
        row, version = self.delivery, self.outdated.event.version
        new = [entry for entry in self.entries if entry.version <= version]
        return (
            not (self.outdated.cards or row.deferred or row.late_versions or row.unreported)
            and not any(entry.notifications for entry in new)
            # The page has them all, and none was lost.
            and [entry.version for entry in new]
            == list(range(row.delivered_version + 1, version + 1))
            and row.delivered_version <= version
        )


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
        self._delivered: dict[str, int] = {}
        """How far the last delivery of this process was, by event: which entry the next one needs."""

    def deliver(
        self,
        event_id: str,
        update_cards: Callable[[Callable[[], None], OutdatedCards | None], CardProgress],
        *,
        find_outdated: Callable[[Event], OutdatedCards] | None = None,
        until: float = math.inf,
    ) -> float | None:
        """Update cards and send notifications.

        Return when to continue, on the monotonic clock, or None if all is done.

        `update_cards` gets a function to call around each update. It renews the lease, and raises
        `Conflict` once another process has it. Cards come first: they must be right within seconds
        (R8.3). An entry stays marked undelivered until the cards show its version. Nothing is sent from
        `until` on. `update_cards` also gets what `find_outdated` found, unless that must be read again. Without
        `find_outdated`, nothing is read before the lease.
        """
        self._store_unsaved()
        ahead = None
        if find_outdated is not None and event_id not in self._unsaved:
            ahead = self._read_ahead(event_id, find_outdated)
            if ahead is not None and self._finish_without_lease(ahead):
                return None
        lease = self._leases.take(event_id)
        if lease is None:
            return self._clock.monotonic() + self._lease_retry
        if ahead is not None and lease.state.revision != ahead.delivery.revision + 1:
            ahead = None  # another process has delivered since
        self._restore_unsaved(lease)
        try:
            cards = update_cards(lease.renew, None if ahead is None else ahead.outdated)
            run = self._begin_run(lease, until, None if ahead is None else ahead.entries)
            moments = [cards.retry_at, run.run(cards.version)]
        except Conflict:
            # It was over, and another process took it.
            _logger.info("lost the lease of %s", event_id)
            return self._clock.monotonic() + self._lease_retry
        finally:
            self._release(lease)
        if cards.retry_at is None and 0 < cards.version < lease.state.delivered_version:
            # The event has changed since its cards were read. They must show its last version, too.
            moments.append(self._clock.monotonic() + CARD_INTERVAL)
        return min((moment for moment in moments if moment is not None), default=None)

    def _read_ahead(
        self, event_id: str, find_outdated: Callable[[Event], OutdatedCards]
    ) -> _ReadAhead | None:
        """Return what a delivery begins with, read without the lease, or None if another process has that.

        In the usual case that is two requests, because this process remembers how far the last delivery was.
        """
        after = self._delivered.get(event_id, 0)
        rows = self._store.get_delivery_rows(event_id, after + 1)
        event, delivery = rows.event, rows.delivery
        if event is None or delivery.leased_until is not None:
            return None
        entries: tuple[JournalEntry, ...] = ()
        if delivery.delivered_version < event.version:
            is_next = rows.entry is not None and after == delivery.delivered_version
            if rows.entry is not None and is_next and after + 1 == event.version:
                entries = (rows.entry,)
            else:
                entries = self._store.list_journal(
                    event_id, after=delivery.delivered_version, limit=JOURNAL_PAGE
                )
        # The cards come last: one that is stored later shows all of these entries, or is updated by whoever stores it.
        return _ReadAhead(delivery, entries, find_outdated(event))

    def _finish_without_lease(self, ahead: _ReadAhead) -> bool:
        """Clear the marks of entries that need no delivery, and return whether nothing else is to be done.

        The delivery row must still be the one that was read: then no process has had the lease since.
        """
        version = ahead.outdated.event.version
        delivery = ahead.delivery
        marked = range(delivery.cleared_version + 1, version + 1)
        if not ahead.needs_nothing() or len(marked) > MARKS_PER_SAVE:
            return False
        if marked:
            done = {"delivered_version": version, "cleared_version": version}
            try:
                self._store.save_delivery(delivery.model_copy(update=done), delivered=marked)
            except Conflict:
                return False
        self._remember(delivery.event_id, version)
        return True

    def _remember(self, event_id: str, version: int) -> None:
        if len(self._delivered) >= MAX_REMEMBERED:
            self._delivered.clear()
        self._delivered[event_id] = version

    def _begin_run(
        self, lease: Lease, until: float, entries: Sequence[JournalEntry] | None
    ) -> DeliveryRun:
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
            entries=entries,
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
        self._remember(lease.state.event_id, lease.state.delivered_version)
