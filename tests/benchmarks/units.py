"""The request units of requests to DynamoDB, and their price."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from storage.dynamodb.schema import EVENTS, REGISTRATIONS, TABLES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PER_MILLION = {"write": 0.625, "read": 0.125}
"""Dollars per million request units in `us-east-1`, July 2025, on demand, without the free tier."""

KB = 1024

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})


class Units:
    """The units of one client's requests.

    A transaction's units are computed from its items' sizes, two per KB and one per written index,
    because DynamoDB Local reports those of one item. Other units are as reported.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()

    @property
    def dollars_per_million(self) -> float:
        """The price of a million times these units."""
        return sum(PER_MILLION[kind] * self.taken[kind] for kind in PER_MILLION)

    def ask(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Count a request before it is sent."""
        self.requests[model.name] += 1
        if model.name == "TransactWriteItems":
            for item in params["TransactItems"]:
                ((kind, part),) = item.items()
                self.taken["write"] += units_of(kind, part)
        else:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def add(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Count the units of a response."""
        found = parsed.get("ConsumedCapacity", [])
        kind = "read" if model.name in READS else "write"
        for one in found if isinstance(found, list) else [found]:
            self.taken[kind] += one["CapacityUnits"]


@contextmanager
def units_of_requests(client: DynamoDBClient) -> Iterator[Units]:
    """Yield the units of a client's requests, counted until the exit."""
    units = Units()
    events: Any = client.meta.events
    events.register("before-parameter-build.dynamodb", units.ask, unique_id="asking units")
    events.register("after-call.dynamodb", units.add, unique_id="adding units")
    try:
        yield units
    finally:
        events.unregister("before-parameter-build.dynamodb", units.ask, unique_id="asking units")
        events.unregister("after-call.dynamodb", units.add, unique_id="adding units")


def units_of(kind: str, part: Mapping[str, Any]) -> int:
    """Return the write units of a transaction's action. Checked, updated and deleted items have less than a KB."""
    if kind == "ConditionCheck":
        return 2
    if kind == "Update":
        return 2 + 1  # an undelivered mark: its entry leaves the index `undelivered`
    if kind == "Delete":
        # A registration with a seat is deleted from the roster index, too.
        on_roster = {"S": "registered"} in part.get("ExpressionAttributeValues", {}).values()
        return 2 + (part["TableName"].endswith(REGISTRATIONS.name) and on_roster)
    item = part["Item"]
    table = next(table for table in TABLES if part["TableName"].endswith(table.name))
    indexes = sum(set(index.key.names()) <= set(item) for index in table.indexes)
    if table is EVENTS:
        indexes = 0  # they contain nothing that a registration changes
    return 2 * math.ceil(item_size(item) / KB) + indexes


def item_size(item: Mapping[str, Any]) -> int:
    """Return an item's size in bytes, by DynamoDB's documented rules."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return 1 + math.ceil(len(held.lstrip("-").replace(".", "")) / 2)
        case "L":
            return 3 + sum(1 + _value_size(one) for one in held)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(one) for name, one in held.items())
        case _:  # NULL, BOOL
            return 1
