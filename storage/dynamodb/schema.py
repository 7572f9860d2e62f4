"""The DynamoDB tables: their keys, their indexes, and the attributes that each index carries.

Every key of a table or an index starts with the workspace (`T024#e1`), so workspaces never meet. An
index is sparse: an item is in it only while the item has the index's hash key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DEFAULT_PREFIX = "rollcall-"

UNDELIVERED_SHARDS = 4
"""Hash keys of the index `undelivered`. DynamoDB accepts 1,000 writes a second for one key."""

EXPORT_SUFFIX = "/export"
"""The end of the journal's keys of export jobs: `domain.models.ExportJob.SUFFIX`, which `infra` must not import."""


@dataclass(frozen=True, slots=True)
class Key:
    """A hash key and an optional range key. `NUMBERS` says which are numbers."""

    hash: str
    range: str | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes, the hash key first."""
        return (self.hash,) if self.range is None else (self.hash, self.range)


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. `carries` names its attributes besides the keys. None: all of them."""

    name: str
    key: Key
    carries: tuple[str, ...] | None = ()


Stream = Literal["KEYS_ONLY", "NEW_IMAGE"]
"""What a record of a stream has of its item: the key, or the whole item as it is now."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `stream` says what its stream tells of a changed item, if it has one.

    `expires_by` names the attribute with the time, in seconds since 1970, after which DynamoDB deletes an
    item: usually within a few days, in any order.
    """

    name: str
    key: Key
    indexes: tuple[Index, ...] = ()
    stream: Stream | None = None
    expires_by: str | None = None


NUMBERS = frozenset({"ticket", "version"})
"""The key attributes that are numbers. The others are strings."""

_LISTED = ("title", "status", "closes_at", "listed", "organizer_id", "co_organizer_ids")
"""Attributes that the lists of events show or filter by."""

EVENTS = Table(
    "events",
    Key("event_id"),
    (
        # It carries nothing that a registration changes, so a rush doesn't write it.
        Index("upcoming", Key("upcoming_in", "starts_at"), _LISTED),
        # The events that have an end: those that began long ago and still run are found by it.
        Index("ending", Key("upcoming_in", "ends_at"), ("starts_at", *_LISTED)),
        Index("unfinished", Key("unfinished_in", "event_id")),
        # Its key changes only with the event's due time, so one hash key is enough. One query finds
        # all due events, however long ago the last sweep was.
        Index("due", Key("due_in", "next_due_at")),
    ),
)
USERS = Table(
    "users",
    Key("user_id"),
    (
        Index("members", Key("member_of", "name"), None),
        Index("unfinished", Key("unfinished_in", "user_id")),
    ),
)
REGISTRATIONS = Table(
    "registrations",
    # Keyed by user, so a rush spreads over partitions and the key allows one registration per event.
    Key("user_id", "event_id"),
    (Index("roster", Key("seated_in", "ticket"), None),),
)
WAITLIST = Table("waitlist", Key("event_id", "ticket"))
JOURNAL = Table(
    "journal",
    Key("event_id", "version"),
    (Index("undelivered", Key("undelivered_in", "event_id")),),
    stream="KEYS_ONLY",
    expires_by="expires_at",
)
CARDS = Table("cards", Key("event_id", "message"))

REQUEST_PREFIX = "request#"
"""The beginning of the range key of a request in an event's queue."""

RESULT = "result"
PENDING_REPLY = "pending-reply"
"""The range keys of what belongs to one request: its result, and the reply that its person waits for."""

REQUESTS = Table(
    # An event's hash key has its queue: until when it is open, and its requests in order of receipt. The results of the
    # last two batches have hash keys of their own, and so has what is read often, for each request: that spreads over
    # partitions.
    "requests",
    Key("queue", "entry_id"),
    # Only requests whose person was told to wait are in it.
    (Index("pending", Key("pending_in", "pending_since")),),
    # The queue itself: Lambda hands over the records of one event one batch after the other, in order.
    stream="NEW_IMAGE",
    expires_by="expires_at",
)

TABLES = (EVENTS, USERS, REGISTRATIONS, WAITLIST, JOURNAL, CARDS, REQUESTS)


def create_tables(client: DynamoDBClient, prefix: str = DEFAULT_PREFIX) -> tuple[str, ...]:
    """Create the missing tables, on demand. Wait until all are active, and return the names of the new ones."""
    created = []
    for table in TABLES:
        name = prefix + table.name
        try:
            client.create_table(**definition(table, prefix))
        except client.exceptions.ResourceInUseException:
            continue
        created.append(name)
    for table in TABLES:  # another process may be creating some of them
        client.get_waiter("table_exists").wait(
            TableName=prefix + table.name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        _let_items_expire(client, table, prefix + table.name)
    return tuple(created)


def _let_items_expire(client: DynamoDBClient, table: Table, name: str) -> None:
    if table.expires_by is None:
        return
    found = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if found.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table.expires_by},
        )


def missing_tables(client: DynamoDBClient, prefix: str = DEFAULT_PREFIX) -> tuple[str, ...]:
    """Return the names of the tables, and of the indexes (`table/index`), that don't exist."""
    missing = []
    for table in TABLES:
        name = prefix + table.name
        try:
            found = client.describe_table(TableName=name)["Table"]
        except client.exceptions.ResourceNotFoundException:
            missing.append(name)
            continue
        indexes = {index["IndexName"] for index in found.get("GlobalSecondaryIndexes", ())}
        missing += [f"{name}/{index.name}" for index in table.indexes if index.name not in indexes]
    return tuple(missing)


def definition(table: Table, prefix: str) -> dict[str, Any]:
    """Return the arguments of CreateTable."""
    keys = [table.key, *(index.key for index in table.indexes)]
    attributes = sorted({name for key in keys for name in key.names()})
    arguments: dict[str, Any] = {
        "TableName": prefix + table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table.key),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "N" if name in NUMBERS else "S"}
            for name in attributes
        ],
    }
    if table.indexes:
        arguments["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index.key),
                "Projection": _projection(index),
            }
            for index in table.indexes
        ]
    if table.stream is not None:
        arguments["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream}
    return arguments


def _key_schema(key: Key) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in zip(key.names(), ("HASH", "RANGE"), strict=False)
    ]


def _projection(index: Index) -> dict[str, Any]:
    if index.carries is None:
        return {"ProjectionType": "ALL"}
    if not index.carries:
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.carries)}
