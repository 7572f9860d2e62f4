"""Sends one direct message at a time, and knows when not to (see the design on delivery)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from slack_sdk import WebClient

from bot import telemetry
from bot.blocks.builders import Message
from bot.slack.api_errors import FAILURES, ClassifiedError, ErrorClass, Standing, classify
from bot.slack.files import File, send_file
from domain.models import JournalEntry
from domain.ports import Clock, Unavailable

T = TypeVar("T")

_logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=5)

METHOD = "chat.postMessage"

UPLOAD = "files.completeUploadExternal"
"""And what leads to it: one name for all, to which Slack's refusals belong."""

FAILURES_IN_A_ROW = 3
"""That many people in a row who can't be reached just now: it is Slack, and all wait a little."""


class Paused(Exception):
    """Nothing more is sent before this moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class MessageSender:
    """Sends the messages of all events, in one thread."""

    def __init__(self, client: WebClient, clock: Clock, standing: Standing) -> None:
        self._client = client
        self._clock = clock
        self._standing = standing
        self._quiet_until = clock.now()
        self._failures = 0

    def send(
        self, user_id: str, entry: JournalEntry, message_of: Callable[[], Message]
    ) -> ClassifiedError | None:
        """Send a message; return what went wrong, None if it is sent. Raises `Paused`: it is not."""
        return self._deliver(
            METHOD,
            user_id,
            entry,
            lambda: message_of().to_dict(),
            lambda message: self._client.chat_postMessage(channel=user_id, **message),
        )

    def send_file(
        self, user_id: str, entry: JournalEntry, file_of: Callable[[], File]
    ) -> ClassifiedError | None:
        """Send a file as `send` does a message."""
        return self._deliver(
            UPLOAD, user_id, entry, file_of, lambda file: send_file(self._client, user_id, file)
        )

    def _deliver(
        self,
        method: str,
        user_id: str,
        entry: JournalEntry,
        make: Callable[[], T],
        call: Callable[[T], object],
    ) -> ClassifiedError | None:
        quiet_until = max(self._quiet_until, self._standing.refused_until(method))
        if quiet_until > self._clock.now():
            raise Paused(quiet_until)
        try:
            made = make()
        except Unavailable:
            raise
        except Exception:
            # It would fail each time, and hold up those behind it.
            _logger.exception("no message for version %s of %s", entry.version, entry.event_id)
            return ClassifiedError(ErrorClass.BUG, "no message")
        try:
            call(made)
        except FAILURES as error:
            return self._weigh(method, classify(error), user_id, entry)
        telemetry.delivered(entry, self._clock.now())
        self._standing.accepted(method)
        self._failures = 0
        return None

    def _weigh(
        self, method: str, verdict: ClassifiedError, user_id: str, entry: JournalEntry
    ) -> ClassifiedError:
        now = self._clock.now()
        match verdict.error_class:
            case ErrorClass.OURS:
                self._standing.refused(method, verdict.reason)
                raise Paused(self._standing.refused_until(method))
            case ErrorClass.RATE:
                self._quiet_until = now + timedelta(seconds=verdict.retry_after)
                raise Paused(self._quiet_until)
            case ErrorClass.LATER:
                self._failures += 1
                if self._failures >= FAILURES_IN_A_ROW:
                    self._quiet_until = now + FIRST_RETRY
            case ErrorClass.RECIPIENT:
                _logger.warning(
                    "%s can't be told of version %s of %s: %s",
                    *(user_id, entry.version, entry.event_id, verdict.reason),
                )
            case ErrorClass.BUG:
                _logger.error(
                    "message to %s of version %s of %s skipped: %s",
                    *(user_id, entry.version, entry.event_id, verdict.reason),
                )
        return verdict
