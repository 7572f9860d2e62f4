"""Lists on DynamoDB: its pages of 1 MB, and cursors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Invalid
from domain.planning.plan import PutRegistration, PutWaitlistEntry
from storage.dynamodb import reader
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import (
    a_registration,
    a_waitlist_entry,
    all_items,
    an_event,
    bare_plan,
    put_event,
    put_users,
)
from tests.support.cursors import forged_cursor, signed_cursor
from tests.support.dynamodb.moto import dynamodb_client
from tests.support.dynamodb.requests import counted
from tests.support.environment import START
from tests.support.stores import empty_moto


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with empty_moto() as store:
        yield store


@contextmanager
def sent_queries(most: int = 1_000) -> Iterator[list[dict[str, Any]]]:
    """Give the arguments of each Query. It answers with `most` items at most, as if they were 1 MB."""
    sent: list[dict[str, Any]] = []

    def shorten(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        sent.append(params)
        return params | {"Limit": min(most, params.get("Limit", most))}

    events: Any = dynamodb_client().meta.events
    events.register("provide-client-params.dynamodb.Query", shorten, unique_id="shorten")
    try:
        yield sent
    finally:
        events.unregister("provide-client-params.dynamodb.Query", shorten, unique_id="shorten")


def test_waitlist_over_a_megabyte_is_read_across_pages(store: DynamoDBStore) -> None:
    entries = [a_waitlist_entry(f"u{ticket}", ticket) for ticket in range(1, 8)]
    store.commit(bare_plan(*(PutWaitlistEntry("e1", entry) for entry in entries)))
    with sent_queries(most=3) as sent:
        assert store.get_waitlist("e1", limit=5) == tuple(entries[:5])
    assert [query["Limit"] for query in sent] == [5, 2]


def test_waitlist_over_a_megabyte_is_counted_across_pages(store: DynamoDBStore) -> None:
    entries = [a_waitlist_entry(f"u{ticket}", ticket) for ticket in range(1, 8)]
    store.commit(bare_plan(*(PutWaitlistEntry("e1", entry) for entry in entries)))
    with sent_queries(most=3) as sent:
        assert store.count_entries_before("e1", entries[6], after=0) == 6
    assert len(sent) == 3


def test_registrations_of_a_user_are_read_across_pages(store: DynamoDBStore) -> None:
    """R7.1: the cascade deletes only the registrations that it sees."""
    rows = [a_registration(event_id=f"e{number}") for number in range(7)]
    store.commit(bare_plan(*(PutRegistration(row, None) for row in rows)))
    with sent_queries(most=3) as sent:
        assert store.get_registrations_of("ada") == tuple(rows)
    assert len(sent) == 3


def test_page_is_full_although_dynamodb_pages_are_short(store: DynamoDBStore) -> None:
    put_users(store, "a", "b", "c", "d")
    with sent_queries(most=1):
        page = store.list_users(limit=3)
    assert [user.user_id for user in page.items] == ["a", "b", "c"]
    assert page.next_cursor is not None


def test_page_continues_after_the_event_before_it_has_started(store: DynamoDBStore) -> None:
    """DynamoDB refuses a start before the key condition's range. The page then starts with the range."""
    for day in (1, 2, 3):
        put_event(store, an_event(f"e{day}", starts_at=START + timedelta(days=day)))
    first = store.list_events(starting_from=START, limit=1)
    assert [event.event_id for event in first.items] == ["e1"]
    later = START + timedelta(days=1, hours=1)
    with sent_queries() as sent:
        second = store.list_events(starting_from=later, limit=5, cursor=first.next_cursor)
    assert [event.event_id for event in second.items] == ["e2", "e3"]
    assert "ExclusiveStartKey" not in sent[0]


@pytest.mark.parametrize("most", [1, 2, 3, 7, 1_000])
def test_few_events_of_one_organizer_are_found_among_pages_of_others(
    store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """A page of what matches may be short or empty. The next one goes on after what was examined."""
    monkeypatch.setattr(reader, "FIRST_LOOK", 2)
    for day in range(12):
        organizer_id = "ada" if day in (0, 5, 6, 7, 11) else "ben"
        starts_at = START + timedelta(days=day)
        put_event(store, an_event(f"e{day:02}", starts_at=starts_at, organizer_id=organizer_id))
    with sent_queries(most):
        listed = all_items(store.list_events, starting_from=None, organizer_id="ada", limit=2)
    assert [event.event_id for event in listed] == ["e00", "e05", "e06", "e07", "e11"]


def test_cursors_need_no_escaping_in_a_url(store: DynamoDBStore) -> None:
    put_users(store, *(f"u{number}" for number in range(9)))
    cursors = []
    cursor = None
    while True:
        page = store.list_users(limit=1, cursor=cursor)
        cursor = page.next_cursor
        if cursor is None:
            break
        cursors.append(cursor)
    assert len(cursors) >= 8
    assert all(text.replace("-", "").replace("_", "").isalnum() for text in cursors)


NAME, USER = "a", "T1#a"


@pytest.mark.parametrize(
    "cursor",
    [
        forged_cursor(("T2", "users"), [NAME, USER]),
        forged_cursor(("T1", "events"), [NAME, USER]),
        forged_cursor(("T1", "users"), ["", USER]),
        forged_cursor(("T1", "users"), ["a" * 1_025, USER]),
        forged_cursor(("T1", "users"), [7, USER]),
        forged_cursor(("T1", "users"), ["\ud800", USER]),
        forged_cursor(("T1", "users"), [NAME, USER, "x"]),
        forged_cursor(("T1", "users"), [USER]),
        forged_cursor(("T1", "users"), None),
        "",
        "[" * 100_000,
        signed_cursor(("T1", "users"), b"[" * 100_000),
    ],
    ids=[
        "another workspace's",
        "another list's",
        "empty",
        "too long",
        "a number",
        "no text",
        "more",
        "less",
        "none",
        "nothing",
        "brackets",
        "depth",
    ],
)
def test_forged_cursor_is_refused_before_any_request(store: DynamoDBStore, cursor: str) -> None:
    with counted(dynamodb_client()) as requests, pytest.raises(Invalid) as refusal:
        store.list_users(limit=5, cursor=cursor)
    assert refusal.value.field == "cursor"
    assert requests.reads == 0


@pytest.mark.parametrize("ticket", [True, -1, 10**40, "1", 1.5])
def test_forged_number_is_refused(store: DynamoDBStore, ticket: object) -> None:
    cursor = forged_cursor(("T1", "roster", "e1"), [ticket, "T1#a", "T1#e1"])
    with pytest.raises(Invalid):
        store.list_roster("e1", limit=5, cursor=cursor)


def test_roster_refuses_the_cursor_of_another_event(store: DynamoDBStore) -> None:
    for number in range(3):
        row = a_registration(f"u{number}", ticket=number + 1)
        store.commit(bare_plan(PutRegistration(row, None)))
    cursor = store.list_roster("e1", limit=1).next_cursor
    with pytest.raises(Invalid):
        store.list_roster("e2", limit=1, cursor=cursor)


def test_delivery_row_is_not_in_the_journal_or_the_history(store: DynamoDBStore) -> None:
    put_event(store)
    store.take_lease("e1", holder="me", until=START)
    assert store.get_journal_entry("e1", 0) is None
    assert [entry.version for entry in store.list_journal("e1", after=-5, limit=9)] == [1]
    assert [entry.version for entry in all_items(store.list_history, "e1")] == [1]


def test_read_of_over_a_hundred_keys_is_split_into_batches(store: DynamoDBStore) -> None:
    user_ids = [f"u{number}" for number in range(120)]
    put_users(store, *user_ids)
    with counted(dynamodb_client()) as requests:
        assert set(store.get_rows("e1", registrations_of=user_ids, users=user_ids).users) == set(
            user_ids
        )
    assert requests.sent["BatchGetItem"] == 3
