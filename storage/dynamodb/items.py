"""Models as DynamoDB items, and back. `domain.inputs` checks values before they are written.

An item has the version of its form in `v`. This module reads every version that was ever deployed,
and writes the newest. Attributes that this version doesn't know stay on the model as extra fields,
and are written back with it (R7.7). Only waitlist entries drop them: an entry is never rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar
from zlib import crc32

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import BaseModel, TypeAdapter

from domain.enums import RegistrationStatus
from domain.models import (
    Card,
    DeliveryState,
    DueEvent,
    Event,
    JournalEntry,
    ListedEvent,
    Registration,
    ReplyJob,
    User,
    WaitlistEntry,
)
from storage.dynamodb.schema import (
    CARDS,
    EVENTS,
    JOURNAL,
    REGISTRATIONS,
    TABLES,
    UNDELIVERED_SHARDS,
    USERS,
    WAITLIST,
    Table,
)
from storage.older_forms import modernized
from storage.unreadable import WRONG, unreadable

VERSION = 2
"""The version of the form that is written. Raise it with every change of what is stored (R7.7).

1: the first. 2: blocks of the waitlist are of 500 tickets; in form 1, of 1,000 or 500."""

SERIES_VERSION = 3
"""The version of the form of series, and of occurrences that are opening. Everything else is written as before.

A Rollcall that knows no series must not take one for an event: it refuses the item instead (R7.7)."""

STORE_ATTRIBUTES = frozenset(
    {
        *("v", "closes_at", "kept_until"),
        *(index.key.hash for table in TABLES for index in table.indexes),
        *(table.expires_by for table in TABLES if table.expires_by is not None),
    }
)
"""Attributes that this module adds to an item and that no model has."""

Item = dict[str, Any]
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

# `schema` and this module define the shapes of items, not boto3's types.
_serializer: Any = TypeSerializer()
_deserializer: Any = TypeDeserializer()


def to_wire(values: Mapping[str, Any]) -> Item:
    """Return values with their DynamoDB types. None means that the item lacks the attribute."""
    return {name: _to_wire(value) for name, value in values.items() if value is not None}


def _to_wire(value: Any) -> dict[str, Any]:
    if isinstance(value, str):  # of an enum, too: as its value
        return {"S": value.value if isinstance(value, Enum) else value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, datetime):
        return {"S": moment(value)}
    if isinstance(value, date):
        return {"S": value.isoformat()}
    if isinstance(value, Mapping):
        return {
            "M": {str(name): _to_wire(part) for name, part in value.items() if part is not None}
        }
    if isinstance(value, list | tuple):
        return {"L": [_to_wire(part) for part in value]}
    return _serialized(value)


def _serialized(value: Any) -> dict[str, Any]:
    wire: dict[str, Any] = _serializer.serialize(value)
    return wire


def from_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's values: str, int, bool, lists and dicts of them. Raise `ValueError` for a newer form."""
    _require_known_form(item)
    return {name: _from_wire(value) for name, value in item.items()}


def _require_known_form(item: Mapping[str, Any]) -> None:
    if _version_of(item) > SERIES_VERSION:
        raise ValueError(
            f"an item has form {_version_of(item)}, written by a newer Rollcall; "
            f"this one reads up to {SERIES_VERSION}"
        )


def _from_wire(wire: Mapping[str, Any]) -> Any:
    # Most of a long list's time was spent here. boto3's way takes several times as long.
    held = wire.get("S")
    if held is not None:
        return held
    held = wire.get("N")
    if held is not None and held.isdecimal():
        return int(held)
    if "BOOL" in wire:
        return wire["BOOL"]
    if "M" in wire:
        return {name: _from_wire(part) for name, part in wire["M"].items()}
    if "L" in wire:
        return [_from_wire(part) for part in wire["L"]]
    return _from_plain(_deserializer.deserialize(wire))


def moment(value: datetime) -> str:
    """Return a time as text that sorts as the time does: UTC, always with microseconds."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _from_plain(value: Any) -> Any:
    """Return a number as an int if it is whole. Others, and what Rollcall never stores, stay as boto3 gives them."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


class Items:
    """The items of one workspace. Every key starts with the workspace's id."""

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id

    def key(self, identifier: str) -> str:
        """Return the key of an event's or a user's id."""
        return f"{self.workspace_id}#{identifier}"

    def identifier(self, key: str) -> str:
        """Return the event's or user's id of a key."""
        return key.removeprefix(f"{self.workspace_id}#")

    def shard(self, number: int) -> str:
        """Return the hash key of a shard of the index `undelivered`."""
        return f"{self.workspace_id}#{number}"

    def shard_of(self, event_id: str) -> str:
        """Return the hash key of the shard that holds an event's or a job's entries.

        Replies to one user share a shard, so they are listed in order.
        """
        reply = ReplyJob.of(event_id)
        key = event_id if reply is None else reply.user_id
        return self.shard(crc32(key.encode()) % UNDELIVERED_SHARDS)

    def list_of(self, event: Event) -> str | None:
        """Return the hash key of the list in the index `upcoming` that an event is in. None: it is deleted."""
        if event.deletion is not None:
            return None
        return self.workspace_id if event.series is None else self.series_list

    @property
    def series_list(self) -> str:
        """The hash key of the list of series: no list of events has them."""
        return f"{self.workspace_id}#series"

    # Model to item

    def event(self, event: Event) -> Item:
        """Return the item of Events. It is in the index `upcoming` unless the event is deleted, see `list_of`."""
        values = event.model_dump() | {
            "event_id": self.key(event.event_id),
            "closes_at": event.closes_at,
            "upcoming_in": self.list_of(event),
            "unfinished_in": self.workspace_id if event.is_unfinished else None,
            "due_in": self.workspace_id if event.next_due_at else None,
        }
        has_newer_form = event.series is not None or event.is_opening
        return to_wire(values | {"v": SERIES_VERSION if has_newer_form else VERSION})

    def user(self, user: User) -> Item:
        """Return the item of Users."""
        values = user.model_dump() | {
            "user_id": self.key(user.user_id),
            "member_of": self.workspace_id,
            "unfinished_in": self.workspace_id if user.deletion_id else None,
        }
        return to_wire(values | {"v": VERSION})

    def registration(self, registration: Registration) -> Item:
        """Return the item of Registrations. It is in the index `roster` while it has a seat."""
        has_seat = registration.status is RegistrationStatus.REGISTERED
        values = registration.model_dump() | {
            "user_id": self.key(registration.user_id),
            "event_id": self.key(registration.event_id),
            "seated_in": self.key(registration.event_id) if has_seat else None,
        }
        return to_wire(values | {"v": VERSION})

    def waitlist_entry(self, event_id: str, entry: WaitlistEntry) -> Item:
        """Return the item of Waitlist."""
        values = asdict(entry) | {
            "event_id": self.key(event_id),
            "user_id": self.key(entry.user_id),
        }
        return to_wire(values | {"v": VERSION})

    def journal_entry(self, entry: JournalEntry, *, is_undelivered: bool = True) -> Item:
        """Return the item of Journal. It expires only once it is delivered."""
        kept_until = int(entry.kept_until.timestamp())
        values = entry.model_dump() | {
            "event_id": self.key(entry.event_id),
            "undelivered_in": self.shard_of(entry.event_id) if is_undelivered else None,
            "kept_until": kept_until,
            "expires_at": None if is_undelivered else kept_until,
        }
        return to_wire(values | {"v": VERSION})

    def delivery(self, delivery: DeliveryState) -> Item:
        """Return the item of Journal at version 0."""
        values = delivery.model_dump() | {"event_id": self.key(delivery.event_id), "version": 0}
        return to_wire(values | {"v": VERSION})

    def card(self, card: Card) -> Item:
        """Return the item of Cards."""
        values = card.model_dump(exclude={"channel_id", "message_ts"}) | {
            "event_id": self.key(card.event_id),
            "message": card_key(card.channel_id, card.message_ts),
        }
        return to_wire(values | {"v": VERSION})

    # Item to model

    # Each raises `UnreadableRow`.

    def to_event(self, item: Mapping[str, Any]) -> Event:
        """Return the event of an item. Its blocks are right if `has_known_blocks`."""
        return self._read(EVENTS, item, lambda: self._to_model(Event, item))

    def to_user(self, item: Mapping[str, Any]) -> User:
        """Return the user of an item."""
        return self._read(USERS, item, lambda: self._to_model(User, item))

    def to_registration(self, item: Mapping[str, Any]) -> Registration:
        """Return the registration of an item."""
        return self._read(REGISTRATIONS, item, lambda: self._to_model(Registration, item))

    def to_journal_entry(self, item: Mapping[str, Any]) -> JournalEntry:
        """Return the journal entry of an item."""
        entry = self._read(JOURNAL, item, lambda: self._to_model(JournalEntry, item))
        # A recipient is recorded twice if the answer to the first request was lost.
        return entry.model_copy(update={"unreachable": tuple(dict.fromkeys(entry.unreachable))})

    def to_delivery(self, item: Mapping[str, Any]) -> DeliveryState:
        """Return the delivery row of the journal's item at version 0."""
        rest = {name: item[name] for name in item if name != "version"}
        return self._read(JOURNAL, item, lambda: self._to_model(DeliveryState, rest))

    def to_waitlist_entry(self, item: Mapping[str, Any]) -> WaitlistEntry:
        """Return the waitlist entry of an item."""
        return self._read(
            WAITLIST, item, lambda: _waitlist_entries().validate_python(self._values(item))
        )

    def to_listed(self, item: Mapping[str, Any]) -> ListedEvent:
        """Return what the index `upcoming` carries of an event. The item's version is not among it."""

        def read() -> ListedEvent:
            values = modernized(Event, from_wire(item))
            values["event_id"] = self.identifier(values["event_id"])
            return _listed_events().validate_python(values)

        return self._read(EVENTS, item, read)

    def to_due(self, item: Mapping[str, Any]) -> DueEvent:
        """Return what the index `due` carries of an event."""

        def read() -> DueEvent:
            values = from_wire(item)
            due_at = datetime.fromisoformat(values["next_due_at"])
            return DueEvent(self.identifier(values["event_id"]), due_at)

        return self._read(EVENTS, item, read)

    def to_card(self, item: Mapping[str, Any]) -> Card:
        """Return the card of an item."""
        channel_id, _, message_ts = item["message"]["S"].partition("#")
        rest = {name: item[name] for name in item if name != "message"}
        return self._read(
            CARDS,
            item,
            lambda: self._to_model(Card, rest, channel_id=channel_id, message_ts=message_ts),
        )

    def _read(self, table: Table, item: Mapping[str, Any], read: Callable[[], T]) -> T:
        try:
            return read()
        except WRONG as error:
            key = {
                name: self.identifier(str(value))
                for name in table.key.names()
                for value in item[name].values()
            }
            raise unreadable(table.name, key, error) from None

    def _values(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return an item's values with ids instead of keys, without the store's own attributes."""
        _require_known_form(item)
        values = {
            name: wire["S"] if "S" in wire else _from_wire(wire)  # most are text
            for name, wire in item.items()
            if name not in STORE_ATTRIBUTES
        }
        for name in ("event_id", "user_id"):
            if name in values:
                values[name] = self.identifier(values[name])
        return values

    def _to_model(self, model: type[M], item: Mapping[str, Any], **more: str) -> M:
        """Return the model. A required field that the item lacks is None."""
        values = self._values(item) | more
        if _version_of(item) < VERSION:
            values = modernized(model, values)
        return model.model_validate(dict.fromkeys(_required(model)) | values)


def has_known_blocks(item: Mapping[str, Any]) -> bool:
    """Return whether an event's item has blocks of `WAITLIST_BLOCK` tickets: form 1 may have others."""
    return _version_of(item) > 1


def _version_of(item: Mapping[str, Any]) -> int:
    return int(item["v"]["N"]) if "v" in item else VERSION


@cache
def _required(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of a model's required fields."""
    return tuple(name for name, field in model.model_fields.items() if field.is_required())


@cache
def _listed_events() -> TypeAdapter[ListedEvent]:
    return TypeAdapter(ListedEvent)


@cache
def _waitlist_entries() -> TypeAdapter[WaitlistEntry]:
    return TypeAdapter(WaitlistEntry)


def card_key(channel_id: str, message_ts: str) -> str:
    """Return a card's range key."""
    return f"{channel_id}#{message_ts}"
