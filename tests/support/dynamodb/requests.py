"""The requests that a client sends to DynamoDB: their number, and the tables that they write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READS = frozenset({"GetItem", "BatchGetItem", "Query", "TransactGetItems"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})


def written_by(operation: str, parameters: Mapping[str, Any]) -> set[str]:
    """Return the names of the tables that a request writes."""
    if operation == "TransactWriteItems":
        actions = (action for item in parameters["TransactItems"] for action in item.values())
        return {action["TableName"] for action in actions}
    if operation == "BatchWriteItem":
        return set(parameters["RequestItems"])
    return {parameters["TableName"]} if operation in WRITES else set()


class Requests:
    """The number of requests of each operation."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    @property
    def reads(self) -> int:
        """The number of reads, without scans."""
        return sum(self.sent[name] for name in READS)

    @property
    def transactions(self) -> int:
        """The number of transactions."""
        return self.sent["TransactWriteItems"]

    @property
    def other_writes(self) -> int:
        """The number of other writes."""
        return sum(self.sent[name] for name in WRITES) - self.transactions

    @property
    def scans(self) -> int:
        """The number of scans."""
        return self.sent["Scan"]


@contextmanager
def counted(client: DynamoDBClient) -> Iterator[Requests]:
    """Count the client's requests."""
    requests = Requests()

    def count(model: Any, **_: Any) -> None:
        requests.sent[model.name] += 1

    events: Any = client.meta.events
    events.register("before-call.dynamodb", count, unique_id="counting")
    try:
        yield requests
    finally:
        events.unregister("before-call.dynamodb", count, unique_id="counting")
