"""TransactionConflict, which DynamoDB raises and DynamoDB Local never does.

According to DynamoDB's documentation, a TransactWriteItems is rejected if one of its items is part of
another transaction in progress. So is a PutItem, UpdateItem or DeleteItem of such an item. Reads are
not. The first transaction goes on, the rejected request has written nothing, and nothing queues.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.dynamodb.injected_answers import canceled, refused

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_dynamodb import DynamoDBClient

READ, TRANSACTION, ON_THE_WAY = 0.005, 0.012, 0.002
"""Approximate seconds in AWS of a read, of a transaction while it holds its items, and of the way there."""

SINGLE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})

Address = tuple[str, str]
"""A table and an item's key."""


class Conflicts:
    """The items of the transactions in progress, of all clients."""

    def __init__(
        self, keys: dict[str, tuple[str, ...]], take: Callable[[float], None] = lambda _: None
    ) -> None:
        self._keys = keys
        """Each table's key attributes. A Put contains the whole item."""
        self._take = take
        """Lets seconds pass. The engine's own time comes on top."""
        self._lock = threading.Lock()
        self._busy: set[Address] = set()
        self.transactions = 0
        """The number of transactions that arrived."""
        self.rejected = 0

    def watch(self, client: DynamoDBClient) -> DynamoDBClient:
        """Make the client's writes conflict with those of all other watched clients. Return the client."""
        session: Any = client._endpoint.http_session  # type: ignore[attr-defined]

        def meet(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
            operation = event_name.rpartition(".")[2]
            if operation == "TransactWriteItems":
                return self._transact(request, session)
            self._take(READ)
            if operation in SINGLE:
                with self._lock:
                    if self._address(json.loads(request.body)) in self._busy:
                        self.rejected += 1
                        return refused("TransactionConflictException")(request)
            return None

        events: Any = client.meta.events
        events.register_last("before-send.dynamodb", meet)
        return client

    def _transact(self, request: Any, session: Any) -> AWSResponse:
        items = [
            self._address(part)
            for item in json.loads(request.body)["TransactItems"]
            for part in item.values()
        ]
        self._take(ON_THE_WAY)
        with self._at(items) as met:
            if any(met):
                reasons = ["TransactionConflict" if one else "None" for one in met]
                answer: AWSResponse = canceled(*reasons)(request)
            else:
                self._take(TRANSACTION / 2)
                answer = session.send(request)
                self._take(TRANSACTION / 2)
        self._take(ON_THE_WAY)
        return answer

    @contextmanager
    def _at(self, items: list[Address]) -> Iterator[list[bool]]:
        """Hold the items unless another transaction holds one. Give for each whether it is held."""
        with self._lock:
            self.transactions += 1
            met = [item in self._busy for item in items]
            if any(met):
                self.rejected += 1
            else:
                self._busy.update(items)
        try:
            yield met
        finally:
            if not any(met):
                with self._lock:
                    self._busy.difference_update(items)

    def _address(self, part: dict[str, Any]) -> Address:
        table: str = part["TableName"]
        whole = part.get("Key") or part["Item"]
        key = {name: whole[name] for name in self._keys[table]}
        return table, json.dumps(key, sort_keys=True)
