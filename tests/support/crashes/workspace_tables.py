"""Tables of one workspace in DynamoDB, which can be saved, restored and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from domain.models import Card, DeliveryState, ExportJob, JournalEntry, User
from storage.dynamodb import schema
from storage.dynamodb.items import Item, Items, from_wire
from storage.dynamodb.store import DynamoDBStore
from tests.support.dynamodb.requests import written_by
from tests.support.invariants import assert_invariants
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WORKSPACE = "T1"

Stored = dict[tuple[str, str], Any]
"""Every stored item, by table and key."""

PER_RUN = frozenset(
    {
        *("version", "revision", "plan_id"),
        *("at", "previous_at", "committed_at", "created_at", "updated_at", "registered_at"),
    }
    | {"seated_at", "leased_until", "since", "registered_version", "seated_version"}
)
"""Fields that differ between two runs of the same calls: times, and ids of commits."""


@dataclass(frozen=True)
class WorkspaceState:
    """Stored data without the fields that differ between two runs of the same calls."""

    events: object
    users: object
    rows: object
    waitlist: object
    history: Mapping[str, tuple[object, ...]]
    """Changes and notifications by event, in order, however many commits wrote them."""
    jobs: tuple[object, ...]
    """The events with an export on its way, and what its journal holds."""
    delivered: tuple[object, ...]
    """The journal entries that no sweep would deliver any more."""
    deliveries: object
    cards: object


class WorkspaceTables:
    """Tables of one prefix, which no other test uses."""

    def __init__(self, client: DynamoDBClient, prefix: str) -> None:
        self._client: Any = client
        self._prefix = prefix
        self._is_watching = False
        self._scanned: dict[str, Stored] = {}
        """The items of tables that no one has written since their last scan."""

    @contextmanager
    def watching(self, client: DynamoDBClient) -> Iterator[None]:
        """Scan only tables that were written since their last scan: most of a test's requests are scans.

        Every write must go through this client or the tables' own. One that arrives later than it was sent needs
        `forget_scans`.
        """

        def forget(params: dict[str, Any], model: Any, **_: Any) -> None:
            for name in written_by(model.name, params):
                self._scanned.pop(name, None)

        events: list[Any] = [self._client.meta.events, client.meta.events]
        for each in events:
            each.register("before-parameter-build.dynamodb", forget, unique_id=id(self))
        self._is_watching = True
        try:
            yield
            known = self.stored()
            self.forget_scans()
            assert known == self.stored(), "a write was not noticed"
        finally:
            self._is_watching = False
            for each in events:
                each.unregister("before-parameter-build.dynamodb", forget, unique_id=id(self))

    def forget_scans(self) -> None:
        """Scan every table the next time."""
        self._scanned.clear()

    def store(self, client: DynamoDBClient | None = None) -> DynamoDBStore:
        """Return a store on the tables, with this client or the tables' own."""
        return DynamoDBStore(client or self._client, self._prefix, WORKSPACE)

    def stored(self) -> Stored:
        """Return every item."""
        found: Stored = {}
        for table in schema.TABLES:
            name = self._prefix + table.name
            if not self._is_watching or name not in self._scanned:
                self._scanned[name] = self._scan(table)
            found |= self._scanned[name]
        return found

    def _scan(self, table: schema.Table) -> Stored:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._prefix + table.name, ConsistentRead=True
        )
        return {
            (table.name, str([item[name] for name in table.key.names()])): item
            for page in pages
            for item in page["Items"]
        }

    def restore(self, wanted: Stored, stored: Stored | None = None) -> None:
        """Write the items of `wanted` and delete all others, much faster than preparing them again.

        `stored` has the present items, if the caller knows them.
        """
        keys = {table.name: table.key.names() for table in schema.TABLES}
        requests: list[tuple[str, dict[str, Any]]] = []
        if stored is None:
            stored = self.stored()
        for (table, key), item in stored.items():
            if (table, key) not in wanted:
                delete = {"Key": {name: item[name] for name in keys[table]}}
                requests.append((table, {"DeleteRequest": delete}))
        for (table, key), item in wanted.items():
            if stored.get((table, key)) != item:
                requests.append((table, {"PutRequest": {"Item": item}}))
        for chunk in (requests[at : at + 25] for at in range(0, len(requests), 25)):
            batch: dict[str, list[dict[str, Any]]] = {}
            for table, request in chunk:
                batch.setdefault(self._prefix + table, []).append(request)
            answer = self._client.batch_write_item(RequestItems=batch)
            assert not answer.get("UnprocessedItems")

    def state(
        self, stored: Stored | None = None, *, check_invariants: bool = True
    ) -> WorkspaceState:
        """Return what is stored; `check_invariants` asserts R7.5."""
        contents = _Contents(self.stored() if stored is None else stored)
        memory = contents.memory
        if check_invariants:
            assert_invariants(memory)
        return WorkspaceState(
            plain(memory.events),
            plain(memory.users),
            plain(memory.registrations),
            plain(memory.waitlist),
            {event_id: _history(memory, event_id) for event_id in memory.events},
            tuple(
                (job.event_id, plain(entry.notifications), plain(entry.about))
                for (_, entry) in sorted(memory.journal.items())
                if (job := ExportJob.of(entry.event_id)) is not None
            ),
            tuple(plain(entry) for entry in contents.delivered),
            plain(contents.deliveries),
            plain(contents.cards),
        )


class _Contents:
    """Stored items as models."""

    def __init__(self, stored: Stored) -> None:
        self.memory = MemoryStore()
        self.delivered: list[JournalEntry] = []
        self.deliveries: list[DeliveryState] = []
        self.cards: list[Card] = []
        self._items = Items(WORKSPACE)
        for (table, _), item in stored.items():
            self._add(table, item)

    def _add(self, table: str, item: Item) -> None:
        items, memory = self._items, self.memory
        match table:
            case schema.EVENTS.name:
                event = items.to_event(item)
                memory.events[event.event_id] = event
            case schema.USERS.name:
                user = items.to_user(item)
                memory.users[user.user_id] = user
            case schema.REGISTRATIONS.name:
                row = items.to_registration(item)
                memory.registrations[row.event_id, row.user_id] = row
            case schema.WAITLIST.name:
                waitlist_entry = items.to_waitlist_entry(item)
                event_id = items.identifier(from_wire(item)["event_id"])
                memory.waitlist[event_id, waitlist_entry.ticket] = waitlist_entry
            case schema.CARDS.name:
                self.cards.append(items.to_card(item))
            case _ if from_wire(item)["version"] == 0:
                self.deliveries.append(items.to_delivery(item))
            case _:
                entry = items.to_journal_entry(item)
                memory.journal[entry.event_id, entry.version] = entry
                if "undelivered_in" not in item:
                    self.delivered.append(entry)


def _history(memory: MemoryStore, event_id: str) -> tuple[object, ...]:
    entries = sorted((version, e) for (of, version), e in memory.journal.items() if of == event_id)
    found: list[object] = []
    for _, entry in entries:
        found += [*entry.changes, *entry.notifications, *entry.unreachable]
    return tuple(plain(one) for one in found)


def plain(value: object) -> object:
    """Return a value as nested tuples and dictionaries, without the fields in `PER_RUN`."""
    if isinstance(value, User):
        # The deletion id depends on which call came first.
        value = value.model_copy(update={"deletion_id": value.deletion_id is not None})
    if isinstance(value, BaseModel):
        return (type(value).__name__, plain(dict(value)))
    if is_dataclass(value) and not isinstance(value, type):
        values = {field.name: getattr(value, field.name) for field in fields(value)}
        return (type(value).__name__, plain(values))
    if isinstance(value, Mapping):
        given = cast("Mapping[object, object]", value)
        return {
            key: (each is not None) if key == "operation_id" else plain(each)
            for key, each in given.items()
            if key not in PER_RUN
        }
    if isinstance(value, list | tuple):
        return tuple(plain(each) for each in value)
    return value
