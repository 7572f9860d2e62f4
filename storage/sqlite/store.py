"""Rollcall's tables of one workspace on a SQLite file: the same port as DynamoDB's, no feature of its own."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, assert_never

from domain.enums import RegistrationStatus
from domain.errors import Invalid
from domain.models import (
    MAX_UNREACHABLE,
    Card,
    DeliveryState,
    DueEvent,
    Event,
    JournalEntry,
    ListedEvent,
    Page,
    Registration,
    UnreachableRecipient,
    User,
    WaitlistEntry,
)
from domain.planning.plan import (
    Action,
    CheckUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.ports import Conflict, Rows
from storage.sqlite.database import SQLiteFile

T = TypeVar("T")
Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REGISTRATION = "user_id, event_id, status, ticket, registered_at, seated_at"
_WAITING = "ticket, user_id, registered_at"
_AFTER_NOTHING = -(2**62)


class SQLiteStore:
    """`domain.ports.Store` and `Outbox` on a file, which is created if need be.

    `busy_timeout` is in seconds, below the time that a request may take. Raises `ValueError` for a
    file that is none of ours, or of a newer version.
    """

    def __init__(self, path: str | Path, workspace_id: str, *, busy_timeout: float = 1.5) -> None:
        self._file = SQLiteFile(path, busy_timeout)
        self._workspace = workspace_id

    def close(self) -> None:
        """Close the file; nothing can be called after it."""
        self._file.close()

    # Reading

    def _all(self, query: str, *values: object) -> list[Row]:
        with self._file.reading() as connection:
            return connection.execute(query, (self._workspace, *values)).fetchall()

    def _one(self, query: str, *values: object) -> Row | None:
        rows = self._all(query, *values)
        return rows[0] if rows else None

    def _among(self, query: str, keys: Collection[str], *values: object) -> list[Row]:
        """Return what a query that ends in `IN` finds for the keys."""
        marks = ", ".join("?" * len(keys))
        return self._all(f"{query} ({marks})", *values, *keys) if keys else []

    def _page(
        self,
        name: str,
        columns: str,
        table: str,
        where: str,
        key: str,
        to_item: Callable[[Row], T],
        *,
        limit: int,
        cursor: str | None,
        values: Sequence[object] = (),
        first: Sequence[object],
        descending: bool = False,
    ) -> Page[T]:
        """Return one page of a list, in order of `key`, whose columns end each row, after the cursor's key."""
        name = f"{self._workspace}: {name}"
        after = _from_cursor(name, cursor, first)
        marks = ", ".join("?" * len(after))
        rows = self._all(
            f"SELECT {columns}, {key} FROM {table} WHERE workspace = ? AND {where}"  # noqa: S608  # no input
            f" AND ({key}) {'<' if descending else '>'} ({marks})"
            f" ORDER BY {', '.join(f'{c} DESC' if descending else c for c in key.split(', '))} LIMIT ?",
            *values,
            *after,
            limit + 1,
        )
        items = tuple(to_item(row) for row in rows[:limit])
        more = len(rows) > limit
        return Page(items, _to_cursor(name, rows[limit - 1][-len(after) :]) if more else None)

    # Events

    def get_event(self, event_id: str) -> Event | None:
        """See `Store.get_event`."""
        row = self._one("SELECT body FROM events WHERE workspace = ? AND event_id = ?", event_id)
        return None if row is None else _event(row[0])

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """See `Store.get_events`."""
        rows = self._among(
            "SELECT event_id, body FROM events WHERE workspace = ? AND event_id IN", event_ids
        )
        return {event_id: _event(body) for event_id, body in rows}

    def list_events(
        self, *, starting_from: datetime | None, limit: int, cursor: str | None = None
    ) -> Page[ListedEvent]:
        """See `Store.list_events`."""
        first = _AFTER_NOTHING if starting_from is None else _micros(starting_from)
        return self._page(
            "events",
            "body",
            "events",
            "is_shown = 1",
            "starts_at, event_id",
            lambda row: ListedEvent.of(Event.model_validate_json(row[0])),
            limit=limit,
            cursor=cursor,
            first=(first, ""),
        )

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_events`."""
        return self._page(
            "unfinished events",
            "event_id",
            "events",
            "is_unfinished = 1",
            "event_id",
            lambda row: str(row[0]),
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def list_due_events(self, *, limit: int, cursor: str | None = None) -> Page[DueEvent]:
        """See `Store.list_due_events`."""
        return self._page(
            "due events",
            "event_id, next_due_at",
            "events",
            "next_due_at IS NOT NULL",
            "next_due_at, event_id",
            lambda row: DueEvent(str(row[0]), _moment(row[1])),
            limit=limit,
            cursor=cursor,
            first=(_AFTER_NOTHING, ""),
        )

    # Registrations

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        """See `Store.get_rows`."""
        registrations = self._among(
            f"SELECT {_REGISTRATION} FROM registrations"  # noqa: S608  # our own columns
            " WHERE workspace = ? AND event_id = ? AND user_id IN",
            registrations_of,
            event_id,
        )
        found = self._among("SELECT body FROM users WHERE workspace = ? AND user_id IN", users)
        people = (User.model_validate_json(body) for (body,) in found)
        return Rows(
            {user.user_id: user for user in people},
            {row[0]: _registration(row) for row in registrations},
        )

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> tuple[WaitlistEntry, ...]:
        """See `Store.get_waitlist`."""
        rows = self._all(
            f"SELECT {_WAITING} FROM waitlist WHERE workspace = ? AND event_id = ?"  # noqa: S608  # ours
            " AND ticket > ? AND ticket <= ? ORDER BY ticket LIMIT ?",
            event_id,
            after,
            2**62 if until is None else until,
            limit,
        )
        return tuple(_waiting(row) for row in rows)

    def count_entries_before(
        self, event_id: str, place: WaitlistEntry, *, after: int
    ) -> int | None:
        """See `Store.count_entries_before`."""
        row = self._one(
            "SELECT count(*), EXISTS (SELECT 1 FROM waitlist"
            " WHERE workspace = ?1 AND event_id = ?2 AND ticket = ?4)"
            " FROM waitlist WHERE workspace = ?1 AND event_id = ?2 AND ticket > ?3 AND ticket <= ?4",
            event_id,
            after,
            place.ticket,
        )
        return row[0] - 1 if row is not None and row[1] else None

    def list_roster(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Registration]:
        """See `Store.list_roster`."""
        return self._page(
            f"roster of {event_id}",
            _REGISTRATION,
            "registrations",
            "status = 'registered' AND event_id = ?",
            "ticket",
            _registration,
            limit=limit,
            cursor=cursor,
            values=(event_id,),
            first=(0,),
        )

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        """See `Store.get_last_seated`."""
        rows = self._all(
            f"SELECT {_REGISTRATION} FROM registrations WHERE workspace = ?"  # noqa: S608  # no input
            " AND status = 'registered' AND event_id = ? ORDER BY ticket DESC LIMIT ?",
            event_id,
            limit,
        )
        return tuple(map(_registration, rows))

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        """See `Store.get_registrations_of`."""
        rows = self._all(
            f"SELECT {_REGISTRATION} FROM registrations WHERE workspace = ? AND user_id = ?",  # noqa: S608  # ours
            user_id,
        )
        return tuple(_registration(row) for row in rows)

    # Committing

    def commit(self, plan: Plan) -> None:
        """See `Store.commit`. The event's version is the first condition, so that losers fail early."""
        try:
            with self._file.writing() as connection:
                for action in plan.actions:
                    self._apply(connection, action)
        except (Conflict, sqlite3.IntegrityError) as error:
            if self._has_applied(plan):
                return
            if isinstance(error, sqlite3.IntegrityError):
                # A foreign key: the user or the event is not there.
                raise Conflict(str(error)) from error
            raise

    def _has_applied(self, plan: Plan) -> bool:
        if plan.event is None:
            return False
        entry = self._one(
            "SELECT plan_id FROM journal WHERE workspace = ? AND event_id = ? AND version = ?",
            plan.event_id,
            plan.event.version,
        )
        return entry == (plan.plan_id,)

    def _apply(self, connection: sqlite3.Connection, action: Action) -> None:
        def write(statement: str, *values: object) -> None:
            if connection.execute(statement, values).rowcount != 1:
                raise Conflict(f"{type(action).__name__}: its condition does not hold")

        match action:
            case PutEvent(event, replaces):
                self._put_event(write, event, replaces)
            case PutRegistration(row, replaces):
                self._put_registration(write, row, replaces)
            case DeleteRegistration(row):
                write(
                    "DELETE FROM registrations WHERE workspace = ? AND user_id = ? AND event_id = ?"
                    " AND ticket = ? AND status = ?",
                    *(self._workspace, row.user_id, row.event_id, row.ticket, row.status),
                )
            case PutWaitlistEntry(event_id, waiting):
                write(
                    "INSERT INTO waitlist (workspace, event_id, ticket, user_id, registered_at)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    *(self._workspace, event_id, waiting.ticket, waiting.user_id),
                    _micros(waiting.registered_at),
                )
            case DeleteWaitlistEntry(event_id, waiting):
                write(
                    "DELETE FROM waitlist WHERE workspace = ? AND event_id = ? AND ticket = ?"
                    " AND user_id = ?",
                    *(self._workspace, event_id, waiting.ticket, waiting.user_id),
                )
            case CheckUser(user_id):
                checked = connection.execute(
                    "SELECT 1 FROM users WHERE workspace = ? AND user_id = ? AND deletion IS NULL",
                    (self._workspace, user_id),
                )
                if checked.fetchone() is None:
                    raise Conflict(f"{user_id} is not there, or is being deleted")
            case PutJournalEntry(entry, owed):
                write(
                    "INSERT INTO journal"
                    " (workspace, event_id, version, plan_id, is_undelivered, body)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    *(self._workspace, entry.event_id, entry.version, entry.plan_id, owed),
                    entry.model_dump_json(),
                )
            case _:
                assert_never(action)

    def _put_event(self, write: Callable[..., None], event: Event, replaces: int | None) -> None:
        values = (
            event.version,
            _micros(event.starts_at),
            event.deletion is None,
            event.is_unfinished,
            None if event.next_due_at is None else _micros(event.next_due_at),
            event.model_dump_json(),
            self._workspace,
            event.event_id,
        )
        if replaces is None:
            write(
                "INSERT INTO events (version, starts_at, is_shown, is_unfinished, next_due_at, body,"
                " workspace, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *values,
            )
        else:
            write(
                "UPDATE events SET version = ?, starts_at = ?, is_shown = ?, is_unfinished = ?,"
                " next_due_at = ?, body = ? WHERE workspace = ? AND event_id = ? AND version = ?",
                *values,
                replaces,
            )

    def _put_registration(
        self, write: Callable[..., None], row: Registration, replaces: Registration | None
    ) -> None:
        values = (
            row.status,
            row.ticket,
            _micros(row.registered_at),
            None if row.seated_at is None else _micros(row.seated_at),
            self._workspace,
            row.user_id,
            row.event_id,
        )
        if replaces is None:
            write(
                "INSERT INTO registrations (status, ticket, registered_at, seated_at, workspace,"
                " user_id, event_id) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *values,
            )
        else:
            write(
                "UPDATE registrations SET status = ?, ticket = ?, registered_at = ?, seated_at = ?"
                " WHERE workspace = ? AND user_id = ? AND event_id = ? AND ticket = ? AND status = ?",
                *values,
                replaces.ticket,
                replaces.status,
            )

    # The journal

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        """See `Store.get_journal_entry`."""
        row = self._one(
            "SELECT body FROM journal WHERE workspace = ? AND event_id = ? AND version = ?",
            event_id,
            version,
        )
        return None if row is None else JournalEntry.model_validate_json(row[0])

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        """See `Store.list_journal`."""
        rows = self._all(
            "SELECT body FROM journal WHERE workspace = ? AND event_id = ? AND version > ?"
            " ORDER BY version LIMIT ?",
            event_id,
            after,
            limit,
        )
        return tuple(JournalEntry.model_validate_json(body) for (body,) in rows)

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        """See `Store.list_history`."""
        return self._page(
            f"history of {event_id}",
            "body",
            "journal",
            "event_id = ?",
            "version",
            lambda row: JournalEntry.model_validate_json(row[0]),
            limit=limit,
            cursor=cursor,
            values=(event_id,),
            first=(2**62,),
            descending=True,
        )

    # Users

    def get_user(self, user_id: str) -> User | None:
        """See `Store.get_user`."""
        row = self._one("SELECT body FROM users WHERE workspace = ? AND user_id = ?", user_id)
        return None if row is None else User.model_validate_json(row[0])

    def list_users(self, *, limit: int, cursor: str | None = None) -> Page[User]:
        """See `Store.list_users`."""
        return self._page(
            "users",
            "body",
            "users",
            "true",
            "name, user_id",
            lambda row: User.model_validate_json(row[0]),
            limit=limit,
            cursor=cursor,
            first=("", ""),
        )

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_users`."""
        return self._page(
            "unfinished users",
            "user_id",
            "users",
            "deletion IS NOT NULL",
            "user_id",
            lambda row: str(row[0]),
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def put_user(self, user: User, *, replaces: str | None) -> None:
        """See `Store.put_user`."""
        values = (user.name, user.revision, user.model_dump_json(), self._workspace, user.user_id)
        with self._file.writing() as connection:
            if replaces is None:
                done = connection.execute(
                    "INSERT INTO users (name, revision, body, workspace, user_id)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    values,
                )
            else:
                done = connection.execute(
                    "UPDATE users SET name = ?, revision = ?, body = ? WHERE workspace = ?"
                    " AND user_id = ? AND revision = ? AND deletion IS NULL",
                    (*values, replaces),
                )
            if done.rowcount != 1:
                raise Conflict(f"{user.user_id} is not stored as expected")

    def start_user_deletion(self, user_id: str, mark: str, *, revision: str) -> str | None:
        """See `Store.start_user_deletion`."""
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT body FROM users WHERE workspace = ? AND user_id = ? AND revision = ?",
                (self._workspace, user_id, revision),
            ).fetchone()
            if row is None:
                return None
            user = User.model_validate_json(row[0])
            if user.deletion is not None:
                return user.deletion
            marked = user.model_copy(update={"deletion": mark})
            connection.execute(
                "UPDATE users SET deletion = ?, body = ? WHERE workspace = ? AND user_id = ?",
                (mark, marked.model_dump_json(), self._workspace, user_id),
            )
            return mark

    def delete_user(self, user_id: str, mark: str) -> None:
        """See `Store.delete_user`. A registration that is left keeps the row: `Conflict`, too."""
        try:
            with self._file.writing() as connection:
                done = connection.execute(
                    "DELETE FROM users WHERE workspace = ? AND user_id = ? AND deletion = ?",
                    (self._workspace, user_id, mark),
                )
        except sqlite3.IntegrityError as error:
            raise Conflict(f"{user_id} still has a registration") from error
        if done.rowcount != 1:
            raise Conflict(f"{user_id} is not marked with {mark}")

    # For `check` only

    def scan_events(self, *, limit: int, cursor: str | None = None) -> Page[Event]:
        """See `Store.scan_events`."""
        return self._page(
            "all events",
            "body",
            "events",
            "true",
            "event_id",
            lambda row: Event.model_validate_json(row[0]),
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        """See `Store.scan_registrations`."""
        return self._page(
            "all registrations",
            _REGISTRATION,
            "registrations",
            "true",
            "user_id, event_id",
            _registration,
            limit=limit,
            cursor=cursor,
            first=("", ""),
        )

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        """See `Store.find_on_roster`."""
        rows = self._all(
            # Left to itself, SQLite reads the whole workspace.
            f"SELECT {_REGISTRATION} FROM registrations INDEXED BY roster WHERE workspace = ?"  # noqa: S608  # ours
            " AND event_id = ? AND ticket = ? AND status = 'registered'",
            event_id,
            ticket,
        )
        return tuple(_registration(row) for row in rows)

    def scan_waitlist(
        self, *, limit: int, cursor: str | None = None
    ) -> Page[tuple[str, WaitlistEntry]]:
        """See `Store.scan_waitlist`."""
        return self._page(
            "all waiting",
            f"{_WAITING}, event_id",
            "waitlist",
            "true",
            "event_id, ticket",
            lambda row: (str(row[3]), _waiting(row)),
            limit=limit,
            cursor=cursor,
            first=("", 0),
        )

    # The outbox

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Outbox.list_undelivered`."""
        return self._page(
            "undelivered",
            "DISTINCT event_id",
            "journal",
            "is_undelivered = 1",
            "event_id",
            lambda row: str(row[0]),
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def get_undelivered(self, event_id: str) -> tuple[int, ...]:
        """See `Outbox.get_undelivered`."""
        rows = self._all(
            "SELECT version FROM journal"
            " WHERE workspace = ? AND event_id = ? AND is_undelivered = 1",
            event_id,
        )
        return tuple(row[0] for row in rows)

    def get_delivery(self, event_id: str) -> DeliveryState:
        """See `Outbox.get_delivery`."""
        row = self._one(
            "SELECT body FROM deliveries WHERE workspace = ? AND event_id = ?", event_id
        )
        return (
            DeliveryState.model_validate_json(row[0]) if row else DeliveryState(event_id=event_id)
        )

    def take_lease(
        self, event_id: str, *, holder: str, now: datetime, until: datetime
    ) -> DeliveryState | None:
        """See `Outbox.take_lease`."""
        with self._file.writing() as connection:
            delivery = self.get_delivery(event_id)
            held = delivery.leased_until is not None and delivery.leased_until > now
            if held and delivery.holder != holder:
                return None
            taken = delivery.model_copy(update={"holder": holder, "leased_until": until})
            connection.execute(
                "INSERT INTO deliveries (workspace, event_id, holder, leased_until, body)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " holder = excluded.holder, leased_until = excluded.leased_until, body = excluded.body",
                (self._workspace, event_id, holder, _micros(until), taken.model_dump_json()),
            )
            return taken

    def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
        """See `Outbox.save_delivery`."""
        until = delivery.leased_until
        saved = delivery.model_copy(update={"revision": delivery.revision + 1})
        with self._file.writing() as connection:
            if self.get_delivery(delivery.event_id).revision != delivery.revision:
                raise Conflict(f"the delivery of {delivery.event_id} was saved since it was read")
            done = connection.execute(
                "UPDATE deliveries SET leased_until = ?, body = ?"
                " WHERE workspace = ? AND event_id = ? AND holder = ?",
                (
                    None if until is None else _micros(until),
                    saved.model_dump_json(),
                    self._workspace,
                    delivery.event_id,
                    delivery.holder,
                ),
            )
            if done.rowcount != 1:
                raise Conflict(f"{delivery.holder} does not hold the lease of {delivery.event_id}")
        return saved

    def mark_delivered(self, event_id: str, version: int) -> None:
        """See `Outbox.mark_delivered`."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE journal SET is_undelivered = 0"
                " WHERE workspace = ? AND event_id = ? AND version = ?",
                (self._workspace, event_id, version),
            )

    def record_unreachable(self, event_id: str, version: int, person: UnreachableRecipient) -> None:
        """See `Outbox.record_unreachable`."""
        key = (self._workspace, event_id, version)
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT body FROM journal WHERE workspace = ? AND event_id = ? AND version = ?", key
            ).fetchone()
            entry = JournalEntry.model_validate_json(row[0]) if row else None
            if entry is None or person in entry.unreachable:
                return
            unreachable = (*entry.unreachable, person)[:MAX_UNREACHABLE]
            body = entry.model_copy(update={"unreachable": unreachable}).model_dump_json()
            connection.execute(
                "UPDATE journal SET body = ? WHERE workspace = ? AND event_id = ? AND version = ?",
                (body, *key),
            )

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        """See `Outbox.get_cards`."""
        rows = self._all(
            "SELECT channel_id, message_ts, rendered_version FROM cards"
            " WHERE workspace = ? AND event_id = ?",
            event_id,
        )
        return tuple(
            Card(event_id=event_id, channel_id=channel, message_ts=ts, rendered_version=version)
            for channel, ts, version in rows
        )

    def put_card(self, card: Card) -> bool:
        """See `Outbox.put_card`."""
        with self._file.writing() as connection:
            done = connection.execute(
                "INSERT INTO cards (workspace, event_id, channel_id, message_ts, rendered_version)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " rendered_version = excluded.rendered_version"
                " WHERE rendered_version <= excluded.rendered_version",
                (
                    self._workspace,
                    card.event_id,
                    card.channel_id,
                    card.message_ts,
                    card.rendered_version,
                ),
            )
            return done.rowcount == 1

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """See `Outbox.delete_card`."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM cards WHERE workspace = ? AND event_id = ? AND channel_id = ?"
                " AND message_ts = ?",
                (self._workspace, event_id, channel_id, message_ts),
            )


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


@lru_cache(maxsize=64)
def _event(body: str) -> Event:
    """Return the event of a row. Most are read again as they were: to see whether they moved meanwhile."""
    return Event.model_validate_json(body)


def _registration(row: Row) -> Registration:
    user_id, event_id, status, ticket, registered_at, seated_at = row[:6]
    return Registration(
        event_id=event_id,
        user_id=user_id,
        status=RegistrationStatus(status),
        ticket=ticket,
        registered_at=_moment(registered_at),
        seated_at=None if seated_at is None else _moment(seated_at),
    )


def _waiting(row: Row) -> WaitlistEntry:
    return WaitlistEntry(row[0], row[1], _moment(row[2]))


def _to_cursor(name: str, key: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, *key]).encode()).decode()


def _from_cursor(name: str, cursor: str | None, first: Sequence[object]) -> Sequence[object]:
    """Return the key that a cursor of this list stands for; raises `Invalid`."""
    if cursor is None:
        return first
    refusal = Invalid("cursor", "must be one that this list gave out")
    try:
        given = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        json.dumps(given, ensure_ascii=False).encode()  # a lone surrogate is no key
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        raise refusal from None
    if not isinstance(given, list) or [type(part) for part in given] != [
        str,
        *(type(part) for part in first),
    ]:
        raise refusal
    if given[0] != name or any(isinstance(part, int) and abs(part) > 2**62 for part in given):
        raise refusal
    return given[1:]
