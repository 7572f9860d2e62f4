"""Fields that a newer version wrote survive a write by this one, on every store (R7.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel

from domain.commands import Register, SetStatus
from domain.enums import ChangeKind, EventStatus, NotificationKind, RegistrationStatus
from domain.models import (
    Card,
    Change,
    DeliveryState,
    Event,
    JournalEntry,
    Notification,
    Registration,
    UnreachableRecipient,
    User,
    WaitlistEntry,
)
from domain.planning.plan import PutEvent, PutJournalEntry, PutRegistration, PutWaitlistEntry
from domain.ports import Store
from storage.dynamodb.schema import CARDS, EVENTS, JOURNAL, REGISTRATIONS, USERS, WAITLIST, Table
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_user,
    a_waitlist_entry,
    a_waitlisted_registration,
    an_event,
    bare_plan,
    plan_and_commit,
    put_event,
    put_users,
)
from tests.support.environment import START
from tests.support.stores import AnyStore, Kind, empty_store

M = TypeVar("M", bound=BaseModel)

NEWER: dict[str, Any] = {
    "from_later": "Back row, please",
    "is_vip": True,
    "guests": 2,
    "tags": ["a", "b"],
    "contact": {"phone": "123", "calls": 3, "also": [1, {"deep": ""}]},
}
"""Fields that no model has, of every type that stores hold."""


def newer(model: M, **more: Any) -> M:
    """Return the model as a newer version would write it."""
    return model.model_validate(model.model_dump() | NEWER | more)


@dataclass(frozen=True)
class Rows(Generic[M]):
    """One kind of row: how to write and read it, and an older version's change to it."""

    row: M
    write: Callable[[Any, M, M | None], object]
    read: Callable[[Any], M]
    change: dict[str, Any]


def write_user(store: Store, user: User, replaced: User | None) -> None:
    store.put_user(user, replaces=None if replaced is None else replaced.revision)


def write_event(store: Store, event: Event, replaced: Event | None) -> None:
    version = None if replaced is None else replaced.version
    store.commit(bare_plan(PutEvent(event, version)))


def write_registration(store: Store, row: Registration, replaced: Registration | None) -> None:
    store.commit(bare_plan(PutRegistration(row, replaced)))


def write_delivery(store: AnyStore, row: DeliveryState, replaced: DeliveryState | None) -> None:
    if replaced is None:
        store.take_lease("e1", holder="me", until=START)
    store.save_delivery(row)


def write_card(store: AnyStore, card: Card, replaced: Card | None) -> None:  # as all
    assert store.put_card(card)


STORE_ROWS: dict[str, Rows[Any]] = {
    "user": Rows(
        a_user(),
        write_user,
        lambda store: store.get_user("ada"),
        {"name": "Ada L.", "revision": "r2"},
    ),
    "event": Rows(
        an_event("e2"), write_event, lambda store: store.get_event("e2"), {"title": "Moved"}
    ),
    "registration": Rows(
        a_waitlisted_registration("ben"),
        write_registration,
        lambda store: store.get_registrations_of("ben")[0],
        # The store's half of a promotion.
        {"status": RegistrationStatus.REGISTERED, "seated_at": START},
    ),
}
OUTBOX_ROWS: dict[str, Rows[Any]] = {
    "delivery row": Rows(
        DeliveryState(event_id="e1", holder="me", leased_until=START, revision=1),
        write_delivery,
        lambda store: store.get_delivery("e1"),
        {"delivered_version": 3},
    ),
    "card": Rows(
        Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=1),
        write_card,
        lambda store: store.get_cards("e1")[0],
        {"rendered_version": 2},
    ),
}
WITH_STORE = [(kind, name) for kind in ("memory", "sqlite", "moto", "local") for name in STORE_ROWS]
WITH_OUTBOX = [(kind, name) for kind in ("sqlite", "moto", "local") for name in OUTBOX_ROWS]


@pytest.fixture
def any_store(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a store with e1, and ben who is in nothing yet."""
    kind: Kind = request.param
    with empty_store(kind) as store:
        put_event(store)
        put_users(store, "ben")
        yield store


@pytest.mark.parametrize(("any_store", "name"), [*WITH_STORE, *WITH_OUTBOX], indirect=["any_store"])
def test_newer_fields_survive_a_write_by_this_version(any_store: Any, name: str) -> None:
    rows = (STORE_ROWS | OUTBOX_ROWS)[name]
    rows.write(any_store, newer(rows.row), None)
    read = rows.read(any_store)
    # Exactly these: no key or index attribute of the store is among the fields.
    assert read.model_extra == NEWER
    rows.write(any_store, read.model_copy(update=rows.change), read)
    again = rows.read(any_store)
    assert again.model_extra == NEWER
    assert {name: getattr(again, name) for name in rows.change} == rows.change


@pytest.mark.parametrize("any_store", ["memory", "sqlite", "moto", "local"], indirect=True)
def test_newer_fields_of_an_event_survive_registrations_and_edits(any_store: Store) -> None:
    """A plan changes the event that was read instead of building a new one."""
    event = newer(an_event("e2"))
    any_store.commit(
        bare_plan(PutEvent(event, None), PutJournalEntry(a_journal_entry("e2")), event_id="e2")
    )
    plan_and_commit(any_store, Register("ben"), event_id="e2")
    plan_and_commit(any_store, SetStatus(EventStatus.CLOSED, None), event_id="e2")
    found = any_store.get_event("e2")
    assert found is not None
    assert (found.registered_count, found.status) == (1, EventStatus.CLOSED)
    assert found.model_extra == NEWER


def test_newer_fields_of_a_user_survive_the_start_of_a_deletion(store: AnyStore) -> None:
    store.put_user(newer(a_user()), replaces=None)
    assert store.start_user_deletion("ada", "d1", revision="r1") == "d1"
    found = store.get_user("ada")
    assert found is not None
    assert (found.deletion_id, found.model_extra) == ("d1", NEWER)


def test_newer_fields_survive_a_change_of_the_lease(store: AnyStore) -> None:
    rows = OUTBOX_ROWS["delivery row"]
    rows.write(store, newer(rows.row), None)
    until = START + timedelta(hours=2)
    seen = store.get_delivery("e1").revision
    taken = store.take_lease("e1", holder="other", until=until, expired=seen)
    assert (taken.holder, taken.leased_until, taken.model_extra) == ("other", until, NEWER)


def test_newer_fields_of_a_card_survive_another_press(store: AnyStore) -> None:
    """A process that does not know the card stores what the press shows: no version."""
    card = Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=0)
    assert store.put_card(newer(card))
    assert not store.put_card(card)
    (found,) = store.get_cards("e1")
    assert found.model_extra == NEWER


def test_newer_fields_of_a_journal_entry_survive_delivery(store: AnyStore) -> None:
    """In the entry itself, and in what it consists of."""
    entry = newer(
        a_journal_entry(version=1),
        changes=[newer(Change(kind=ChangeKind.UNREGISTERED, user_id="ada"))],
        notifications=[newer(Notification(kind=NotificationKind.PROMOTED, user_id="ben"))],
    )
    recipient = UnreachableRecipient(
        user_id="ben", version=1, kind=NotificationKind.PROMOTED, reason="user_disabled"
    )
    store.commit(bare_plan(PutEvent(an_event(), None), PutJournalEntry(entry)))
    store.mark_delivered("e1", 1)
    store.record_unreachable("e1", 1, recipient)
    found = store.get_journal_entry("e1", 1)
    assert found == entry.model_copy(update={"unreachable": (recipient,)})
    assert found is not None
    assert found.model_extra == NEWER
    assert found.changes[0].model_extra == found.notifications[0].model_extra == NEWER


def plant(store: AnyStore, table: Table, key: dict[str, Any]) -> None:
    """Add a field to a stored row without this version's help."""
    if isinstance(store, SQLiteStore):
        with store._file.writing() as connection:
            connection.execute(
                f"UPDATE {table.name} SET body = json_set(body, '$.from_later', 'planted')"
            )
        return
    store._client.update_item(
        TableName=store._keys.table_name(table),
        Key=key,
        UpdateExpression="SET from_later = :value",
        ExpressionAttributeValues={":value": {"S": "planted"}},
    )


EVENT = {"event_id": {"S": "T1#e1"}}
ADA = {"user_id": {"S": "T1#ada"}}
KEYS: dict[Table, dict[str, Any]] = {
    EVENTS: EVENT,
    USERS: ADA,
    REGISTRATIONS: ADA | EVENT,
    JOURNAL: EVENT | {"version": {"N": "1"}},
    CARDS: EVENT | {"message": {"S": "C1#1.1"}},
}


@pytest.fixture
def peopled(store: AnyStore) -> AnyStore:
    """Give a store with one row in each table: ada has a seat in e1."""
    store.put_user(a_user(), replaces=None)
    put_event(store)
    store.commit(
        bare_plan(
            PutRegistration(a_registration(), None), PutWaitlistEntry("e1", a_waitlist_entry())
        )
    )
    store.put_card(Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=1))
    return store


def test_field_that_another_program_added_is_read_from_every_list(peopled: AnyStore) -> None:
    store = peopled
    for table, key in KEYS.items():
        plant(store, table, key)
    rows = store.get_rows("e1", registrations_of=["ada"], users=["ada"])
    (entry,) = store.list_journal("e1", limit=5)
    found: list[BaseModel | None] = [
        store.get_event("e1"),
        store.get_events(["e1"])["e1"],
        *store.scan_events(limit=5).items,
        store.get_user("ada"),
        *store.list_users(limit=5).items,
        rows.users["ada"],
        rows.registrations["ada"],
        *store.get_registrations_of("ada"),
        *store.list_roster("e1", limit=5).items,
        *store.get_last_seated("e1", limit=5),
        *store.find_on_roster("e1", 1),
        *store.scan_registrations(limit=5).items,
        entry,
        *store.list_history("e1", limit=5).items,
        *store.get_cards("e1"),
    ]
    assert [model and model.model_extra for model in found] == [{"from_later": "planted"}] * 15


def test_rows_of_this_version_have_no_extra_fields(peopled: AnyStore) -> None:
    store = peopled
    taken = store.take_lease("e1", holder="me", until=START)
    rows = store.get_rows("e1", registrations_of=["ada"], users=["ada"])
    entry = store.get_journal_entry("e1", 1)
    found: list[BaseModel | None] = [
        store.get_event("e1"),
        rows.users["ada"],
        rows.registrations["ada"],
        entry,
        taken,
        store.get_delivery("e1"),
        *store.get_cards("e1"),
    ]
    assert [model and model.model_extra for model in found] == [{}] * 7


def test_newer_field_of_a_waitlist_entry_is_dropped(peopled: AnyStore) -> None:
    """A waitlist entry repeats its registration, is compared with it, and is never rewritten."""
    plant(peopled, WAITLIST, EVENT | {"ticket": {"N": "1"}})
    (entry,) = peopled.get_waitlist("e1", limit=5)
    assert entry == WaitlistEntry.of(a_registration()) == a_waitlist_entry()


def test_newer_number_with_a_fraction_survives() -> None:
    """Only DynamoDB has numbers that are neither an int nor a float."""
    with empty_store("moto") as store:
        assert isinstance(store, DynamoDBStore)
        store.put_user(a_user(), replaces=None)
        store._client.update_item(
            TableName=store._keys.table_name(USERS),
            Key=ADA,
            UpdateExpression="SET score = :score, codes = :codes",
            ExpressionAttributeValues={":score": {"N": "1.25"}, ":codes": {"SS": ["a", "b"]}},
        )
        user = store.get_user("ada")
        assert user is not None
        store.put_user(user.model_copy(update={"revision": "r2"}), replaces="r1")
        (item,) = store._client.scan(TableName=store._keys.table_name(USERS))["Items"]
    assert item["score"] == {"N": "1.25"}
    assert sorted(item["codes"]["SS"]) == ["a", "b"]


def test_journal_entry_of_a_newer_version_is_equal_to_itself() -> None:
    """Models with newer fields compare by them, and can be hashed."""
    assert newer(a_journal_entry()) == newer(a_journal_entry()) != a_journal_entry()
    recipient = UnreachableRecipient(
        user_id="u", version=1, kind=NotificationKind.PROMOTED, reason="user_disabled"
    )
    assert len({newer(recipient), newer(recipient), recipient}) == 2
    assert isinstance(newer(a_journal_entry()), JournalEntry)
