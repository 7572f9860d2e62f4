"""Keeps a workspace in an SQLite file: one row a thing, written when that thing changes."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from playground.workspace.model import Json


class Saved:
    """Rows of (kind, key, value) in a file, or nowhere if there is no path.

    Not thread-safe by itself: the workspace calls it under its own lock.
    """

    def __init__(self, path: Path | None) -> None:
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # A crash of the machine may cost the last moments of a demo; a killed process costs nothing.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS things"
                " (kind TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )

    def put(self, kind: str, key: str, value: Json) -> None:
        """Writes one thing, new or changed."""
        if self._connection is not None:
            self._connection.execute(
                "INSERT OR REPLACE INTO things VALUES (?, ?, ?)", (kind, key, json.dumps(value))
            )

    def drop(self, kind: str, key: str) -> None:
        """Removes one thing; it need not be there."""
        if self._connection is not None:
            self._connection.execute("DELETE FROM things WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Every thing of a kind, in the order of the keys."""
        if self._connection is not None:
            rows = self._connection.execute(
                "SELECT key, value FROM things WHERE kind = ? ORDER BY key", (kind,)
            )
            for key, value in rows.fetchall():
                yield key, json.loads(value)

    def close(self) -> None:
        """Closes the file; the workspace can't be changed after this."""
        if self._connection is not None:
            self._connection.close()
