"""The meaning of DynamoDB's errors, each injected into a real request or its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ReadTimeoutError,
)

from domain.errors import OperatorNeeded
from domain.planning.plan import Plan, PutEvent
from domain.ports import AnswerLost, Conflict, Unavailable
from domain.service import Service
from storage.dynamodb.schema import USERS
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import a_user, a_waitlist_entry, an_event
from tests.support.dynamodb.injected_answers import (
    BUGS,
    FOR_THE_OPERATOR,
    LOSSES,
    REJECTIONS,
    URL,
    answering,
    canceled,
    injected,
    refused,
)
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.environment import new_event, new_users, service_on
from tests.support.stores import empty_moto

PLAN = Plan("plan", "e1", None, (), (PutEvent(an_event(), None),))


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with empty_moto() as store:
        yield store


@pytest.mark.parametrize("answer", REJECTIONS.values(), ids=REJECTIONS)
def test_rejected_commit_is_a_conflict(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer) as sent, pytest.raises(Conflict):
        store.commit(PLAN)
    assert sent == ["TransactWriteItems"]


@pytest.mark.parametrize("answer", LOSSES.values(), ids=LOSSES)
def test_commit_without_a_definite_answer_is_an_answer_lost(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer) as sent, pytest.raises(AnswerLost):
        store.commit(PLAN)
    assert sent == ["TransactWriteItems"]


@pytest.mark.parametrize("answer", BUGS.values(), ids=BUGS)
def test_other_error_of_a_commit_passes_through(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer), pytest.raises(ClientError):
        store.commit(PLAN)


@pytest.mark.parametrize(
    "answer",
    [
        REJECTIONS["throttled"],
        REJECTIONS["no connection"],
        LOSSES["500"],
        LOSSES["no answer"],
        LOSSES["TLS"],
        LOSSES["cut off"],
    ],
    ids=["throttled", "no connection", "500", "no answer", "TLS", "cut off"],
)
def test_temporary_error_of_a_read_is_unavailable(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    for read in (
        lambda: store.get_event("e1"),
        lambda: store.get_events(["e1"]),
        lambda: store.get_waitlist("e1", limit=1),
        lambda: store.count_entries_before("e1", a_waitlist_entry(), after=0),
        lambda: store.list_users(limit=1),
        lambda: store.scan_events(limit=1),
    ):
        with injected(answer), pytest.raises(Unavailable):
            read()


def test_permanent_error_of_a_read_passes_through(store: DynamoDBStore) -> None:
    """Retrying it would only hide it as "busy"."""
    code = "ValidationException"
    with injected(refused(code)), pytest.raises(ClientError, match=code):
        store.get_event("e1")


@pytest.mark.parametrize("answer", FOR_THE_OPERATOR.values(), ids=FOR_THE_OPERATOR)
def test_error_that_only_the_operator_can_end_says_so(
    store: DynamoDBStore, answer: Callable[..., AWSResponse]
) -> None:
    with injected(answer), pytest.raises(OperatorNeeded):
        store.commit(PLAN)
    with injected(FOR_THE_OPERATOR["no credentials"]), pytest.raises(OperatorNeeded):
        store.get_event("e1")


def test_write_of_a_user_distinguishes_losses_from_rejections(store: DynamoDBStore) -> None:
    with injected(refused("InternalServerError", 500)), pytest.raises(AnswerLost):
        store.put_user(a_user(), replaces=None)
    with injected(refused("ThrottlingException")), pytest.raises(Conflict):
        store.put_user(a_user(), replaces=None)


def test_write_of_a_user_during_a_transaction_is_a_conflict(store: DynamoDBStore) -> None:
    """A registration's transaction includes a check of the user, and DynamoDB rejects a concurrent write."""
    with injected(refused("TransactionConflictException")), pytest.raises(Conflict):
        store.start_user_deletion("ada", "deletion1", revision="r")


@pytest.mark.parametrize("mixed", [("ConditionalCheckFailed", "ValidationError"), ("Unheard",)])
def test_bug_in_one_action_passes_through_whatever_the_others_report(
    store: DynamoDBStore, mixed: tuple[str, ...]
) -> None:
    """A new plan would have the same bug. Retrying it would only hide it as "busy"."""
    with injected(canceled(*mixed, "None")), pytest.raises(ClientError):
        store.commit(PLAN)


def test_transaction_that_exceeds_a_throughput_limit_is_a_conflict(store: DynamoDBStore) -> None:
    with injected(canceled("None", "ProvisionedThroughputExceeded")), pytest.raises(Conflict):
        store.commit(PLAN)


def test_deletion_of_a_missing_user_is_distinguished_from_throttling(
    store: DynamoDBStore,
) -> None:
    """Both take one request. No read is needed to tell them apart."""
    with injected(REJECTIONS["throttled"]) as sent, pytest.raises(Conflict):
        store.start_user_deletion("ada", "deletion1", revision="r")
    assert sent == ["UpdateItem"]
    with injected(answering(), times=0) as sent:
        assert store.start_user_deletion("ada", "deletion1", revision="r") is None
    assert sent == ["UpdateItem"]


def test_same_plan_is_sent_as_the_same_bytes_and_token(store: DynamoDBStore) -> None:
    bodies: list[bytes] = []

    def lost(request: Any, **_: Any) -> AWSResponse:
        bodies.append(request.body)
        raise ReadTimeoutError(**URL)

    with injected(lost, times=2):
        for _ in range(2):
            with pytest.raises(AnswerLost):
                store.commit(PLAN)
    assert bodies[0] == bodies[1]
    assert b'"ClientRequestToken": "plan"' in bodies[0]


def test_unprocessed_keys_are_requested_again(store: DynamoDBStore) -> None:
    for user_id in ("a", "b"):
        store.put_user(a_user(user_id), replaces=None)
    name = store._keys.table_name(USERS)
    left = {name: {"Keys": [{"user_id": {"S": "T1#a"}}], "ConsistentRead": True}}

    half = answering(Responses={}, UnprocessedKeys=left)
    with injected(half) as sent:
        rows = store.get_rows("e1", registrations_of=(), users=["a"])
    assert set(rows.users) == {"a"}
    assert sent == ["BatchGetItem", "BatchGetItem"]
    with injected(half, times=1000), pytest.raises(Unavailable):
        store.get_rows("e1", registrations_of=(), users=["a"])


def test_applied_commit_with_a_lost_answer_is_found_in_the_journal(
    store: DynamoDBStore,
) -> None:
    """The commit applies, its answer is lost, and the service sends it again with the same token."""
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
