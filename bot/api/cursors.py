"""Cursors of the API's lists: each wraps the cursor, or the position, of the list that it shows."""

from __future__ import annotations

from domain import cursors


def to_cursor(list_id: tuple[str | None, ...], end: str | None) -> str | None:
    """Return the cursor of the next page, or None if there is none."""
    return None if end is None else cursors.encode(list_id, (end,))


def from_cursor(list_id: tuple[str | None, ...], cursor: str | None) -> str | None:
    """Return where the previous page ended, or None for the first page. Raise `Invalid`."""
    if cursor is None:
        return None
    (end,) = cursors.decode(list_id, cursor, (str,))
    return str(end)
