"""A row that can't be read is named by its table, its key and the field, and none of its values (R7.6, R10.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from domain.models import Card
from domain.planning.plan import PutEvent, PutJournalEntry, PutRegistration, PutWaitlistEntry
from domain.ports import UnreadableRow
from storage.dynamodb.schema import CARDS, EVENTS, JOURNAL, REGISTRATIONS, USERS, WAITLIST, Table
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_waitlist_entry,
    an_event,
    bare_plan,
    put_users,
)
from tests.support.stores import AnyStore, empty_sqlite

SECRET = "Ada's surprise"
"""A value that no message may contain."""


@dataclass(frozen=True)
class Damage:
    """A field of a row with a value of a wrong type, and the reads that meet it."""

    table: str
    field: str
    where: str
    in_dynamodb: tuple[Table, dict[str, Any]]
    reads: tuple[Callable[[Any], object], ...]


DAMAGES = [
    Damage(
        "events",
        "capacity",
        "event_id e1",
        (EVENTS, {"event_id": {"S": "T1#e1"}}),
        (
            lambda store: store.get_event("e1"),
            lambda store: store.get_events(["e1"]),
            lambda store: store.scan_events(limit=9),
        ),
    ),
    Damage(
        "events",
        "starts_at",
        "event_id e1",
        (EVENTS, {"event_id": {"S": "T1#e1"}}),
        (
            lambda store: store.get_event("e1"),
            lambda store: store.list_events(starting_from=None, limit=9),
            lambda store: store.list_events(starting_from=None, limit=9, organizer_id="olga"),
        ),
    ),
    Damage(
        "users",
        "created_at",
        "user_id ada",
        (USERS, {"user_id": {"S": "T1#ada"}}),
        (
            lambda store: store.get_user("ada"),
            lambda store: store.list_users(limit=9),
            lambda store: store.get_rows("e1", registrations_of=(), users=["ada"]),
        ),
    ),
    Damage(
        "registrations",
        "registered_at",
        "user_id ada, event_id e1",
        (REGISTRATIONS, {"user_id": {"S": "T1#ada"}, "event_id": {"S": "T1#e1"}}),
        (
            lambda store: store.get_rows("e1", registrations_of=["ada"], users=()),
            lambda store: store.get_registrations_of("ada"),
            lambda store: store.list_roster("e1", limit=9),
            lambda store: store.get_last_seated("e1", limit=9),
            lambda store: store.find_on_roster("e1", 1),
            lambda store: store.scan_registrations(limit=9),
        ),
    ),
    Damage(
        "waitlist",
        "registered_at",
        "event_id e1, ticket 2",
        (WAITLIST, {"event_id": {"S": "T1#e1"}, "ticket": {"N": "2"}}),
        (
            lambda store: store.get_waitlist("e1", limit=9),
            lambda store: store.scan_waitlist(limit=9),
        ),
    ),
    Damage(
        "journal",
        "at",
        "event_id e1, version 1",
        (JOURNAL, {"event_id": {"S": "T1#e1"}, "version": {"N": "1"}}),
        (
            lambda store: store.get_journal_entry("e1", 1),
            lambda store: store.list_journal("e1", limit=9),
            lambda store: store.list_history("e1", limit=9),
        ),
    ),
    Damage(
        "cards",
        "rendered_version",
        "event_id e1",
        (CARDS, {"event_id": {"S": "T1#e1"}, "message": {"S": "C1#1.1"}}),
        (lambda store: store.get_cards("e1"),),
    ),
]


def fill(store: AnyStore) -> None:
    """Store a row of each table."""
    put_users(store, "ada", "bo")
    store.commit(
        bare_plan(
            PutEvent(an_event(organizer_id="olga"), None),
            PutRegistration(a_registration("ada", ticket=1), None),
            PutWaitlistEntry("e1", a_waitlist_entry("bo", ticket=2)),
            PutJournalEntry(a_journal_entry(version=1)),
        )
    )
    store.put_card(Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=1))


def set_in_sqlite(store: SQLiteStore, damage: Damage) -> None:
    with store._file.writing() as connection:
        connection.execute(
            f"UPDATE {damage.table} SET body = json_set(body, '$.{damage.field}', ?)", (SECRET,)
        )


def set_in_dynamodb(store: DynamoDBStore, damage: Damage) -> None:
    table, key = damage.in_dynamodb
    store._client.update_item(
        TableName=store._keys.table_name(table),
        Key=key,
        UpdateExpression="SET #field = :value",
        ExpressionAttributeNames={"#field": damage.field},
        ExpressionAttributeValues={":value": {"S": SECRET}},
    )


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: f"{damage.table}.{damage.field}")
def test_row_with_a_field_of_a_wrong_type_is_named(store: AnyStore, damage: Damage) -> None:
    fill(store)
    if isinstance(store, SQLiteStore):
        set_in_sqlite(store, damage)
    elif isinstance(store, DynamoDBStore):
        set_in_dynamodb(store, damage)
    for read in damage.reads:
        with pytest.raises(UnreadableRow) as raised:
            read(store)
        said = str(raised.value)
        assert said.startswith(f"the row of {damage.table} with ")
        assert all(part in said for part in damage.where.split(", "))
        assert f"{damage.field}: " in said
        assert SECRET not in said
        assert "http" not in said
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__


@pytest.mark.parametrize("body", ["{", "[]", '{"title": 5}'])
def test_event_whose_body_is_no_event_is_named(body: str) -> None:
    with empty_sqlite() as store:
        fill(store)
        with store._file.writing() as connection:
            connection.execute("UPDATE events SET body = ?", (body,))
        for read in (
            lambda: store.get_event("e1"),
            lambda: store.list_events(starting_from=None, limit=9),
            lambda: store.scan_events(limit=9),
        ):
            with pytest.raises(UnreadableRow, match="row of events with event_id e1 can't be read"):
                read()


def test_event_whose_text_a_disk_has_damaged_is_named() -> None:
    """SQLite finds nothing wrong with the file, and its own error would contain the text."""
    with empty_sqlite() as store:
        fill(store)
        with store._file.writing() as connection:
            connection.execute("UPDATE events SET body = CAST(body || x'FF' AS TEXT)")
        assert store.find_damage() is None
        with pytest.raises(UnreadableRow, match="with event_id e1 can't be read: ") as raised:
            store.get_event("e1")
        assert "title" not in str(raised.value)


def test_list_of_an_organizer_names_an_event_whose_body_is_no_json() -> None:
    with empty_sqlite() as store:
        fill(store)
        with store._file.writing() as connection:
            connection.execute("UPDATE events SET body = '{'")
        with pytest.raises(UnreadableRow, match="with event_id e1 can't be read: Invalid JSON"):
            store.list_events(starting_from=None, limit=9, organizer_id="olga")
