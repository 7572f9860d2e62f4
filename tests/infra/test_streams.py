"""The streams of the journal and of the requests: which records wake which function, and how often it tries."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from bot.entrypoints import lambda_functions
from bot.notifications.export_sender import MAX_SECONDS
from domain.models import ExportJob
from domain.queued import AwaitedReply, BatchResults, QueuedRequest, RequestResult
from storage.dynamodb import request_items
from storage.dynamodb.keys import Keys
from storage.dynamodb.schema import (
    EXPORT_SUFFIX,
    JOURNAL,
    NUMBERS,
    REQUESTS,
    Table,
)
from tests.support.infra.event_filters import lets_through
from tests.support.infra.synthesis import STREAMED, Resources


def test_no_stream_has_more_than_two_readers(prod: Resources) -> None:
    """More would throttle each other."""
    streams = [
        prod.named(one["EventSourceArn"]) for one in prod.of("AWS::Lambda::EventSourceMapping")
    ]
    assert Counter(streams) == {"journal.StreamArn": 2, "requests.StreamArn": 2}


def test_journal_stream_wakes_the_notifier_only_for_new_entries(prod: Resources) -> None:
    """The delivery row (version 0) and delivered marks do not wake it."""
    assert journal_filter(prod, "notifier") == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"version": {"N": [{"anything-but": ["0"]}]}}},
    }


def test_journal_stream_wakes_the_export_function_only_for_jobs(prod: Resources) -> None:
    """One job an invocation, with up to 15 minutes."""
    assert journal_filter(prod, "export") == {
        "eventName": ["INSERT"],
        "dynamodb": {
            "Keys": {
                "event_id": {"S": [{"suffix": ExportJob.SUFFIX}]},
                "version": {"N": [{"anything-but": ["0"]}]},
            }
        },
    }
    assert ExportJob("e1", 1, 0).job_id.endswith(EXPORT_SUFFIX)
    source = subscription(prod, "export")
    assert (source["BatchSize"], source["ParallelizationFactor"]) == (1, 10)
    assert prod.function("export")["Timeout"] == 900
    assert MAX_SECONDS + lambda_functions.UPLOAD_RESERVE < 900


def journal_filter(prod: Resources, function: str) -> object:
    """Return the pattern of the records of the journal's stream that wake a function."""
    assert prod.named(subscription(prod, function)["EventSourceArn"]) == "journal.StreamArn"
    return filter_of(prod, function)


def filter_of(prod: Resources, function: str) -> Any:
    """Return the pattern of the records that a stream gives a function."""
    (pattern,) = subscription(prod, function)["FilterCriteria"]["Filters"]
    return json.loads(pattern["Pattern"])


def record(table: Table, name: str, **keys: str | int) -> Mapping[str, Any]:
    """Return a record of a table's stream, without the item."""
    assert {*keys} == {*table.key.names()}
    typed = {key: {"N" if key in NUMBERS else "S": str(value)} for key, value in keys.items()}
    return {
        "eventID": "1",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1764417600.0,
            "Keys": typed,
            "SequenceNumber": "100000000000000000001",
            "SizeBytes": 100,
            "StreamViewType": table.stream,
        },
        "eventSourceARN": f"arn:aws:dynamodb:eu-central-1:1:table/t-{table.name}/stream/1",
    }


def of_item(name: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of a change of an item in the table of requests."""
    return record(REQUESTS, name, **{key: item[key]["S"] for key in REQUESTS.key.names()})


KEYS = Keys("rollcall-prod-", "T1")
NOW = datetime(2026, 11, 29, tzinfo=UTC)
REQUEST = request_items.request_item(KEYS, QueuedRequest("r1", "yoga", NOW, "a command"))
RESULT = RequestResult("r1", NOW, "an outcome")
DECIDED = request_items.result_item(KEYS, RESULT)
AWAITED = request_items.awaited_reply_item(KEYS, AwaitedReply("r1", "yoga", NOW, "an address"))
OPENING = request_items.opening_item(KEYS, "yoga", NOW)
BATCH = request_items.batch_results_item(KEYS, BatchResults("yoga", 1, 7, (RESULT,)))
EXPORT = f"T1#yoga/7/0{EXPORT_SUFFIX}"
RECORDS = [
    (of_item("INSERT", REQUEST), {"queue"}),
    # It was written twice, or has expired.
    (of_item("MODIFY", REQUEST), set()),
    (of_item("REMOVE", REQUEST), set()),
    (of_item("INSERT", OPENING), set()),
    (of_item("MODIFY", OPENING), set()),
    (of_item("INSERT", DECIDED), {"reply"}),
    (of_item("INSERT", AWAITED), {"reply"}),
    (of_item("REMOVE", AWAITED), set()),
    # Each request in it gets its own result.
    (of_item("INSERT", BATCH), set()),
    (record(JOURNAL, "INSERT", event_id="T1#yoga", version=7), {"notifier"}),
    (record(JOURNAL, "MODIFY", event_id="T1#yoga", version=7), set()),
    (record(JOURNAL, "INSERT", event_id="T1#yoga", version=0), set()),
    (record(JOURNAL, "INSERT", event_id=EXPORT, version=1), {"notifier", "export"}),
    (record(JOURNAL, "INSERT", event_id=EXPORT, version=0), set()),
]


@pytest.mark.parametrize(("sent", "functions"), RECORDS)
def test_record_wakes_only_the_functions_that_it_is_for(
    prod: Resources, sent: Mapping[str, Any], functions: set[str]
) -> None:
    """A record that no filter lets through starts nothing, and costs nothing."""
    stream = sent["eventSourceARN"].partition("table/t-")[2].partition("/")[0]
    woken = {
        name
        for name, table in STREAMED.items()
        if table.name == stream and lets_through(filter_of(prod, name), sent)
    }
    assert woken == functions


def test_requests_of_one_event_come_to_one_consumer_at_a_time(prod: Resources) -> None:
    """With more for a shard, Lambda keeps only the order of each item, and each request is an item."""
    queue, reply = subscription(prod, "queue"), subscription(prod, "reply")
    assert (queue["BatchSize"], queue["ParallelizationFactor"]) == (1000, 1)
    assert (reply["BatchSize"], reply["ParallelizationFactor"]) == (100, 1)
    assert REQUESTS.key.hash == "queue"


@pytest.mark.parametrize("function", ["queue", "reply"])
def test_press_in_the_queue_begins_immediately(prod: Resources, function: str) -> None:
    """R14: the person waits for it."""
    assert "MaximumBatchingWindowInSeconds" not in subscription(prod, function)


@pytest.mark.parametrize("function", ["queue", "reply"])
def test_failed_request_is_retried_for_ten_minutes(prod: Resources, function: str) -> None:
    """However often that is. Then the sweep tells the person: no need for the whole day that a stream keeps it."""
    source = subscription(prod, function)
    assert source["MaximumRecordAgeInSeconds"] == 600
    assert "MaximumRetryAttempts" not in source


def subscription(prod: Resources, function: str) -> Any:
    (source,) = (
        one
        for one in prod.of("AWS::Lambda::EventSourceMapping")
        if prod.named(one["FunctionName"]) == function
    )
    return source


@pytest.mark.parametrize("function", STREAMED)
def test_failed_record_is_retried_alone_and_then_kept(prod: Resources, function: str) -> None:
    source = subscription(prod, function)
    assert source["BisectBatchOnFunctionError"] is True
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source.get("MaximumRetryAttempts", inf) >= 5
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert prod.named(source["DestinationConfig"]["OnFailure"]["Destination"]) == "dead-letters"


def test_dead_letters_are_kept_for_two_weeks_and_encrypted(prod: Resources) -> None:
    queue = prod.one("AWS::SQS::Queue")
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["SqsManagedSseEnabled"] is True


def test_an_event_with_many_messages_delays_no_other_event(prod: Resources) -> None:
    """Lambda keeps the order within an event: all its records have the same key."""
    source = subscription(prod, "notifier")
    assert source["ParallelizationFactor"] == 10
    assert JOURNAL.key.hash == "event_id"


def test_commit_wakes_the_notifier_immediately(prod: Resources) -> None:
    """R8.3: a card follows within 2 seconds. The worker itself updates it once a second at most."""
    assert "MaximumBatchingWindowInSeconds" not in subscription(prod, "notifier")
