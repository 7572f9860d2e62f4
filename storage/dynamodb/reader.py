"""Reads from DynamoDB: items, batches, and lists page by page, each in as few requests as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import maxsize
from typing import TYPE_CHECKING, Any, TypeVar

from domain import cursors
from domain.models import Page
from domain.ports import Unavailable
from storage.dynamodb.errors import reading
from storage.dynamodb.items import Item, from_wire, to_wire
from storage.dynamodb.keys import Address, Keys, Values
from storage.dynamodb.schema import NUMBERS, Key, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

BATCH_GET = 100
"""DynamoDB's limit for the items of one BatchGetItem."""

BATCH_ATTEMPTS = 8
"""How often to ask for a batch's unprocessed keys before the read fails."""

FIRST_LOOK = 100
"""Items that the first request for a page of matching items examines."""

LONGEST_KEY = 1024
"""DynamoDB's limit for a range key, in bytes."""


@dataclass(frozen=True, slots=True)
class Only:
    """A condition on a list's items. DynamoDB applies it to what it has read, up to 1 MB for a page."""

    expression: str
    values: Mapping[str, str]

    def __and__(self, other: Only) -> Only:
        """Return the condition that both hold."""
        expression = f"({self.expression}) AND ({other.expression})"
        return Only(expression, {**self.values, **other.values})


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is read page by page: the items of a table or an index under one hash key."""

    list_id: tuple[str, ...]
    """The list's identity in cursors, without the workspace."""
    table: Table
    index: str | None
    hash: str
    since: str | int | None = None
    """The first range key, included. None: the list starts at its first item."""
    newest_first: bool = False
    only: Only | None = None

    @property
    def key(self) -> Key:
        """The key that orders the list."""
        keys = {index.name: index.key for index in self.table.indexes}
        return self.table.key if self.index is None else keys[self.index]

    def position(self) -> tuple[str, ...]:
        """Return the attributes of a position: the list's key and the table's, without the list's hash."""
        names = dict.fromkeys((*self.key.names(), *self.table.key.names()))
        return tuple(name for name in names if name != self.key.hash)


class DynamoDBReader:
    """Reads of one workspace. All raise `Unavailable`."""

    def __init__(self, client: DynamoDBClient, keys: Keys) -> None:
        # `schema` and `items` define the shapes of requests and answers, not the client's types.
        self._client: Any = client
        self._keys = keys

    def get(self, address: Address) -> Item | None:
        """Return the item, strongly consistent."""
        with reading():
            answer = self._client.get_item(**self._keys.at(address), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def batch_get(self, addresses: Sequence[Address]) -> Iterator[tuple[str, Item]]:
        """Yield the items that exist, strongly consistent, each with its table's name.

        No address may be given twice.
        """
        for first in range(0, len(addresses), BATCH_GET):
            request: dict[str, Any] = {}
            for table, key in addresses[first : first + BATCH_GET]:
                name = self._keys.table_name(table)
                keys = request.setdefault(name, {"ConsistentRead": True, "Keys": []})
                keys["Keys"].append(to_wire(key))
            yield from self._all_of_batch(request)

    def _all_of_batch(self, request: dict[str, Any]) -> Iterator[tuple[str, Item]]:
        for _ in range(BATCH_ATTEMPTS):
            with reading():
                answer = self._client.batch_get_item(RequestItems=request)
            for name, items in answer["Responses"].items():
                yield from ((name, item) for item in items)
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise Unavailable(f"keys left unprocessed {BATCH_ATTEMPTS} times")

    def query(
        self,
        table: Table,
        *,
        limit: int | None = None,
        in_one_request: bool = False,
        **arguments: Any,
    ) -> tuple[list[Item], Item | None]:
        """Return up to `limit` items (None: all), and the key that the next page starts after, if any.

        Read as many of DynamoDB's pages of 1 MB as that takes, or only one.
        """
        items: list[Item] = []
        while True:
            if limit is not None:
                arguments["Limit"] = limit - len(items)
            with reading():
                answer = self._client.query(TableName=self._keys.table_name(table), **arguments)
            items += answer["Items"]
            last: Item | None = answer.get("LastEvaluatedKey")
            if last is None or len(items) == limit or in_one_request:
                return items, last
            arguments["ExclusiveStartKey"] = last

    def count(self, table: Table, **arguments: Any) -> tuple[int, int]:
        """Return how many items a query's filter lets through, and how many the query examined."""
        matching = examined = 0
        while True:
            with reading():
                answer = self._client.query(
                    TableName=self._keys.table_name(table), Select="COUNT", **arguments
                )
            matching += answer["Count"]
            examined += answer["ScannedCount"]
            if "LastEvaluatedKey" not in answer:
                return matching, examined
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page(
        self,
        listing: Listing,
        to_item: Callable[[Item], T],
        *,
        limit: int | None,
        cursor: str | None,
    ) -> Page[T]:
        """Return one page of a list. Raise `Invalid` for a cursor of another list."""
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
        # A table can be read strongly consistent. An index may lag.
        arguments["ConsistentRead"] = listing.index is None
        start = self._start(listing, cursor) if cursor is not None else None
        if start is not None:
            arguments["ExclusiveStartKey"] = to_wire(start)
        if listing.only is None:
            items, last = self.query(
                listing.table, limit=limit, in_one_request=limit is None, **arguments
            )
        else:
            items, last = self._filtered(listing.table, listing.only, limit or maxsize, arguments)
        next_cursor = self._to_cursor(listing.list_id, listing.position(), last)
        return Page(tuple(to_item(item) for item in items), next_cursor)

    def _filtered(
        self, table: Table, only: Only, limit: int, arguments: dict[str, Any]
    ) -> tuple[list[Item], Item | None]:
        """Return what two requests find, up to `limit` items, and the key to go on after, if any.

        The first examines a few items, enough if most of them match. The second examines all that
        DynamoDB reads at once.
        """
        values = {**arguments.pop("ExpressionAttributeValues"), **to_wire(only.values)}
        items: list[Item] = []
        last: Item | None = None
        for examined in ({"Limit": FIRST_LOOK}, {}):
            with reading():
                answer = self._client.query(
                    TableName=self._keys.table_name(table),
                    FilterExpression=only.expression,
                    ExpressionAttributeValues=values,
                    **examined,
                    **arguments,
                )
            items += answer["Items"]
            last = answer.get("LastEvaluatedKey")
            if last is None or len(items) >= limit:
                break
            arguments["ExclusiveStartKey"] = last
        return (items[:limit], items[limit - 1]) if len(items) > limit else (items, last)

    def _start(self, listing: Listing, cursor: str) -> Values | None:
        """Return the key that a page starts after. None: it starts with the list's first item."""
        start = self._from_cursor(listing.list_id, listing.position(), cursor)
        start[listing.key.hash] = listing.hash
        if listing.since is None or listing.key.range is None:
            return start
        # DynamoDB refuses a start before the key condition's range. That happens if the event that
        # ended the last page has started since. All events that remain then lie ahead.
        return start if start[listing.key.range] >= listing.since else None

    def scan(
        self,
        table: Table,
        to_item: Callable[[Item], T],
        *,
        limit: int,
        cursor: str | None,
        only: Only | None = None,
    ) -> Page[T]:
        """Return one page of all items of the workspace. It may be short. `limit` counts what is examined."""
        list_id, position = ("all", table.name), table.key.names()
        arguments: dict[str, Any] = {
            "ConsistentRead": True,
            "FilterExpression": "begins_with(#hash, :workspace)",
            "ExpressionAttributeNames": {"#hash": table.key.hash},
            "ExpressionAttributeValues": to_wire({":workspace": self._keys.items.key("")}),
        }
        if only is not None:
            arguments["FilterExpression"] += f" AND ({only.expression})"
            arguments["ExpressionAttributeValues"] |= to_wire(only.values)
        if cursor is not None:
            start = self._from_cursor(list_id, position, cursor)
            arguments["ExclusiveStartKey"] = to_wire(start)
        with reading():
            answer = self._client.scan(
                TableName=self._keys.table_name(table), Limit=limit, **arguments
            )
        last = self._to_cursor(list_id, position, answer.get("LastEvaluatedKey"))
        return Page(tuple(to_item(item) for item in answer["Items"]), last)

    def _to_cursor(
        self, list_id: tuple[str, ...], position: Sequence[str], last: Item | None
    ) -> str | None:
        if last is None:
            return None
        values = from_wire(last)
        workspace_id = self._keys.items.workspace_id
        return cursors.encode((workspace_id, *list_id), [values[name] for name in position])

    def _from_cursor(
        self, list_id: tuple[str, ...], position: Sequence[str], cursor: str
    ) -> dict[str, Any]:
        shape = [int if name in NUMBERS else str for name in position]
        values = cursors.decode((self._keys.items.workspace_id, *list_id), cursor, shape)
        if not all(map(_can_be_key, values)):
            raise cursors.foreign_cursor()
        return dict(zip(position, values, strict=True))


def _can_be_key(value: str | int) -> bool:
    """Return whether a stored item could have the value in its key."""
    if isinstance(value, int):
        return value >= 0
    return 0 < len(value.encode()) <= LONGEST_KEY
