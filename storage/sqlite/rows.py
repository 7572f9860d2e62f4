"""Models as the columns of rows, and back. A body is read back as it was written, without validation rules.

Every write takes a row's columns from here, and so does the migration of an older file: a new column is a
line in `schema.SCHEMA` and a line here, with a new `SCHEMA_VERSION`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from domain.models import (
    Card,
    DeliveryState,
    Event,
    JournalEntry,
    Registration,
    User,
    WaitlistEntry,
)
from storage.unreadable import WRONG, unreadable

M = TypeVar("M")

Row = tuple[Any, ...]

Columns = dict[str, object]
"""A row's values by column."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the time of `to_micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class StoredModel(Generic[M]):
    """How the rows of a table are read."""

    table: str
    key: tuple[str, ...]
    """The columns of the key, without the workspace."""
    parse: Callable[[str], M]
    """Makes the model of a body."""

    def read(self, row: Row) -> M:
        """Return the model of a row that begins with its body and then its key. Raise `UnreadableRow`."""
        try:
            return self.parse(row[0])
        except WRONG as error:
            key = dict(zip(self.key, row[1:], strict=False))
            raise unreadable(self.table, key, error) from None


def to_text(row: Row) -> str:
    """Return the first column, which is text."""
    return str(row[0])


@cache
def _waitlist_entries() -> TypeAdapter[WaitlistEntry]:
    return TypeAdapter(WaitlistEntry)


EVENTS = StoredModel("events", ("event_id",), Event.model_validate_json)

CACHED_EVENTS = replace(EVENTS, parse=lru_cache(maxsize=64)(Event.model_validate_json))
"""Most events are read a second time, unchanged, to verify their version."""

USERS = StoredModel("users", ("user_id",), User.model_validate_json)
REGISTRATIONS = StoredModel(
    "registrations", ("event_id", "user_id"), Registration.model_validate_json
)
WAITLIST: StoredModel[WaitlistEntry] = StoredModel(
    "waitlist", ("event_id", "ticket"), lambda body: _waitlist_entries().validate_json(body)
)
JOURNAL = StoredModel("journal", ("event_id", "version"), JournalEntry.model_validate_json)
DELIVERIES = StoredModel("deliveries", ("event_id",), DeliveryState.model_validate_json)
CARDS = StoredModel("cards", ("event_id", "channel_id", "message_ts"), Card.model_validate_json)


def event_columns(event: Event) -> Columns:
    """Return an event's columns, without the workspace's. It is in a list unless it is deleted."""
    return {
        "event_id": event.event_id,
        "version": event.version,
        "starts_at": to_micros(event.starts_at),
        "ends_at": None if event.ends_at is None else to_micros(event.ends_at),
        "list": _list_of(event),
        "is_unfinished": event.is_unfinished,
        "next_due_at": None if event.next_due_at is None else to_micros(event.next_due_at),
        "body": event.model_dump_json(),
    }


def _list_of(event: Event) -> str | None:
    if event.deletion is not None:
        return None
    return "events" if event.series is None else "series"


def user_columns(user: User) -> Columns:
    """Return a user's columns."""
    return {
        "user_id": user.user_id,
        "name": user.name,
        "revision": user.revision,
        "deletion_id": user.deletion_id,
        "body": user.model_dump_json(),
    }


def registration_columns(registration: Registration) -> Columns:
    """Return a registration's columns."""
    return {
        "user_id": registration.user_id,
        "event_id": registration.event_id,
        "status": registration.status,
        "ticket": registration.ticket,
        "body": registration.model_dump_json(),
    }


def waitlist_columns(event_id: str, entry: WaitlistEntry) -> Columns:
    """Return a waitlist entry's columns."""
    return {
        "event_id": event_id,
        "ticket": entry.ticket,
        "user_id": entry.user_id,
        "body": _waitlist_entries().dump_json(entry).decode(),
    }


def journal_columns(entry: JournalEntry, *, is_undelivered: bool) -> Columns:
    """Return a journal entry's columns."""
    return {
        "event_id": entry.event_id,
        "version": entry.version,
        "plan_id": entry.plan_id,
        "is_undelivered": is_undelivered,
        "kept_until": to_micros(entry.kept_until),
        "body": entry.model_dump_json(),
    }


def delivery_columns(delivery: DeliveryState) -> Columns:
    """Return a delivery row's columns."""
    return {
        "event_id": delivery.event_id,
        "holder": delivery.holder or "",
        "body": delivery.model_dump_json(),
    }


def card_columns(card: Card) -> Columns:
    """Return a card's columns."""
    return {
        "event_id": card.event_id,
        "channel_id": card.channel_id,
        "message_ts": card.message_ts,
        "rendered_version": card.rendered_version,
        "body": card.model_dump_json(),
    }


def insertion(table: str, columns: Columns) -> str:
    """Return the statement that inserts a row, with a named value for each column."""
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) VALUES (:{', :'.join(columns)})"  # noqa: S608  # our own names


_KEYS = frozenset({"workspace", "event_id", "user_id"})


def assignments(columns: Columns) -> str:
    """Return what an UPDATE of an event, a user or a registration sets: all but its key."""
    # A key in an UPDATE would make SQLite look for rows that refer to it.
    return ", ".join(f"{name} = :{name}" for name in columns if name not in _KEYS)
