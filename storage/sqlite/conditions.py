"""A plan's actions as statements: each write or check with its condition.

A statement that affects no row means that its condition doesn't hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import assert_never

from domain.models import Event, Registration
from domain.planning.plan import (
    Action,
    CheckUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.ports import Conflict
from storage.sqlite.rows import to_micros, waitlist_body

Write = Callable[..., None]


def apply(connection: sqlite3.Connection, workspace_id: str, action: Action) -> None:
    """Apply an action in the connection's transaction. Raise `Conflict` if its condition doesn't hold."""

    def write(statement: str, *values: object) -> None:
        if connection.execute(statement, (*values,)).rowcount != 1:
            raise Conflict(f"{type(action).__name__}: its condition does not hold")

    match action:
        case PutEvent(event, replaces):
            _put_event(write, workspace_id, event, replaces)
        case PutRegistration(registration, replaces):
            _put_registration(write, workspace_id, registration, replaces)
        case DeleteRegistration(registration):
            write(
                "DELETE FROM registrations WHERE workspace = ? AND user_id = ? AND event_id = ?"
                " AND ticket = ? AND status = ?",
                *(
                    workspace_id,
                    registration.user_id,
                    registration.event_id,
                    registration.ticket,
                    registration.status,
                ),
            )
        case PutWaitlistEntry(event_id, entry):
            # The event gives each ticket once, so no one else can have this entry's key.
            write(
                "INSERT INTO waitlist (workspace, event_id, ticket, user_id, body)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *(workspace_id, event_id, entry.ticket, entry.user_id, waitlist_body(entry)),
            )
        case DeleteWaitlistEntry(event_id, entry):
            # The entry exists and is this user's, so no one is promoted twice or for someone else.
            write(
                "DELETE FROM waitlist WHERE workspace = ? AND event_id = ? AND ticket = ?"
                " AND user_id = ?",
                *(workspace_id, event_id, entry.ticket, entry.user_id),
            )
        case CheckUser(user_id):
            _check_user(connection, workspace_id, user_id)
        case PutJournalEntry(journal_entry, is_undelivered):
            # One entry per version: it proves which plan made that version.
            write(
                "INSERT INTO journal (workspace, event_id, version, plan_id, is_undelivered, body)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *(workspace_id, journal_entry.event_id, journal_entry.version),
                *(journal_entry.plan_id, is_undelivered, journal_entry.model_dump_json()),
            )
        case _:
            assert_never(action)


def _check_user(connection: sqlite3.Connection, workspace_id: str, user_id: str) -> None:
    """Require that the user exists and no deletion has started (R7.1)."""
    found = connection.execute(
        "SELECT 1 FROM users WHERE workspace = ? AND user_id = ? AND deletion_id IS NULL",
        (workspace_id, user_id),
    )
    if found.fetchone() is None:
        raise Conflict(f"{user_id} does not exist or is being deleted")


def _put_event(write: Write, workspace_id: str, event: Event, replaces: int | None) -> None:
    values = (
        event.version,
        to_micros(event.starts_at),
        None if event.ends_at is None else to_micros(event.ends_at),
        event.deletion is None,
        event.is_unfinished,
        None if event.next_due_at is None else to_micros(event.next_due_at),
        event.model_dump_json(),
        workspace_id,
        event.event_id,
    )
    if replaces is None:
        # The id was never used: a deleted event leaves its tombstone (R7.2).
        write(
            "INSERT INTO events (version, starts_at, ends_at, is_shown, is_unfinished, next_due_at,"
            " body, workspace, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *values,
        )
    else:
        # R3, R4 and R7 rest on this condition: nothing of the event has changed since it was read,
        # because every change raises the version.
        write(
            "UPDATE events SET version = ?, starts_at = ?, ends_at = ?, is_shown = ?,"
            " is_unfinished = ?, next_due_at = ?, body = ? WHERE workspace = ? AND event_id = ? AND version = ?",
            *values,
            replaces,
        )


def _put_registration(
    write: Write, workspace_id: str, registration: Registration, replaces: Registration | None
) -> None:
    values = (
        registration.status,
        registration.ticket,
        registration.model_dump_json(),
        workspace_id,
        registration.user_id,
        registration.event_id,
    )
    if replaces is None:
        # One registration per user and event.
        write(
            "INSERT INTO registrations (status, ticket, body, workspace, user_id, event_id)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *values,
        )
    else:
        write(
            "UPDATE registrations SET status = ?, ticket = ?, body = ?"
            " WHERE workspace = ? AND user_id = ? AND event_id = ? AND ticket = ? AND status = ?",
            *values,
            replaces.ticket,
            replaces.status,
        )
