"""One run over an event's journal: in order of version, from where the last run stopped (R9.1)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bot.blocks.builders import Message
from bot.notifications.card_delivery import CardDelivery
from bot.notifications.deferred import DeferredNotifications
from bot.notifications.messages import card_refused_message, unreachable_message
from bot.notifications.notification_sender import NotificationSender
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.recipients import JOURNAL_PAGE, in_order, is_in_roster, recipients_of
from bot.notifications.sender import Paused
from bot.notifications.time_slice import TimeSlice
from bot.notifications.unreachable import organizer_reports
from bot.slack.admin_directory import AdminDirectory
from bot.slack.api_errors import FAILURES, ClassifiedError, ErrorClass, classify
from domain.enums import NotificationKind
from domain.execution.first_seen import FirstSeen
from domain.execution.leases import Lease
from domain.models import (
    Deferred,
    DeliveryState,
    ExportJob,
    JournalEntry,
    Notification,
    UnreachableRecipient,
)
from domain.ports import INDEX_LAG, MARKS_PER_SAVE, Clock

_logger = logging.getLogger(__name__)

ADMINS = "workspace-admins"
"""Stands for them until Slack has listed them, and where it is recorded that none of them can be reached."""


class DeliveryRun:
    """One run over an event's journal, under its lease. It continues where the last one stopped."""

    def __init__(
        self,
        store: StoreWithOutbox,
        clock: Clock,
        lease: Lease,
        first_seen: FirstSeen,
        *,
        time_slice: TimeSlice,
        deferred: DeferredNotifications,
        cards: CardDelivery,
        sender: NotificationSender,
        admins: AdminDirectory,
        entries: Sequence[JournalEntry] | None = None,
    ) -> None:
        """Make a run. `entries` are the first page of the new ones, None if it was not read under the lease."""
        self._entries = entries
        self._store = store
        self._clock = clock
        self._lease = lease
        self._first_seen = first_seen
        self._time_slice = time_slice
        self._deferred = deferred
        self._cards = cards
        self._sender = sender
        self._admins = admins

    @property
    def _state(self) -> DeliveryState:
        return self._lease.state

    def run(self, card_version: int) -> float | None:
        """Send for a slice of time. Return when to continue, None if all is done."""
        try:
            self._deferred.retry(self._send_deferred)
            self._deliver_new()
            self._notify_organizers()
            self._deferred.retry(self._send_deferred)
            self._retry_cards(self._time_slice.for_cards())
            self._clear_marks(card_version)
        except Paused as pause:
            ends_at = self._time_slice.for_cards()
            self._cards.post_ahead(ends_at)
            self._retry_cards(ends_at)
            return pause.until
        next_retry = self._deferred.next_retry()
        return None if next_retry is None else max(next_retry, self._clock.monotonic())

    # Entries

    def _deliver_new(self) -> None:
        while entries := self._next_page():
            for entry in entries:
                # The wait for an index starts for all of them together.
                self._first_seen.at(entry.event_id, entry.version)
            for entry in entries:
                self._deliver(entry)
            if len(entries) < JOURNAL_PAGE:
                return
            self._time_slice.check()

    def _next_page(self) -> Sequence[JournalEntry]:
        entries, self._entries = self._entries, None
        if entries is not None:
            return entries
        return self._store.list_journal(
            self._state.event_id, after=self._state.delivered_version, limit=JOURNAL_PAGE
        )

    def _deliver(self, entry: JournalEntry) -> None:
        notifications = in_order(entry)
        for number in range(self._state.notification, len(notifications)):
            self._time_slice.check_end()  # an entry that reaches nobody takes time, too
            notification = notifications[number]
            if notification.kind is NotificationKind.CARD:
                if entry.version > self._state.cards_version:
                    self._time_slice.check()
                    self._cards.deliver(entry, number, notification)
            elif notification.kind is NotificationKind.ORPHANED:
                if self._notify_admins(entry, number) is ErrorClass.TEMPORARY:
                    self._deferred.add(ADMINS, entry.version, number, 1)
            elif notification.user_id is None:
                self._deliver_to_audience(entry, number, notification)
            else:
                self._deliver_to(notification.user_id, entry, number, notification)
            if number + 1 < len(notifications):  # the last one is saved with the entry
                self._lease.save(notification=number + 1, recipient=None)
        self._first_seen.forget(entry.event_id, entry.version)
        self._lease.stage(delivered_version=entry.version, notification=0, recipient=None)
        if notifications:
            self._lease.save()

    def _deliver_to_audience(
        self, entry: JournalEntry, number: int, notification: Notification
    ) -> None:
        # The entry's own time is the clock of the process that wrote it.
        readable_at = self._first_seen.at(entry.event_id, entry.version) + INDEX_LAG
        if readable_at > self._clock.monotonic():
            raise Paused(readable_at)

        def at_page_end(cursor: str) -> None:
            self._lease.stage(notification=number, recipient=cursor)
            self._time_slice.check()

        def before_roster(cursor: str) -> None:
            """Wait until the index shows the seats of those who were promoted since the entry."""
            self._lease.stage(notification=number, recipient=cursor)
            readable_at = self._first_seen.at(*roster) + INDEX_LAG
            if readable_at > self._clock.monotonic() and self._has_changed_since(entry):
                raise Paused(readable_at)

        roster = entry.event_id, entry.version, number, "roster"
        if not is_in_roster(self._state.recipient):
            self._first_seen.forget(*roster)  # of a run before another process had the lease
        for user_id, cursor in recipients_of(
            self._store,
            entry,
            notification.audience,
            after=self._state.recipient,
            at_page_end=at_page_end,
            before_roster=before_roster,
        ):
            self._deliver_to(user_id, entry, number, notification)
            self._lease.save(notification=number, recipient=cursor)
        self._first_seen.forget(*roster)

    def _has_changed_since(self, entry: JournalEntry) -> bool:
        event = self._store.get_event(entry.event_id)
        return event is not None and event.version > entry.version

    def _notify_admins(self, entry: JournalEntry, number: int) -> ErrorClass | None:
        """Defer one message to each of the workspace's admins: the event has no organizer left (R2.9).

        Return `TEMPORARY` if Slack does not list them now, for whatever reason passes (R9.2). The caller
        saves the state.
        """
        admins, failure = self._find_admins()
        if failure is not None and (failure.passes or failure.error_class is ErrorClass.APP):
            if not failure.passes:
                _logger.error(
                    "can't ask an admin to take over %s yet: %s", entry.event_id, failure.reason
                )
            return ErrorClass.TEMPORARY
        if not admins:
            reason = "the workspace has none" if failure is None else failure.reason
            _logger.error("no admin can be asked to take over %s: %s", entry.event_id, reason)
            nobody = UnreachableRecipient(
                user_id=ADMINS, version=entry.version, kind=NotificationKind.ORPHANED, reason=reason
            )
            self._store.record_unreachable(entry.event_id, entry.version, nobody)
        for user_id in sorted(admins):
            self._deferred.add(user_id, entry.version, number, 0)
        return None

    def _find_admins(self) -> tuple[tuple[str, ...], ClassifiedError | None]:
        """Return the admins, or why Slack does not list them. Each page of members may take a turn of its own."""
        while (admins := self._admins.admins()) is None:
            self._time_slice.check()
            try:
                self._admins.read_page()
            except FAILURES as error:
                return (), classify(error)
        return admins, None

    def _deliver_to(
        self, user_id: str, entry: JournalEntry, number: int, notification: Notification
    ) -> None:
        if self._deferred.is_full():
            raise Paused(self._deferred.next_retry() or self._clock.monotonic())
        if self._deferred.has_any_for(user_id):
            # A person's notifications stay in order, so this one waits for the earlier one.
            self._deferred.add(user_id, entry.version, number, 0)
            return
        if self._sender.send(user_id, entry, notification) is ErrorClass.TEMPORARY:
            self._deferred.add(user_id, entry.version, number, 1)

    # Deferred notifications

    def _retry_cards(self, ends_at: float) -> None:
        if self._clock.monotonic() < ends_at:
            self._deferred.retry(self._send_deferred, cards=True, ends_at=ends_at)

    def _notify_organizers(self) -> None:
        """Defer one message to each organizer about all unreported recipients. Their retry sends it."""
        if self._state.unreported:
            job = ExportJob.of(self._state.event_id)
            event = self._store.get_event(job.event_id if job else self._state.event_id)
            reports = organizer_reports(self._state, event, self._clock.now()) if event else ()
            self._lease.save(
                deferred=(*self._state.deferred, *reports), unreported=(), more_unreported=0
            )

    def _send_deferred(self, deferred: Deferred, entry: JournalEntry) -> ErrorClass | None:
        if deferred.user_id == ADMINS:
            return self._notify_admins(entry, deferred.notification)
        if not deferred.unreachable:
            notification = in_order(entry)[deferred.notification]
            if notification.kind is NotificationKind.CARD:
                return self._cards.post(entry, notification)
            return self._sender.send(deferred.user_id, entry, notification)
        # An organizer who is unreachable, too, is only logged.
        failure = self._sender.send_message(
            deferred.user_id,
            entry,
            lambda: _report(entry, deferred),
        )
        return None if failure is None else failure.error_class

    # Marks

    def _clear_marks(self, card_version: int) -> None:
        """Clear the undelivered marks of entries whose notifications are sent and whose cards are updated.

        The release of the lease saves the last of them, with how far this is, in one write.
        """
        pending = {one.version for one in self._state.deferred}
        late = [version for version in self._state.late_versions if version not in pending]
        last = min(self._state.delivered_version, card_version)
        versions = [*late, *range(self._state.cleared_version + 1, last + 1)]
        for first in range(0, len(versions), MARKS_PER_SAVE):
            if first:  # each slice clears one page at least
                self._lease.save()
                self._time_slice.check()
            page = versions[first : first + MARKS_PER_SAVE]
            self._lease.stage_delivered([one for one in page if one not in pending])
            left = tuple(one for one in self._state.late_versions if one not in page)
            self._lease.stage(
                late_versions=left, cleared_version=max(self._state.cleared_version, page[-1])
            )


def _report(entry: JournalEntry, deferred: Deferred) -> Message:
    first = deferred.unreachable[0]
    if first.kind is NotificationKind.CARD:
        return card_refused_message(entry, first)
    return unreachable_message(entry, deferred.unreachable, deferred.more_unreachable)
