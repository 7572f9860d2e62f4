"""The request queue: in memory, as the unit tests and the simulation have it, and on DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from domain.planning.plan import PutBatchResults
from domain.ports import AnswerLost, Conflict
from domain.queued import (
    QUEUE_KEEPS,
    AwaitedReply,
    BatchResults,
    QueuedRequest,
    QueueState,
    RequestResult,
)
from storage.dynamodb.request_queue import DynamoDBRequestQueue
from storage.dynamodb.schema import REQUESTS
from tests.support.builders import commit, put_event
from tests.support.environment import START
from tests.support.memory_queue import MemoryRequestQueue
from tests.support.slack.lambda_functions import new_records
from tests.support.stores import empty_store

Queue: TypeAlias = MemoryRequestQueue | DynamoDBRequestQueue

RESULTS = tuple(RequestResult(f"r{n}", START, '{"kind":"x"}', '{"title":"é"}') for n in range(60))
REFUSED = RequestResult("refused", START, '{"kind":"y"}')


@contextmanager
def queue_on(kind: str) -> Iterator[Queue]:
    if kind == "memory":
        yield MemoryRequestQueue()
        return
    with empty_store("moto" if kind == "moto" else "local") as store:
        yield DynamoDBRequestQueue(store._client, store._prefix, "T1")  # type: ignore[attr-defined]  # it is one of DynamoDB's


@pytest.fixture(params=["memory", "moto", "local"])
def queue(request: pytest.FixtureRequest) -> Iterator[Queue]:
    with queue_on(request.param) as queue:
        yield queue


def a_request(request_id: str = "r1", event_id: str = "e1") -> QueuedRequest:
    return QueuedRequest(request_id, event_id, START, '{"kind":"Register"}')


def test_event_and_its_queue_are_read_together(queue: Queue) -> None:
    event = put_event(queue)
    queue.open_queue("e1", START)
    assert queue.get_event_and_queue("e1") == (event, START)


def test_queue_of_an_event_that_nobody_pressed_for_was_never_open(queue: Queue) -> None:
    assert queue.get_event_and_queue("e1") == (None, None)


def test_queue_is_opened_again(queue: Queue) -> None:
    queue.open_queue("e1", START)
    queue.open_queue("e1", START + timedelta(seconds=3))
    assert queue.get_event_and_queue("e1")[1] == START + timedelta(seconds=3)


def test_request_has_no_result_at_first(queue: Queue) -> None:
    queue.put_request(a_request())
    assert queue.get_result("r1") is None


@pytest.mark.parametrize("result", [RESULTS[0], REFUSED])
def test_result_is_read_as_it_was_written(queue: Queue, result: RequestResult) -> None:
    queue.put_results([result])
    assert queue.get_result(result.request_id) == result


def test_more_results_than_one_request_takes_are_written(queue: Queue) -> None:
    queue.put_results(RESULTS)
    found = queue.get_queue_state("e1", [one.request_id for one in RESULTS]).results
    assert found == {one.request_id: one for one in RESULTS}


def test_results_are_written_again_without_a_change(queue: Queue) -> None:
    queue.put_results(RESULTS[:2])
    queue.put_results(RESULTS[:2])
    assert queue.get_result("r1") == RESULTS[1]


def test_commit_has_the_results_of_its_requests(queue: Queue) -> None:
    batch = BatchResults("e1", 0, 1, (RESULTS[0], REFUSED))
    commit(queue, PutBatchResults(batch))
    assert queue.get_queue_state("e1", []) == QueueState((batch,), {})


def test_results_of_the_last_two_commits_are_kept(queue: Queue) -> None:
    batches = [BatchResults("e1", n % 2, n, (RESULTS[n],)) for n in (1, 2, 3)]
    for batch in batches:
        commit(queue, PutBatchResults(batch))
    state = queue.get_queue_state("e1", [])
    assert sorted(state.batches, key=lambda batch: batch.version) == batches[1:]


def test_results_of_another_events_commits_are_not_read(queue: Queue) -> None:
    commit(queue, PutBatchResults(BatchResults("e2", 0, 1, RESULTS[:1])))
    assert queue.get_queue_state("e1", []) == QueueState((), {})


def test_refusals_are_written_if_the_event_is_unchanged(queue: Queue) -> None:
    event = put_event(queue)
    queue.put_refusals("e1", event.version, [REFUSED])
    assert queue.get_result("refused") == REFUSED


def test_refusals_of_another_version_are_not_written(queue: Queue) -> None:
    event = put_event(queue)
    with pytest.raises(Conflict):
        queue.put_refusals("e1", event.version + 1, [REFUSED, RESULTS[0]])
    assert queue.get_result("refused") is None
    assert queue.get_result("r0") is None


def test_refusals_for_an_event_that_does_not_exist_are_written(queue: Queue) -> None:
    queue.put_refusals("e1", None, [REFUSED])
    assert queue.get_result("refused") == REFUSED


def test_refusals_for_an_event_that_was_created_since_are_not_written(queue: Queue) -> None:
    put_event(queue)
    with pytest.raises(Conflict):
        queue.put_refusals("e1", None, [REFUSED])


def test_as_many_refusals_as_a_batch_has_are_written(queue: Queue) -> None:
    queue.put_refusals("e1", None, RESULTS[:50])
    assert len(queue.get_queue_state("e1", [one.request_id for one in RESULTS]).results) == 50


def throttled(queue: DynamoDBRequestQueue, *taken: int) -> list[int]:
    """Have DynamoDB take so many of the items of each of the next batch writes. Return how many each gets."""
    write, takes, sizes = queue._client.batch_write_item, list(taken), list[int]()

    def batch_write_item(*, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803  # boto3's name
        ((table, items),) = RequestItems.items()
        sizes.append(len(items))
        number = takes.pop(0) if takes else len(items)
        if number:
            write(RequestItems={table: items[:number]})
        left = items[number:]
        return {"UnprocessedItems": {table: left} if left else {}}

    queue._client.batch_write_item = batch_write_item
    return sizes


def test_only_results_that_were_not_taken_are_written_again() -> None:
    with queue_on("moto") as queue:
        assert isinstance(queue, DynamoDBRequestQueue)
        sizes = throttled(queue, 10, 1)
        queue.put_results(RESULTS[:20])
        assert sizes == [20, 10, 9]
        assert queue.get_result(RESULTS[19].request_id) == RESULTS[19]


def test_results_of_which_none_is_taken_are_left_to_the_caller_s_pauses() -> None:
    with queue_on("moto") as queue:
        assert isinstance(queue, DynamoDBRequestQueue)
        sizes = throttled(queue, 10, 0)
        with pytest.raises(AnswerLost):
            queue.put_results(RESULTS[:20])
        assert sizes == [20, 10]


# Replies that somebody waits for


def a_reply(request_id: str, seconds: int = 0) -> AwaitedReply:
    return AwaitedReply(request_id, "e1", START + timedelta(seconds=seconds), '{"user_id":"U1"}')


def test_awaited_reply_comes_with_its_result(queue: Queue) -> None:
    queue.put_awaited_reply(a_reply("r1"))
    queue.put_awaited_reply(a_reply("r2"))
    queue.put_results([RESULTS[1], RESULTS[3]])
    assert queue.get_awaited_replies(["r1", "r2", "r3"]) == {
        "r1": (a_reply("r1"), RESULTS[1]),
        "r2": (a_reply("r2"), None),
    }


def test_reply_that_was_sent_is_not_awaited(queue: Queue) -> None:
    queue.put_awaited_reply(a_reply("r1"))
    queue.delete_awaited_reply("r1")
    queue.delete_awaited_reply("r1")
    assert queue.get_awaited_replies(["r1"]) == {}


def test_awaited_replies_are_listed_by_age(queue: Queue) -> None:
    for request_id, seconds in [("new", 9), ("old", 1), ("middle", 5)]:
        queue.put_awaited_reply(a_reply(request_id, seconds))
    first = queue.list_awaited_replies(limit=2)
    rest = queue.list_awaited_replies(limit=2, cursor=first.next_cursor)
    assert (*first.items, *rest.items) == ("old", "middle", "new")
    assert rest.next_cursor is None


def test_list_goes_on_though_what_it_listed_was_deleted(queue: Queue) -> None:
    """The sweep deletes what it sent before it asks for the next page."""
    for number in range(4):
        queue.put_awaited_reply(a_reply(f"r{number}", number))
    first = queue.list_awaited_replies(limit=2)
    for request_id in first.items:
        queue.delete_awaited_reply(request_id)
    rest = queue.list_awaited_replies(limit=2, cursor=first.next_cursor)
    assert (first.items, rest.items) == (("r0", "r1"), ("r2", "r3"))


# DynamoDB's table and its stream


@pytest.fixture(params=["moto", "local"])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[DynamoDBRequestQueue]:
    with queue_on(request.param) as queue:
        assert isinstance(queue, DynamoDBRequestQueue)
        yield queue


def items_of(queue: DynamoDBRequestQueue) -> list[dict[str, dict[str, str]]]:
    table = queue._keys.table_name(REQUESTS)
    items: list[dict[str, dict[str, str]]] = queue._client.scan(TableName=table)["Items"]
    return items


def test_everything_expires_an_hour_after_it_was_written(dynamodb: DynamoDBRequestQueue) -> None:
    """A response URL is a secret."""
    dynamodb.open_queue("e1", START)
    dynamodb.put_request(a_request())
    dynamodb.put_results([RESULTS[0]])
    dynamodb.put_awaited_reply(a_reply("r1"))
    commit(dynamodb, PutBatchResults(BatchResults("e1", 0, 1, RESULTS[:1])))
    expected = str(int((START + QUEUE_KEEPS).timestamp()))
    assert [item["expires_at"]["N"] for item in items_of(dynamodb)] == [expected] * 5


def test_request_is_read_from_its_record(dynamodb: DynamoDBRequestQueue) -> None:
    dynamodb.put_request(a_request())
    records = [{"dynamodb": {"NewImage": item}} for item in items_of(dynamodb)]
    assert dynamodb.requests_in(records) == [a_request()]


def test_records_without_a_request_are_left_out(dynamodb: DynamoDBRequestQueue) -> None:
    dynamodb.open_queue("e1", START)
    dynamodb.put_results([RESULTS[0]])
    records = [{"dynamodb": {"NewImage": item}} for item in items_of(dynamodb)]
    assert dynamodb.requests_in(records) == []


def test_record_of_a_result_names_its_request(dynamodb: DynamoDBRequestQueue) -> None:
    dynamodb.put_results([RESULTS[0]])
    (item,) = items_of(dynamodb)
    record = {"dynamodb": {"Keys": {name: item[name] for name in ("queue", "entry_id")}}}
    assert dynamodb.request_id_of(record) == "r0"


def test_requests_of_an_event_are_in_order_of_receipt(dynamodb: DynamoDBRequestQueue) -> None:
    for seconds, request_id in [(2, "third"), (0, "first"), (1, "second")]:
        request = a_request(request_id)
        dynamodb.put_request(
            replace(request, received_at=request.received_at + timedelta(seconds=seconds))
        )
    found, _ = dynamodb._reader.query(
        REQUESTS,
        KeyConditionExpression="queue = :queue",
        ExpressionAttributeValues={":queue": {"S": "T1#e1"}},
    )
    records = [{"dynamodb": {"NewImage": item}} for item in found]
    ids = [request.request_id for request in dynamodb.requests_in(records)]
    assert ids == ["first", "second", "third"]


def test_workspaces_do_not_meet(dynamodb: DynamoDBRequestQueue) -> None:
    other = DynamoDBRequestQueue(dynamodb._client, dynamodb._prefix, "T2")
    dynamodb.open_queue("e1", START)
    dynamodb.put_awaited_reply(a_reply("r1"))
    assert other.get_event_and_queue("e1") == (None, None)
    assert other.list_awaited_replies(limit=10).items == ()


def test_stream_tells_of_a_request_once_even_if_it_is_written_twice() -> None:
    """Only DynamoDB's own engine has a stream that tests can read."""
    with queue_on("local") as queue:
        assert isinstance(queue, DynamoDBRequestQueue)
        read = new_records(queue, REQUESTS)
        queue.put_request(a_request())
        queue.put_request(a_request())
        queue.put_request(a_request("r2"))
        queue.put_results([RESULTS[0]])
        records = read()
        assert [request.request_id for request in queue.requests_in(records)] == ["r1", "r2"]
        assert queue.request_id_of(records[-1]) == "r0"
