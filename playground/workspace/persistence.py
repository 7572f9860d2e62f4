"""Storage of a workspace in an SQLite file."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from playground.workspace.model import Json


class RowStore:
    """Rows of (kind, key, JSON value). Without a path, it stores nothing.

    Not thread-safe: the workspace calls it under its own lock.
    """

    def __init__(self, path: Path | None) -> None:
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(0o600)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # A killed process loses nothing. A machine crash may lose the last moments, which is fine for a demo.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS things"
                " (kind TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )

    def put(self, kind: str, key: str, value: Json) -> None:
        """Insert or replace a row."""
        if self._connection is not None:
            self._connection.execute(
                "INSERT OR REPLACE INTO things VALUES (?, ?, ?)", (kind, key, json.dumps(value))
            )

    def delete(self, kind: str, key: str) -> None:
        """Delete a row if it exists."""
        if self._connection is not None:
            self._connection.execute("DELETE FROM things WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Yield the (key, value) pairs of a kind, ordered by key."""
        if self._connection is not None:
            rows = self._connection.execute(
                "SELECT key, value FROM things WHERE kind = ? ORDER BY key", (kind,)
            )
            for key, value in rows.fetchall():
                yield key, json.loads(value)

    def close(self) -> None:
        """Close the file. The workspace can't change afterwards."""
        if self._connection is not None:
            self._connection.close()
