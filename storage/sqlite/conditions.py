"""A plan's actions as statements: each write or check with its condition.

A statement that affects no row means that its condition doesn't hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import assert_never

from domain.models import Registration
from domain.planning.plan import (
    Action,
    CheckRegistration,
    CheckUser,
    CreateUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    PutBatchResults,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.ports import Conflict
from storage.sqlite.rows import (
    Columns,
    assignments,
    event_columns,
    insertion,
    journal_columns,
    registration_columns,
    user_columns,
    waitlist_columns,
)

Write = Callable[..., None]


def apply(connection: sqlite3.Connection, workspace_id: str, action: Action) -> None:
    """Apply an action in the connection's transaction. Raise `Conflict` if its condition doesn't hold."""

    def write(statement: str, **values: object) -> None:
        if connection.execute(statement, {"workspace": workspace_id, **values}).rowcount != 1:
            raise Conflict(f"{type(action).__name__}: its condition does not hold")

    match action:
        case PutEvent(event, replaces):
            _put_event(write, event_columns(event), replaces)
        case PutRegistration(registration, replaces):
            _put_registration(write, registration_columns(registration), replaces)
        case DeleteRegistration(registration):
            write(
                "DELETE FROM registrations WHERE workspace = :workspace AND user_id = :user_id"
                " AND event_id = :event_id AND ticket = :ticket AND status = :status",
                **registration_columns(registration),
            )
        case PutWaitlistEntry(event_id, entry):
            # The event gives each ticket once, so no one else can have this entry's key.
            _insert(write, "waitlist", waitlist_columns(event_id, entry))
        case DeleteWaitlistEntry(event_id, entry):
            # The entry exists and is this user's, so no one is promoted twice or for someone else.
            write(
                "DELETE FROM waitlist WHERE workspace = :workspace AND event_id = :event_id"
                " AND ticket = :ticket AND user_id = :user_id",
                **waitlist_columns(event_id, entry),
            )
        case CheckUser(user_id, may_be_missing):
            _check_user(connection, workspace_id, user_id, may_be_missing=may_be_missing)
        case CheckRegistration(registration):
            _check_registration(connection, workspace_id, registration)
        case CreateUser(user):
            # There is no such user, not even one that is being deleted.
            _insert(write, "users", user_columns(user))
        case PutJournalEntry(journal_entry, is_undelivered):
            # One entry per version: it proves which plan made that version.
            columns = journal_columns(journal_entry, is_undelivered=is_undelivered)
            _insert(write, "journal", columns)
        case PutBatchResults():
            raise TypeError("a SQLite file has no request queue")
        case _:
            assert_never(action)


def _insert(write: Write, table: str, columns: Columns) -> None:
    """Insert a row, unless its key is taken."""
    statement = insertion(table, {"workspace": None, **columns})
    write(f"{statement} ON CONFLICT DO NOTHING", **columns)


def _check_user(
    connection: sqlite3.Connection, workspace_id: str, user_id: str, *, may_be_missing: bool
) -> None:
    """Require that the user exists (R7.1), unless an organizer is no user (R2.9), and no deletion has started."""
    found = connection.execute(
        "SELECT deletion_id FROM users WHERE workspace = ? AND user_id = ?", (workspace_id, user_id)
    ).fetchone()
    is_checked = may_be_missing if found is None else found == (None,)
    if not is_checked:
        raise Conflict(f"{user_id} does not exist or is being deleted")


def _check_registration(
    connection: sqlite3.Connection, workspace_id: str, registration: Registration
) -> None:
    columns = registration_columns(registration)
    found = connection.execute(
        "SELECT 1 FROM registrations WHERE workspace = :workspace AND user_id = :user_id"
        " AND event_id = :event_id AND ticket = :ticket AND status = :status",
        {"workspace": workspace_id, **columns},
    ).fetchone()
    if found is None:
        user_id, event_id = registration.user_id, registration.event_id
        raise Conflict(f"the registration of {user_id} in {event_id} is another one, or gone")


def _put_event(write: Write, columns: Columns, replaces: int | None) -> None:
    if replaces is None:
        # The id was never used: a deleted event leaves its tombstone (R7.2).
        _insert(write, "events", columns)
        return
    # R3, R4 and R7 rest on this condition: nothing of the event has changed since it was read,
    # because every change raises the version.
    write(
        f"UPDATE events SET {assignments(columns)} WHERE workspace = :workspace"  # noqa: S608  # our own names
        " AND event_id = :event_id AND version = :replaces",
        replaces=replaces,
        **columns,
    )


def _put_registration(write: Write, columns: Columns, replaces: Registration | None) -> None:
    if replaces is None:
        # One registration per user and event.
        _insert(write, "registrations", columns)
        return
    write(
        f"UPDATE registrations SET {assignments(columns)} WHERE workspace = :workspace"  # noqa: S608  # our own names
        " AND user_id = :user_id AND event_id = :event_id"
        " AND ticket = :old_ticket AND status = :old_status",
        old_ticket=replaces.ticket,
        old_status=replaces.status,
        **columns,
    )
