"""Models as DynamoDB's items, and back. What comes back is rebuilt; it was judged when it came in.

An item carries the version of its form in `v`. This module reads every version that was ever
deployed, and writes the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar
from zlib import crc32

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import BaseModel

from domain.enums import EventStatus, RegistrationStatus
from domain.models import (
    Card,
    DeliveryState,
    DueEvent,
    Event,
    JournalEntry,
    ListedEvent,
    Registration,
    User,
    WaitlistEntry,
)
from storage.dynamodb.schema import UNDELIVERED_SHARDS

VERSION = 1

Item = dict[str, Any]
M = TypeVar("M", bound=BaseModel)

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_wire(values: Mapping[str, Any]) -> Item:
    """Return values with their DynamoDB types; None is an attribute that is not there."""
    return {
        name: _serializer.serialize(_to_plain(value))
        for name, value in values.items()
        if value is not None
    }


def from_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's values: str, int, bool, lists and dicts of them. Raises `ValueError` for a newer form."""
    values = {name: _from_plain(_deserializer.deserialize(value)) for name, value in item.items()}
    if values.get("v", VERSION) > VERSION:
        raise ValueError(
            f"an item has form {values['v']}, written by a newer Rollcall; this one reads up to {VERSION}"
        )
    return values


def moment(value: datetime) -> str:
    """Return a time as text that sorts as the time does: UTC, always with microseconds."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _to_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _to_plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_to_plain(part) for part in value]
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _from_plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_from_plain(part) for part in value]
    return value


class Items:
    """The items of one workspace, whose id begins every key."""

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id

    def key(self, identifier: str) -> str:
        """Return an event's or user's key."""
        return f"{self.workspace_id}#{identifier}"

    def identifier(self, key: str) -> str:
        """Return the event's or user's id of a key."""
        return key.removeprefix(f"{self.workspace_id}#")

    def shard(self, number: int) -> str:
        """Return a key of the index of what is undelivered."""
        return f"{self.workspace_id}#{number}"

    def shard_of(self, event_id: str) -> str:
        """Return the key of that index under which an event's entries stand."""
        return self.shard(crc32(event_id.encode()) % UNDELIVERED_SHARDS)

    # Model to item

    def event(self, event: Event) -> Item:
        """Return the item of Events: listed by start unless it is deleted."""
        values = event.model_dump() | {
            "event_id": self.key(event.event_id),
            "closes_at": event.registration_deadline or event.starts_at,
            "upcoming_in": self.workspace_id if event.deletion is None else None,
            "unfinished_in": self.workspace_id if event.is_unfinished else None,
            "due_in": self.workspace_id if event.next_due_at else None,
        }
        return to_wire(values | {"v": VERSION})

    def user(self, user: User) -> Item:
        """Return the item of Users."""
        values = user.model_dump() | {
            "user_id": self.key(user.user_id),
            "member_of": self.workspace_id,
            "unfinished_in": self.workspace_id if user.deletion else None,
        }
        return to_wire(values | {"v": VERSION})

    def registration(self, row: Registration) -> Item:
        """Return the item of Registrations: on the roster while it has a seat."""
        seated = row.status is RegistrationStatus.REGISTERED
        values = row.model_dump() | {
            "user_id": self.key(row.user_id),
            "event_id": self.key(row.event_id),
            "seated_in": self.key(row.event_id) if seated else None,
        }
        return to_wire(values | {"v": VERSION})

    def waiting(self, event_id: str, waiting: WaitlistEntry) -> Item:
        """Return the item of Waitlist."""
        return to_wire(
            {
                "event_id": self.key(event_id),
                "ticket": waiting.ticket,
                "user_id": self.key(waiting.user_id),
                "registered_at": waiting.registered_at,
                "v": VERSION,
            }
        )

    def entry(self, entry: JournalEntry, *, owed: bool = True) -> Item:
        """Return the item of Journal: undelivered, unless nothing is owed."""
        values = entry.model_dump() | {
            "event_id": self.key(entry.event_id),
            "undelivered_in": self.shard_of(entry.event_id) if owed else None,
        }
        return to_wire(values | {"v": VERSION})

    def delivery(self, delivery: DeliveryState) -> Item:
        """Return the item of Journal that stands at version 0."""
        values = delivery.model_dump() | {"event_id": self.key(delivery.event_id), "version": 0}
        return to_wire(values | {"v": VERSION})

    def card(self, card: Card) -> Item:
        """Return the item of Cards."""
        return to_wire(
            {
                "event_id": self.key(card.event_id),
                "message": card_key(card.channel_id, card.message_ts),
                "rendered_version": card.rendered_version,
                "v": VERSION,
            }
        )

    # Item to model

    def _rebuilt(self, model: type[M], item: Mapping[str, Any]) -> M:
        values = from_wire(item)
        for name in ("event_id", "user_id"):
            if name in values:
                values[name] = self.identifier(values[name])
        fields = model.model_fields
        given = {name: value for name, value in values.items() if name in fields}
        absent = {name for name, field in fields.items() if field.is_required()} - given.keys()
        return model.model_validate(given | dict.fromkeys(absent))

    def to_event(self, item: Mapping[str, Any]) -> Event:
        """Return the event of an item."""
        return self._rebuilt(Event, item)

    def to_user(self, item: Mapping[str, Any]) -> User:
        """Return the user of an item."""
        return self._rebuilt(User, item)

    def to_registration(self, item: Mapping[str, Any]) -> Registration:
        """Return the registration of an item."""
        return self._rebuilt(Registration, item)

    def to_entry(self, item: Mapping[str, Any]) -> JournalEntry:
        """Return the journal's entry of an item."""
        entry = self._rebuilt(JournalEntry, item)
        # Recorded once more where the answer was lost.
        return entry.model_copy(update={"unreachable": tuple(dict.fromkeys(entry.unreachable))})

    def to_delivery(self, item: Mapping[str, Any]) -> DeliveryState:
        """Return the delivery of the journal's item at version 0."""
        return self._rebuilt(DeliveryState, item)

    def to_waiting(self, item: Mapping[str, Any]) -> WaitlistEntry:
        """Return the place in line of an item."""
        values = from_wire(item)
        registered_at = datetime.fromisoformat(values["registered_at"])
        return WaitlistEntry(values["ticket"], self.identifier(values["user_id"]), registered_at)

    def to_listed(self, item: Mapping[str, Any]) -> ListedEvent:
        """Return what the index of coming events carries."""
        values = from_wire(item)
        return ListedEvent(
            self.identifier(values["event_id"]),
            values["title"],
            datetime.fromisoformat(values["starts_at"]),
            EventStatus(values["status"]),
            datetime.fromisoformat(values["closes_at"]),
            values["listed"],
        )

    def to_due(self, item: Mapping[str, Any]) -> DueEvent:
        """Return what the index of due events carries."""
        values = from_wire(item)
        due_at = datetime.fromisoformat(values["next_due_at"])
        return DueEvent(self.identifier(values["event_id"]), due_at)

    def to_card(self, item: Mapping[str, Any]) -> Card:
        """Return the card of an item."""
        values = from_wire(item)
        channel_id, _, message_ts = values["message"].partition("#")
        return Card(
            event_id=self.identifier(values["event_id"]),
            channel_id=channel_id,
            message_ts=message_ts,
            rendered_version=values["rendered_version"],
        )


def card_key(channel_id: str, message_ts: str) -> str:
    """Return a card's range key."""
    return f"{channel_id}#{message_ts}"
