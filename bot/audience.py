"""Everyone in an event, one after the other, from any place in between: for messages to all (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from domain.models import JournalEntry, Registration
from domain.ports import Store

PEOPLE = 100
"""People read at once."""


def audience(store: Store, entry: JournalEntry, place: str | None) -> Iterator[tuple[str, str]]:
    """Yield who was registered or waiting when the entry was written, and the place behind each.

    It goes on behind `place` (None: it begins). The line comes first: who moves from it to a seat
    meanwhile is met there, and is known as one who was met when the seats are read.
    """
    line_first = line_last = 0
    cursor, last = None, 0
    part, *numbers = json.loads(place or '["line", 0, 0]')
    if part == "line":
        line_first, line_last = numbers
        while line := store.get_line(entry.event_id, after=line_last, limit=PEOPLE):
            for waiting in line:
                line_first = line_first or waiting.ticket
                line_last = waiting.ticket
                if waiting.registered_at <= entry.at:
                    yield waiting.user_id, json.dumps(["line", line_first, line_last])
    else:
        cursor, last, line_first, line_last = numbers
    met = range(line_first, line_last + 1)
    while True:
        page = store.list_roster(entry.event_id, limit=PEOPLE, cursor=cursor)
        for row in page.items:
            if row.ticket > last and row.registered_at <= entry.at and not _met(row, entry, met):
                where = json.dumps(["seats", cursor, row.ticket, line_first, line_last])
                yield row.user_id, where
        cursor = page.next_cursor
        if cursor is None:
            return


def _met(row: Registration, entry: JournalEntry, met: range) -> bool:
    """Whether someone who has a seat waited for it when the line was read."""
    return row.seated_at is not None and row.seated_at > entry.at and row.ticket in met
