"""Requests to DynamoDB: consistent where decisions depend on it, sent once, with short timeouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from domain.models import WaitlistEntry
from domain.planning.plan import PutEvent
from domain.ports import AnswerLost, Unavailable
from storage.dynamodb.schema import EVENTS, USERS
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import a_user, an_event, bare_plan, put_event
from tests.support.dynamodb.injected_answers import injected
from tests.support.dynamodb.moto import REGION, dynamodb_client
from tests.support.environment import START
from tests.support.stores import empty_moto

Read = Callable[[DynamoDBStore], object]

STRONG: dict[str, Read] = {
    "get_event": lambda store: store.get_event("e1"),
    "get_events": lambda store: store.get_events(["e1"]),
    "get_rows": lambda store: store.get_rows("e1", registrations_of=["a"], users=["a"]),
    "get_waitlist": lambda store: store.get_waitlist("e1", limit=5),
    "get_waitlist until": lambda store: store.get_waitlist("e1", until=9, limit=5),
    "count_entries_before": lambda store: store.count_entries_before(
        "e1", WaitlistEntry(9, "a", START), after=0
    ),
    "get_registrations_of": lambda store: store.get_registrations_of("a"),
    "get_journal_entry": lambda store: store.get_journal_entry("e1", 1),
    "get_delivery_rows": lambda store: store.get_delivery_rows("e1", 1),
    "list_journal": lambda store: store.list_journal("e1", limit=5),
    "list_history": lambda store: store.list_history("e1", limit=5),
    "get_user": lambda store: store.get_user("a"),
    "get_delivery": lambda store: store.get_delivery("e1"),
    "get_cards": lambda store: store.get_cards("e1"),
    "scan_events": lambda store: store.scan_events(limit=5),
    "scan_registrations": lambda store: store.scan_registrations(limit=5),
    "scan_waitlist": lambda store: store.scan_waitlist(limit=5),
}
LAGGING: dict[str, Read] = {
    "list_events": lambda store: store.list_events(starting_from=None, limit=5),
    "list_events, organized": lambda store: store.list_events(
        starting_from=None, limit=5, organizer_id="organizer"
    ),
    "list_series": lambda store: store.list_series(limit=5),
    "list_running_events": lambda store: store.list_running_events(since=START, limit=5),
    "list_unfinished_events": lambda store: store.list_unfinished_events(limit=5),
    "list_due_events": lambda store: store.list_due_events(limit=5),
    "list_roster": lambda store: store.list_roster("e1", limit=5),
    "get_last_seated": lambda store: store.get_last_seated("e1", limit=5),
    "find_on_roster": lambda store: store.find_on_roster("e1", 1),
    "list_users": lambda store: store.list_users(limit=5),
    "list_unfinished_users": lambda store: store.list_unfinished_users(limit=5),
    "list_undelivered": lambda store: store.list_undelivered(limit=5),
    "get_undelivered": lambda store: store.get_undelivered("e1"),
}


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with empty_moto() as store:
        yield store


@contextmanager
def asked() -> Iterator[list[dict[str, Any]]]:
    """Give the arguments of each request."""
    sent: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params)

    events: Any = dynamodb_client().meta.events
    events.register("provide-client-params.dynamodb", note, unique_id="asked")
    try:
        yield sent
    finally:
        events.unregister("provide-client-params.dynamodb", note, unique_id="asked")


def is_consistent(request: dict[str, Any]) -> bool:
    """Return whether a request, or the whole of a batch, is a strongly consistent read."""
    parts = request["RequestItems"].values() if "RequestItems" in request else [request]
    return all(part.get("ConsistentRead", False) for part in parts)


@pytest.mark.parametrize("read", STRONG.values(), ids=STRONG)
def test_decisive_read_is_strongly_consistent(store: DynamoDBStore, read: Read) -> None:
    """R7.1, R7.3: a stale deletion id, version or waitlist would lead to a wrong decision."""
    with asked() as sent:
        read(store)
    assert [is_consistent(request) for request in sent] == [True]


@pytest.mark.parametrize("read", LAGGING.values(), ids=LAGGING)
def test_list_is_read_from_its_index(store: DynamoDBStore, read: Read) -> None:
    """DynamoDB can't read a global index strongly consistent. The port says that these lists may lag."""
    with asked() as sent:
        read(store)
    assert [("IndexName" in request, is_consistent(request)) for request in sent] == [(True, False)]


def test_client_has_short_timeouts_and_enough_connections() -> None:
    config: Any = dynamodb_client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (0.5, 0.8)
    # One for each thread of Bolt. A smaller pool would open and drop connections all day.
    assert config.max_pool_connections == 128
    assert config.retries["total_max_attempts"] == 1


def test_client_gives_items_as_boto3_does(store: DynamoDBStore) -> None:
    """It leaves them as they are in the answer, which takes a fraction of the time."""
    put_event(store)
    for user_id in ("ada", "ben"):
        store.put_user(a_user(user_id), replaces=None)
    names = [store._prefix + table.name for table in (EVENTS, USERS)]
    scans = [
        [client.scan(TableName=name)["Items"] for name in names]
        for client in (dynamodb_client(), boto3.client("dynamodb", region_name=REGION))
    ]
    assert [len(items) for items in scans[0]] == [1, 2]
    assert scans[0] == scans[1]


def test_cut_off_answer_is_not_an_answer(store: DynamoDBStore) -> None:
    """The checksum shows it. Otherwise the event would seem not to exist."""
    put_event(store)
    with injected(cut_off), pytest.raises(Unavailable):
        store.get_event("e1")
    with injected(cut_off), pytest.raises(AnswerLost):
        store.commit(bare_plan(PutEvent(an_event(), 1)))


def cut_off(request: Any, **_: Any) -> AWSResponse:
    headers = HTTPHeaders()
    headers["x-amz-crc32"] = "1"
    return AWSResponse(request.url, 200, headers, _Beginning())


class _Beginning:
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield b'{"Item": {"event_id": {"S'
