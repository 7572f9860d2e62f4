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
from domain.queued import QUEUE_KEEPS, AwaitedReply, RequestResult

_logger = logging.getLogger(__name__)

PAGE = 100

TOGETHER = 50
"""Replies that are sent at the same time."""

LEFT_AFTER = timedelta(minutes=1)
"""The age from which the sweep sends an awaited reply. The reply function may be about to send a younger one."""


class QueuedReplies:
    """Sends each awaited reply at least once, and then deletes it. A reply that nobody can send is deleted, too.

    One user's replies are sent in order if they are in one batch, or left to the sweep. A reply that is kept for later
    says when it was true. `log_failure` logs an unforeseen failure and returns its reference.
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
        """Send the awaited replies of requests that have results. Return the ids of those that must be sent again.

        None is begun after `until`, a time on the clock's `monotonic`. `TOGETHER` are sent at the same time: Slack
        takes about a tenth of a second for each. Raises `Unavailable`.
        """
        awaited = self._queue.get_awaited_replies(request_ids).values()
        due = [(reply, result) for reply, result in awaited if result is not None]
        return self._send_together(due, until, set())

    def send_left(self, until: float) -> None:
        """Send what is left, oldest first, until a time on the clock's `monotonic`. Raises `Unavailable`.

        If a request can no longer be carried out, its person is told that its outcome is unknown.
        """
        held: set[str] = set()
        for ids in self._pages():
            due: list[tuple[AwaitedReply, RequestResult]] = []
            for reply, result in self._queue.get_awaited_replies(ids).values():
                if self._clock.monotonic() >= until:
                    break
                if self._age(reply) >= QUEUE_KEEPS:
                    _logger.error(
                        "a reply to a queued request is lost: it could not be sent for %s",
                        QUEUE_KEEPS,
                    )
                    self._delete(reply.request_id)
                    continue
                decided = result or self._given_up(reply)
                if decided is not None and self._age(reply) >= LEFT_AFTER:
                    due.append((reply, decided))
            self._send_together(due, until, held)
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
        self, due: Iterable[tuple[AwaitedReply, RequestResult]], until: float, held: set[str]
    ) -> set[str]:
        """Send replies, `TOGETHER` at the same time. Return the ids of those that must be sent again.

        `held` has the users whose replies wait for an earlier one. It gets those of whom one was not sent.
        """
        by_user: dict[str, list[_DueReply]] = {}
        for reply, result in sorted(due, key=lambda pair: pair[0].since):
            address = self._address(reply)
            if address is not None:
                # The last one that a person reads is true, so one person's come one after the other.
                replies = by_user.setdefault(address.user_id, [])
                replies.append(_DueReply(reply.request_id, address, result))
        failed = {one.request_id for user_id in held for one in by_user.pop(user_id, ())}
        everybody = list(by_user.items())
        for first in range(0, len(everybody), TOGETHER):
            together = everybody[first : first + TOGETHER]
            works = [
                Work(partial(self._send_all, replies, until), self._spawn, self._clock)
                for _, replies in together
            ]
            for (user_id, _), work in zip(together, works, strict=True):
                if unsent := work.wait():
                    failed |= unsent
                    held.add(user_id)
        return failed

    def _address(self, reply: AwaitedReply) -> ReplyAddress | None:
        """Return the address of a reply. One that can't be read is deleted: nobody can send that reply."""
        try:
            return ReplyAddress.model_validate_json(reply.address)
        except ValidationError:
            _logger.error("a reply to a queued request is lost: its address can't be read")  # noqa: TRY400  # its text may contain the response URL, a secret
            self._delete(reply.request_id)
            return None

    def _send_all(self, replies: Sequence[_DueReply], until: float) -> set[str]:
        """Send one user's replies in order. Return the ids of those that must be sent again."""
        failed: set[str] = set()
        is_held = False
        for due in replies:
            if is_held or self._clock.monotonic() >= until:
                failed.add(due.request_id)
                continue
            try:
                self._send(due)
            except ReplyNotSent as error:
                _logger.warning("a reply to a queued request was not sent: %s", error)
                failed.add(due.request_id)
                is_held = True  # the last one that they read is true, so the others come after it
            except Exception as error:  # noqa: BLE001  # whatever it is, it concerns this reply only
                self._log_failure(error)
                failed.add(due.request_id)
        return failed

    def _send(self, due: _DueReply) -> None:
        """Send one reply and delete it. Raises `ReplyNotSent` if it is worth another try."""
        try:
            self._sender.send(due.address.reply(self._message(due)))
        except ReplyRefused as error:
            _logger.error("a reply to a queued request is lost: %s", error)  # noqa: TRY400  # the reason is enough
        self._delete(due.request_id)

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
