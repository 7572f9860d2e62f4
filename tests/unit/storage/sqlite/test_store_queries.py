"""SQLite's query plans: each read is a range of an index, never a whole table or a sort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from domain.commands import Create, Register
from domain.models import WaitlistEntry
from storage.sqlite.store import SQLiteStore
from tests.support.builders import an_event, plan_and_commit, planned, put_event, put_users
from tests.support.environment import START
from tests.support.stores import empty_sqlite


@pytest.fixture
def store() -> Iterator[SQLiteStore]:
    with empty_sqlite() as store:
        put_users(store, "ada", "ben")
        for number in range(3):
            event = an_event(f"e{number}", starts_at=START + timedelta(days=number + 1))
            put_event(store, event)
        yield store


def statements(store: SQLiteStore, call: Callable[[], object]) -> list[str]:
    """Return the statements that a call executes, with their values."""
    executed: list[str] = []
    with store._file.reading() as connection:
        connection.set_trace_callback(executed.append)
    try:
        call()
    finally:
        connection.set_trace_callback(None)
    return executed


READS: dict[str, Callable[[SQLiteStore], object]] = {
    "get_event": lambda store: store.get_event("e1"),
    "get_events": lambda store: store.get_events(["e1", "e2"]),
    "get_user": lambda store: store.get_user("ada"),
    "get_rows": lambda store: store.get_rows("e1", registrations_of=["ada"], users=["ada"]),
    "get_waitlist": lambda store: store.get_waitlist("e1", after=1, until=9, limit=2),
    "count_entries_before": lambda store: store.count_entries_before(
        "e1", WaitlistEntry(9, "ada", START), after=1
    ),
    "get_registrations_of": lambda store: store.get_registrations_of("ada"),
    "get_events_and_registrations": lambda store: store.get_events_and_registrations(["e1"], "ada"),
    "get_journal_entry": lambda store: store.get_journal_entry("e1", 1),
    "list_journal": lambda store: store.list_journal("e1", after=1, limit=2),
    "get_delivery": lambda store: store.get_delivery("e1"),
    "get_cards": lambda store: store.get_cards("e1"),
    "list_events": lambda store: store.list_events(starting_from=START, limit=2),
    "list_events, organized": lambda store: store.list_events(
        starting_from=START, limit=2, organizer_id="organizer"
    ),
    "list_series": lambda store: store.list_series(limit=2),
    "list_running_events": lambda store: store.list_running_events(
        since=START, limit=2, organizer_id="organizer"
    ),
    "list_unfinished_events": lambda store: store.list_unfinished_events(limit=2),
    "list_due_events": lambda store: store.list_due_events(limit=2),
    "list_roster": lambda store: store.list_roster("e1", limit=2),
    "get_last_seated": lambda store: store.get_last_seated("e1", limit=2),
    "list_history": lambda store: store.list_history("e1", limit=2),
    "list_users": lambda store: store.list_users(limit=2),
    "list_unfinished_users": lambda store: store.list_unfinished_users(limit=2),
    "list_undelivered": lambda store: store.list_undelivered(limit=2),
    "get_undelivered": lambda store: store.get_undelivered("e1"),
    "scan_events": lambda store: store.scan_events(limit=2),
    "scan_registrations": lambda store: store.scan_registrations(limit=2),
    "find_on_roster": lambda store: store.find_on_roster("e1", 1),
    "scan_waitlist": lambda store: store.scan_waitlist(limit=2),
}


# `list_undelivered` lists an event once, and remembers at most a page of ids for that.
FOR_ONE_PAGE = "USE TEMP B-TREE FOR DISTINCT"

HEADING = "SCALAR SUBQUERY"
"""A step that reads nothing. The next step does."""


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_read_is_a_range_of_an_index(
    store: SQLiteStore, read: Callable[[SQLiteStore], object]
) -> None:
    for statement in statements(store, lambda: read(store)):
        with store._file.reading() as connection:
            steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        ranges = [step for step in steps if step != FOR_ONE_PAGE and not step.startswith(HEADING)]
        assert all(step.startswith("SEARCH") for step in ranges), (statement, steps)
        whole_workspace = [step for step in ranges if step.endswith("(workspace=?)")]
        assert whole_workspace == [], statement


def test_page_needs_no_offset(store: SQLiteStore) -> None:
    first = store.list_events(starting_from=None, limit=1)
    executed = statements(
        store, lambda: store.list_events(starting_from=None, limit=1, cursor=first.next_cursor)
    )
    assert not [statement for statement in executed if "OFFSET" in statement.upper()]


def test_commit_executes_one_statement_per_action(store: SQLiteStore) -> None:
    """BEGIN and COMMIT come on top."""
    plan_and_commit(store, Create(an_event("new")), event_id="new")
    plan = planned(store, Register("ada"), Register("ben"), event_id="new")
    executed = statements(store, lambda: store.commit(plan))
    own = [one for one in executed if not one.startswith("--")]  # SQLite's own, for foreign keys
    assert (own[0], own[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert len(own) == len(plan.actions) + 2
