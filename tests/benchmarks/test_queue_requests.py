"""The model of the request queue sends the requests that the code sends."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from math import inf
from typing import cast

import pytest
import simpy

from bot.notifications.queued_replies import QueuedReplies
from bot.slack.reply_addresses import ReplyAddress
from bot.slack.reply_sender import PendingReply, ReplySender
from domain.commands import Register
from domain.errors import Queued
from domain.execution.committer import Committer
from domain.execution.queue_consumer import QueueConsumer
from domain.execution.queueing_executor import OPEN_SECONDS, Queueing
from domain.execution.request_codec import encode_command
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import UnconfirmedResolver
from domain.inputs import UserDraft
from domain.queued import AwaitedReply, QueuedRequest
from domain.service import Service
from storage.dynamodb.request_queue import DynamoDBRequestQueue
from tests.benchmarks.lambda_model import Account, Function
from tests.benchmarks.model import Steps
from tests.benchmarks.queue_functions import (
    Consumer,
    Design,
    Log,
    Press,
    QueueDatabase,
    Replies,
)
from tests.benchmarks.queue_model import QueueModel, Rush
from tests.support.dynamodb.requests import counted
from tests.support.environment import (
    START,
    ManualClock,
    ids,
    new_event,
    new_users,
    run_now,
    service_on,
)
from tests.support.stores import empty_moto

ADDRESS = ReplyAddress(user_id="U1").model_dump_json()


@pytest.fixture
def queue() -> Iterator[DynamoDBRequestQueue]:
    with empty_moto() as store:
        yield DynamoDBRequestQueue(store._client, store._prefix, "T1")


class Sent:
    """A sender whose replies Slack takes."""

    def send(self, reply: PendingReply) -> None:
        """Take a reply."""


def consumer_on(queue: DynamoDBRequestQueue, clock: ManualClock) -> QueueConsumer:
    retry = RetryPolicy(clock, lambda: 0.5)
    new_id = ids("consumer")
    resolver = UnconfirmedResolver(retry, clock, run_now)
    committer = Committer(queue, retry, clock, new_id, resolver)
    return QueueConsumer(
        *(queue, queue, retry, clock, committer),
        new_id=new_id,
        spawn=run_now,
        log_failure=repr,
    )


def sent_in_model(work: Steps, database: QueueDatabase) -> Counter[str]:
    """Return the requests that a part of the model sends."""
    database.env.run(until=database.env.process(work))
    return database.sent


def a_database() -> QueueDatabase:
    return QueueDatabase(simpy.Environment(), random.Random(1))


def test_consumer_sends_as_many_requests_as_in_the_model(queue: DynamoDBRequestQueue) -> None:
    users = [f"U{number:08}" for number in range(60)]  # two commits
    service, clock = service_on(queue), ManualClock()
    new_event(service, capacity=100)
    new_users(service, *users)
    requests = [
        QueuedRequest(f"request{number}", "e1", START, encode_command(Register(user_id)))
        for number, user_id in enumerate(users)
    ]
    with counted(queue._client) as real:
        consumed = consumer_on(queue, clock).consume("e1", requests, 60.0)
    assert consumed.number == len(users)

    database = a_database()

    def tell_nobody(_: object) -> Steps:
        yield database.env.timeout(0)

    consumer = Consumer(*(database, Design(), Log()), on_result=lambda _: None, tell=tell_nobody)
    presses = [Press(number, 0.0) for number in range(len(users))]
    assert sent_in_model(consumer.handle(presses), database) == real.sent


def test_function_sends_as_many_requests_as_in_the_model(queue: DynamoDBRequestQueue) -> None:
    clock = ManualClock()
    service = Service(
        queue,
        clock,
        new_id=ids(),
        jitter=lambda: 0.5,
        spawn=run_now,
        on_commit=lambda _: None,
        queueing=Queueing(queue, lambda: ADDRESS, 0.0),
    )
    new_event(service_on(queue))  # this function has not seen the event
    new_users(service_on(queue), "U1")
    queue.open_queue("e1", clock.now() + timedelta(seconds=OPEN_SECONDS))
    with counted(queue._client) as real, pytest.raises(Queued):
        service.register_ensuring_user("e1", UserDraft.of(user_id="U1", name="U1"))

    model = QueueModel(Rush(presses=0, concurrency=10, started=10, reply=0.0), Design(), 1)
    model.database.open_until = OPEN_SECONDS
    sent = sent_in_model(model.serve(Press(0, 0.0)), model.database)
    assert sent == real.sent


def test_replies_send_as_many_requests_as_in_the_model(queue: DynamoDBRequestQueue) -> None:
    clock = ManualClock()
    new_event(service_on(queue), capacity=100)
    new_users(service_on(queue), "U1", "U2", "U3")
    requests = [
        QueuedRequest(user_id, "e1", START, encode_command(Register(user_id)))
        for user_id in ("U1", "U2", "U3")
    ]
    consumer_on(queue, clock).consume("e1", requests, 60.0)
    for awaited in ("U1", "U2"):
        queue.put_awaited_reply(AwaitedReply(awaited, "e1", START, ADDRESS))
    replies = QueuedReplies(queue, cast("ReplySender", Sent()), clock, run_now, lambda _: "")
    with counted(queue._client) as real:
        assert replies.send(["U1", "U2", "U3"], inf) == set()

    database = a_database()
    account = Account(database.env, 10)
    in_model = Replies(
        *(database, Design(), Log()),
        account=account,
        function=Function(account, database.dice, started=1),
        post=lambda: database.takes(0.1),
    )
    presses = [Press(number, 0.0, is_decided=True, is_awaited=number < 2) for number in range(3)]
    assert sent_in_model(in_model.tell(presses), database) == real.sent
