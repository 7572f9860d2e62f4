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
from domain.models import Event, ExportJob, JournalEntry
from domain.ports import Clock

MAX_SECONDS = 600.0
"""How long one try may take. Then the export waits for its retry, and others get their turn."""


class ExportSender:
    """Sends attendee lists. `check_end` raises `Paused` when this process must stop."""

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        message_sender: MessageSender,
        *,
        check_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._check_end = check_end
        self._store = store
        self._clock = clock
        self._message_sender = message_sender
        self._missing_names = MissingNames(client)

    def forget(self, export_id: str) -> None:
        """Forget what an export has yet to look up: it is done."""
        self._missing_names.forget(export_id)

    def send(
        self,
        user_id: str,
        entry: JournalEntry,
        check_slice: Callable[[], None],
        renew_lease: Callable[[], None],
    ) -> ClassifiedError | None:
        """Send the list, or say why Slack takes no files. Return a failure as `MessageSender.send` does.

        `check_slice` and `renew_lease` are those of the delivery. Raises `Paused`, also between two
        names that it looks up: then it continues when called again.
        """
        ends_at = self._clock.monotonic() + MAX_SECONDS

        def before_each() -> None:
            self._check_end()
            if self._clock.monotonic() >= ends_at:
                raise TimeoutError(f"the export takes more than {MAX_SECONDS:.0f} seconds")
            renew_lease()

        job = ExportJob.of(entry.event_id)
        event = self._store.get_event(job.event_id if job else entry.event_id)
        if event is None or event.deletion is not None:
            return None  # no attendees are left to list
        try:
            require_member_id(user_id)
            self._message_sender.check_pause(UPLOAD_METHOD)
            file = self._file_of(entry, event, check_slice, before_each)
        except FAILURES as error:
            failure = classify(error)
            if failure.error_class is not ErrorClass.RATE_LIMITED:
                return failure
            raise Paused(self._clock.monotonic() + failure.retry_after) from error
        refused = self._message_sender.send_file(user_id, entry, file, before_each)
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
        check_slice: Callable[[], None],
        before_each: Callable[[], None],
    ) -> Callable[[], File]:
        """Read the attendees and their names; return what builds the file.

        If looking names up takes several slices of time, the list is read again after that, as of then.
        """
        export_id = entry.event_id
        is_continued = self._missing_names.has_unfinished(export_id)
        check_slice()
        if is_continued:
            for _ in self._missing_names.look_up(export_id):
                check_slice()
        reader = AttendeeReader(self._store, self._clock, before_each)
        attendees = reader.read(event.event_id)
        names = reader.names(event.event_id, [attendee.user_id for attendee in attendees])
        if not is_continued:
            for _ in self._missing_names.look_up(export_id, self._missing_names.among(names)):
                check_slice()
        return lambda: export_file(event, attendees, self._missing_names.completed(names))
