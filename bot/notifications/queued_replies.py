"""Sends the replies to queued requests whose people were told to wait (R14)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import ValidationError

from bot.blocks.builders import Message
from bot.outcome_messages import outcome_message
from bot.slack.reply_addresses import ReplyAddress
from bot.slack.reply_sender import ReplyNotSent, ReplyRefused, ReplySender
from domain.commands import Outcome
from domain.errors import OperatorNeeded, OutcomeUnknown, RequestFailed, RollcallError
from domain.execution.background import Work
from domain.execution.queue_consumer import GIVEN_UP_AFTER
from domain.execution.request_codec import UnreadableRequest, decode_result, encode_results
from domain.ports import AnswerLost, Clock, Conflict, RequestQueue, Spawn, Unavailable
from domain.queued import AwaitedReply, RequestResult

_logger = logging.getLogger(__name__)

PAGE = 100

TOGETHER = 50
"""Replies that are sent at the same time."""

LEFT_AFTER = timedelta(minutes=1)
"""The age from which the sweep sends an awaited reply. The reply function may be about to send a younger one."""


class QueuedReplies:
    """Sends each awaited reply at least once: what was sent is deleted afterwards.

    `log_failure` logs an unforeseen failure and returns its reference.
    """

    def __init__(
        self,
        queue: RequestQueue,
        sender: ReplySender,
        clock: Clock,
        spawn: Spawn,
        log_failure: Callable[[Exception], str],
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._clock = clock
        self._spawn = spawn
        self._log_failure = log_failure

    def send(self, request_ids: Collection[str], until: float) -> set[str]:
        """Send the awaited replies of requests that have results. Return the ids of those that were not sent.

        None is begun after `until`, a time on the clock's `monotonic`. `TOGETHER` are sent at the same time: Slack
        takes about a tenth of a second for each. Raises `Unavailable`.
        """
        awaited = self._queue.get_awaited_replies(request_ids).values()
        due = [(reply, result) for reply, result in awaited if result is not None]
        return self._send_together(due, until)

    def send_left(self, until: float) -> None:
        """Send what is left, oldest first, until a time on the clock's `monotonic`. Raises `Unavailable`.

        If a request can no longer be carried out, its person is told that its outcome is unknown.
        """
        for ids in self._pages():
            due: list[tuple[AwaitedReply, RequestResult]] = []
            for reply, result in self._queue.get_awaited_replies(ids).values():
                if self._clock.monotonic() >= until:
                    break
                decided = result or self._given_up(reply)
                if decided is not None and self._age(reply) >= LEFT_AFTER:
                    due.append((reply, decided))
            self._send_together(due, until)
            if self._clock.monotonic() >= until:
                return

    def _pages(self) -> Iterator[Collection[str]]:
        cursor: str | None = None
        while True:
            page = self._queue.list_awaited_replies(limit=PAGE, cursor=cursor)
            yield page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _given_up(self, reply: AwaitedReply) -> RequestResult | None:
        """Return the result of a request that the consumer can't carry out any more, or None if it still can.

        If there is none, the request may never have reached its queue. It may have had a plan in doubt, so nobody
        knows whether it was carried out.
        """
        if self._age(reply) < GIVEN_UP_AFTER:
            return None
        state = self._queue.get_queue_state(reply.event_id, [reply.request_id])
        for batch in state.batches:
            for result in batch.results:
                if result.request_id == reply.request_id:
                    return result
        _logger.error("a queued request was not carried out within %s", GIVEN_UP_AFTER)
        outcomes = [OutcomeUnknown()]
        (result,) = encode_results([reply.request_id], outcomes, self._clock.now())
        return state.results.get(reply.request_id, result)

    def _age(self, reply: AwaitedReply) -> timedelta:
        return self._clock.now() - reply.since

    def _send_together(
        self, due: Iterable[tuple[AwaitedReply, RequestResult]], until: float
    ) -> set[str]:
        """Send replies, `TOGETHER` at the same time. Return the ids of those that were not sent."""
        by_user: dict[str, list[_DueReply]] = {}
        for reply, result in sorted(due, key=lambda pair: pair[0].since):
            address = self._address(reply)
            if address is not None:
                # The last one that a person reads is true, so one person's come one after the other.
                replies = by_user.setdefault(address.user_id, [])
                replies.append(_DueReply(reply.request_id, address, result))
        failed: set[str] = set()
        everybody = list(by_user.values())
        for first in range(0, len(everybody), TOGETHER):
            works = [
                Work(partial(self._send_all, replies, until), self._spawn, self._clock)
                for replies in everybody[first : first + TOGETHER]
            ]
            for work in works:
                failed |= work.wait()
        return failed

    def _address(self, reply: AwaitedReply) -> ReplyAddress | None:
        """Return the address of a reply. One that can't be read is deleted: nobody can send that reply."""
        try:
            return ReplyAddress.model_validate_json(reply.address)
        except ValidationError:  # its text may contain the response URL, which is a secret
            _logger.error("a reply to a queued request is lost: its address can't be read")  # noqa: TRY400  # see above
            self._delete(reply.request_id)
            return None

    def _send_all(self, replies: Sequence[_DueReply], until: float) -> set[str]:
        """Send one person's replies in order. Return the ids of those that were not sent."""
        failed: set[str] = set()
        for due in replies:
            # After one that was not sent, the others wait: it comes before them.
            if failed or self._clock.monotonic() >= until or not self._send(due):
                failed.add(due.request_id)
        return failed

    def _send(self, due: _DueReply) -> bool:
        """Send one reply and delete it. Return whether it needs no further try."""
        try:
            self._sender.send(due.address.reply(self._message(due)))
        except ReplyRefused as error:
            _logger.error("a reply to a queued request is lost: %s", error)  # noqa: TRY400  # the reason is enough
        except ReplyNotSent as error:
            _logger.warning("a reply to a queued request was not sent: %s", error)
            return False
        except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this reply only
            self._log_failure(error)
            return False
        self._delete(due.request_id)
        return True

    def _message(self, due: _DueReply) -> Message:
        """Return the message about a result. If it can't be made, the person reads the reference of the failure."""
        outcome, user_id = _outcome(due.result), due.address.user_id
        try:
            return outcome_message(outcome, user_id)
        except Exception as error:  # noqa: BLE001  # whatever it is, the person is told
            return outcome_message(RequestFailed(self._log_failure(error)), user_id)

    def _delete(self, request_id: str) -> None:
        with suppress(
            AnswerLost, Conflict, OperatorNeeded, Unavailable
        ):  # then it is sent once more
            self._queue.delete_awaited_reply(request_id)


@dataclass(frozen=True, slots=True)
class _DueReply:
    """An awaited reply whose request has a result."""

    request_id: str
    address: ReplyAddress
    result: RequestResult


def _outcome(result: RequestResult) -> Outcome | RollcallError:
    """Return the outcome or refusal of a result. One that a newer version wrote says nothing to this one."""
    try:
        return decode_result(result)
    except UnreadableRequest as error:
        _logger.error("the result of a queued request can't be read: %s", error)  # noqa: TRY400  # the reason is enough
        return OutcomeUnknown()
