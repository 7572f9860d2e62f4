"""The messages that an event's journal owes, in order of version, at least once (R9)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from bot.blocks.builders import Message
from bot.features.export.attendee_list import export_file
from bot.notifications.messages import notification_message, unreachable_message
from bot.notifications.recipients import audience
from bot.notifications.sender import FIRST_RETRY, MessageSender, Paused
from bot.notifications.unreachable import with_unreported, words_of
from bot.slack.api_errors import ClassifiedError, ErrorClass
from domain.enums import EventStatus, NotificationKind, RegistrationStatus
from domain.models import (
    Deferred,
    DeliveryState,
    Event,
    EventSummary,
    JournalEntry,
    Notification,
    UnreachableRecipient,
)
from domain.ports import Clock, Conflict, Outbox, Store

_logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a deliverer that died keeps others waiting; it renews its lease with each message."""

HELD = timedelta(seconds=1)
"""How soon to ask for a lease that another has: it may have read the journal before our commit."""

SLICE = 0.5
"""Seconds of sending, after which other events have their turn, and this one's cards are looked at."""

LAST_RETRY = timedelta(minutes=15)

MOST_DEFERRED = 50
"""People who wait for another try before the whole event waits with them."""

INDEX_LAG = timedelta(seconds=2)
"""Words to everyone wait until the roster's index has whoever was seated just before."""

ENTRIES = 20


class Storage(Store, Outbox, Protocol):
    """A store with its outbox."""


class Shown(NamedTuple):
    """Which version all of an event's cards show at least, and when to look again (None: no need)."""

    version: int
    again: datetime | None


class Deliverer:
    """Delivers one event's messages at a time. `holder` names this process in leases."""

    def __init__(
        self, store: Storage, message_sender: MessageSender, clock: Clock, holder: str
    ) -> None:
        self._store = store
        self._message_sender = message_sender
        self._clock = clock
        self._holder = holder

    def deliver(
        self, event_id: str, show_cards: Callable[[Callable[[], None]], Shown]
    ) -> datetime | None:
        """Send what is owed; return when to look again, None if nothing is left.

        `show_cards` updates the event's cards, and calls what it is given around each update: it
        raises `Conflict` once the lease is another's. Up to the version that the cards show, entries
        lose their undelivered mark. They come first: cards are to be true within seconds (R8.3).
        """
        now = self._clock.now()
        delivery = self._store.take_lease(event_id, holder=self._holder, now=now, until=now + LEASE)
        if delivery is None:
            return now + HELD
        round_ = _Round(self._message_sender, self._store, self._clock, delivery)
        try:
            shown = show_cards(round_.hold)
            moments = [shown.again, round_.run(shown.version)]
        except Conflict:
            # The lease ran out, and another has it.
            return self._clock.now() + HELD
        finally:
            round_.release()
        return min((moment for moment in moments if moment is not None), default=None)


class _Round:
    """One go at an event's journal, under its lease, from where the last one stopped."""

    def __init__(
        self, message_sender: MessageSender, store: Storage, clock: Clock, delivery: DeliveryState
    ) -> None:
        self._message_sender = message_sender
        self._store = store
        self._clock = clock
        self._slice_ends = 0.0
        self.delivery = delivery

    def run(self, shown_version: int) -> datetime | None:
        """Send for a slice of time; return when to go on, None if all is done."""
        self._slice_ends = self._clock.monotonic() + SLICE
        try:
            self._retry()
            self._deliver_new()
            self._address_organizers()
            self._retry()
        except Paused as pause:
            return pause.until
        self._clear(shown_version)
        return self._next_try()

    def _next_try(self) -> datetime | None:
        # Of each person's late messages the first sets the time; the others wait behind it.
        first = {late.user_id: late.not_before for late in reversed(self.delivery.deferred)}
        return min(first.values(), default=None)

    def hold(self) -> None:
        """Renew the lease if much of it is over. Raises `Conflict` if another has it.

        Called right before something is sent: who was held up for long sends nothing stale.
        """
        until = self.delivery.leased_until
        if until is None or self._clock.now() >= until - LEASE / 2:
            self._save()

    def _deliver_new(self) -> None:
        while entries := self._store.list_journal(
            self.delivery.event_id, after=self.delivery.delivered_version, limit=ENTRIES
        ):
            for entry in entries:
                self._deliver(entry)

    def release(self) -> None:
        """Let go of the lease, if it is still ours."""
        try:
            self._save(leased_until=None)
        except Conflict:
            _logger.info("the lease of %s was lost", self.delivery.event_id)

    def _save(self, **values: object) -> None:
        renewed = {"leased_until": self._clock.now() + LEASE} | values
        # Where no answer comes, it may be stored like this: this row is not taken back.
        self.delivery = self.delivery.model_copy(update=renewed)
        self.delivery = self._store.save_delivery(self.delivery)

    # Entries

    def _deliver(self, entry: JournalEntry) -> None:
        notifications = _in_order(entry)
        for number in range(self.delivery.notification, len(notifications)):
            notification = notifications[number]
            if notification.user_id is None:
                self._deliver_to_everyone(entry, number, notification)
            else:
                self._deliver_to(notification.user_id, entry, number, notification)
            self._save(notification=number + 1, recipient=None)
        self.delivery = self.delivery.model_copy(
            update={"delivered_version": entry.version, "notification": 0, "recipient": None}
        )
        if notifications:
            self._save()

    def _deliver_to_everyone(
        self, entry: JournalEntry, number: int, notification: Notification
    ) -> None:
        settled = entry.at + INDEX_LAG
        if settled > self._clock.now():
            raise Paused(settled)
        people = audience(self._store, entry, self.delivery.recipient, notification.audience)
        for user_id, place in people:
            self._deliver_to(user_id, entry, number, notification)
            self._save(notification=number, recipient=place)

    def _deliver_to(
        self, user_id: str, entry: JournalEntry, number: int, notification: Notification
    ) -> None:
        if len(self.delivery.deferred) >= MOST_DEFERRED:
            raise Paused(self._next_try() or self._clock.now())
        waiting = [late for late in self.delivery.deferred if late.user_id == user_id]
        if waiting:
            # In order per person: this one waits behind the earlier one.
            self._defer(user_id, entry.version, number, 0, waiting[-1].not_before)
            return
        if self._send_notice(user_id, entry, notification) is ErrorClass.LATER:
            self._defer(user_id, entry.version, number, 1, self._clock.now() + FIRST_RETRY)

    def _send_notice(
        self, user_id: str, entry: JournalEntry, notification: Notification
    ) -> ErrorClass | None:
        """Send a notice; who can't be reached for good is recorded. The caller saves."""
        if notification.kind is NotificationKind.REMINDER:
            event = self._event_ahead(entry)
            if event is None:
                return None
            entry = entry.model_copy(update={"about": EventSummary.of(event)})
        if not self._stands(user_id, notification, entry):
            return None
        if notification.kind is NotificationKind.EXPORT:
            verdict = self._send_export(user_id, entry)
        else:
            verdict = self._send(user_id, entry, lambda: notification_message(notification, entry))
        if verdict is None:
            return None
        if verdict.error_class in (ErrorClass.RECIPIENT, ErrorClass.BUG):
            self._record(
                UnreachableRecipient(
                    user_id=user_id,
                    version=entry.version,
                    kind=notification.kind,
                    reason=verdict.reason,
                )
            )
        return verdict.error_class

    def _send(
        self, user_id: str, entry: JournalEntry, message_of: Callable[[], Message]
    ) -> ClassifiedError | None:
        self._before_sending()
        return self._message_sender.send(user_id, entry, message_of)

    def _send_export(self, user_id: str, entry: JournalEntry) -> ClassifiedError | None:
        event = self._store.get_event(entry.event_id)
        if event is None or event.deletion is not None:
            return None  # there is nobody in it any more
        self._before_sending()
        return self._message_sender.send_file(
            user_id, entry, lambda: export_file(self._store, event)
        )

    def _before_sending(self) -> None:
        if self._clock.monotonic() >= self._slice_ends:
            raise Paused(self._clock.now())
        self.hold()

    def _stands(self, user_id: str, notification: Notification, entry: JournalEntry) -> bool:
        """Return whether what a notice says is still so: nobody is told of a seat that is gone (R9.3)."""
        if notification.kind not in (NotificationKind.PROMOTED, NotificationKind.REMINDER):
            return True
        rows = self._store.get_rows(entry.event_id, registrations_of=[user_id], users=())
        row = rows.registrations.get(user_id)
        if row is None or row.status is not RegistrationStatus.REGISTERED:
            return False
        return notification.ticket in (None, row.ticket)

    def _event_ahead(self, entry: JournalEntry) -> Event | None:
        """Return the event as it is, if there is still something to remind of (R8.15).

        None where it was moved meanwhile: its new day has reminders of its own.
        """
        event = self._store.get_event(entry.event_id)
        if event is None or event.deletion is not None or event.status is EventStatus.CANCELED:
            return None
        is_moved = entry.about is None or event.starts_at != entry.about.starts_at
        return None if is_moved or self._clock.now() >= event.starts_at else event

    # Those who can't be reached

    def _record(self, person: UnreachableRecipient) -> None:
        self._store.record_unreachable(self.delivery.event_id, person.version, person)
        self.delivery = with_unreported(self.delivery, person)

    def _address_organizers(self) -> None:
        """Owe each organizer one message about all whom none of theirs told of yet."""
        if self.delivery.unreported:
            event = self._store.get_event(self.delivery.event_id)
            words = words_of(self.delivery, event, self._clock.now()) if event else ()
            self._save(deferred=(*self.delivery.deferred, *words), unreported=(), more_unreported=0)

    # Those who must be tried again

    def _defer(
        self, user_id: str, version: int, number: int, attempts: int, not_before: datetime
    ) -> None:
        late = Deferred(
            user_id=user_id,
            version=version,
            notification=number,
            attempts=attempts,
            not_before=not_before,
        )
        self.delivery = self.delivery.model_copy(
            update={"deferred": (*self.delivery.deferred, late)}
        )

    def _retry(self) -> None:
        """Try again those whose time has come, each person's messages in order."""
        still_late: set[str] = set()
        for late in self.delivery.deferred:
            if late.user_id in still_late or late.not_before > self._clock.now():
                still_late.add(late.user_id)
                continue
            entry = self._store.get_journal_entry(self.delivery.event_id, late.version)
            if entry is not None and self._send_late(late, entry) is ErrorClass.LATER:
                still_late.add(late.user_id)
                self._put_off(late)
            else:
                self._done(late)

    def _send_late(self, late: Deferred, entry: JournalEntry) -> ErrorClass | None:
        if not late.unreachable:
            return self._send_notice(late.user_id, entry, _in_order(entry)[late.notification])
        # An organizer who can't be reached either is in the log; nobody is told of that.
        verdict = self._send(
            late.user_id,
            entry,
            lambda: unreachable_message(entry, late.unreachable, late.more_unreachable),
        )
        return None if verdict is None else verdict.error_class

    def _put_off(self, late: Deferred) -> None:
        pause = min(FIRST_RETRY * 2**late.attempts, LAST_RETRY)
        later = late.model_copy(
            update={"attempts": late.attempts + 1, "not_before": self._clock.now() + pause}
        )
        deferred = (later if one == late else one for one in self.delivery.deferred)
        self._save(deferred=tuple(deferred))

    def _done(self, late: Deferred) -> None:
        self._save(
            deferred=tuple(one for one in self.delivery.deferred if one != late),
            # Written in one: whoever goes on after a crash takes the entry's mark off, too.
            cleared_version=min(self.delivery.cleared_version, late.version - 1),
        )

    # Marks

    def _clear(self, shown_version: int) -> None:
        """Take the marks off entries of which nothing is owed: no message, and no card."""
        last = min(self.delivery.delivered_version, shown_version)
        owed = {late.version for late in self.delivery.deferred}
        for version in range(self.delivery.cleared_version + 1, last + 1):
            if version not in owed:
                self._store.mark_delivered(self.delivery.event_id, version)
        if last > self.delivery.cleared_version:
            self._save(cleared_version=last)


def _in_order(entry: JournalEntry) -> list[Notification]:
    """Return an entry's notices: those to one person as things happened, then those to everyone."""
    return sorted(entry.notifications, key=lambda notification: notification.user_id is None)
