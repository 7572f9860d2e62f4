"""Reads of one workspace's rows, and of lists page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from domain import cursors
from domain.models import Page
from storage.sqlite.database import SQLiteFile
from storage.sqlite.rows import Row

T = TypeVar("T")

ROWS_OF_ONE_REQUEST = 5_000
"""Length of a page if the caller leaves it to the store: about what DynamoDB returns in 1 MB."""


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
        list_id: tuple[str, ...],
        columns: str,
        table: str,
        where: str,
        key: str,
        to_item: Callable[[Row], T],
        *,
        limit: int | None,
        cursor: str | None,
        values: Sequence[object] = (),
        first: Sequence[object],
        descending: bool = False,
    ) -> Page[T]:
        """Return the page of a list that starts after the cursor's position.

        `list_id` is the list's identity in cursors, without the workspace. The list is in order of
        the columns in `key`, and `first` is a key before all others. Raise `Invalid` for a cursor
        of another list.
        """
        limit = ROWS_OF_ONE_REQUEST if limit is None else limit
        list_id = (self._workspace_id, *list_id)
        shape = [type(value) for value in first]
        after = first if cursor is None else cursors.decode(list_id, cursor, shape)
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
        if len(rows) <= limit:
            return Page(items)
        return Page(items, cursors.encode(list_id, rows[limit - 1][-len(after) :]))
