"""What only a file can do: be locked, be reopened, be somebody else's, be written by many threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from domain.models import DueEvent
from domain.planning.plan import PutEvent, PutJournalEntry, PutRegistration
from domain.ports import Conflict, Unavailable
from storage.sqlite.store import SQLiteStore
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_user,
    an_event,
    commit,
    put_event_and_users,
)
from tests.support.environment import START


@contextmanager
def opened(path: Path, busy_timeout: float = 1.5) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path, "T1", busy_timeout=busy_timeout)) as store:
        yield store


def test_what_is_written_is_there_after_reopening(tmp_path: Path) -> None:
    with opened(tmp_path / "r.sqlite") as store:
        store.put_user(a_user(), replaces=None)
    with opened(tmp_path / "r.sqlite") as store:
        assert store.get_user("ada") == a_user()


def test_a_file_locked_by_another_process_is_a_conflict_and_then_works(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with (
        opened(path, busy_timeout=0.01) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Conflict, match="locked"):
            store.put_user(a_user(), replaces=None)
        assert store.get_user("ada") is None
        other.execute("ROLLBACK")
        store.put_user(a_user(), replaces=None)


def test_a_file_of_a_newer_rollcall_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="schema version 99"):
        SQLiteStore(path, "T1")


def test_a_file_of_the_first_schema_is_brought_up_to_date_with_all_that_is_in_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.sqlite"
    with opened(path) as store:
        commit(store, PutEvent(an_event(), None))
    with closing(sqlite3.connect(path)) as old:
        old.executescript(
            "DROP INDEX due; ALTER TABLE events DROP COLUMN next_due_at; PRAGMA user_version = 1;"
        )
    for _ in range(2):
        with opened(path) as store:
            assert store.get_event("e1") == an_event()
            assert store.list_due_events(limit=5).items == ()
    with opened(path) as store:
        commit(store, PutEvent(an_event(version=2, next_due_at=START), 1))
        assert store.list_due_events(limit=5).items == (DueEvent("e1", START),)


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters.txt"
    path.write_text("Dear Ada, this is no database at all. " * 50)
    with pytest.raises(ValueError, match="can't be used as a SQLite file"):
        SQLiteStore(path, "T1")
    assert path.read_text().startswith("Dear Ada")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(ValueError, match="not a file of this Rollcall"):
        SQLiteStore(path, "T1")


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    # The time-out only bounds the wait for the lock: a slow machine needs a long one.
    with opened(tmp_path / "r.sqlite", busy_timeout=200) as store:
        people = [f"u{number}" for number in range(200)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda user_id: store.put_user(a_user(user_id), replaces=None), people))
            found = list(pool.map(store.get_user, people))
        assert [user.user_id for user in found if user] == people


def test_it_keeps_what_is_acknowledged_through_a_power_cut(tmp_path: Path) -> None:
    with opened(tmp_path / "r.sqlite") as store, store._file.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_file_closed_while_it_is_read_waits_for_its_reader(tmp_path: Path) -> None:
    """Closed under a running statement, SQLite would take the whole process down."""
    with opened(tmp_path / "r.sqlite") as store:
        with store._file.reading() as connection:
            store.close()
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
        with pytest.raises(Unavailable):
            store.get_user("ada")


def test_a_user_who_is_still_registered_keeps_the_row(tmp_path: Path) -> None:
    """R7.5: the file's own foreign key says so, whatever a cascade may have overlooked."""
    with opened(tmp_path / "r.sqlite") as store:
        put_event_and_users(store, "ada")
        commit(store, PutRegistration(a_registration(), None))
        marked = a_user(deletion="mark")
        store.start_user_deletion("ada", "mark", revision="r1")
        with pytest.raises(Conflict, match="still has a registration"):
            store.delete_user("ada", "mark")
        assert store.get_user("ada") == marked


def test_what_older_rows_lack_is_empty(tmp_path: Path) -> None:
    """R9.2 came later: of older entries and delivery rows nobody is known as unreached."""
    with opened(tmp_path / "r.sqlite") as store:
        commit(store, PutEvent(an_event(), None), PutJournalEntry(a_journal_entry(version=1)))
        held = store.take_lease("e1", holder="me", now=START, until=START)
        with store._file.writing() as connection:
            connection.execute("UPDATE journal SET body = json_remove(body, '$.unreachable')")
            connection.execute(
                "UPDATE deliveries SET body = json_remove(body, '$.unreported', '$.more_unreported')"
            )
        assert store.get_journal_entry("e1", 1) == a_journal_entry(version=1)
        assert store.get_delivery("e1") == held
