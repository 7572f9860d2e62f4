"""The SQLite file: its connections, its locks, and what its errors mean."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from domain.errors import OperatorNeeded
from domain.ports import AnswerLost, Conflict, Unavailable
from storage.sqlite import ownership
from storage.sqlite.migration import migrate
from storage.sqlite.schema import OWN_TABLES, SCHEMA, SCHEMA_VERSION, missing_from

_logger = logging.getLogger(__name__)

WAL_ATTEMPTS = 20
"""How often to try switching a new file to WAL while other processes open it."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_FOR_THE_OPERATOR = {
    sqlite3.SQLITE_FULL: "The disk of {path} is full. Free some space; no restart is needed.",
    sqlite3.SQLITE_READONLY: (
        "{path} is read-only. Let Rollcall's user write the file and its folder, and check whether the"
        " disk was mounted read-only."
    ),
    sqlite3.SQLITE_IOERR: (
        "The disk of {path} fails, or a quota is used up. Check the disk's space, and the system's log."
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "{path} can't be opened. Check that its folder exists, that Rollcall's user can write there, and"
        " that the disk is not full."
    ),
    sqlite3.SQLITE_CORRUPT: (
        "{path} is damaged. Stop Rollcall, keep a copy of the file, and restore a backup."
    ),
}
"""Instructions for the operator, by SQLite's primary result code."""

_COMMIT_FAILED = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}
"""Results of COMMIT that mean that nothing was committed: the last frame in the log is incomplete.

A failed `fsync` says less: the frames may reach the disk, and recovery after a crash may then apply them."""


class MigrationNeeded(ValueError):
    """The file has an earlier schema version, and only the bot's start may change it."""


class SQLiteFile:
    """Pool of connections to one file. One thread at a time uses a connection.

    The file is created, or migrated from an earlier schema version. If it `must_exist`, it is neither.
    """

    def __init__(self, path: str | Path, busy_timeout: float, *, must_exist: bool = False) -> None:
        self._path = str(path)
        self._must_exist = must_exist
        # A writer may wait twice: for other threads, then for other processes. Each wait gets half
        # of the time, so both together end before the request's deadline.
        self._longest_wait = busy_timeout / 2
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False
        self._lock = threading.Lock()
        # SQLite polls its own lock. The threads of this process queue here instead.
        self._writing = threading.Lock()
        self._set_up()

    def close(self) -> None:
        """Close the idle connections now, and each other connection when its thread returns it.

        SQLite crashes if a connection is closed under a running statement. Later calls raise
        `Unavailable`.
        """
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection to read with.

        Raise `Unavailable` while the file is locked, and `OperatorNeeded`.
        """
        with self._meaning(Unavailable), self._connection() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a transaction. Commit it at the end, unless an exception is raised.

        Raise `Conflict` if the file stays locked for longer than the busy timeout, `OperatorNeeded` if it
        can't be written, and `AnswerLost` if the commit fails and may or may not have been applied.
        """
        if not self._writing.acquire(timeout=self._longest_wait):
            raise Conflict("busy: other threads are writing")
        try:
            with self._meaning(Conflict), self._connection() as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                except BaseException:
                    _roll_back(connection)
                    raise
                _commit(connection)
        finally:
            self._writing.release()

    @contextmanager
    def _meaning(self, if_busy: type[Exception]) -> Iterator[None]:
        """Raise what an error of SQLite means to the caller."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if _is_busy(error):
                raise if_busy(str(error)) from error
            advice = _FOR_THE_OPERATOR.get(_primary_code(error))
            if advice is None:
                raise
            raise OperatorNeeded(f"{advice.format(path=self._path)} ({error})") from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._is_closed:
                raise Unavailable(f"{self._path} is closed")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
        try:
            yield connection
        finally:
            with self._lock:
                # A transaction that could not be rolled back would become part of the next one.
                is_wanted = not (connection.in_transaction or self._is_closed)
                if is_wanted:
                    self._idle.append(connection)
            if not is_wanted:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri(),
            uri=True,
            timeout=self._longest_wait,
            isolation_level=None,
            check_same_thread=False,  # `_connection` gives it to one thread at a time
            cached_statements=256,
        )
        # sqlite3's own error for text that is not UTF-8 names no row, and contains the text.
        connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _uri(self) -> str:
        # SQLite itself never creates the file: it would let the umask decide who can read it.
        return f"{Path(self._path).absolute().as_uri()}?mode=rw"

    def _set_up(self) -> None:
        try:
            is_created = not self._must_exist and ownership.create(self._path)
            ownership.require(self._path)
            with self._meaning(Unavailable), self._connection() as connection:
                # Switching to WAL writes to the file, so first make sure that the file is Rollcall's.
                # The transaction shows one moment of it: another process may be setting it up.
                connection.execute("BEGIN")
                version = self._version(connection)
                connection.execute("COMMIT")
                _use_wal(connection)
                if not self._must_exist:
                    ownership.restrict(self._path)
                if version != SCHEMA_VERSION:
                    self._create_or_migrate(connection)
            if not self._must_exist:
                with self.writing() as connection:
                    # A full or read-only disk shows now, not at the first press.
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.DatabaseError as error:
            self.close()
            raise ValueError(f"{self._path} can't be used as an SQLite file: {error}") from error
        except OSError as error:
            self.close()
            raise ValueError(f"{self._path} can't be opened: {error.strerror}") from error
        except BaseException:
            self.close()
            raise
        if is_created:
            _logger.info("created %s", self._path)

    def _create_or_migrate(self, connection: sqlite3.Connection) -> None:
        """Give the file today's schema, unless another process has just done that."""
        # The rows of a damaged file may lack what their foreign keys name.
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        version = self._version(connection)
        if version == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version < SCHEMA_VERSION:
            self._migrate(connection, version)
        connection.execute("COMMIT")
        connection.execute("PRAGMA foreign_keys = ON")

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        change = f"{self._path} from schema version {version} to {SCHEMA_VERSION}"
        _logger.info("migrating %s: a minute for a million rows", change)
        try:
            migrate(connection)
        except ValueError as error:
            raise ValueError(f"{self._path} can't be migrated: {error}") from error
        _logger.info("migrated %s", change)

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the file's schema version, 0 while it is empty. Raise `ValueError` if it can't be used."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if version == 0 and not names:
            if self._must_exist:
                raise ValueError(f"{self._path} is empty, not a database of Rollcall")
            return 0
        # Other programs count their versions, too. Rollcall's start at 1.
        if version < 1 or not names >= OWN_TABLES:
            raise ValueError(f"{self._path} is a database of another program")
        if version > SCHEMA_VERSION:
            raise ValueError(
                f"{self._path} was written by a newer Rollcall: it has schema version {version}, and "
                f"this Rollcall reads version {SCHEMA_VERSION}. Use the newer Rollcall"
            )
        missing = missing_from(names, version)
        if missing:
            raise ValueError(
                f"{self._path} is damaged: it lacks the tables or indexes {', '.join(missing)}. Stop"
                " Rollcall, keep a copy of the file, and restore a backup"
            )
        if version < SCHEMA_VERSION and self._must_exist:
            raise MigrationNeeded(
                f"{self._path} was written by an earlier Rollcall: it has schema version {version}, and "
                f"this Rollcall uses version {SCHEMA_VERSION}. Make a backup, then start the bot, or run "
                "`rollcall tables create`: both migrate the file"
            )
        return int(version)


def _is_busy(error: sqlite3.Error) -> bool:
    return _primary_code(error) in _BUSY


def _primary_code(error: sqlite3.Error) -> int:
    # The low byte. It also covers extended codes such as SQLITE_BUSY_SNAPSHOT.
    return _code(error) & 0xFF


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0))


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. SQLite fails immediately if another process has just opened it, so retry.

    Raise `ValueError` if the file system has no shared memory for it: SQLite then keeps another mode, and says
    so only in its answer.
    """
    for _ in range(WAL_ATTEMPTS):
        try:
            _require_wal(connection)
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        # Unlike the pragma, this waits up to the busy timeout until no one else uses the file.
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    _require_wal(connection)


def _require_wal(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise ValueError(
            f"SQLite can't keep a write-ahead log for the file (its journal mode stays {mode}). Put the file "
            "on a local disk: on a network file system, reads and writes block each other, and two processes "
            "can damage the file"
        )


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        _roll_back(connection)
        if _is_busy(error) or _code(error) in _COMMIT_FAILED:
            raise
        raise AnswerLost(str(error)) from error
