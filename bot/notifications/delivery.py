"""Delivery of one event's notifications from its journal: in order of version, at least once (R9)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.blocks.builders import Message
from bot.notifications.card_poster import CardPoster
from bot.notifications.export_sender import ExportSender
from bot.notifications.messages import (
    card_refused_message,
    notification_message,
    unreachable_message,
)
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.recipients import recipients_of
from bot.notifications.sender import FIRST_RETRY_DELAY, MessageSender, Paused
from bot.notifications.unreachable import (
    add_unreported,
    organizer_reports,
    refused_card_report,
)
from bot.slack.admin_directory import AdminDirectory
from bot.slack.api_errors import FAILURES, ClassifiedError, ErrorClass, classify
from domain.enums import EventStatus, NotificationKind, RegistrationStatus
from domain.execution.first_seen import FirstSeen
from domain.execution.leases import Lease, Leases
from domain.models import (
    Deferred,
    DeliveryState,
    Event,
    EventSummary,
    ExportJob,
    JournalEntry,
    Notification,
    UnreachableRecipient,
)
from domain.ports import INDEX_LAG, Clock, Conflict

_logger = logging.getLogger(__name__)

LEASE = 30.0
"""Seconds for which others wait for a process that died. Its holder renews a lease while it works."""

LEASE_RETRY = 1.0
"""Seconds before asking again for another process's lease. Its holder may have read the journal before our commit."""

TIME_SLICE = 0.5
"""Seconds of sending messages for one event, and of posting its cards, before other events get their turn."""

MAX_RETRY_DELAY = 900.0

MAX_DEFERRED = 50
"""Deferred messages of an event. At this many, its other messages wait for their retries. Cards don't count."""

JOURNAL_PAGE = 20

ADMINS = "workspace-admins"
"""Stands for them until Slack has listed them, and where it is recorded that none of them can be reached."""


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
        lease: float = LEASE,
        lease_retry: float = LEASE_RETRY,
    ) -> None:
        self._lease_retry = lease_retry
        self._store = store
        self._card_poster = card_poster
        self._admins = admins
        self._export_sender = export_sender
        self._message_sender = message_sender
        self._clock = clock
        self._leases = Leases(store, clock, holder=holder, seconds=lease)
        self._first_seen = FirstSeen(clock)
        self._unsaved: dict[str, DeliveryState] = {}
        """Progress that the store did not take, by event: a full disk must not have messages sent again."""

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
        lease = self._leases.take(event_id)
        if lease is None:
            return self._clock.monotonic() + self._lease_retry
        self._restore_unsaved(lease)
        run = _DeliveryRun(
            self._message_sender,
            self._card_poster,
            self._admins,
            self._store,
            self._clock,
            lease,
            self._export_sender,
            self._first_seen,
        )
        try:
            cards = update_cards(lease.renew)
            moments = [cards.retry_at, run.run(cards.version, until)]
        except Conflict:
            # It was over, and another process took it.
            _logger.info("lost the lease of %s", event_id)
            return self._clock.monotonic() + self._lease_retry
        finally:
            self._release(lease)
        return min((moment for moment in moments if moment is not None), default=None)

    def _restore_unsaved(self, lease: Lease) -> None:
        """Continue with the progress of the last run, if nothing was stored since but this lease."""
        unsaved = self._unsaved.pop(lease.state.event_id, None)
        if unsaved is not None and unsaved.revision + 1 == lease.state.revision:
            taken = ("revision", "holder", "leased_until")
            lease.state = unsaved.model_copy(
                update={name: getattr(lease.state, name) for name in taken}
            )

    def _release(self, lease: Lease) -> None:
        try:
            lease.release()
        except Exception:  # whatever the store raised, it has not stored the progress
            self._unsaved[lease.state.event_id] = lease.state
            raise


class _DeliveryRun:
    """One run over an event's journal, under its lease. It continues where the last one stopped."""

    def __init__(
        self,
        message_sender: MessageSender,
        card_poster: CardPoster,
        admins: AdminDirectory,
        store: StoreWithOutbox,
        clock: Clock,
        lease: Lease,
        export_sender: ExportSender,
        first_seen: FirstSeen,
    ) -> None:
        self._message_sender = message_sender
        self._card_poster = card_poster
        self._admins = admins
        self._export_sender = export_sender
        self._store = store
        self._clock = clock
        self._lease = lease
        self._first_seen = first_seen
        self._slice_ends = 0.0
        self._until = math.inf

    @property
    def _state(self) -> DeliveryState:
        return self._lease.state

    def run(self, card_version: int, until: float) -> float | None:
        """Send for a slice of time. Return when to continue, None if all is done."""
        self._until = until
        self._slice_ends = min(self._clock.monotonic() + TIME_SLICE, until)
        try:
            self._retry_deferred()
            self._deliver_new()
            self._notify_organizers()
            self._retry_deferred()
            self._retry_cards(self._slice_of_cards())
            self._clear_marks(card_version)
        except Paused as pause:
            ends_at = self._slice_of_cards()
            self._post_cards_ahead(ends_at)
            self._retry_cards(ends_at)
            return pause.until
        next_retry = self._next_retry()
        return None if next_retry is None else max(next_retry, self._clock.monotonic())

    # Entries

    def _deliver_new(self) -> None:
        while entries := self._store.list_journal(
            self._state.event_id, after=self._state.delivered_version, limit=JOURNAL_PAGE
        ):
            for entry in entries:
                # The wait for an index starts for all of them together.
                self._first_seen.at(entry.event_id, entry.version)
            for entry in entries:
                self._deliver(entry)
            if len(entries) < JOURNAL_PAGE:
                return
            self._check_slice()

    def _deliver(self, entry: JournalEntry) -> None:
        notifications = _in_order(entry)
        for number in range(self._state.notification, len(notifications)):
            notification = notifications[number]
            if notification.kind is NotificationKind.CARD:
                if entry.version > self._state.cards_version:
                    self._check_slice()
                    self._deliver_card(entry, number, notification)
            elif notification.kind is NotificationKind.ORPHANED:
                if self._notify_admins(entry, number) is ErrorClass.TEMPORARY:
                    self._defer(ADMINS, entry.version, number, 1)
            elif notification.user_id is None:
                self._deliver_to_audience(entry, number, notification)
            else:
                self._deliver_to(notification.user_id, entry, number, notification)
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
            self._check_slice()

        def before_roster(cursor: str) -> None:
            """Wait until the index shows the seats of those who were promoted since the entry."""
            self._lease.stage(notification=number, recipient=cursor)
            readable_at = self._first_seen.at(*roster) + INDEX_LAG
            if readable_at > self._clock.monotonic() and self._has_changed_since(entry):
                raise Paused(readable_at)

        roster = entry.event_id, entry.version, number, "roster"
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
            self._defer(user_id, entry.version, number, 0)
        return None

    def _find_admins(self) -> tuple[tuple[str, ...], ClassifiedError | None]:
        """Return the admins, or why Slack does not list them. Each page of members may take a turn of its own."""
        while (admins := self._admins.admins()) is None:
            self._check_slice()
            try:
                self._admins.read_page()
            except FAILURES as error:
                return (), classify(error)
        return admins, None

    def _deliver_to(
        self, user_id: str, entry: JournalEntry, number: int, notification: Notification
    ) -> None:
        if sum(not one.is_card for one in self._state.deferred) >= MAX_DEFERRED:
            raise Paused(self._next_retry() or self._clock.monotonic())
        earlier = [one for one in self._state.deferred if one.user_id == user_id]
        if earlier:
            # A person's notifications stay in order, so this one waits for the earlier one.
            self._defer(user_id, entry.version, number, 0)
            return
        if self._send_notification(user_id, entry, notification) is ErrorClass.TEMPORARY:
            self._defer(user_id, entry.version, number, 1)

    # Cards

    def _deliver_card(self, entry: JournalEntry, number: int, notification: Notification) -> None:
        """Post a card, or defer it: neither it nor people's messages wait for each other (R9.7)."""
        channel_id = notification.channel_id or ""
        if self._post_card(entry, notification) is ErrorClass.TEMPORARY:
            self._defer(channel_id, entry.version, number, 1, is_card=True)

    def _slice_of_cards(self) -> float:
        """Return when the time for cards, which begins now, ends."""
        return min(self._clock.monotonic() + TIME_SLICE, self._until)

    def _post_cards_ahead(self, ends_at: float) -> None:
        """Post the cards of entries whose turn has not come, because messages have to wait."""
        if self._clock.monotonic() >= ends_at:
            return
        after = max(self._state.cards_version, self._state.delivered_version)
        # Some notifications of the entry in progress are delivered.
        done = self._state.notification if after == self._state.delivered_version else 0
        while entries := self._store.list_journal(
            self._state.event_id, after=after, limit=JOURNAL_PAGE
        ):
            for entry in entries:
                for number, notification in list(enumerate(_in_order(entry)))[done:]:
                    if notification.kind is NotificationKind.CARD:
                        self._deliver_card(entry, number, notification)
                done, after = 0, entry.version
                self._lease.stage(cards_version=after)
                if self._clock.monotonic() >= ends_at:
                    break
            self._lease.save()
            if len(entries) < JOURNAL_PAGE or self._clock.monotonic() >= ends_at:
                return

    def _retry_cards(self, ends_at: float) -> None:
        if self._clock.monotonic() < ends_at:
            self._retry_deferred(cards=True, ends_at=ends_at)

    def _post_card(self, entry: JournalEntry, notification: Notification) -> ErrorClass | None:
        """Post a card. If Slack refuses it for good, record that, and tell whoever asked for it."""
        self._lease.renew()
        failure = self._card_poster.post(entry, notification)
        if failure is None or failure.passes:
            return None if failure is None else ErrorClass.TEMPORARY
        refused = UnreachableRecipient(
            user_id=notification.channel_id or "",
            version=entry.version,
            kind=notification.kind,
            reason=failure.reason,
        )
        self._store.record_unreachable(entry.event_id, entry.version, refused)
        if notification.user_id is not None:
            report = refused_card_report(refused, notification.user_id, self._clock.now())
            self._lease.stage(deferred=(*self._state.deferred, report))
        return failure.error_class

    # Sending

    def _send_notification(
        self, user_id: str, entry: JournalEntry, notification: Notification
    ) -> ErrorClass | None:
        """Send a notification and record an unreachable recipient. The caller saves the state."""
        if notification.kind is NotificationKind.CARD:
            return self._post_card(entry, notification)
        if notification.kind is NotificationKind.REMINDER:
            event = self._upcoming_event(entry)
            if event is None:
                return None
            entry = entry.model_copy(update={"about": EventSummary.of(event)})
        if not self._is_current(user_id, notification, entry):
            return None
        if notification.kind is NotificationKind.EXPORT:
            failure = self._export_sender.send(
                user_id, entry, self._lease, self._check_slice, self._until
            )
        else:
            failure = self._send(user_id, entry, lambda: notification_message(notification, entry))
        if failure is None:
            return None
        if failure.error_class is not ErrorClass.TEMPORARY:
            self._record_unreachable(
                UnreachableRecipient(
                    user_id=user_id,
                    version=entry.version,
                    kind=notification.kind,
                    reason=failure.reason,
                )
            )
        return failure.error_class

    def _send(
        self, user_id: str, entry: JournalEntry, message_of: Callable[[], Message]
    ) -> ClassifiedError | None:
        self._check_slice()
        return self._message_sender.send(user_id, entry, message_of)

    def _check_slice(self) -> None:
        """Let others have their turn once the slice of time is over, by raising `Paused`; renew the lease."""
        if self._clock.monotonic() >= self._slice_ends:
            raise Paused(self._clock.monotonic())
        self._lease.renew()

    def _is_current(self, user_id: str, notification: Notification, entry: JournalEntry) -> bool:
        """Return whether a notification is still true. No one hears of a seat they no longer have (R9.3)."""
        if notification.kind is NotificationKind.ORPHANED:
            event = self._store.get_event(entry.event_id)
            return event is not None and event.deletion is None and not event.organizer_ids
        if notification.kind not in (NotificationKind.PROMOTED, NotificationKind.REMINDER):
            return True
        rows = self._store.get_rows(entry.event_id, registrations_of=[user_id], users=())
        registration = rows.registrations.get(user_id)
        if registration is None or registration.status is not RegistrationStatus.REGISTERED:
            return False
        return notification.ticket in (None, registration.ticket)

    def _upcoming_event(self, entry: JournalEntry) -> Event | None:
        """Return the event if a reminder still makes sense (R8.15).

        Return None if it was moved since: the new date has its own reminders.
        """
        event = self._store.get_event(entry.event_id)
        if event is None or event.deletion is not None or event.status is EventStatus.CANCELED:
            return None
        is_moved = entry.about is None or event.starts_at != entry.about.starts_at
        return None if is_moved or self._clock.now() >= event.starts_at else event

    # Unreachable recipients

    def _record_unreachable(self, recipient: UnreachableRecipient) -> None:
        event_id, version = self._state.event_id, recipient.version
        job = ExportJob.of(event_id)
        if job is not None:
            event_id, version = job.event_id, job.version
        recorded = recipient.model_copy(update={"version": version})
        self._store.record_unreachable(event_id, version, recorded)
        self._lease.state = add_unreported(self._state, recipient)

    def _notify_organizers(self) -> None:
        """Defer one message to each organizer about all unreported recipients. `_retry_deferred` sends it."""
        if self._state.unreported:
            job = ExportJob.of(self._state.event_id)
            event = self._store.get_event(job.event_id if job else self._state.event_id)
            reports = organizer_reports(self._state, event, self._clock.now()) if event else ()
            self._lease.save(
                deferred=(*self._state.deferred, *reports), unreported=(), more_unreported=0
            )

    # Retries

    def _next_retry(self) -> float | None:
        # A person's first deferred notification sets the time, because the others wait for it.
        first = {one.user_id: one for one in reversed(self._state.deferred)}
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
        return self._first_seen.at(*_retry_key(self._state.event_id, deferred))

    def _defer(
        self, user_id: str, version: int, number: int, attempts: int, *, is_card: bool = False
    ) -> None:
        deferred = Deferred(
            user_id=user_id,
            version=version,
            notification=number,
            attempts=attempts,
            not_before=self._not_before(attempts),
            is_card=is_card,
        )
        self._first_seen_at(deferred)
        self._lease.stage(deferred=(*self._state.deferred, deferred))

    def _not_before(self, attempts: int) -> datetime:
        return self._clock.now() + timedelta(seconds=_retry_delay(attempts))

    def _retry_deferred(self, *, cards: bool = False, ends_at: float = math.inf) -> None:
        """Retry the deferred messages, or cards, that are due, each person's or channel's in order.

        The one that takes until a moment on the monotonic clock is the last.
        """
        held_back: set[str] = set()
        for deferred in self._state.deferred:
            if deferred.is_card is not cards:
                continue
            if deferred.user_id in held_back or self._due_at(deferred) > self._clock.monotonic():
                held_back.add(deferred.user_id)
                continue
            entry = self._store.get_journal_entry(self._state.event_id, deferred.version)
            if entry is not None and self._send_deferred(deferred, entry) is ErrorClass.TEMPORARY:
                held_back.add(deferred.user_id)
                self._defer_again(deferred)
            else:
                self._remove_deferred(deferred)
            if self._clock.monotonic() >= ends_at:
                return

    def _send_deferred(self, deferred: Deferred, entry: JournalEntry) -> ErrorClass | None:
        if deferred.user_id == ADMINS:
            return self._notify_admins(entry, deferred.notification)
        if not deferred.unreachable:
            notification = _in_order(entry)[deferred.notification]
            return self._send_notification(deferred.user_id, entry, notification)
        # An organizer who is unreachable, too, is only logged.
        failure = self._send(
            deferred.user_id,
            entry,
            lambda: _report(entry, deferred),
        )
        return None if failure is None else failure.error_class

    def _defer_again(self, deferred: Deferred) -> None:
        attempts = deferred.attempts + 1
        again = deferred.model_copy(
            update={"attempts": attempts, "not_before": self._not_before(attempts)}
        )
        self._first_seen.forget(*_retry_key(self._state.event_id, deferred))
        self._first_seen_at(again)
        self._lease.save(
            deferred=tuple(again if one == deferred else one for one in self._state.deferred)
        )

    def _remove_deferred(self, deferred: Deferred) -> None:
        self._first_seen.forget(*_retry_key(self._state.event_id, deferred))
        late = self._state.late_versions
        if deferred.version <= self._state.cleared_version and deferred.version not in late:
            late = (*late, deferred.version)
        self._lease.save(
            deferred=tuple(one for one in self._state.deferred if one != deferred),
            # Saved together: after a crash, the next process still clears the entry's mark.
            late_versions=late,
        )

    # Marks

    def _clear_marks(self, card_version: int) -> None:
        """Clear the undelivered marks of entries whose notifications are sent and whose cards are updated.

        The release of the lease saves how far this is. Clearing a mark again changes nothing.
        """
        pending = {one.version for one in self._state.deferred}
        late = [version for version in self._state.late_versions if version not in pending]
        cleared, last = (
            self._state.cleared_version,
            min(self._state.delivered_version, card_version),
        )
        for number, version in enumerate([*late, *range(cleared + 1, last + 1)]):
            if number:  # each slice clears one at least
                self._check_slice()
            if version not in pending:
                self._store.mark_delivered(self._state.event_id, version)
            if version > cleared:
                self._lease.stage(cleared_version=version)
            else:
                left = tuple(one for one in self._state.late_versions if one != version)
                self._lease.stage(late_versions=left)


def _in_order(entry: JournalEntry) -> list[Notification]:
    """Return an entry's notifications in order: cards, then those to one person, then those to an audience."""
    return sorted(
        entry.notifications,
        key=lambda one: (one.kind is not NotificationKind.CARD, one.user_id is None),
    )


def _report(entry: JournalEntry, deferred: Deferred) -> Message:
    first = deferred.unreachable[0]
    if first.kind is NotificationKind.CARD:
        return card_refused_message(entry, first)
    return unreachable_message(entry, deferred.unreachable, deferred.more_unreachable)


def _retry_delay(attempts: int) -> float:
    """Return the seconds before the next try: none for one that only waits for an earlier one."""
    if attempts == 0:
        return 0.0
    # Its number of tries has no limit: without one for the power, it would overflow in the end.
    return min(FIRST_RETRY_DELAY * 2.0 ** min(attempts - 1, 8), MAX_RETRY_DELAY)


def _retry_key(event_id: str, deferred: Deferred) -> tuple[str | int, ...]:
    return (event_id, deferred.user_id, deferred.version, deferred.notification, deferred.attempts)
