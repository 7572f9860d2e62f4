"""The migration of an older file: every row is read in its old form, and written in today's.

So a new column needs no code here: it is computed from the bodies, as by every other write.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from domain.models import (
    Card,
    DeliveryState,
    Event,
    JournalEntry,
    Registration,
    User,
    WaitlistEntry,
)
from storage.older_forms import modernized, recounted
from storage.sqlite.rows import (
    CARDS,
    DELIVERIES,
    EVENTS,
    JOURNAL,
    REGISTRATIONS,
    USERS,
    WAITLIST,
    Columns,
    card_columns,
    delivery_columns,
    event_columns,
    from_micros,
    insertion,
    journal_columns,
    registration_columns,
    user_columns,
    waitlist_columns,
)
from storage.sqlite.schema import SCHEMA, SCHEMA_VERSION
from storage.unreadable import WRONG, unreadable

M = TypeVar("M", bound=BaseModel)

OldRow = dict[str, Any]
"""A row of an older file by column."""

_KEYS = {
    stored.table: stored.key
    for stored in (EVENTS, USERS, REGISTRATIONS, WAITLIST, JOURNAL, DELIVERIES, CARDS)
}

_WAITLIST_ENTRIES = TypeAdapter(WaitlistEntry)


def migrate(connection: sqlite3.Connection) -> None:
    """Rewrite all rows of a file with an earlier schema version, in the caller's transaction.

    The connection's foreign keys are off: a damaged file stays as it is, for `rollcall check` to report.
    Raise `UnreadableRow` for a row that can't be read.
    """
    indexes = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    for (name,) in connection.execute(indexes).fetchall():
        connection.execute(f"DROP INDEX {name}")
    for table in _NEW_ROWS:
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    for table in _NEW_ROWS:
        _rewrite(connection, table)
    for table in _NEW_ROWS:
        connection.execute(f"DROP TABLE old_{table}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _rewrite(connection: sqlite3.Connection, table: str) -> None:
    rows = connection.execute(f"SELECT * FROM old_{table}")  # noqa: S608  # our own names
    names = [column[0] for column in rows.description]
    for row in rows:
        old = dict(zip(names, row, strict=True))
        try:
            columns = {"workspace": old["workspace"], **_NEW_ROWS[table](connection, old)}
        except WRONG as error:
            key = {name: old[name] for name in _KEYS[table] if name in old}
            raise unreadable(table, key, error) from None
        connection.execute(insertion(table, columns), columns)


def _model(model: type[M], old: OldRow) -> M:
    return model.model_validate(modernized(model, _values(old)))


def _values(old: OldRow) -> dict[str, Any]:
    """Return the values of a row's body. Versions 1 and 2 had columns instead in some tables."""
    if "body" in old:
        values: dict[str, Any] = json.loads(old["body"])
        return values
    return {
        name: from_micros(value) if name in ("registered_at", "seated_at") and value else value
        for name, value in old.items()
        if name != "workspace"
    }


def _event(connection: sqlite3.Connection, old: OldRow) -> Columns:
    event = _model(Event, old)
    tickets: Iterator[tuple[int]] = connection.execute(
        "SELECT ticket FROM old_waitlist WHERE workspace = ? AND event_id = ?",
        (old["workspace"], old["event_id"]),
    )
    blocks = recounted(ticket for (ticket,) in tickets)
    committed_at = _committed_at(connection, old, event.version)
    values = {"waitlist_by_block": blocks, "committed_at": committed_at}
    return event_columns(event.model_copy(update=values))


def _committed_at(connection: sqlite3.Connection, old: OldRow, version: int) -> datetime | None:
    """Return when a version of an event was committed: files before version 6 say so only in the journal."""
    row = connection.execute(
        "SELECT body FROM old_journal WHERE workspace = ? AND event_id = ? AND version = ?",
        (old["workspace"], old["event_id"], version),
    ).fetchone()
    return None if row is None else datetime.fromisoformat(json.loads(row[0])["at"])


def _waitlist_entry(_: sqlite3.Connection, old: OldRow) -> Columns:
    values = _values(old)
    values.pop("event_id", None)
    return waitlist_columns(old["event_id"], _WAITLIST_ENTRIES.validate_python(values))


def _journal_entry(connection: sqlite3.Connection, old: OldRow) -> Columns:
    entry = _model(JournalEntry, old)
    previous_at = _committed_at(connection, old, entry.version - 1)
    return journal_columns(
        entry.model_copy(update={"previous_at": previous_at}),
        is_undelivered=bool(old["is_undelivered"]),
    )


# In this order, a row's foreign keys are written before it.
_NEW_ROWS: dict[str, Callable[[sqlite3.Connection, OldRow], Columns]] = {
    "events": _event,
    "users": lambda _, old: user_columns(_model(User, old)),
    "registrations": lambda _, old: registration_columns(_model(Registration, old)),
    "waitlist": _waitlist_entry,
    "journal": _journal_entry,
    "deliveries": lambda _, old: delivery_columns(_model(DeliveryState, old)),
    "cards": lambda _, old: card_columns(_model(Card, old)),
}
