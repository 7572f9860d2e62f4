"""How DynamoDB is read: items, batches, and lists page by page, each in as few requests as its limits allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from domain.models import Page
from domain.ports import Unavailable
from storage.cursors import from_cursor, not_ours, to_cursor
from storage.dynamodb.errors import reading
from storage.dynamodb.items import Item, from_wire, to_wire
from storage.dynamodb.schema import Key, Table
from storage.dynamodb.tables import Tables, Values

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

BATCH_GET = 100
"""The most items of one BatchGetItem."""

DRAINS = 8
"""How often unprocessed keys are asked for again before the read counts as failed."""


@dataclass(frozen=True, slots=True)
class Queries:
    """A list that is given out page by page: what a table, or one of its indexes, holds under one hash key."""

    name: str
    """Tells its cursors from those of other lists."""
    table: Table
    index: str | None
    hash: str
    since: str | int | None = None
    """Where the range key begins (included); None: at the first."""
    newest_first: bool = False

    @property
    def key(self) -> Key:
        """The key that the list is in order of."""
        keys = {index.name: index.key for index in self.table.indexes}
        return self.table.key if self.index is None else keys[self.index]

    def cursor_attributes(self) -> set[str]:
        """Return what a page's end consists of: the list's key and the table's."""
        return {*self.key.names(), *self.table.key.names()}


class Reader:
    """Reads of one workspace. All raise `Unavailable`."""

    def __init__(self, client: DynamoDBClient, tables: Tables) -> None:
        # The shapes of requests and answers are `schema`'s and `items`', not the client's types.
        self._client: Any = client
        self._tables = tables

    def get(self, address: tuple[Table, Values]) -> Item | None:
        """Return the item, strongly consistent."""
        with reading():
            answer = self._client.get_item(**self._tables.at(address), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def batch_get(self, wanted: Sequence[tuple[Table, Values]]) -> Iterator[tuple[str, Item]]:
        """Yield the items that exist, strongly consistent, each with its table's name; no key twice."""
        for first in range(0, len(wanted), BATCH_GET):
            request: dict[str, Any] = {}
            for table, key in wanted[first : first + BATCH_GET]:
                name = self._tables.name(table)
                keys = request.setdefault(name, {"ConsistentRead": True, "Keys": []})
                keys["Keys"].append(to_wire(key))
            yield from self._drained(request)

    def _drained(self, request: dict[str, Any]) -> Iterator[tuple[str, Item]]:
        for _ in range(DRAINS):
            with reading():
                answer = self._client.batch_get_item(RequestItems=request)
            for name, items in answer["Responses"].items():
                yield from ((name, item) for item in items)
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise Unavailable(f"keys left unprocessed {DRAINS} times")

    def query(
        self, table: Table, *, limit: int | None = None, **arguments: Any
    ) -> tuple[list[Item], Item | None]:
        """Return up to `limit` items (None: all), over as many of DynamoDB's pages of 1 MB as that takes.

        And where the next begins, None at the end.
        """
        items: list[Item] = []
        while True:
            if limit is not None:
                arguments["Limit"] = limit - len(items)
            with reading():
                answer = self._client.query(TableName=self._tables.name(table), **arguments)
            items += answer["Items"]
            last: Item | None = answer.get("LastEvaluatedKey")
            if last is None or len(items) == limit:
                return items, last
            arguments["ExclusiveStartKey"] = last

    def count(self, table: Table, **arguments: Any) -> tuple[int, int]:
        """Return how many items a query's filter lets through, and how many it looked at."""
        matching = looked_at = 0
        while True:
            with reading():
                answer = self._client.query(
                    TableName=self._tables.name(table), Select="COUNT", **arguments
                )
            matching += answer["Count"]
            looked_at += answer["ScannedCount"]
            if "LastEvaluatedKey" not in answer:
                return matching, looked_at
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page(
        self, listing: Queries, to_item: Callable[[Item], T], *, limit: int, cursor: str | None
    ) -> Page[T]:
        """Return one page of a list; raises `Invalid` for a cursor that the list did not give out."""
        key = listing.key
        names = {"#hash": key.hash}
        values: dict[str, str | int] = {":hash": listing.hash}
        condition = "#hash = :hash"
        if listing.since is not None and key.range is not None:
            condition += " AND #range >= :since"
            names["#range"], values[":since"] = key.range, listing.since
        arguments: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_wire(values),
            "ScanIndexForward": not listing.newest_first,
        }
        if listing.index is not None:
            arguments["IndexName"] = listing.index
        # The journal is its table's own; what an index lists may be behind.
        arguments["ConsistentRead"] = listing.index is None
        start = self._start(listing, cursor) if cursor is not None else None
        if start is not None:
            arguments["ExclusiveStartKey"] = to_wire(start)
        items, last = self.query(listing.table, limit=limit, **arguments)
        return Page(tuple(to_item(item) for item in items), self._cursor(listing.name, last))

    def _start(self, listing: Queries, cursor: str) -> Values | None:
        """Return after which key a page begins; None: at the list's beginning."""
        names = listing.cursor_attributes()
        start = from_cursor(self._tables.items.workspace_id, listing.name, names, cursor)
        if start[listing.key.hash] != listing.hash:
            raise not_ours()
        if listing.since is None or listing.key.range is None:
            return start
        # DynamoDB refuses to start before what is asked for. An event at which the last page ended
        # may have begun since: then all that is still coming is ahead.
        return start if start[listing.key.range] >= listing.since else None

    def scan(
        self, table: Table, to_item: Callable[[Item], T], *, limit: int, cursor: str | None
    ) -> Page[T]:
        """Return one page of all items of the workspace; it may be short. For `check` only."""
        name = f"all {table.name}"
        arguments: dict[str, Any] = {
            "ConsistentRead": True,
            "FilterExpression": "begins_with(#hash, :workspace)",
            "ExpressionAttributeNames": {"#hash": table.key.hash},
            "ExpressionAttributeValues": to_wire({":workspace": self._tables.items.key("")}),
        }
        if cursor is not None:
            workspace_id = self._tables.items.workspace_id
            start = from_cursor(workspace_id, name, table.key.names(), cursor)
            arguments["ExclusiveStartKey"] = to_wire(start)
        with reading():
            answer = self._client.scan(TableName=self._tables.name(table), Limit=limit, **arguments)
        last = self._cursor(name, answer.get("LastEvaluatedKey"))
        return Page(tuple(to_item(item) for item in answer["Items"]), last)

    def _cursor(self, name: str, last: Item | None) -> str | None:
        if last is None:
            return None
        return to_cursor(self._tables.items.workspace_id, name, from_wire(last))
