"""What DynamoDB's errors mean: each injected into a real request, on its way or on its way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ReadTimeoutError,
)

from domain.planning.plan import Plan, PutEvent
from domain.ports import AnswerLost, Conflict, Unavailable
from domain.service import Service
from storage.dynamodb.schema import USERS
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import a_user, a_waitlist_entry, an_event
from tests.support.dynamodb.injected_answers import (
    BUGS,
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
def test_a_read_that_may_work_next_time_is_unavailable(
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


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_a_read_that_will_never_work_passes_through_untouched(
    store: DynamoDBStore, code: str
) -> None:
    """Asked for again and again, it would only come to light as busy."""
    with injected(refused(code)), pytest.raises(ClientError, match=code):
        store.get_event("e1")


def test_a_users_write_tells_losses_from_rejections(store: DynamoDBStore) -> None:
    with injected(refused("InternalServerError", 500)), pytest.raises(AnswerLost):
        store.put_user(a_user(), replaces=None)
    with injected(refused("ThrottlingException")), pytest.raises(Conflict):
        store.put_user(a_user(), replaces=None)


def test_a_users_write_that_meets_a_transaction_is_a_conflict(store: DynamoDBStore) -> None:
    """Registrations check the user in theirs; DynamoDB rejects a write that comes between."""
    with injected(refused("TransactionConflictException")), pytest.raises(Conflict):
        store.start_user_deletion("ada", "mark", revision="r")


@pytest.mark.parametrize("mixed", [("ConditionalCheckFailed", "ValidationError"), ("Unheard",)])
def test_a_bug_in_one_action_is_a_bug_whatever_became_of_the_others(
    store: DynamoDBStore, mixed: tuple[str, ...]
) -> None:
    """A new plan would have it again: to be tried anew, it would only come to light as busy."""
    with injected(canceled(*mixed, "None")), pytest.raises(ClientError):
        store.commit(PLAN)


def test_a_transaction_that_hits_a_tables_limit_is_a_conflict(store: DynamoDBStore) -> None:
    with injected(canceled("None", "ProvisionedThroughputExceeded")), pytest.raises(Conflict):
        store.commit(PLAN)


def test_to_mark_a_user_that_is_not_there_is_told_from_being_throttled(
    store: DynamoDBStore,
) -> None:
    """Either is one request: nothing is read to find out which it was."""
    with injected(REJECTIONS["throttled"]) as sent, pytest.raises(Conflict):
        store.start_user_deletion("ada", "mark", revision="r")
    assert sent == ["UpdateItem"]
    with injected(answering(), times=0) as sent:
        assert store.start_user_deletion("ada", "mark", revision="r") is None
    assert sent == ["UpdateItem"]


def test_the_same_plan_is_the_same_bytes_under_the_same_token(store: DynamoDBStore) -> None:
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


def test_keys_left_unprocessed_are_asked_for_again(store: DynamoDBStore) -> None:
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
