"""Locks of the SQLite file, also without WAL, as on a network file system."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from domain.ports import Conflict, Unavailable
from storage.sqlite import database
from storage.sqlite.database import WAL_ATTEMPTS, SQLiteFile, _use_wal

COUNT = "SELECT count(*) FROM users"
ADD = "INSERT INTO users VALUES ('T1', 'a', 'Ada', 'r1', NULL, '{}')"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rollcall.sqlite"


@contextmanager
def opened(path: Path) -> Iterator[SQLiteFile]:
    with closing(SQLiteFile(path, busy_timeout=0.02)) as file:
        yield file


@contextmanager
def another_program(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        yield connection


def users_in(file: SQLiteFile) -> int:
    with file.reading() as connection:
        (number,) = connection.execute(COUNT).fetchone()
    return int(number)


def add_user(file: SQLiteFile, *then: str) -> None:
    with file.writing() as connection:
        for statement in (ADD, *then):
            connection.execute(statement)


def test_writer_that_waits_too_long_for_other_threads_writes_nothing(path: Path) -> None:
    with opened(path) as file:
        with file.writing(), pytest.raises(Conflict, match="other threads are writing"):
            add_user(file)
        assert users_in(file) == 0
        add_user(file)
        assert users_in(file) == 1


def test_error_that_is_not_a_lock_passes_through_and_blocks_no_one(path: Path) -> None:
    """The error passes through, and the next writer finds the file free."""
    with opened(path) as file:
        with pytest.raises(sqlite3.OperationalError, match="no such table"), file.reading() as one:
            one.execute("SELECT * FROM no_table")
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            add_user(file, "DELETE FROM no_table")
        assert users_in(file) == 0
        add_user(file)


def test_read_of_a_locked_file_without_wal_is_unavailable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_use_wal", lambda _: None)
    with opened(path) as file, another_program(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked"):
            users_in(file)
        other.execute("ROLLBACK")
        assert users_in(file) == 0


def test_commit_during_a_read_without_wal_writes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_use_wal", lambda _: None)
    with opened(path) as file, another_program(path) as other:
        other.execute("BEGIN")
        other.execute(COUNT).fetchall()
        with pytest.raises(Conflict, match="locked"):
            add_user(file)
        other.execute("ROLLBACK")
        assert users_in(file) == 0
        add_user(file)
        assert users_in(file) == 1


class Reader:
    """Another program that reads a file without WAL, and stops once a writer waits for it.

    If it `comes_back`, it reads again at the next attempt to switch to WAL.
    """

    def __init__(self, connection: sqlite3.Connection, *, comes_back: bool) -> None:
        self.connection = connection
        self.comes_back = comes_back
        self.attempts = 0

    def reads(self) -> None:
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT * FROM things").fetchall()

    def sees(self, statement: str) -> None:
        """React to a statement that the other connection starts."""
        if "journal_mode" in statement:
            self.attempts += 1
            if self.comes_back and not self.connection.in_transaction:
                self.reads()
        elif "EXCLUSIVE" in statement:
            self.connection.execute("ROLLBACK")


@contextmanager
def read_by_another(path: Path, *, comes_back: bool) -> Iterator[tuple[sqlite3.Connection, Reader]]:
    """Give a connection to a new file without WAL, and its reader."""
    with another_program(path) as one, another_program(path) as other:
        one.execute("CREATE TABLE things (name TEXT)")
        reader = Reader(other, comes_back=comes_back)
        reader.reads()
        one.set_trace_callback(reader.sees)
        yield one, reader
        one.set_trace_callback(None)


def journal_mode(connection: sqlite3.Connection) -> str:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    return str(mode)


def test_new_file_is_switched_to_wal_once_no_one_else_uses_it(path: Path) -> None:
    with read_by_another(path, comes_back=False) as (connection, reader):
        _use_wal(connection)
    assert reader.attempts == 2
    with another_program(path) as connection:
        assert journal_mode(connection) == "wal"


def test_file_that_others_keep_using_is_refused_without_wal(path: Path) -> None:
    """The error is raised after the last attempt."""
    with (
        read_by_another(path, comes_back=True) as (connection, reader),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        _use_wal(connection)
    assert reader.attempts == WAL_ATTEMPTS + 1


def test_other_error_of_the_wal_switch_passes_through(path: Path) -> None:
    with another_program(path) as connection:
        connection.execute("BEGIN")
        with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
            _use_wal(connection)


class OnNetworkFileSystem(SQLiteFile):
    """A file on a file system without shared memory, as SQLite's `unix-dotfile` has it."""

    def _uri(self) -> str:
        return f"{super()._uri()}&vfs=unix-dotfile"


def test_file_without_a_write_ahead_log_is_refused(path: Path) -> None:
    """SQLite raises no error: it answers the mode that it kept."""
    with pytest.raises(ValueError, match=r"its journal mode stays delete.*local disk"):
        OnNetworkFileSystem(path, busy_timeout=0.02)
