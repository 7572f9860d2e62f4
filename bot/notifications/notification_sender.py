"""Sends one notification to one person, if it is still true (R9.2, R9.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bot.blocks.builders import Message
from bot.blocks.mrkdwn import is_slack_id
from bot.notifications.calendar_files import CalendarFiles
from bot.notifications.export_sender import ExportSender
from bot.notifications.messages import canceled_message, moved_message, notification_message
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import POST_METHOD, MessageSender
from bot.notifications.time_slice import TimeSlice
from bot.notifications.unreachable import add_unreported
from bot.slack.api_errors import ClassifiedError, ErrorClass
from domain.enums import EventStatus, NotificationKind, RegistrationStatus
from domain.execution.leases import Lease
from domain.models import (
    Event,
    EventSummary,
    ExportJob,
    JournalEntry,
    Notification,
    Registration,
    UnreachableRecipient,
)
from domain.ports import Clock

_IN_CALENDAR = {NotificationKind.MOVED, NotificationKind.CANCELED}
"""Notifications that help those with a seat, and only them, to change their calendar."""

_OF_ANY_STATUS = {NotificationKind.ADDED, NotificationKind.ENROLLED}
"""Kinds that are true with a seat and on the waitlist."""

_ABOUT_REGISTRATION = {
    *_OF_ANY_STATUS,
    NotificationKind.PROMOTED,
    NotificationKind.REMINDER,
}
"""Kinds that are no longer true once the recipient has left."""


class NotificationSender:
    """Sends the messages and files of one event, or one job, under its lease."""

    def __init__(
        self,
        store: StoreWithOutbox,
        clock: Clock,
        lease: Lease,
        time_slice: TimeSlice,
        message_sender: MessageSender,
        export_sender: ExportSender,
        calendar_files: CalendarFiles | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease
        self._time_slice = time_slice
        self._message_sender = message_sender
        self._export_sender = export_sender
        self._calendar_files = calendar_files

    def send(
        self, user_id: str, entry: JournalEntry, notification: Notification
    ) -> ErrorClass | None:
        """Send a notification and record an unreachable recipient. The caller saves the state."""
        shown = entry
        if notification.kind is NotificationKind.REMINDER:
            event = self._upcoming_event(entry)
            if event is None:
                return None
            # A reminder shows the event as it is now, and how soon it starts from now.
            now = {"about": EventSummary.of(event), "at": self._clock.now()}
            shown = entry.model_copy(update=now)
        if not self._is_current(user_id, notification, entry):
            return None
        if notification.kind is NotificationKind.EXPORT:
            failure = self._export_sender.send(
                user_id, entry, self._lease, self._time_slice.check, self._time_slice.until
            )
        else:
            failure = self._send_notification(user_id, shown, notification)
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

    def _send_notification(
        self, user_id: str, entry: JournalEntry, notification: Notification
    ) -> ClassifiedError | None:
        render = notification_message
        if notification.kind in _IN_CALENDAR and self._has_calendar(user_id, entry):
            if notification.kind is NotificationKind.CANCELED:
                render = canceled_message
            else:
                render = partial(moved_message, calendar_file=self._calendar_file(entry))
        return self.send_message(user_id, entry, lambda: render(notification, entry))

    def _has_calendar(self, user_id: str, entry: JournalEntry) -> bool:
        """Return whether someone is a member with a seat, so the event can be in their calendar. Raises `Paused`."""
        if not is_slack_id(user_id):
            return False
        # Else a file would be uploaded for no message.
        self._message_sender.check_pause(POST_METHOD)
        return self._seat(user_id, entry) is not None

    def _calendar_file(self, entry: JournalEntry) -> str | None:
        """Return the address of a moved event's new file, or None if there is none."""
        if self._calendar_files is None:
            return None

        def before_each() -> None:
            self._time_slice.check_end()
            self._lease.renew()

        return self._calendar_files.link(entry, before_each)

    def send_message(
        self, user_id: str, entry: JournalEntry, message_of: Callable[[], Message]
    ) -> ClassifiedError | None:
        """Send a message, if there is time left. See `MessageSender.send`."""
        self._time_slice.check()
        return self._message_sender.send(user_id, entry, message_of)

    def _is_current(self, user_id: str, notification: Notification, entry: JournalEntry) -> bool:
        """Return whether a notification is still true. No one hears of a seat they no longer have (R9.3)."""
        if notification.kind is NotificationKind.ORPHANED:
            event = self._store.get_event(entry.event_id)
            return event is not None and event.deletion is None and not event.organizer_ids
        if notification.kind not in _ABOUT_REGISTRATION:
            return True
        find = self._registration if notification.kind in _OF_ANY_STATUS else self._seat
        registration = find(user_id, entry)
        return registration is not None and notification.ticket in (None, registration.ticket)

    def _registration(self, user_id: str, entry: JournalEntry) -> Registration | None:
        rows = self._store.get_rows(entry.event_id, registrations_of=[user_id], users=())
        return rows.registrations.get(user_id)

    def _seat(self, user_id: str, entry: JournalEntry) -> Registration | None:
        """Return the registration of a user who has a seat, else None."""
        registration = self._registration(user_id, entry)
        if registration is None or registration.status is not RegistrationStatus.REGISTERED:
            return None
        return registration

    def _upcoming_event(self, entry: JournalEntry) -> Event | None:
        """Return the event if a reminder still makes sense (R8.15).

        Return None if it was moved since: the new date has its own reminders.
        """
        event = self._store.get_event(entry.event_id)
        if event is None or event.deletion is not None or event.status is EventStatus.CANCELED:
            return None
        is_moved = entry.about is None or event.starts_at != entry.about.starts_at
        return None if is_moved or self._clock.now() >= event.starts_at else event

    def _record_unreachable(self, recipient: UnreachableRecipient) -> None:
        event_id, version = self._lease.state.event_id, recipient.version
        job = ExportJob.of(event_id)
        if job is not None:
            event_id, version = job.event_id, job.version
        recorded = recipient.model_copy(update={"version": version})
        self._store.record_unreachable(event_id, version, recorded)
        self._lease.state = add_unreported(self._lease.state, recipient)
