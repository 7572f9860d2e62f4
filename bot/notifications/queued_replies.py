"""Sends the replies to queued requests whose people were told to wait (R14)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from bot.outcome_messages import outcome_message
from bot.slack.reply_addresses import ReplyAddress
from bot.slack.reply_sender import ReplyNotSent, ReplySender
from domain.commands import Outcome
from domain.errors import OperatorNeeded, OutcomeUnknown, RollcallError
from domain.execution.background import Work
from domain.execution.queue_consumer import GIVEN_UP_AFTER
from domain.execution.request_codec import UnreadableRequest, decode_result, encode_results
from domain.ports import AnswerLost, Clock, Conflict, RequestQueue, Spawn
from domain.queued import AwaitedReply, RequestResult

_logger = logging.getLogger(__name__)

PAGE = 100

TOGETHER = 50
"""Replies that are sent at the same time."""

LEFT_AFTER = timedelta(minutes=1)
"""The age from which the sweep sends an awaited reply. The reply function may be about to send a younger one."""


class QueuedReplies:
    """Sends each awaited reply at least once: what was sent is deleted afterwards."""

    def __init__(
        self, queue: RequestQueue, sender: ReplySender, clock: Clock, spawn: Spawn
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._clock = clock
        self._spawn = spawn

    def send(self, request_ids: Collection[str]) -> set[str]:
        """Send the awaited replies of requests that have results. Return the ids of those that were not sent.

        `TOGETHER` are sent at the same time: Slack takes about a tenth of a second for each. Raises `Unavailable`.
        """
        awaited = self._queue.get_awaited_replies(request_ids).values()
        due: dict[str, list[tuple[AwaitedReply, RequestResult]]] = {}
        for reply, result in sorted(awaited, key=lambda pair: pair[0].since):
            if result is not None:
                # The last one that a person reads is true, so one person's come one after the other.
                due.setdefault(_address(reply).user_id, []).append((reply, result))
        failed: set[str] = set()
        everybody = list(due.values())
        for first in range(0, len(everybody), TOGETHER):
            works = [
                Work(partial(self._send_all, replies), self._spawn, self._clock)
                for replies in everybody[first : first + TOGETHER]
            ]
            for work in works:
                failed |= work.wait()
        return failed

    def _send_all(self, replies: Sequence[tuple[AwaitedReply, RequestResult]]) -> set[str]:
        """Send one person's replies in order. Return the ids of those that were not sent."""
        return {reply.request_id for reply, result in replies if not self._send(reply, result)}

    def send_left(self, until: float) -> None:
        """Send what is left, oldest first, until a time on the clock's `monotonic`. Raises `Unavailable`.

        If a request can no longer be carried out, its person is told that its outcome is unknown.
        """
        for ids in self._pages():
            pairs = self._queue.get_awaited_replies(ids).values()
            for reply, result in sorted(pairs, key=lambda pair: pair[0].since):
                if self._clock.monotonic() >= until:
                    return
                decided = result or self._given_up(reply)
                if decided is not None and self._age(reply) >= LEFT_AFTER:
                    self._send(reply, decided)

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

    def _send(self, reply: AwaitedReply, result: RequestResult) -> bool:
        """Send one reply and delete it. Return whether it was sent."""
        address = _address(reply)
        message = outcome_message(_outcome(result), address.user_id)
        try:
            self._sender.send(address.reply(message))
        except ReplyNotSent as error:
            _logger.warning("a reply to a queued request was not sent: %s", error)
            return False
        with suppress(AnswerLost, Conflict, OperatorNeeded):  # then it is sent once more
            self._queue.delete_awaited_reply(reply.request_id)
        return True


def _address(reply: AwaitedReply) -> ReplyAddress:
    return ReplyAddress.model_validate_json(reply.address)


def _outcome(result: RequestResult) -> Outcome | RollcallError:
    """Return the outcome or refusal of a result. One that a newer version wrote says nothing to this one."""
    try:
        return decode_result(result)
    except UnreadableRequest as error:
        _logger.error("the result of a queued request can't be read: %s", error)  # noqa: TRY400  # the reason is enough
        return OutcomeUnknown()
