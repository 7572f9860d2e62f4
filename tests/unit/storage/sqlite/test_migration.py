"""The migration of an SQLite file: whole or not at all, said in the log, and only where it may be (R7.7)."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from storage.sqlite import migration
from storage.sqlite.database import MigrationNeeded
from storage.sqlite.schema import SCHEMA_VERSION
from storage.sqlite.store import SQLiteStore
from tests.support.earlier_data import SQLITE, write_sqlite_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rollcall.sqlite"
    write_sqlite_file("sqlite-4", path)
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return [str(version), *connection.iterdump()]


def test_log_says_what_was_migrated(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        SQLiteStore(path, "T1").close()
    assert f"migrated {path} from schema version 4 to {SCHEMA_VERSION}" in caplog.messages
    caplog.clear()
    with caplog.at_level(logging.INFO):
        SQLiteStore(path, "T1").close()
    assert caplog.messages == []


@pytest.mark.parametrize("table", ["events", "cards"])
def test_migration_that_fails_changes_nothing(
    path: Path, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a crash, or a full disk: the next start begins again."""
    before = dump(path)

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as failing:
        failing.setitem(migration._NEW_ROWS, table, fail)
        with pytest.raises(ValueError, match="disk is full"):
            SQLiteStore(path, "T1")
    assert dump(path) == before
    SQLiteStore(path, "T1").close()
    assert dump(path)[0] == str(SCHEMA_VERSION)


def test_process_that_is_killed_in_the_migration_changes_nothing(path: Path) -> None:
    before = dump(path)
    script = (
        "import os, sys\n"
        "from storage.sqlite import migration\n"
        "from storage.sqlite.store import SQLiteStore\n"
        "migration._NEW_ROWS['cards'] = lambda *_: os.kill(os.getpid(), 9)\n"
        "SQLiteStore(sys.argv[1], 'T1')\n"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == -9
    assert dump(path) == before
    with closing(SQLiteStore(path, "T1")) as store:
        assert store.get_event("e1") is not None


def test_row_that_cannot_be_read_is_named_and_nothing_changes(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE events SET body = '{}' WHERE event_id = 'e2'")
        connection.commit()
    before = dump(path)
    with pytest.raises(
        ValueError,
        match="can't be migrated: the row of events with event_id e2 can't be read: event_id: Field required",
    ):
        SQLiteStore(path, "T1")
    assert dump(path) == before


@pytest.mark.parametrize("name", SQLITE)
def test_file_is_not_migrated_where_it_must_exist(tmp_path: Path, name: str) -> None:
    """`rollcall check` changes nothing: the bot that runs may still be the earlier one."""
    path = tmp_path / "rollcall.sqlite"
    write_sqlite_file(name, path)
    before = dump(path)
    with pytest.raises(MigrationNeeded, match="written by an earlier Rollcall"):
        SQLiteStore(path, "T1", must_exist=True)
    assert dump(path) == before


def test_many_that_open_it_at_once_migrate_it_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(4) as pool:
        for store in pool.map(lambda _: SQLiteStore(path, "T1", busy_timeout=60), range(4)):
            assert store.get_event("e1") is not None
            store.close()
    assert len([line for line in caplog.messages if line.startswith("migrated")]) == 1


def test_rows_of_a_damaged_file_are_kept_for_the_check_to_report(path: Path) -> None:
    """A registration without its user breaks a foreign key."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM users WHERE user_id = 'ada'")
        connection.commit()
    with closing(SQLiteStore(path, "T1")) as store:
        assert len(store.get_registrations_of("ada")) == 2
