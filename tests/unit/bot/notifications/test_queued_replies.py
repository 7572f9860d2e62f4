"""The replies to queued requests whose people were told to wait (R14)."""

from __future__ import annotations

import threading
from datetime import timedelta
from math import inf
from typing import cast

from bot.notifications.queued_replies import LEFT_AFTER, TOGETHER, QueuedReplies
from bot.slack import error_messages
from bot.slack.reply_addresses import ReplyAddress
from bot.slack.reply_sender import PendingReply, ReplySender
from domain.errors import EventCanceled, Invalid, OperatorNeeded, OutcomeUnknown
from domain.execution.queue_consumer import GIVEN_UP_AFTER
from domain.execution.request_codec import encode_results
from domain.queued import AwaitedReply, RequestResult
from tests.support.environment import START, ManualClock, run_now
from tests.support.memory_queue import MemoryRequestQueue
from tests.support.queueing import LateWork

LATER = inf
"""A time on the monotonic clock that does not come."""


class Sent:
    """A sender whose replies all arrive."""

    def __init__(self) -> None:
        self.replies: list[PendingReply] = []

    def send(self, reply: PendingReply) -> None:
        self.replies.append(reply)


class FullQueue(MemoryRequestQueue):
    """A queue that deletes nothing until its operator acts."""

    def delete_awaited_reply(self, request_id: str) -> None:
        raise OperatorNeeded("The disk is full. Free some space.")


def awaited(
    queue: MemoryRequestQueue, request_id: str = "1", user_id: str = "ada", seconds: int = 0
) -> None:
    address = ReplyAddress(user_id=user_id).model_dump_json()
    since = START + timedelta(seconds=seconds)
    queue.put_awaited_reply(AwaitedReply(request_id, "e1", since, address))


def test_reply_that_can_not_be_deleted_stops_no_other() -> None:
    """It is sent once more. If that ended the function, all of its batch would come again at once, and again."""
    queue, sent = FullQueue(), Sent()
    for request_id in ("1", "2"):
        awaited(queue, request_id)
        queue.put_results(encode_results([request_id], [EventCanceled("e1")], START))
    replies = QueuedReplies(queue, cast("ReplySender", sent), ManualClock(), run_now)
    assert replies.send(["1", "2"]) == set()
    assert len(sent.replies) == 2


def test_sweep_leaves_a_reply_that_may_be_on_its_way() -> None:
    """The function that gets the records may be sending it just now: the person would read it twice."""
    queue, sent, clock = MemoryRequestQueue(), Sent(), ManualClock()
    awaited(queue)
    queue.put_results(encode_results(["1"], [EventCanceled("e1")], START))
    replies = QueuedReplies(queue, cast("ReplySender", sent), clock, run_now)
    clock.advance(LEFT_AFTER - timedelta(seconds=1))
    replies.send_left(LATER)
    assert not sent.replies
    clock.advance(timedelta(seconds=1))
    replies.send_left(LATER)
    assert len(sent.replies) == 1
    assert not queue.awaited


def test_request_that_never_came_is_not_called_undone() -> None:
    """Its plan may have applied: a request in doubt may get lost on its way into the queue."""
    queue, sent, clock = MemoryRequestQueue(), Sent(), ManualClock()
    awaited(queue)
    clock.advance(GIVEN_UP_AFTER)
    QueuedReplies(queue, cast("ReplySender", sent), clock, run_now).send_left(LATER)
    (reply,) = sent.replies
    assert reply.message.text == error_messages.sentence(OutcomeUnknown())


def test_many_replies_are_sent_at_the_same_time() -> None:
    """Slack takes a tenth of a second for each, and a rush has thousands."""
    queue, sent = MemoryRequestQueue(), Sent()
    numbers = [str(number) for number in range(TOGETHER + 1)]
    for request_id in numbers:
        awaited(queue, request_id, f"user {request_id}")
        queue.put_results(encode_results([request_id], [EventCanceled("e1")], START))
    most = 0

    class Counting(LateWork):
        def wait(self, signal: threading.Event, seconds: float) -> bool:
            nonlocal most
            most = max(most, len(self._works))
            return super().wait(signal, seconds)

    clock = Counting(ManualClock())
    replies = QueuedReplies(queue, cast("ReplySender", sent), clock, clock.spawn)
    assert replies.send(numbers) == set()
    assert len(sent.replies) == len(numbers)
    assert most == TOGETHER


def test_result_that_can_not_be_read_ends_no_other_reply() -> None:
    """A newer version wrote it, say."""
    queue, sent = MemoryRequestQueue(), Sent()
    for request_id in ("1", "2"):
        awaited(queue, request_id)
    newer = RequestResult("1", START, '{"kind":"Newer","value":{}}')
    queue.put_results([newer, *encode_results(["2"], [EventCanceled("e1")], START)])
    replies = QueuedReplies(queue, cast("ReplySender", sent), ManualClock(), run_now)
    assert replies.send(["1", "2"]) == set()
    first, second = sent.replies
    assert first.message.text == error_messages.sentence(OutcomeUnknown())
    assert second.message.text == error_messages.sentence(EventCanceled("e1"))


def test_replies_to_one_user_are_sent_in_order() -> None:
    """The last one that they read is true."""
    queue, sent = MemoryRequestQueue(), Sent()
    for request_id, seconds in (("2", 5), ("1", 1)):
        awaited(queue, request_id, seconds=seconds)
        queue.put_results(encode_results([request_id], [Invalid("field", request_id)], START))
    clock = LateWork(ManualClock())
    QueuedReplies(queue, cast("ReplySender", sent), clock, clock.spawn).send(["2", "1"])
    texts = [reply.message.text for reply in sent.replies]
    assert [text[-2] for text in texts] == ["1", "2"]
