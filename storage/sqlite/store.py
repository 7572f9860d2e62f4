"""The store in an SQLite file: the same ports as DynamoDB's, with no feature of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from domain.models import (
    DueEvent,
    Event,
    JournalEntry,
    ListedEvent,
    Page,
    Registration,
    User,
    WaitlistEntry,
)
from domain.planning.plan import Action, Plan
from domain.ports import Conflict, Rows
from storage.sqlite.conditions import apply
from storage.sqlite.database import SQLiteFile
from storage.sqlite.outbox import SQLiteOutbox
from storage.sqlite.reader import ROWS_OF_ONE_REQUEST
from storage.sqlite.rows import (
    CACHED_EVENTS,
    EVENTS,
    JOURNAL,
    REGISTRATIONS,
    USERS,
    WAITLIST,
    Columns,
    Row,
    assignments,
    from_micros,
    insertion,
    to_micros,
    to_text,
    user_columns,
)

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62
"""Numbers below and above every ticket, version and time."""


def _to_listed(row: Row) -> ListedEvent:
    return ListedEvent.of(EVENTS.read(row))


def _organized_by(user_id: str | None) -> tuple[str, tuple[str, ...]]:
    """Return a condition on events, to add to others, and its values; nothing for None."""
    if user_id is None:
        return "", ()
    # Ids hold no quotes, so one in quotes is found in the list's JSON only as a whole.
    among = "instr(json_extract(body, '$.co_organizer_ids'), '\"' || ? || '\"') > 0"
    organizes = f"json_extract(body, '$.organizer_id') = ? OR {among}"
    # A body that is no JSON is read, to say which row has it.
    return f" AND CASE WHEN json_valid(body) THEN {organizes} ELSE true END", (user_id, user_id)


class SQLiteStore(SQLiteOutbox):
    """`domain.ports.Store` and `Outbox` of one workspace in a file.

    The file is created if it does not exist, and migrated if it has an earlier schema version. If it
    `must_exist`, it is neither. `busy_timeout` is in seconds, and shorter than a request's deadline. Raise
    `ValueError` if the file can't be used: it is not Rollcall's, newer, or damaged.
    """

    def __init__(
        self,
        path: str | Path,
        workspace_id: str,
        *,
        busy_timeout: float = 1.5,
        must_exist: bool = False,
    ) -> None:
        super().__init__(SQLiteFile(path, busy_timeout, must_exist=must_exist), workspace_id)

    def close(self) -> None:
        """Close the file. Later calls raise `Unavailable`."""
        self._file.close()

    # Events

    def get_event(self, event_id: str) -> Event | None:
        """See `Store.get_event`."""
        row = self._reader.first(
            "SELECT body, event_id FROM events WHERE workspace = ? AND event_id = ?", event_id
        )
        return None if row is None else CACHED_EVENTS.read(row)

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """See `Store.get_events`."""
        rows = self._reader.among(
            "SELECT body, event_id FROM events WHERE workspace = ? AND event_id IN", event_ids
        )
        return {row[1]: CACHED_EVENTS.read(row) for row in rows}

    def list_events(
        self,
        *,
        starting_from: datetime | None,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        """See `Store.list_events`."""
        first = _BEFORE_ALL if starting_from is None else to_micros(starting_from)
        is_organized, organizer = _organized_by(organizer_id)
        return self._reader.page(
            ("events",),
            "body, event_id",
            "events",
            f"list = 'events'{is_organized}",
            "starts_at, event_id",
            _to_listed,
            limit=limit,
            cursor=cursor,
            values=organizer,
            first=(first, ""),
        )

    def list_series(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[ListedEvent]:
        """See `Store.list_series`."""
        is_organized, organizer = _organized_by(organizer_id)
        return self._reader.page(
            ("series",),
            "body, event_id",
            "events",
            f"list = 'series'{is_organized}",
            "starts_at, event_id",
            _to_listed,
            limit=limit,
            cursor=cursor,
            values=organizer,
            first=(_BEFORE_ALL, ""),
        )

    def list_running_events(
        self,
        *,
        since: datetime,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        """See `Store.list_running_events`."""
        is_organized, organizer = _organized_by(organizer_id)
        return self._reader.page(
            ("running events",),
            "body, event_id",
            "events",
            f"list = 'events' AND ends_at IS NOT NULL AND starts_at < ?{is_organized}",
            "ends_at, event_id",
            _to_listed,
            limit=limit,
            cursor=cursor,
            values=(to_micros(since), *organizer),
            first=(to_micros(since), ""),
        )

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_events`."""
        return self._reader.page(
            ("unfinished events",),
            "event_id",
            "events",
            "is_unfinished = 1",
            "event_id",
            to_text,
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def list_due_events(self, *, limit: int, cursor: str | None = None) -> Page[DueEvent]:
        """See `Store.list_due_events`."""
        return self._reader.page(
            ("due events",),
            "event_id, next_due_at",
            "events",
            "next_due_at IS NOT NULL",
            "next_due_at, event_id",
            lambda row: DueEvent(str(row[0]), from_micros(row[1])),
            limit=limit,
            cursor=cursor,
            first=(_BEFORE_ALL, ""),
        )

    # Registrations

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        """See `Store.get_rows`."""
        registrations = self._reader.among(
            "SELECT body, event_id, user_id FROM registrations"
            " WHERE workspace = ? AND event_id = ? AND user_id IN",
            registrations_of,
            event_id,
        )
        found = self._reader.among(
            "SELECT body, user_id FROM users WHERE workspace = ? AND user_id IN", users
        )
        return Rows(
            {user.user_id: user for user in map(USERS.read, found)},
            {one.user_id: one for one in map(REGISTRATIONS.read, registrations)},
        )

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int | None
    ) -> tuple[WaitlistEntry, ...]:
        """See `Store.get_waitlist`."""
        rows = self._reader.all(
            "SELECT body, event_id, ticket FROM waitlist WHERE workspace = ? AND event_id = ?"
            " AND ticket > ? AND ticket <= ? ORDER BY ticket LIMIT ?",
            event_id,
            after,
            _AFTER_ALL if until is None else until,
            ROWS_OF_ONE_REQUEST if limit is None else limit,
        )
        return tuple(map(WAITLIST.read, rows))

    def count_entries_before(
        self, event_id: str, entry: WaitlistEntry, *, after: int
    ) -> int | None:
        """See `Store.count_entries_before`."""
        row = self._reader.first(
            "SELECT count(*), EXISTS (SELECT 1 FROM waitlist"
            " WHERE workspace = ?1 AND event_id = ?2 AND ticket = ?4)"
            " FROM waitlist WHERE workspace = ?1 AND event_id = ?2 AND ticket > ?3 AND ticket <= ?4",
            event_id,
            after,
            entry.ticket,
        )
        return row[0] - 1 if row is not None and row[1] else None

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        """See `Store.list_roster`."""
        return self._reader.page(
            ("roster", event_id),
            "body, event_id, user_id",
            "registrations",
            "status = 'registered' AND event_id = ?",
            "ticket",
            REGISTRATIONS.read,
            limit=limit,
            cursor=cursor,
            values=(event_id,),
            first=(0,),
        )

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        """See `Store.get_last_seated`."""
        rows = self._reader.all(
            "SELECT body, event_id, user_id FROM registrations"
            " WHERE workspace = ? AND status = 'registered'"
            " AND event_id = ? ORDER BY ticket DESC LIMIT ?",
            event_id,
            limit,
        )
        return tuple(map(REGISTRATIONS.read, rows))

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        """See `Store.get_registrations_of`."""
        rows = self._reader.all(
            "SELECT body, event_id, user_id FROM registrations WHERE workspace = ? AND user_id = ?",
            user_id,
        )
        return tuple(map(REGISTRATIONS.read, rows))

    def get_events_and_registrations(
        self, event_ids: Collection[str], user_id: str
    ) -> tuple[dict[str, Event], tuple[Registration, ...]]:
        """See `Store.get_events_and_registrations`. A file has one disk."""
        return self.get_events(event_ids), self.get_registrations_of(user_id)

    # Committing

    def commit(self, plan: Plan) -> None:
        """See `Store.commit`. The event's version is the first condition, so a conflict shows early."""
        try:
            with self._file.writing() as connection:
                for action in plan.actions:
                    self._apply(connection, action)
        except (Conflict, sqlite3.IntegrityError) as error:
            if self._has_applied(plan):
                return
            if isinstance(error, sqlite3.IntegrityError):
                # A foreign key: the user or the event does not exist.
                raise Conflict(str(error)) from error
            raise

    def _has_applied(self, plan: Plan) -> bool:
        if plan.event is None:
            return False
        entry = self._reader.first(
            "SELECT plan_id FROM journal WHERE workspace = ? AND event_id = ? AND version = ?",
            plan.event_id,
            plan.event.version,
        )
        return entry == (plan.plan_id,)

    def _apply(self, connection: sqlite3.Connection, action: Action) -> None:
        # A method of its own: tests replace it to prove that they notice a missing condition.
        apply(connection, self._workspace_id, action)

    # The journal

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        """See `Store.get_journal_entry`."""
        row = self._reader.first(
            "SELECT body, event_id, version FROM journal"
            " WHERE workspace = ? AND event_id = ? AND version = ?",
            event_id,
            version,
        )
        return None if row is None else JOURNAL.read(row)

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        """See `Store.list_journal`."""
        rows = self._reader.all(
            "SELECT body, event_id, version FROM journal"
            " WHERE workspace = ? AND event_id = ? AND version > ?"
            " ORDER BY version LIMIT ?",
            event_id,
            after,
            limit,
        )
        return tuple(map(JOURNAL.read, rows))

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        """See `Store.list_history`."""
        return self._reader.page(
            ("history", event_id),
            "body, event_id, version",
            "journal",
            "event_id = ?",
            "version",
            JOURNAL.read,
            limit=limit,
            cursor=cursor,
            values=(event_id,),
            first=(_AFTER_ALL,),
            descending=True,
        )

    def delete_old_entries(self, now: datetime, *, limit: int) -> int:
        """See `Store.delete_old_entries`."""
        old = (
            "FROM journal WHERE workspace = ? AND is_undelivered = 0 AND kept_until <= ?"
            " ORDER BY kept_until LIMIT ?"
        )
        if self._reader.first(f"SELECT 1 {old}", to_micros(now), 1) is None:
            return 0  # as a rule: nothing is locked for it
        with self._file.writing() as connection:
            done = connection.execute(
                f"DELETE FROM journal WHERE rowid IN (SELECT rowid {old})",  # noqa: S608  # `old` is above; values are bound
                (self._workspace_id, to_micros(now), limit),
            )
            return done.rowcount

    # Users

    def get_user(self, user_id: str) -> User | None:
        """See `Store.get_user`."""
        row = self._reader.first(
            "SELECT body, user_id FROM users WHERE workspace = ? AND user_id = ?", user_id
        )
        return None if row is None else USERS.read(row)

    def list_users(self, *, limit: int | None, cursor: str | None = None) -> Page[User]:
        """See `Store.list_users`."""
        return self._reader.page(
            ("users",),
            "body, user_id",
            "users",
            "true",
            "name, user_id",
            USERS.read,
            limit=limit,
            cursor=cursor,
            first=("", ""),
        )

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_users`."""
        return self._reader.page(
            ("unfinished users",),
            "user_id",
            "users",
            "deletion_id IS NOT NULL",
            "user_id",
            to_text,
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def put_user(self, user: User, *, replaces: str | None) -> None:
        """See `Store.put_user`."""
        columns: Columns = {"workspace": self._workspace_id, **user_columns(user)}
        with self._file.writing() as connection:
            if replaces is None:
                done = connection.execute(
                    f"{insertion('users', columns)} ON CONFLICT DO NOTHING", columns
                )
            else:
                done = connection.execute(
                    f"UPDATE users SET {assignments(columns)} WHERE workspace = :workspace"  # noqa: S608  # our own names
                    " AND user_id = :user_id AND revision = :replaces AND deletion_id IS NULL",
                    {"replaces": replaces, **columns},
                )
            if done.rowcount != 1:
                raise Conflict(f"{user.user_id} is not stored as expected")

    def start_user_deletion(self, user_id: str, deletion_id: str, *, revision: str) -> str | None:
        """See `Store.start_user_deletion`."""
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT body, user_id FROM users"
                " WHERE workspace = ? AND user_id = ? AND revision = ?",
                (self._workspace_id, user_id, revision),
            ).fetchone()
            if row is None:
                return None
            user = USERS.read(row)
            if user.deletion_id is not None:
                return user.deletion_id
            body = user.model_copy(update={"deletion_id": deletion_id}).model_dump_json()
            connection.execute(
                "UPDATE users SET deletion_id = ?, body = ? WHERE workspace = ? AND user_id = ?",
                (deletion_id, body, self._workspace_id, user_id),
            )
            return deletion_id

    def delete_user(self, user_id: str, deletion_id: str) -> None:
        """See `Store.delete_user`. Also raise `Conflict` while the user has a registration."""
        try:
            with self._file.writing() as connection:
                done = connection.execute(
                    "DELETE FROM users WHERE workspace = ? AND user_id = ? AND deletion_id = ?",
                    (self._workspace_id, user_id, deletion_id),
                )
        except sqlite3.IntegrityError as error:
            raise Conflict(f"{user_id} still has a registration") from error
        if done.rowcount != 1:
            raise Conflict(f"{user_id} is not being deleted under the id {deletion_id}")

    # Everything, in any order

    def find_damage(self) -> str | None:
        """Return what SQLite finds wrong with the file, or None. It reads the whole file."""
        with self._file.reading() as connection:
            ((found,), *_) = connection.execute("PRAGMA integrity_check(1)").fetchall()
        return None if found == "ok" else str(found)

    def scan_events(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[Event]:
        """See `Store.scan_events`."""
        is_organized, organizer = _organized_by(organizer_id)
        return self._reader.page(
            ("all", "events"),
            "body, event_id",
            "events",
            f"true{is_organized}",
            "event_id",
            EVENTS.read,
            limit=limit,
            cursor=cursor,
            values=organizer,
            first=("",),
        )

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        """See `Store.scan_registrations`."""
        return self._reader.page(
            ("all", "registrations"),
            "body, event_id, user_id",
            "registrations",
            "true",
            "user_id, event_id",
            REGISTRATIONS.read,
            limit=limit,
            cursor=cursor,
            first=("", ""),
        )

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        """See `Store.find_on_roster`."""
        rows = self._reader.all(
            # Without the hint, SQLite reads the whole workspace.
            "SELECT body, event_id, user_id FROM registrations INDEXED BY roster"
            " WHERE workspace = ?"
            " AND event_id = ? AND ticket = ? AND status = 'registered'",
            event_id,
            ticket,
        )
        return tuple(map(REGISTRATIONS.read, rows))

    def scan_waitlist(
        self, *, limit: int, cursor: str | None = None
    ) -> Page[tuple[str, WaitlistEntry]]:
        """See `Store.scan_waitlist`."""
        return self._reader.page(
            ("all", "waitlist"),
            "body, event_id, ticket",
            "waitlist",
            "true",
            "event_id, ticket",
            lambda row: (str(row[1]), WAITLIST.read(row)),
            limit=limit,
            cursor=cursor,
            first=("", 0),
        )
