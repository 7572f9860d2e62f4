"""Behavior that only a file has: locks, reopening, foreign files, threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from domain.planning.plan import PutEvent, PutJournalEntry, PutRegistration
from domain.ports import Conflict, Unavailable
from storage.sqlite.schema import SCHEMA_VERSION
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


def test_written_rows_survive_reopening(tmp_path: Path) -> None:
    with opened(tmp_path / "r.sqlite") as store:
        store.put_user(a_user(), replaces=None)
    with opened(tmp_path / "r.sqlite") as store:
        assert store.get_user("ada") == a_user()


def test_write_to_a_locked_file_is_a_conflict_until_it_is_unlocked(tmp_path: Path) -> None:
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


def test_file_of_a_newer_schema_version_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=f"schema version {SCHEMA_VERSION + 1}, .*Use the newer Rollcall"
    ):
        SQLiteStore(path, "T1")
    assert path.read_bytes() == before


def test_file_that_is_not_a_database_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "letters.txt"
    path.write_text("Dear Ada, this is no database at all. " * 50)
    with pytest.raises(ValueError, match="can't be used as an SQLite file"):
        SQLiteStore(path, "T1")
    assert path.read_text().startswith("Dear Ada")


@pytest.mark.parametrize("version", [0, 1, SCHEMA_VERSION, SCHEMA_VERSION + 1])
def test_database_of_another_program_is_refused_unchanged(tmp_path: Path, version: int) -> None:
    """Other programs count their versions, too."""
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
        other.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="a database of another program"):
        SQLiteStore(path, "T1")
    assert path.read_bytes() == before


def test_locked_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable), opened(path, busy_timeout=0.01):
            pass


def test_concurrent_threads_lose_no_write(tmp_path: Path) -> None:
    with opened(tmp_path / "r.sqlite", busy_timeout=60) as store:
        user_ids = [f"u{number}" for number in range(200)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda user_id: store.put_user(a_user(user_id), replaces=None), user_ids))
            found = list(pool.map(store.get_user, user_ids))
        assert [user.user_id for user in found if user] == user_ids


def test_connections_are_durable_and_check_foreign_keys(tmp_path: Path) -> None:
    with opened(tmp_path / "r.sqlite") as store, store._file.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_closing_waits_for_a_running_read(tmp_path: Path) -> None:
    """SQLite crashes if a connection is closed under a running statement."""
    with opened(tmp_path / "r.sqlite") as store:
        with store._file.reading() as connection:
            store.close()
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
        with pytest.raises(Unavailable):
            store.get_user("ada")


def test_registered_user_is_not_deleted(tmp_path: Path) -> None:
    """R7.5: the foreign key refuses it even if a cascade overlooked a registration."""
    with opened(tmp_path / "r.sqlite") as store:
        put_event_and_users(store, "ada")
        commit(store, PutRegistration(a_registration(), None))
        in_deletion = a_user(deletion_id="deletion1")
        store.start_user_deletion("ada", "deletion1", revision="r1")
        with pytest.raises(Conflict, match="still has a registration"):
            store.delete_user("ada", "deletion1")
        assert store.get_user("ada") == in_deletion


def test_registration_of_a_missing_user_is_a_conflict(tmp_path: Path) -> None:
    """The foreign key refuses it. A plan's own check of the user is not the only guard."""
    with opened(tmp_path / "r.sqlite") as store:
        put_event_and_users(store)
        with pytest.raises(Conflict, match="FOREIGN KEY"):
            commit(store, PutRegistration(a_registration("nobody"), None))
        assert store.get_registrations_of("nobody") == ()


def test_field_that_older_rows_lack_is_empty(tmp_path: Path) -> None:
    """R9.2 came later: older journal entries and delivery rows have no unreachable recipients."""
    with opened(tmp_path / "r.sqlite") as store:
        commit(store, PutEvent(an_event(), None), PutJournalEntry(a_journal_entry(version=1)))
        held = store.take_lease("e1", holder="me", until=START)
        with store._file.writing() as connection:
            connection.execute("UPDATE journal SET body = json_remove(body, '$.unreachable')")
            connection.execute(
                "UPDATE deliveries SET body = json_remove(body, '$.unreported', '$.more_unreported')"
            )
        assert store.get_journal_entry("e1", 1) == a_journal_entry(version=1)
        assert store.get_delivery("e1") == held
