"""Events with many attendees, written directly to the store because the service would take minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from domain.enums import RegistrationStatus
from domain.models import Event, Registration, WaitlistEntry, block_of
from domain.planning.plan import (
    Action,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from storage.dynamodb.conditions import transact_item
from storage.dynamodb.schema import USERS
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.builders import a_journal_entry, a_user, an_event
from tests.support.environment import START

A_WRITE = 25
"""DynamoDB's limit for the items of one BatchWriteItem."""

THREADS = 8


def crowd(
    event_id: str, registered: int, waitlisted: int, free: int = 0
) -> tuple[Event, Iterator[Registration]]:
    """Return an event and its attendees, `event_id`-1 and so on: first the registered, then the waitlisted."""
    attendees = registered + waitlisted
    event = an_event(
        event_id,
        capacity=registered + free,
        registered_count=registered,
        waitlist_count=waitlisted,
        next_ticket=attendees + 1,
        waitlist_by_block=Counter(block_of(one) for one in range(registered + 1, attendees + 1)),
    )
    return event, (_row(event_id, ticket, registered) for ticket in range(1, attendees + 1))


def _row(event_id: str, ticket: int, registered: int) -> Registration:
    has_seat = ticket <= registered
    return Registration(
        event_id=event_id,
        user_id=f"{event_id}-{ticket}",
        status=RegistrationStatus.REGISTERED if has_seat else RegistrationStatus.WAITLISTED,
        ticket=ticket,
        registered_at=START,
        seated_at=START if has_seat else None,
    )


def fill(
    store: SQLiteStore | DynamoDBStore,
    event_id: str,
    registered: int,
    waitlisted: int,
    free: int = 0,
    *,
    is_whole: bool = True,
    **of_users: Any,
) -> None:
    """Write a crowd. Unless it must be whole, DynamoDB stores only the first and last 60 as users.

    `of_users` are values of every user.
    """
    event, rows = crowd(event_id, registered, waitlisted, free)
    tickets = range(1, registered + waitlisted + 1)
    write_events(store, [event])
    if is_whole or isinstance(store, SQLiteStore):  # it has foreign keys
        write_users(store, (f"{event_id}-{ticket}" for ticket in tickets), **of_users)
    else:
        with_user = sorted({*tickets[:60], *tickets[-60:]})
        write_users(store, (f"{event_id}-{ticket}" for ticket in with_user))
    write_rows(store, rows)


def write_events(store: SQLiteStore | DynamoDBStore, events: Iterable[Event]) -> None:
    """Write events, each with its first journal entry, without the registrations that they count."""
    actions: Iterator[Action] = (
        action
        for event in events
        for action in (
            PutEvent(event, None),
            PutJournalEntry(a_journal_entry(event.event_id), is_undelivered=False),
        )
    )
    _write(store, actions)


def write_rows(store: SQLiteStore | DynamoDBStore, rows: Iterable[Registration]) -> None:
    """Write registrations, with waitlist entries for the waitlisted."""
    _write(store, _with_waitlist_entries(rows))


def write_users(store: SQLiteStore | DynamoDBStore, user_ids: Iterable[str], **values: Any) -> None:
    """Write users, each named as its id."""
    users = (a_user(user_id, **values) for user_id in user_ids)
    if isinstance(store, DynamoDBStore):
        _put(store, ((store._keys.table_name(USERS), store._items.user(user)) for user in users))
        return
    with store._file.writing() as connection:
        connection.executemany(
            "INSERT INTO users (workspace, user_id, name, revision, body) VALUES (?, ?, ?, ?, ?)",
            (
                (
                    store._workspace_id,
                    user.user_id,
                    user.name,
                    user.revision,
                    user.model_dump_json(),
                )
                for user in users
            ),
        )


def _with_waitlist_entries(rows: Iterable[Registration]) -> Iterator[Action]:
    for row in rows:
        yield PutRegistration(row, None)
        if row.status is RegistrationStatus.WAITLISTED:
            yield PutWaitlistEntry(row.event_id, WaitlistEntry.of(row))


def _write(store: SQLiteStore | DynamoDBStore, actions: Iterable[Action]) -> None:
    if isinstance(store, SQLiteStore):
        with store._file.writing() as connection:
            for action in actions:
                store._apply(connection, action)
        return
    parts = (transact_item(store._keys, action)["Put"] for action in actions)
    _put(store, ((part["TableName"], part["Item"]) for part in parts))


def _put(store: DynamoDBStore, items: Iterator[tuple[str, Any]]) -> None:
    def put(some: list[tuple[str, Any]]) -> None:
        wanted: Any = {}
        for name, item in some:
            wanted.setdefault(name, []).append({"PutRequest": {"Item": item}})
        while wanted:
            wanted = store._client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]

    with ThreadPoolExecutor(THREADS) as threads:
        while batches := [some for _ in range(THREADS) if (some := list(islice(items, A_WRITE)))]:
            list(threads.map(put, batches))
