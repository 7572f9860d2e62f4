"""Sends the attendee list of an event or a series as a file (R8.8): reads it, looks up missing names, uploads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from slack_sdk import WebClient

from bot.features.export.attendee_list import AttendeeReader, export_file
from bot.features.export.missing_names import MissingNames
from bot.features.export.series_attendance import read_attendance
from bot.notifications.messages import export_given_up_message, no_files_message
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import UPLOAD_METHOD, MessageSender, Paused
from bot.slack.api_errors import FAILURES, ClassifiedError, ErrorClass, classify
from bot.slack.direct_messages import require_member_id
from bot.slack.files import File
from domain.execution.leases import Lease
from domain.models import Event, ExportJob, JournalEntry
from domain.ports import Clock

_logger = logging.getLogger(__name__)

MAX_SECONDS = 600.0
"""How long one try may take. Then the export waits for its retry, and others get their turn."""

MAX_TRIES = 5
"""Tries without an end after which an export is given up. Those that Slack, the store or a stop ends don't count."""


class ExportSender:
    """Sends attendee lists. `check_end` raises `Paused` when this process stops."""

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
        lease: Lease,
        check_slice: Callable[[], None],
        until: float,
    ) -> ClassifiedError | None:
        """Send the list, or say why there is none. Return a failure as `MessageSender.send` does.

        `lease` and `check_slice` are those of the delivery. The process's time ends at `until`. Raises
        `Paused`, also between two names that it looks up: then it continues when called again.
        """
        if lease.state.unfinished_tries >= MAX_TRIES:
            return self._give_up(user_id, entry, lease)
        ends_at = min(self._clock.monotonic() + MAX_SECONDS, until)

        def before_each() -> None:
            self._check_end()
            if self._clock.monotonic() >= ends_at:
                raise TimeoutError("the time for this try is over")
            lease.renew()

        with self._counted_try(lease, ends_at):
            refused = self._try(user_id, entry, check_slice, before_each)
        if refused is None or refused.error_class is not ErrorClass.NO_FILES:
            return refused
        # In the same slice of time: in the next one, the upload would be tried again first.
        lease.renew()
        return self._message_sender.send(
            user_id, entry, lambda: no_files_message(entry, refused.reason)
        )

    @contextmanager
    def _counted_try(self, lease: Lease, ends_at: float) -> Iterator[None]:
        """Count a try before it begins. One that ends before its time is over counts no more."""
        earlier = lease.state.unfinished_tries
        lease.save(unfinished_tries=earlier + 1)
        try:
            yield
        except Exception:  # whatever ended it, what counts is how long it took
            if self._clock.monotonic() < ends_at:
                lease.stage(unfinished_tries=earlier)
            raise
        if self._clock.monotonic() < ends_at:
            lease.stage(unfinished_tries=earlier)

    def _give_up(self, user_id: str, entry: JournalEntry, lease: Lease) -> ClassifiedError | None:
        failure = self._message_sender.send(user_id, entry, lambda: export_given_up_message(entry))
        if failure is None or not failure.passes:
            _logger.error(
                "the export %s was given up after %d tries: each took too long, or its process died",
                *(entry.event_id, lease.state.unfinished_tries),
            )
            lease.stage(unfinished_tries=0)
        return failure

    def _try(
        self,
        user_id: str,
        entry: JournalEntry,
        check_slice: Callable[[], None],
        before_each: Callable[[], None],
    ) -> ClassifiedError | None:
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
        return self._message_sender.send_file(user_id, entry, file, before_each)

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
        if event.series is None:
            attendees = reader.read(event.event_id, with_answers=bool(event.questions))
            user_ids: Collection[str] = [attendee.user_id for attendee in attendees]
            file_with: Callable[[Mapping[str, str]], File] = partial(export_file, event, attendees)
        else:
            attendance = read_attendance(self._store, self._clock, event, before_each)
            user_ids, file_with = attendance.user_ids, attendance.file
        names = reader.names(event.event_id, user_ids)
        if not is_continued:
            for _ in self._missing_names.look_up(export_id, self._missing_names.among(names)):
                check_slice()
        return lambda: file_with(self._missing_names.completed(names))
