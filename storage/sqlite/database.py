"""The SQLite file: its tables, its connections, and what its errors mean."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.ports import AnswerLost, Conflict, Unavailable

SCHEMA_VERSION = 2

# Every key begins with the workspace. Times are microseconds since 1970, UTC. Every list that the
# store gives is a range of one of these indexes. `body` is a model as JSON; what is queried or
# conditioned on has a column of its own.
_SCHEMA = """
CREATE TABLE events (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    is_shown INTEGER NOT NULL,
    is_unfinished INTEGER NOT NULL,
    next_due_at INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;
CREATE INDEX upcoming ON events (workspace, starts_at, event_id) WHERE is_shown = 1;
CREATE INDEX due ON events (workspace, next_due_at, event_id) WHERE next_due_at IS NOT NULL;
CREATE INDEX unfinished_events ON events (workspace, event_id) WHERE is_unfinished = 1;

CREATE TABLE users (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    deletion TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, user_id)
) STRICT;
CREATE INDEX members ON users (workspace, name, user_id);
CREATE INDEX unfinished_users ON users (workspace, user_id) WHERE deletion IS NOT NULL;

CREATE TABLE registrations (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    status TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    seated_at INTEGER,
    PRIMARY KEY (workspace, user_id, event_id),
    FOREIGN KEY (workspace, user_id) REFERENCES users,
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;
CREATE INDEX roster ON registrations (workspace, event_id, ticket) WHERE status = 'registered';

CREATE TABLE waitlist (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, event_id, ticket),
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    is_undelivered INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, version),
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT;
CREATE INDEX undelivered ON journal (workspace, event_id) WHERE is_undelivered = 1;

CREATE TABLE deliveries (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    leased_until INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;

CREATE TABLE cards (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    rendered_version INTEGER NOT NULL,
    PRIMARY KEY (workspace, event_id, channel_id, message_ts)
) STRICT, WITHOUT ROWID;
"""

_UPGRADES = {
    1: """
ALTER TABLE events ADD COLUMN next_due_at INTEGER;
CREATE INDEX due ON events (workspace, next_due_at, event_id) WHERE next_due_at IS NOT NULL
""",
}
"""By schema version: what makes the next one of it."""

WAL_ATTEMPTS = 20
"""How often a new file is switched to WAL while others open it at the same moment."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class SQLiteFile:
    """Connections to one file, each used by one thread at a time, and handed back."""

    def __init__(self, path: str | Path, busy_timeout: float) -> None:
        self._path = str(path)
        # A writer may wait twice, for this process's other threads and then for other processes:
        # half the time for each, so that both together end before the request's deadline.
        self._longest_wait = busy_timeout / 2
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False
        self._lock = threading.Lock()
        # SQLite lets those who wait for its own lock poll; in one process they queue here instead.
        self._writing = threading.Lock()
        self._set_up()

    def close(self) -> None:
        """Close every connection: at once, or when the thread that uses it is done with it.

        SQLite does not survive a connection's being closed under a running statement. From now on,
        what still runs in the background finds the file `Unavailable`.
        """
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to read with. Raises `Unavailable` while the file is locked."""
        with self._connection() as connection:
            try:
                yield connection
            except sqlite3.OperationalError as error:
                if _is_busy(error):
                    raise Unavailable(str(error)) from error
                raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection in a transaction, committed at the end unless something is raised.

        Raises `Conflict` if another holds the file's lock for longer than the busy time-out, and
        `AnswerLost` if the commit itself fails in a way that leaves it open.
        """
        if not self._writing.acquire(timeout=self._longest_wait):
            raise Conflict("busy: others are writing")
        try:
            with self._connection() as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                except sqlite3.OperationalError as error:
                    _roll_back(connection)
                    if _is_busy(error):
                        raise Conflict(str(error)) from error
                    raise
                except BaseException:
                    _roll_back(connection)
                    raise
                _commit(connection)
        finally:
            self._writing.release()

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
                is_wanted = not self._is_closed
                if is_wanted:
                    self._idle.append(connection)
            if not is_wanted:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._longest_wait,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time: `_connection` sees to it
            cached_statements=256,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self) -> None:
        try:
            with self._connection() as connection:
                # WAL is written into the file: look first whose it is, at one moment of the file,
                # for another process may be setting it up.
                connection.execute("BEGIN")
                self._version(connection)
                connection.execute("COMMIT")
                _use_wal(connection)
            with self.writing() as connection:
                version = self._version(connection)
                scripts = [_SCHEMA] if version == 0 else []
                scripts += [
                    _UPGRADES[older] for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION)
                ]
                for statement in ";".join(scripts).split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.DatabaseError) and not _is_busy(error):
                raise ValueError(f"{self._path} can't be used as a SQLite file: {error}") from error
            raise

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the file's schema version, 0 of an empty one. Raises `ValueError` if it is neither."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version == 0 and tables == 0:
            return 0
        if not 1 <= version <= SCHEMA_VERSION:
            raise ValueError(
                f"{self._path} is not a file of this Rollcall: it has schema version {version}, "
                f"and this one reads up to {SCHEMA_VERSION}"
            )
        return int(version)


def _is_busy(error: sqlite3.Error) -> bool:
    # The low byte is the primary code; SQLITE_BUSY_SNAPSHOT and its like are busy, too.
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, once; SQLite gives up at once where another has just opened it, too."""
    for _ in range(WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        # This does wait, up to the busy time-out, until nobody else is at the file.
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            _roll_back(connection)
            raise Conflict(str(error)) from error
        raise AnswerLost(str(error)) from error
