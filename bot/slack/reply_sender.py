"""Sends replies: in a process that stays, after the acknowledgement and until Slack takes them (R8.12).

A reply goes to the response URL of its request, or into the view that was used. What Slack does not take there goes
out as a direct message. Without a queue, as on Lambda, a reply gets the request's time; after that it is kept in the
journal, and so is one that is pending when the process stops.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient

from bot.blocks.builders import Message
from bot.slack import response_urls
from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.direct_messages import post_direct_message
from bot.slack.job_queue import Job, JobQueue
from bot.slack.kept_replies import KeptReplies
from bot.slack.request_budget import received_at
from bot.slack.response_urls import PostFailed
from bot.slack.web_client import PATIENT_SECONDS, REPLY_SECONDS, bounded_client, patient_client
from domain.errors import OperatorNeeded
from domain.ports import AnswerLost, Clock, Conflict, Unavailable

_logger = logging.getLogger(__name__)

URL_USES = 5
URL_SECONDS = 29 * 60.0
"""A response URL works five times within 30 minutes, as Slack's page on handling interactions says."""

GIVE_UP_SECONDS = 6 * 3600.0
"""When a reply is given up. By then the person has looked for themselves."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
GROWTH = 4
"""Pauses between tries grow by this factor from the first to the longest, in seconds."""

MAX_ATTEMPTS_NOW = 3
"""Tries without a pause: over an idle connection, over a new one, and as a direct message."""

_RETRIED = (ErrorClass.TEMPORARY, ErrorClass.RATE_LIMITED, ErrorClass.APP)

_NOT_STORED = (Conflict, AnswerLost, Unavailable, OperatorNeeded)

THREADS = 256
"""Replies sent at the same time: with a Slack that needs 10 seconds, 25 a second."""

STORE_SECONDS = 5.0
"""How long a stop tries a store that takes no reply. Each try may last for seconds."""

MAX_PENDING = 5_000
"""Replies that wait for Slack. Each has a few kilobytes."""


class ReplyNotSent(Exception):
    """A reply is lost. The request itself was carried out or refused all the same."""


class ReplyRefused(ReplyNotSent):
    """A reply is lost, and would be if it were sent again: Slack refuses its recipient, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingReply:
    """A reply to one person, and where it goes: to `response_url`, or into a view, or in a direct message."""

    user_id: str | None
    """The member who may get a direct message. None if the request does not name one reliably."""
    message: Message
    about: str = ""
    """The event of the button that was pressed. Empty for a command, or a button without an event."""
    response_url: str | None = None
    options: Mapping[str, Any] | None = None
    """Arguments for the response URL besides the message."""
    show: Callable[[WebClient], object] | None = None
    """Shows the message in a view: calls Slack once."""

    @property
    def key(self) -> str:
        """Return what replies have in common that must arrive in order: the person and the event.

        The last one that a person reads about an event is true. A view does not wait behind messages: its
        trigger would expire.
        """
        common = f"{self.user_id or self.response_url or ''} {self.about}"
        return f"{common} in a view" if self.show else common


class ReplySender:
    """Sends replies: with a queue, in the background; without one, before the request is acknowledged."""

    def __init__(
        self,
        client: WebClient,
        clock: Clock,
        jitter: Callable[[], float],
        kept_replies: KeptReplies,
        queue: JobQueue | None = None,
        left: Callable[[], float | None] | None = None,
    ) -> None:
        """Create a sender. `jitter` returns numbers from 0 to 1.

        Without a queue, `left` returns the seconds that a call may take if it is made now. By default, that is what the
        request has left, and at most `REPLY_SECONDS`.
        """
        self._kept_replies = kept_replies
        self._clock = clock
        self._jitter = jitter
        self._queue = queue
        self._patient_client = patient_client(client, token=client.token)
        # If no acknowledgement waits for the reply, a slow Slack gets more time: giving up early would send it twice.
        seconds = REPLY_SECONDS if left is None else PATIENT_SECONDS
        self._bounded_client = bounded_client(
            client, token=client.token, seconds=seconds, left=left
        )

    def receipt(self) -> float:
        """Return when this thread's request was received, by default now, on the clock's `monotonic`."""
        at = received_at()
        return self._clock.monotonic() if at is None else at

    def send(self, reply: PendingReply, *, received_at: float | None = None) -> None:
        """Send the reply to a request that was received then, by default this thread's.

        With a queue, this takes no time. Without one, or if it is full, it takes what is left of the request's
        time, and raises `ReplyNotSent`, or `ReplyRefused` if sending it again is of no use.
        """
        begun = self.receipt() if received_at is None else received_at
        in_background = _Delivery(reply, self._patient_client, self._clock, self._jitter, begun)
        if self._queue is not None and self._queue.submit(reply.key, in_background):
            return
        now = _Delivery(reply, self._bounded_client, self._clock, self._jitter, begun)
        if not now.attempt_now():
            self._keep(reply, now.reason)

    def send_after(self, key: str, work: Callable[[], None]) -> None:
        """Do work that ends with a reply: with a queue, in the background; without one, or if it is full, now.

        Work that is pending when the process stops is not done: the person presses again.
        """
        if self._queue is None or not self._queue.submit(key, work):
            work()

    def keep_pending(self, jobs: Iterable[Job]) -> int:
        """Keep the replies among jobs that a queue could not finish. Return how many are lost.

        If the store takes none for `STORE_SECONDS`, the rest is lost: a stop must end.
        """
        lost = skipped = 0
        gives_up_at = self._clock.monotonic() + STORE_SECONDS
        for job in jobs:
            if not isinstance(job, _Delivery):
                continue
            if self._clock.monotonic() >= gives_up_at:
                skipped += 1
                continue
            try:
                self._keep(job.reply, "the process stops")
            except ReplyNotSent as error:
                _logger.error("a reply is lost: %s", error)  # noqa: TRY400  # the reason is enough
                lost += 1
            else:
                gives_up_at = self._clock.monotonic() + STORE_SECONDS
        if skipped:
            _logger.error("%d more replies are lost: the store takes none", skipped)
        return lost + skipped

    def _keep(self, reply: PendingReply, reason: str) -> None:
        if reply.user_id is None:
            raise ReplyNotSent(reason)
        try:
            self._kept_replies.keep(reply.user_id, reply.message)
        except _NOT_STORED as error:
            raise ReplyNotSent(f"{reason}; it can't be kept: {error}") from error
        _logger.warning("a reply is kept, and goes out as a direct message: %s", reason)


class _Delivery:
    """One reply on its way: a job for a queue, or attempted now."""

    def __init__(
        self,
        reply: PendingReply,
        client: WebClient,
        clock: Clock,
        jitter: Callable[[], float],
        received_at: float,
    ) -> None:
        self.reply = reply
        self.reason = ""
        """Why Slack did not take it, as of the last try."""
        self._client = client
        self._clock = clock
        self._jitter = jitter
        self._received_at = received_at
        self._uses_left = URL_USES if reply.response_url else 0
        self._show = reply.show
        self._was_closed = False
        self._pauses = 0

    def __call__(self) -> float | None:
        """Try once. Return the seconds until the next try, or None at the end."""
        try:
            return self._attempt()
        except ReplyNotSent as error:
            _logger.error("a reply is lost: %s", error)  # noqa: TRY400  # the reason is enough
            return None

    def attempt_now(self) -> bool:
        """Try once, and again where that takes no pause. Return whether Slack took the reply.

        Raises `ReplyRefused` if a later try would not do either.
        """
        for _ in range(MAX_ATTEMPTS_NOW):
            pause = self._attempt()
            if pause is None:
                return True
            if pause > 0:
                break
        return False

    def _attempt(self) -> float | None:
        if self._show is not None:
            show, self._show = self._show, None
            return self._attempt_view(show)
        age = self._clock.monotonic() - self._received_at
        if self._uses_left > 0 and age < URL_SECONDS:
            return self._attempt_url(str(self.reply.response_url))
        return self._attempt_direct_message(age)

    def _attempt_view(self, show: Callable[[WebClient], object]) -> float | None:
        """Try once: a press opens a view for three seconds only."""
        try:
            show(self._client)
        except FAILURES as error:
            failure = classify(error)
            is_alarm = failure.error_class in (ErrorClass.APP, ErrorClass.BUG)
            return self._turn_to_direct_message(failure.reason, is_alarm=is_alarm)
        return None

    def _attempt_url(self, url: str) -> float | None:
        body = {**(self.reply.options or {}), **self.reply.message.to_dict()}
        try:
            response_urls.post(self._client, url, body)
        except TimeoutError as error:  # the client's: no time was left to begin
            return self._pause_after(str(error), 0.0)
        except PostFailed as error:
            self._uses_left = 0 if error.is_final else self._uses_left - error.is_use
            if self._uses_left == 0:
                return self._turn_to_direct_message(error.reason)
            if error.is_closed and not self._was_closed:
                self._was_closed = True  # Slack closes idle connections: a new one may do
                return self._pause_after(error.reason, 0.0, at_once=True)
            return self._pause_after(error.reason, error.retry_after)
        return None

    def _turn_to_direct_message(self, reason: str, *, is_alarm: bool = False) -> float:
        level = logging.ERROR if is_alarm else logging.WARNING
        _logger.log(level, "a reply goes out as a direct message: %s", reason)
        return self._pause_after(reason, 0.0, at_once=True)

    def _attempt_direct_message(self, age: float) -> float | None:
        if self.reply.user_id is None:
            raise ReplyNotSent(self.reason)
        try:
            post_direct_message(self._client, self.reply.user_id, self.reply.message.to_dict())
        except FAILURES as error:
            failure = classify(error)
            if failure.error_class not in _RETRIED:
                raise ReplyRefused(failure.reason) from error
            if age >= GIVE_UP_SECONDS:
                raise ReplyNotSent(failure.reason) from error
            return self._pause_after(failure.reason, failure.retry_after)
        return None

    def _pause_after(self, reason: str, retry_after: float, *, at_once: bool = False) -> float:
        """Return the seconds before the next try: longer with each, spread by a quarter."""
        self.reason = reason
        if at_once:
            return 0.0
        longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** min(self._pauses, 8))
        self._pauses += 1
        return max(retry_after, longest * (0.75 + 0.5 * self._jitter()))
