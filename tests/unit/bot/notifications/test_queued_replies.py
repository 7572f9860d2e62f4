"""The replies to queued requests whose people were told to wait (R14)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import cast

import pytest

from bot.blocks.builders import Message
from bot.notifications import queued_replies
from bot.notifications.queued_replies import LEFT_AFTER, PAGE, TOGETHER, QueuedReplies
from bot.outcome_messages import outcome_message
from bot.slack import error_messages
from bot.slack.reply_addresses import ReplyAddress
from bot.slack.reply_sender import PendingReply, ReplyNotSent, ReplyRefused, ReplySender
from domain.errors import EventCanceled, Invalid, OperatorNeeded, OutcomeUnknown, RequestFailed
from domain.execution.queue_consumer import GIVEN_UP_AFTER
from domain.execution.request_codec import encode_results
from domain.ports import Spawn
from domain.queued import QUEUE_KEEPS, AwaitedReply, RequestResult
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


class Refusing(Sent):
    """A sender that raises an error for the replies to one user."""

    def __init__(self, user_id: str, error: Exception) -> None:
        super().__init__()
        self._user_id = user_id
        self._error = error

    def send(self, reply: PendingReply) -> None:
        if reply.user_id == self._user_id:
            raise self._error
        super().send(reply)


class FullQueue(MemoryRequestQueue):
    """A queue that deletes nothing until its operator acts."""

    def delete_awaited_reply(self, request_id: str) -> None:
        raise OperatorNeeded("The disk is full. Free some space.")


def replies_of(
    queue: MemoryRequestQueue,
    sent: Sent,
    clock: ManualClock | None = None,
    spawn: Spawn = run_now,
    failures: list[Exception] | None = None,
) -> QueuedReplies:
    """Return the replies of a queue, sent by a sender. `failures` gets what is logged as unforeseen."""

    def log_failure(error: Exception) -> str:
        assert failures is not None, error
        failures.append(error)
        return "reference"

    sender = cast("ReplySender", sent)
    return QueuedReplies(queue, sender, clock or ManualClock(), spawn, log_failure)


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
    replies = replies_of(queue, sent)
    assert replies.send(["1", "2"], LATER) == set()
    assert len(sent.replies) == 2


def test_sweep_leaves_a_reply_that_may_be_on_its_way() -> None:
    """The function that gets the records may be sending it just now: the person would read it twice."""
    queue, sent, clock = MemoryRequestQueue(), Sent(), ManualClock()
    awaited(queue)
    queue.put_results(encode_results(["1"], [EventCanceled("e1")], START))
    replies = replies_of(queue, sent, clock)
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
    replies_of(queue, sent, clock).send_left(LATER)
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
    replies = replies_of(queue, sent, clock, clock.spawn)
    assert replies.send(numbers, LATER) == set()
    assert len(sent.replies) == len(numbers)
    assert most == TOGETHER


def test_result_that_can_not_be_read_ends_no_other_reply() -> None:
    """A newer version wrote it, say."""
    queue, sent = MemoryRequestQueue(), Sent()
    for request_id in ("1", "2"):
        awaited(queue, request_id)
    newer = RequestResult("1", START, '{"kind":"Newer","value":{}}')
    queue.put_results([newer, *encode_results(["2"], [EventCanceled("e1")], START)])
    replies = replies_of(queue, sent)
    assert replies.send(["1", "2"], LATER) == set()
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
    replies_of(queue, sent, clock, clock.spawn).send(["2", "1"], LATER)
    texts = [reply.message.text for reply in sent.replies]
    assert [text[-2] for text in texts] == ["1", "2"]


def with_results(*user_ids: str) -> MemoryRequestQueue:
    """Return a queue with a reply for each user, in this order. Its request's id is the user's."""
    queue = MemoryRequestQueue()
    for seconds, user_id in enumerate(user_ids):
        awaited(queue, user_id, user_id, seconds)
        queue.put_results(encode_results([user_id], [EventCanceled("e1")], START))
    return queue


def test_reply_that_slack_refuses_for_good_is_sent_once() -> None:
    """Its recipient was deactivated, say. Tried again, it would keep those behind it waiting until it expires."""
    queue = with_results("ada", "ben")
    sent = Refusing("ada", ReplyRefused("user_not_found"))
    assert replies_of(queue, sent).send(["ada", "ben"], LATER) == set()
    assert not queue.awaited


def test_reply_that_was_not_kept_either_is_sent_again() -> None:
    queue = with_results("ada", "ben")
    sent = Refusing("ada", ReplyNotSent("Slack is down; it can't be kept"))
    assert replies_of(queue, sent).send(["ada", "ben"], LATER) == {"ada"}
    assert list(queue.awaited) == ["ada"]


def test_unforeseen_failure_of_a_reply_stops_no_other() -> None:
    queue = with_results("ada", "ben")
    failure = ZeroDivisionError()
    failures: list[Exception] = []
    replies = replies_of(queue, Refusing("ada", failure), failures=failures)
    assert replies.send(["ada", "ben"], LATER) == {"ada"}
    assert list(queue.awaited) == ["ada"]
    assert failures == [failure]


def test_reply_that_can_not_be_made_names_the_failure_s_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A message about an outcome has a bug, say. It would be there at the next try, too."""
    queue, sent = with_results("ada"), Sent()

    def fail(outcome: object, user_id: str) -> Message:
        if isinstance(outcome, EventCanceled):
            raise ZeroDivisionError
        return outcome_message(outcome, user_id)

    # no input is known that makes it fail
    monkeypatch.setattr(queued_replies, "outcome_message", fail)
    failures: list[Exception] = []
    assert replies_of(queue, sent, failures=failures).send(["ada"], LATER) == set()
    assert sent.replies[0].message.text == error_messages.sentence(RequestFailed("reference"))
    assert len(failures) == 1


def test_address_that_can_not_be_read_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It may have a response URL, with which anybody could post."""
    queue, sent = with_results("ben"), Sent()
    address = '{"response_url":"https://hooks.slack.com/secret"}'
    queue.put_awaited_reply(AwaitedReply("1", "e1", START, address))
    queue.put_results(encode_results(["1"], [EventCanceled("e1")], START))
    assert replies_of(queue, sent).send(["1", "ben"], LATER) == set()
    assert not queue.awaited
    assert "address" in caplog.text
    assert "secret" not in caplog.text


def test_no_reply_is_begun_after_the_time_is_over() -> None:
    """A function that ends in the middle of a call sends that reply twice."""
    queue, clock = with_results("ada", "ben"), ManualClock()

    class Slow(Sent):
        def send(self, reply: PendingReply) -> None:
            super().send(reply)
            clock.advance(10)

    sent = Slow()
    until = clock.monotonic() + 5
    assert replies_of(queue, sent, clock).send(["ada", "ben"], until) == {"ben"}
    assert list(queue.awaited) == ["ben"]


def test_reply_waits_behind_an_earlier_one_to_the_same_user() -> None:
    """The last one that they read is true."""
    queue = MemoryRequestQueue()
    for request_id, seconds in (("1", 1), ("2", 2)):
        awaited(queue, request_id, seconds=seconds)
        queue.put_results(encode_results([request_id], [EventCanceled("e1")], START))
    sent = Refusing("ada", ReplyNotSent("Slack is down; it can't be kept"))
    assert replies_of(queue, sent).send(["1", "2"], LATER) == {"1", "2"}


def test_sweep_sends_what_is_left_at_the_same_time() -> None:
    """If the reply function is broken, thousands may be left, and a sweep has half a minute for them."""
    queue, sent = with_results("ada", "ben", "cleo"), Sent()
    clock = LateWork(ManualClock())
    clock.advance(LEFT_AFTER + timedelta(seconds=5))
    begun = 0

    def spawn(work: Callable[[], None]) -> None:
        nonlocal begun
        begun += 1
        clock.spawn(work)

    replies_of(queue, sent, clock, spawn).send_left(LATER)
    assert begun == len(sent.replies) == 3


def test_reply_with_an_unforeseen_failure_holds_up_no_other_of_its_user() -> None:
    """It would fail at each try."""
    queue = MemoryRequestQueue()
    for request_id, seconds in (("1", 1), ("2", 2)):
        awaited(queue, request_id, seconds=seconds)
        queue.put_results(encode_results([request_id], [Invalid("field", request_id)], START))

    class FailsOnce(Sent):
        def send(self, reply: PendingReply) -> None:
            if not failures:
                raise ZeroDivisionError
            super().send(reply)

    sent, failures = FailsOnce(), list[Exception]()
    assert replies_of(queue, sent, failures=failures).send(["1", "2"], LATER) == {"1"}
    assert len(sent.replies) == 1


def test_sweep_holds_up_a_reply_until_an_earlier_one_to_its_user_is_sent() -> None:
    """Though there is a page of others between them."""
    users = ("ada", *(f"u{number:03}" for number in range(PAGE)), "ada")
    queue = MemoryRequestQueue()
    for number, user_id in enumerate(users):
        awaited(queue, f"{number:03}", user_id, number)
        queue.put_results(encode_results([f"{number:03}"], [EventCanceled("e1")], START))
    clock = ManualClock()
    clock.advance(timedelta(seconds=len(users)) + LEFT_AFTER)
    replies_of(queue, Refusing("ada", ReplyNotSent("kept nowhere")), clock).send_left(LATER)
    assert list(queue.awaited) == ["000", f"{PAGE + 1:03}"]


def test_reply_that_could_not_be_sent_for_an_hour_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """DynamoDB deletes it by then, some time or other."""
    queue, clock = with_results("ada"), ManualClock()
    clock.advance(QUEUE_KEEPS)
    replies_of(queue, Sent(), clock).send_left(LATER)
    assert not queue.awaited
    assert "is lost" in caplog.text
