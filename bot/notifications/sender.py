"""Sends one direct message at a time, and pauses when Slack asks for it or fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import telemetry
from bot.blocks.builders import Message
from bot.slack.api_errors import FAILURES, CircuitBreaker, ClassifiedError, ErrorClass, classify
from bot.slack.direct_messages import post_direct_message, require_member_id
from bot.slack.files import File, send_file
from domain.models import JournalEntry
from domain.ports import Clock, Unavailable

T = TypeVar("T")

_logger = logging.getLogger(__name__)

FIRST_RETRY_DELAY = 5.0
"""Seconds before a message that Slack did not take is tried again."""

POST_METHOD = "chat.postMessage"

UPLOAD_METHOD = "files.completeUploadExternal"
"""Stands for all calls of an upload: Slack's refusals concern them together."""

MAX_FAILURES_IN_A_ROW = 3
"""Temporary failures in a row after which the cause must be Slack, not the recipients. All wait then."""


class Paused(Exception):
    """Nothing may be sent before `until`, in seconds on the monotonic clock."""

    def __init__(self, until: float) -> None:
        super().__init__(until)
        self.until = until


class MessageSender:
    """Sends the messages of all events, in one thread."""

    def __init__(self, client: WebClient, clock: Clock, circuit_breaker: CircuitBreaker) -> None:
        self._client = client
        self._clock = clock
        self._circuit_breaker = circuit_breaker
        self._paused_until = clock.monotonic()
        self._failures = 0

    def send(
        self, user_id: str, entry: JournalEntry, message_of: Callable[[], Message]
    ) -> ClassifiedError | None:
        """Send a message. Return the failure, or None once it is sent. Raises `Paused` before sending."""
        return self.send_content(user_id, entry, lambda: message_of().to_dict())

    def send_content(
        self, user_id: str, entry: JournalEntry, content_of: Callable[[], Mapping[str, Any]]
    ) -> ClassifiedError | None:
        """Send what `Message.to_dict` returned. See `send`."""
        return self._deliver(
            POST_METHOD,
            user_id,
            entry,
            content_of,
            lambda content: post_direct_message(self._client, user_id, content),
        )

    def send_file(
        self,
        user_id: str,
        entry: JournalEntry,
        file_of: Callable[[], File],
        before_each: Callable[[], None],
    ) -> ClassifiedError | None:
        """Send a file the way `send` does a message. See `bot.slack.files.send_file` for `before_each`."""
        return self._deliver(
            UPLOAD_METHOD,
            user_id,
            entry,
            file_of,
            lambda file: send_file(self._client, user_id, file, before_each),
        )

    def check_pause(self, method: str) -> None:
        """Raise `Paused` if nothing may be sent now by a method of Slack."""
        paused_until = max(self._paused_until, self._circuit_breaker.refused_until(method))
        if paused_until > self._clock.monotonic():
            raise Paused(paused_until)

    def _deliver(
        self,
        method: str,
        user_id: str,
        entry: JournalEntry,
        build: Callable[[], T],
        call: Callable[[T], object],
    ) -> ClassifiedError | None:
        try:
            require_member_id(user_id)
        except SlackApiError as error:
            return self._handle_failure(method, classify(error), user_id, entry)
        self.check_pause(method)
        try:
            built = build()
        except Unavailable:
            raise
        except Exception:  # a retry would fail again and hold up the others
            _logger.exception(
                "can't build the message for version %s of %s", entry.version, entry.event_id
            )
            return ClassifiedError(ErrorClass.BUG, "message not built")
        try:
            call(built)
        except FAILURES as error:
            return self._handle_failure(method, classify(error), user_id, entry)
        telemetry.log_delivery(entry, self._clock.now())
        self._circuit_breaker.record_success(method)
        self._failures = 0
        return None

    def _handle_failure(
        self, method: str, failure: ClassifiedError, user_id: str, entry: JournalEntry
    ) -> ClassifiedError:
        now = self._clock.monotonic()
        match failure.error_class:
            case ErrorClass.APP:
                self._circuit_breaker.record_refusal(method, failure.reason)
                raise Paused(self._circuit_breaker.refused_until(method))
            case ErrorClass.RATE_LIMITED:
                self._paused_until = now + failure.retry_after
                raise Paused(self._paused_until)
            case ErrorClass.TEMPORARY:
                self._failures += 1
                if self._failures >= MAX_FAILURES_IN_A_ROW:
                    self._paused_until = now + FIRST_RETRY_DELAY
            case ErrorClass.RECIPIENT:
                _logger.warning(
                    "can't reach %s about version %s of %s: %s",
                    *(user_id, entry.version, entry.event_id, failure.reason),
                )
            case ErrorClass.NO_FILES:
                _logger.warning(
                    "the file for version %s of %s can't be sent: %s",
                    *(entry.version, entry.event_id, failure.reason),
                )
            case ErrorClass.BUG | ErrorClass.OUTDATED:
                _logger.error(
                    "message to %s about version %s of %s skipped: %s",
                    *(user_id, entry.version, entry.event_id, failure.reason),
                )
        return failure
