"""The new calendar files of moved events (R8.16). Each is uploaded once, and messages share it by linking to it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

from slack_sdk import WebClient

from bot.features.calendar.calendar_file import calendar_file, depends_on_user
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.sender import UPLOAD_METHOD
from bot.slack.api_errors import FAILURES, CircuitBreaker, ErrorClass, classify
from bot.slack.files import File, upload_file
from domain.enums import EventStatus
from domain.models import JournalEntry, WholeSeries
from domain.ports import Clock
from domain.queries.series import read_occurrences

_logger = logging.getLogger(__name__)

MAX_LINKS = 100
"""Links that are remembered. An older one is uploaded again if it is needed."""

RETRY_DELAY = 600.0
"""Seconds after a failed upload in which messages go out without a file: the workspace may take none."""


class CalendarFiles:
    """Uploads the files for the messages of all events, in one thread.

    Slack shares a file with a conversation when the app that uploaded it posts a link to it there. So a message
    with a file is still one call, however many people get it.
    """

    def __init__(
        self,
        store: StoreWithOutbox,
        client: WebClient,
        clock: Clock,
        circuit_breaker: CircuitBreaker,
        workspace_id: str,
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._circuit_breaker = circuit_breaker
        self._workspace_id = workspace_id
        self._links: OrderedDict[tuple[str, int], str | None] = OrderedDict()
        """By event and version. None: there is no file for everybody."""
        self._retry_at = clock.monotonic()

    def link(self, entry: JournalEntry, before_each: Callable[[], None]) -> str | None:
        """Return the address of a moved event's file, with its join link. It is for those with a seat (R12.2).

        Return None if there is no file: a message does not wait for one, and is not lost with it. `before_each` is
        called before each request of an upload, and stops it if it raises.
        """
        key = entry.event_id, entry.version
        if key not in self._links and self._may_upload():
            file = self._file(entry)
            link = None if file is None else self._uploaded(entry, file, before_each)
            if file is None or link is not None:
                self._links[key] = link
            if len(self._links) > MAX_LINKS:
                self._links.popitem(last=False)
            return link
        return self._links.get(key)

    def _may_upload(self) -> bool:
        refused_until = self._circuit_breaker.refused_until(UPLOAD_METHOD)
        return self._clock.monotonic() >= max(self._retry_at, refused_until)

    def _file(self, entry: JournalEntry) -> File | None:
        """Return the file of the event as it is now, or None if there is none for everybody."""
        event = self._store.get_event(entry.event_id)
        if event is None or event.deletion is not None or event.status is EventStatus.CANCELED:
            return None
        whole, series = None, None
        if event.occurrence is not None:
            series = self._store.get_event(event.occurrence.series_id)
        if series is not None:
            whole = WholeSeries(series, read_occurrences(self._store, series), self._clock.now())
            if depends_on_user(event, whole):
                return None
        return calendar_file(
            event, self._workspace_id, event.join_link, whole=whole, is_update=True
        )

    def _uploaded(
        self, entry: JournalEntry, file: File, before_each: Callable[[], None]
    ) -> str | None:
        """Upload a file. Return its address, or None if Slack does not take it."""
        try:
            link = upload_file(self._client, file, before_each)
        except FAILURES as error:
            self._handle_failure(entry, error)
            return None
        self._circuit_breaker.record_success(UPLOAD_METHOD)
        return link

    def _handle_failure(self, entry: JournalEntry, error: Exception) -> None:
        failure = classify(error)
        delay = RETRY_DELAY
        if failure.error_class is ErrorClass.RATE_LIMITED:
            delay = failure.retry_after
        self._retry_at = self._clock.monotonic() + delay
        if failure.error_class is ErrorClass.APP:
            self._circuit_breaker.record_refusal(UPLOAD_METHOD, failure.reason)
        log = _logger.error if failure.error_class is ErrorClass.BUG else _logger.warning
        log(
            "messages for version %s of %s go out without the new calendar file: %s",
            *(entry.version, entry.event_id, failure.reason),
        )
