"""Reads of one workspace's rows, and of lists page by page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from domain.errors import Invalid
from domain.models import Page
from storage.sqlite.database import SQLiteFile
from storage.sqlite.rows import Row

T = TypeVar("T")


class SQLiteReader:
    """Queries whose first value is the workspace. All raise `Unavailable`."""

    def __init__(self, file: SQLiteFile, workspace_id: str) -> None:
        self._file = file
        self._workspace_id = workspace_id

    def all(self, query: str, *values: object) -> list[Row]:
        """Return the rows of a query."""
        with self._file.reading() as connection:
            return connection.execute(query, (self._workspace_id, *values)).fetchall()

    def first(self, query: str, *values: object) -> Row | None:
        """Return the first row of a query."""
        rows = self.all(query, *values)
        return rows[0] if rows else None

    def among(self, query: str, keys: Collection[str], *values: object) -> list[Row]:
        """Return the rows of a query that ends in `IN`, for these keys."""
        marks = ", ".join("?" * len(keys))
        return self.all(f"{query} ({marks})", *values, *keys) if keys else []

    def page(
        self,
        name: str,
        columns: str,
        table: str,
        where: str,
        key: str,
        to_item: Callable[[Row], T],
        *,
        limit: int,
        cursor: str | None,
        values: Sequence[object] = (),
        first: Sequence[object],
        descending: bool = False,
    ) -> Page[T]:
        """Return the page of a list that starts after the cursor's position.

        The list is in order of the columns in `key`. `first` is a key before all others. Raise
        `Invalid` for a cursor of another list.
        """
        name = f"{self._workspace_id}: {name}"
        after = _from_cursor(name, cursor, first)
        marks = ", ".join("?" * len(after))
        rows = self.all(
            f"SELECT {columns}, {key} FROM {table} WHERE workspace = ? AND {where}"  # noqa: S608  # no input
            f" AND ({key}) {'<' if descending else '>'} ({marks})"
            f" ORDER BY {', '.join(f'{c} DESC' if descending else c for c in key.split(', '))} LIMIT ?",
            *values,
            *after,
            limit + 1,
        )
        items = tuple(to_item(row) for row in rows[:limit])
        more = len(rows) > limit
        return Page(items, _to_cursor(name, rows[limit - 1][-len(after) :]) if more else None)


def _to_cursor(name: str, key: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, *key]).encode()).decode()


def _from_cursor(name: str, cursor: str | None, first: Sequence[object]) -> Sequence[object]:
    """Return the key that a cursor of this list stands for; raises `Invalid`."""
    if cursor is None:
        return first
    refusal = Invalid("cursor", "must be one that this list gave out")
    try:
        given = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        json.dumps(given, ensure_ascii=False).encode()  # a lone surrogate is no key
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        raise refusal from None
    if not isinstance(given, list) or [type(part) for part in given] != [
        str,
        *(type(part) for part in first),
    ]:
        raise refusal
    if given[0] != name or any(isinstance(part, int) and abs(part) > 2**62 for part in given):
        raise refusal
    return given[1:]
