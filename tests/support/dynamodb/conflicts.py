"""TransactionConflict, as DynamoDB raises it and DynamoDB Local never does.

DynamoDB's page on transaction conflicts: a TransactWriteItems is rejected when one of its items is part
of another that is going on; so is a PutItem, UpdateItem or DeleteItem of such an item. Reads are not.
Whoever came first goes on; the one rejected has written nothing, and nobody queues.
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
"""Seconds that requests take in AWS, about: a read; a transaction, while it is at its items; and its way there."""

SINGLE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})

Address = tuple[str, str]
"""A table, and an item's key in it."""


class Conflicts:
    """The items that transactions of any client are at, from a request's arrival to its answer."""

    def __init__(
        self, keys: dict[str, tuple[str, ...]], take: Callable[[float], None] = lambda _: None
    ) -> None:
        self._keys = keys
        """Each table's key attributes: a Put names its item whole."""
        self._take = take
        """Lets so many seconds pass; the engine behind takes what it takes."""
        self._lock = threading.Lock()
        self._busy: set[Address] = set()
        self.transactions = 0
        """How many arrived."""
        self.rejected = 0

    def watch(self, client: DynamoDBClient) -> DynamoDBClient:
        """Have the client's writes meet those of all other clients that are watched; return it."""
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
        """Be at the items meanwhile, unless another is at one of them; give at which."""
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
