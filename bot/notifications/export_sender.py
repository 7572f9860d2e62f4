"""Sends an event's attendee list as a file (R8.8): reads the attendees, looks up missing names, uploads."""

from __future__ import annotations

from collections.abc import Callable

from slack_sdk import WebClient

from bot.features.export.attendee_list import AttendeeReader, export_file
from bot.features.export.missing_names import MissingNames
from bot.notifications.messages import no_files_message
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import UPLOAD_METHOD, MessageSender, Paused
from bot.slack.api_errors import FAILURES, ClassifiedError, ErrorClass, classify
from bot.slack.direct_messages import require_member_id
from bot.slack.files import File
from domain.models import Event, JournalEntry
from domain.ports import Clock


class ExportSender:
    """Sends attendee lists. `prepare_to_send` and `renew_lease` come from the delivery that it is part of."""

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        message_sender: MessageSender,
    ) -> None:
        self._store = store
        self._clock = clock
        self._message_sender = message_sender
        self._missing_names = MissingNames(client)

    def send(
        self,
        user_id: str,
        entry: JournalEntry,
        prepare_to_send: Callable[[], None],
        renew_lease: Callable[[], None],
    ) -> ClassifiedError | None:
        """Send the list, or say why Slack takes no files. Return a failure as `MessageSender.send` does.

        Raises `Paused`, also between two names that it looks up: then it continues when called again.
        """
        event = self._store.get_event(entry.event_id)
        if event is None or event.deletion is not None:
            return None  # no attendees are left to list
        try:
            require_member_id(user_id)
            self._message_sender.check_pause(UPLOAD_METHOD)
            file = self._file_of(entry, event, prepare_to_send, renew_lease)
        except FAILURES as error:
            failure = classify(error)
            if failure.error_class is not ErrorClass.RATE_LIMITED:
                return failure
            raise Paused(self._clock.monotonic() + failure.retry_after) from error
        refused = self._message_sender.send_file(user_id, entry, file, renew_lease)
        if refused is None or refused.error_class is not ErrorClass.NO_FILES:
            return refused
        # In the same slice of time: in the next one, the upload would be tried again first.
        renew_lease()
        return self._message_sender.send(
            user_id, entry, lambda: no_files_message(entry, refused.reason)
        )

    def _file_of(
        self,
        entry: JournalEntry,
        event: Event,
        prepare_to_send: Callable[[], None],
        renew_lease: Callable[[], None],
    ) -> Callable[[], File]:
        """Read the attendees and their names; return what builds the file.

        If looking names up takes several slices of time, the list is read again after that, as of then.
        """
        export_id = f"{entry.event_id} {entry.version}"
        is_continued = self._missing_names.has_unfinished(export_id)
        prepare_to_send()
        if is_continued:
            for _ in self._missing_names.look_up(export_id):
                prepare_to_send()
        reader = AttendeeReader(self._store, self._clock, renew_lease)
        attendees = reader.read(event.event_id)
        names = reader.names(event.event_id, [attendee.user_id for attendee in attendees])
        if not is_continued:
            for _ in self._missing_names.look_up(export_id, self._missing_names.among(names)):
                prepare_to_send()
        return lambda: export_file(event, attendees, self._missing_names.completed(names))
