"""The items of the table `requests`, and back (R14)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.queued import QUEUE_KEEPS, AwaitedReply, BatchResults, QueuedRequest, RequestResult
from storage.dynamodb.items import Item, from_wire, moment, to_wire
from storage.dynamodb.keys import Address, Keys
from storage.dynamodb.schema import PENDING_REPLY, REQUEST_PREFIX, RESULT

OPENING = "open"
"""The range key of the item that says until when a queue is open."""

_BATCH_PREFIX = "results#"

_RESULTS = "/results"
"""The end of the hash keys of results of commits. No event's id has a slash."""


def opening_item(keys: Keys, event_id: str, until: datetime) -> Item:
    """Return the item that opens a queue."""
    return _item(keys.in_queue(event_id, OPENING), until, open_until=until)


def open_until(item: Mapping[str, Any]) -> datetime:
    """Return until when a queue is open."""
    return datetime.fromisoformat(item["open_until"]["S"])


def request_item(keys: Keys, request: QueuedRequest) -> Item:
    """Return the item of a request."""
    entry_id = f"{REQUEST_PREFIX}{moment(request.received_at)}#{request.request_id}"
    address = keys.in_queue(request.event_id, entry_id)
    return _item(address, request.received_at, command=request.command)


def to_request(keys: Keys, item: Mapping[str, Any]) -> QueuedRequest:
    """Return the request of an item."""
    values = from_wire(item)
    received_at, _, request_id = values["entry_id"].removeprefix(REQUEST_PREFIX).rpartition("#")
    return QueuedRequest(
        request_id,
        keys.items.identifier(values["queue"]),
        datetime.fromisoformat(received_at),
        values["command"],
    )


def result_item(keys: Keys, result: RequestResult) -> Item:
    """Return the item of a request's result."""
    address = keys.of_request(result.request_id, RESULT)
    return _item(address, result.at, at=result.at, outcome=result.outcome, event=result.event)


def to_result(keys: Keys, item: Mapping[str, Any]) -> RequestResult:
    """Return the result of an item."""
    values = from_wire(item)
    return RequestResult(
        to_request_id(keys, item),
        datetime.fromisoformat(values["at"]),
        values["outcome"],
        values.get("event"),
    )


def to_request_id(keys: Keys, item: Mapping[str, Any]) -> str:
    """Return the id of the request that an item with a hash key of its own belongs to."""
    return keys.items.identifier(item["queue"]["S"]).removesuffix("/request")


def batch_address(keys: Keys, event_id: str, slot: int) -> Address:
    """Return the address of the results of a commit.

    It has a hash key of its own: a rush's requests leave few write units of one partition, and results are large
    if an event asks questions.
    """
    return keys.in_queue(f"{event_id}{_RESULTS}{slot}", f"{_BATCH_PREFIX}{slot}")


def batch_results_item(keys: Keys, batch: BatchResults) -> Item:
    """Return the item of the results of a commit. They share one event."""
    event = next((one.event for one in batch.results if one.event is not None), None)
    return _item(
        batch_address(keys, batch.event_id, batch.slot),
        batch.results[0].at,
        at=batch.results[0].at,
        made_version=batch.version,
        event=event,
        request_ids=[one.request_id for one in batch.results],
        outcomes=[one.outcome for one in batch.results],
        refused=[one.event is None for one in batch.results],
    )


def to_batch_results(keys: Keys, item: Mapping[str, Any]) -> BatchResults:
    """Return the results of a commit."""
    values = from_wire(item)
    at, event = datetime.fromisoformat(values["at"]), values.get("event")
    outcomes = zip(values["request_ids"], values["outcomes"], values["refused"], strict=True)
    return BatchResults(
        keys.items.identifier(values["queue"]).rpartition(_RESULTS)[0],
        int(values["entry_id"].removeprefix(_BATCH_PREFIX)),
        values["made_version"],
        tuple(
            RequestResult(request_id, at, outcome, None if refused else event)
            for request_id, outcome, refused in outcomes
        ),
    )


def is_batch(item: Mapping[str, Any]) -> bool:
    """Return whether an item has the results of a commit."""
    return bool(item["entry_id"]["S"].startswith(_BATCH_PREFIX))


def awaited_reply_item(keys: Keys, reply: AwaitedReply) -> Item:
    """Return the item of a reply that somebody waits for."""
    return _item(
        keys.of_request(reply.request_id, PENDING_REPLY),
        reply.since,
        event_id=keys.items.key(reply.event_id),
        address=reply.address,
        pending_in=keys.items.workspace_id,
        pending_since=reply.since,
    )


def to_awaited_reply(keys: Keys, item: Mapping[str, Any]) -> AwaitedReply:
    """Return the reply of an item."""
    values = from_wire(item)
    return AwaitedReply(
        to_request_id(keys, item),
        keys.items.identifier(values["event_id"]),
        datetime.fromisoformat(values["pending_since"]),
        values["address"],
    )


def _item(at: Address, since: datetime, /, **values: Any) -> Item:
    _, key = at
    expires_at = int((since + QUEUE_KEEPS).timestamp())
    return to_wire({**key, **values, "expires_at": expires_at})
