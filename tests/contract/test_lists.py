"""Lists, cursors, round trips and the outbox, on every store."""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.models import Card, ExportJob, ReplyJob, WaitlistEntry
from domain.planning.plan import PutEvent, PutJournalEntry, PutRegistration, PutWaitlistEntry
from storage.sqlite.store import SQLiteStore
from tests.support import strategies
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_user,
    a_waitlist_entry,
    all_items,
    an_event,
    bare_plan,
    put_event,
    put_users,
)
from tests.support.crashes.killing import pages
from tests.support.cursors import forged_cursor, signed_cursor
from tests.support.environment import START
from tests.support.notifications.delivery import all_undelivered
from tests.support.scale import scaled
from tests.support.stores import AnyStore, another_workspace

_numbers = count(1)
drawn = settings(
    max_examples=scaled(10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# Order


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_events_with_equal_starts_are_listed_once_each(store: AnyStore, limit: int) -> None:
    for number in (3, 1, 4, 2, 5):
        put_event(store, an_event(f"e{number}"))
    put_event(store, an_event("first", starts_at=START + timedelta(days=1)))
    listed = [
        event.event_id for event in all_items(store.list_events, limit=limit, starting_from=None)
    ]
    assert listed[0] == "first"
    assert sorted(listed[1:]) == ["e1", "e2", "e3", "e4", "e5"]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_users_with_equal_names_are_listed_once_each(store: AnyStore, limit: int) -> None:
    for number in (3, 1, 4, 2, 5):
        store.put_user(a_user(f"u{number}", name="Ada"), replaces=None)
    store.put_user(a_user("last", name="Zoë"), replaces=None)
    listed = [user.user_id for user in all_items(store.list_users, limit=limit)]
    assert sorted(listed[:-1]) == ["u1", "u2", "u3", "u4", "u5"]
    assert listed[-1] == "last"


def test_event_starting_at_the_given_moment_is_listed(store: AnyStore) -> None:
    event = put_event(store)
    after = event.starts_at + timedelta(microseconds=1)
    assert len(all_items(store.list_events, starting_from=event.starts_at)) == 1
    assert all_items(store.list_events, starting_from=after) == []


def test_pages_stay_in_order_while_events_are_added(store: AnyStore) -> None:
    """Events that exist throughout are listed once. An event added before the cursor is not listed."""
    for number in range(2, 8, 2):
        put_event(store, an_event(f"e{number}", starts_at=START + timedelta(days=number)))
    first = store.list_events(starting_from=None, limit=2)
    for number in (1, 5):
        put_event(store, an_event(f"e{number}", starts_at=START + timedelta(days=number)))
    second = store.list_events(starting_from=None, limit=5, cursor=first.next_cursor)
    assert [event.event_id for event in (*first.items, *second.items)] == ["e2", "e4", "e5", "e6"]


def test_organized_events_are_listed_and_no_others(store: AnyStore) -> None:
    for number in range(9):
        organizers = [
            ("ada", ("ben",)),
            ("ben", ()),
            ("ada2", ("eve", "ada", "x")),
            ("eve", ("ada2",)),
        ]
        organizer_id, co_organizer_ids = organizers[number % 4]
        starts_at = START + timedelta(days=number)
        put_event(
            store,
            an_event(
                f"e{number}",
                starts_at=starts_at,
                organizer_id=organizer_id,
                co_organizer_ids=co_organizer_ids,
            ),
        )
    listed = all_items(store.list_events, starting_from=None, organizer_id="ada", limit=2)
    assert [event.event_id for event in listed] == ["e0", "e2", "e4", "e6", "e8"]
    since = START + timedelta(days=3)
    listed = all_items(store.list_events, starting_from=since, organizer_id="ada2", limit=1)
    assert [event.event_id for event in listed] == ["e3", "e6", "e7"]
    assert all_items(store.list_events, starting_from=None, organizer_id="ad") == []


def test_running_events_are_those_that_began_before_and_have_not_ended(store: AnyStore) -> None:
    since = START + timedelta(days=10)
    ends: dict[str, tuple[int, int | None]] = {
        "over": (1, 9),
        "no-end": (9, None),
        "ends-then": (2, 10),
        "long": (1, 30),
        "short": (9, 11),
        "later": (10, 12),
    }
    for event_id, (start, end) in ends.items():
        ends_at = None if end is None else START + timedelta(days=end)
        starts_at = START + timedelta(days=start)
        organizer_id = "ada" if event_id == "long" else "ben"
        put_event(
            store,
            an_event(event_id, starts_at=starts_at, ends_at=ends_at, organizer_id=organizer_id),
        )
    listed = all_items(store.list_running_events, since=since, limit=1)
    assert [event.event_id for event in listed] == ["ends-then", "short", "long"]
    listed = all_items(store.list_running_events, since=since, organizer_id="ada")
    assert [event.event_id for event in listed] == ["long"]
    assert all_items(another_workspace(store).list_running_events, since=since) == []


# Pages whose length the store chooses


def test_lists_without_a_limit_are_complete_and_in_order(store: AnyStore) -> None:
    put_event(store, an_event("e1"))
    put_users(store, *(f"u{number}" for number in range(9)))
    rows = [a_registration(f"u{number}", "e1", number + 1) for number in range(9)]
    waitlist = [a_waitlist_entry(f"u{number}", number + 1) for number in range(9)]
    store.commit(bare_plan(*(PutRegistration(row, None) for row in rows)))
    store.commit(bare_plan(*(PutWaitlistEntry("e1", entry) for entry in waitlist)))
    assert all_items(lambda **page: store.list_roster("e1", **page), limit=None) == rows
    assert [user.user_id for user in all_items(store.list_users, limit=None)] == [
        row.user_id for row in rows
    ]
    found: list[WaitlistEntry] = []
    while entries := store.get_waitlist("e1", after=found[-1].ticket if found else 0, limit=None):
        found += entries
    assert found == waitlist


# Jobs


def test_job_is_undelivered_until_it_is_deleted(store: AnyStore) -> None:
    """It has a journal and a lease of its own, with no event of its id."""
    put_event(store, an_event("e1"))
    job_id = ExportJob("e1", 7, 0).job_id
    entry = a_journal_entry(job_id)
    store.add_job(entry)
    store.add_job(entry)
    assert job_id in all_undelivered(store)
    assert store.list_journal(job_id, limit=5) == (entry,)
    assert entry not in store.list_journal("e1", limit=5)
    until = START + timedelta(minutes=1)
    for holder in ("one", "two"):
        taken = store.take_lease(job_id, holder=holder, until=until, expired=None)
        assert taken.holder == "one"
    store.delete_job(job_id)
    store.delete_job(job_id)
    assert job_id not in all_undelivered(store)
    assert store.list_journal(job_id, limit=5) == ()
    assert store.get_delivery(job_id).holder is None


def test_replies_to_one_user_are_listed_in_order(store: AnyStore) -> None:
    """A process that starts sends them in this order."""
    jobs = [ReplyJob("U1", f"2026112812{number:04}-{number:x}").job_id for number in range(12)]
    for job_id in reversed(jobs):
        store.add_job(a_journal_entry(job_id))
    assert [id_ for id_ in pages(store.list_undelivered) if id_ in jobs] == jobs


# Cursors


def test_roster_cursor_of_another_event_is_refused(store: AnyStore) -> None:
    put_users(store, "ada", "ben")
    for event_id in ("e1", "e2"):
        put_event(store, an_event(event_id))
        store.commit(
            bare_plan(
                PutRegistration(a_registration("ada", event_id, 1), None),
                PutRegistration(a_registration("ben", event_id, 2), None),
            )
        )
    cursor = store.list_roster("e1", limit=1).next_cursor
    assert cursor is not None
    with pytest.raises(Invalid):
        store.list_roster("e2", limit=1, cursor=cursor)
    with pytest.raises(Invalid):
        store.list_history("e1", limit=1, cursor=cursor)


def test_cursor_of_another_workspace_is_refused(store: AnyStore) -> None:
    """R10.2."""
    put_users(store, "ada", "ben")
    cursor = store.list_users(limit=1).next_cursor
    assert cursor is not None
    with pytest.raises(Invalid):
        another_workspace(store).list_users(limit=1, cursor=cursor)


def test_cursor_is_safe_in_a_url(store: AnyStore) -> None:
    for name in ("Ünal ?&#/+", "Zoë"):
        store.put_user(a_user(name=name, user_id=f"u{len(name)}"), replaces=None)
    cursor = store.list_users(limit=1).next_cursor
    assert cursor is not None
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.")


FORGED = {
    "a lone surrogate": ["\ud800", "x"],
    "a number for text": [1, 2],
    "true for a number": [True, True],
    "too much": ["a", "b", "c", "d"],
    "nothing": [],
}


@pytest.mark.parametrize("key", FORGED.values(), ids=[name.replace(" ", "-") for name in FORGED])
def test_forged_position_is_refused(store: AnyStore, key: list[object]) -> None:
    """The cursor has a valid digest, but a position that the list would never give out."""
    with pytest.raises(Invalid) as refusal:
        store.list_users(limit=1, cursor=forged_cursor(("T1", "users"), key))
    assert refusal.value.field == "cursor"


def test_deeply_nested_cursor_is_refused(store: AnyStore) -> None:
    cursor = signed_cursor(("T1", "users"), b"[" * 30_000)
    with pytest.raises(Invalid):
        store.list_users(limit=1, cursor=cursor)


# Round trips


@drawn
@given(data=st.data())
def test_rows_round_trip(store: AnyStore, data: st.DataObject) -> None:
    """Times are exact to the microsecond and in UTC. Text may be in any script, empty or missing."""
    own = f"x{next(_numbers)}"
    user = data.draw(strategies.users(own))
    event = data.draw(strategies.events(own))
    row = data.draw(strategies.registrations(own, own))
    entry = data.draw(strategies.entries(own))
    waitlist_entry = data.draw(strategies.waitlist_entries(own))
    store.put_user(user, replaces=None)
    store.commit(
        bare_plan(
            PutEvent(event, None),
            PutRegistration(row, None),
            PutWaitlistEntry(own, waitlist_entry),
            PutJournalEntry(entry),
        )
    )
    assert store.get_user(own) == user
    assert store.get_event(own) == event
    assert store.get_registrations_of(own) == (row,)
    assert store.get_waitlist(own, limit=1) == (waitlist_entry,)
    found = store.get_journal_entry(own, entry.version)
    assert found == entry
    assert found is not None
    assert found.at.utcoffset() == UTC.utcoffset(None)


@drawn
@given(data=st.data())
def test_delivery_rows_and_cards_round_trip(store: AnyStore, data: st.DataObject) -> None:
    own = f"x{next(_numbers)}"
    delivery = data.draw(strategies.deliveries(own, "holder"))
    card = data.draw(strategies.cards(own))
    taken = store.take_lease(own, holder="holder", until=START)
    delivery = delivery.model_copy(update={"revision": taken.revision})
    store.put_card(card)
    saved = store.save_delivery(delivery)
    assert saved == delivery.model_copy(update={"revision": taken.revision + 1})
    assert store.get_delivery(own) == saved
    assert store.get_cards(own) == (card,)


# The outbox


def test_deleting_a_card_keeps_those_of_other_workspaces_and_events(store: AnyStore) -> None:
    card = Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=1)
    store.put_card(card)
    another_workspace(store).delete_card("e1", "C1", "1.1")
    store.delete_card("e2", "C1", "1.1")
    assert store.get_cards("e1") == (card,)


def test_lease_does_not_block_another_workspace(store: AnyStore) -> None:
    store.take_lease("e1", holder="one", until=START)
    other = another_workspace(store)
    assert other.take_lease("e1", holder="two", until=START).holder == "two"
    assert store.get_delivery("e1").holder == "one"


def test_all_undelivered_events_are_listed(store: AnyStore) -> None:
    expected = {f"e{number}" for number in range(12)}
    for event_id in expected:
        put_event(store, an_event(event_id))
    store.commit(bare_plan(PutJournalEntry(a_journal_entry("e3", 2)), event_id="e3"))
    assert set(all_items(store.list_undelivered)) == expected
    if isinstance(store, SQLiteStore):
        assert len(all_items(store.list_undelivered)) == len(expected)
