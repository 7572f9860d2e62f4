"""What DynamoDB's errors mean: each injected into a real request, on its way or on its way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from domain.ports import AnswerLost, Conflict, Unavailable
from domain.seating import Plan, PutEvent
from domain.service import Service
from storage.dynamodb import DynamoDBStore
from storage.schema import USERS
from tests.storage.moto import dynamodb_client
from tests.storage.rows import a_user, an_event
from tests.stores import empty_dynamodb
from tests.surroundings import new_event, new_users, service_on

PLAN = Plan("plan", "e1", None, (), (PutEvent(an_event(), None),))


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with empty_dynamodb() as store:
        yield store


class _Raw:
    """The body of an injected answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def refused(code: str, status: int = 400, **more: Any) -> Callable[..., AWSResponse]:
    """Answer with an error of DynamoDB's; moto may carry the request out all the same."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))

    return answer


def cancelled(*reasons: str) -> Callable[..., AWSResponse]:
    return refused(
        "TransactionCanceledException",
        Message="cancelled",
        CancellationReasons=[{"Code": reason} for reason in reasons],
    )


def failing(error: Exception) -> Callable[..., AWSResponse]:
    def answer(**_: Any) -> AWSResponse:
        raise error

    return answer


@contextmanager
def injected(answer: Callable[..., AWSResponse], times: int = 1) -> Iterator[list[str]]:
    """Answer the next requests so; give the names of all that were sent."""
    sent: list[str] = []

    def before_send(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        sent.append(event_name.rpartition(".")[2])
        return answer(request=request) if len(sent) <= times else None

    events: Any = dynamodb_client().meta.events
    events.register_first("before-send.dynamodb", before_send, unique_id="injected")
    try:
        yield sent
    finally:
        events.unregister("before-send.dynamodb", before_send, unique_id="injected")


URL = {"endpoint_url": "nowhere"}

REJECTIONS = {
    "condition": cancelled("ConditionalCheckFailed", "None"),
    "conflict": cancelled("None", "TransactionConflict"),
    "throttled in part": cancelled("ThrottlingError"),
    "throttled": refused("ThrottlingException"),
    "table throttled": refused("ProvisionedThroughputExceededException"),
    "account throttled": refused("RequestLimitExceeded"),
    "no connection": failing(ConnectTimeoutError(**URL)),
}
LOSSES = {
    "500": refused("InternalServerError", 500),
    "503": refused("ServiceUnavailable", 503),
    "in progress": refused("TransactionInProgressException"),
    "no answer": failing(ReadTimeoutError(**URL)),
    "closed": failing(ConnectionClosedError(**URL)),
}
BUGS = {
    "reason": cancelled("ValidationError"),
    "request": refused("ValidationException"),
    "denied": refused("AccessDeniedException"),
    "no table": refused("ResourceNotFoundException"),
}


@pytest.mark.parametrize("answer", REJECTIONS.values(), ids=REJECTIONS)
def test_a_commit_that_was_rejected_is_a_conflict(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer) as sent, pytest.raises(Conflict):
        store.commit(PLAN)
    assert sent == ["TransactWriteItems"]


@pytest.mark.parametrize("answer", LOSSES.values(), ids=LOSSES)
def test_a_commit_with_no_definite_answer_is_an_answer_lost(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer) as sent, pytest.raises(AnswerLost):
        store.commit(PLAN)
    assert sent == ["TransactWriteItems"]


@pytest.mark.parametrize("answer", BUGS.values(), ids=BUGS)
def test_anything_else_passes_through_untouched(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer), pytest.raises(ClientError):
        store.commit(PLAN)


@pytest.mark.parametrize(
    "answer",
    [REJECTIONS["throttled"], LOSSES["500"], REJECTIONS["no connection"], LOSSES["no answer"]],
    ids=["throttled", "500", "no connection", "no answer"],
)
def test_a_read_that_may_work_next_time_is_unavailable(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    for read in (
        lambda: store.get_event("e1"),
        lambda: store.get_events(["e1"]),
        lambda: store.get_line("e1", limit=1),
        lambda: store.list_users(limit=1),
        lambda: store.scan_events(limit=1),
    ):
        with injected(answer), pytest.raises(Unavailable):
            read()


def test_a_users_write_tells_losses_from_rejections(store: DynamoDBStore) -> None:
    with injected(refused("InternalServerError", 500)), pytest.raises(AnswerLost):
        store.put_user(a_user(), replaces=None)
    with injected(refused("ThrottlingException")), pytest.raises(Conflict):
        store.put_user(a_user(), replaces=None)


def test_keys_left_unprocessed_are_asked_for_again(store: DynamoDBStore) -> None:
    for user_id in ("a", "b"):
        store.put_user(a_user(user_id), replaces=None)
    name = store._tables.name(USERS)
    left = {name: {"Keys": [{"user_id": {"S": "T1#a"}}], "ConsistentRead": True}}

    def half(request: Any, **_: Any) -> AWSResponse:
        body = json.dumps({"Responses": {}, "UnprocessedKeys": left}).encode()
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(body))

    with injected(half) as sent:
        rows = store.get_rows("e1", registrations_of=(), users=["a"])
    assert set(rows.users) == {"a"}
    assert sent == ["BatchGetItem", "BatchGetItem"]
    with injected(half, times=1000), pytest.raises(Unavailable):
        store.get_rows("e1", registrations_of=(), users=["a"])


def test_a_commit_that_applied_and_whose_answer_was_lost_is_found_in_the_journal(
    store: DynamoDBStore,
) -> None:
    """Through the whole service: applied, lost, sent again with the same token."""
    service: Service = service_on(store)
    new_users(service, "a")
    new_event(service)
    client: Any = dynamodb_client()
    tokens: list[str] = []

    def keep_token(params: dict[str, Any], **_: Any) -> None:
        tokens.append(params["ClientRequestToken"])

    def applied_and_lost(**_: Any) -> None:
        client.meta.events.unregister("after-call.dynamodb.TransactWriteItems", applied_and_lost)
        raise ReadTimeoutError(**URL)

    client.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", keep_token, unique_id="token"
    )
    client.meta.events.register("after-call.dynamodb.TransactWriteItems", applied_and_lost)
    try:
        assert service.register("e1", "a").position is None
    finally:
        client.meta.events.unregister(
            "provide-client-params.dynamodb.TransactWriteItems", keep_token, unique_id="token"
        )
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert len(store.list_journal("e1", limit=10)) == 2
