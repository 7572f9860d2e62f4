"""An event's people, one after the other, from any place in between: for messages to many of them (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from domain.enums import Audience
from domain.models import JournalEntry, Registration
from domain.ports import Store

PEOPLE = 100
"""People read at once."""


def audience(
    store: Store, entry: JournalEntry, place: str | None, of: Audience = Audience.EVERYONE
) -> Iterator[tuple[str, str]]:
    """Yield who was registered or waiting when the entry was written, and the place behind each.

    Of those who have a seat now, `Audience.WAITLISTED` has the ones who waited for it then, and
    `Audience.REGISTERED` the others; who has left meanwhile is in none.

    It goes on behind `place` (None: it begins). The line comes first: who moves from it to a seat
    meanwhile is met there, and is known as one who was met when the seats are read.
    """
    line_first = line_last = 0
    cursor, last = None, 0
    begin = '["seats", null, 0, 0, 0]' if of is Audience.REGISTERED else '["line", 0, 0]'
    part, *numbers = json.loads(place or begin)
    if part == "line":
        line_first, line_last = numbers
        while line := store.get_waitlist(entry.event_id, after=line_last, limit=PEOPLE):
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
            if (
                row.ticket > last
                and row.registered_at <= entry.at
                and _belongs(row, entry, of)
                and not _met(row, entry, met)
            ):
                where = json.dumps(["seats", cursor, row.ticket, line_first, line_last])
                yield row.user_id, where
        cursor = page.next_cursor
        if cursor is None:
            return


def _belongs(row: Registration, entry: JournalEntry, of: Audience) -> bool:
    """Whether someone who has a seat now was of the audience when the entry was written."""
    if of is Audience.EVERYONE:
        return True
    waited = row.seated_at is not None and row.seated_at > entry.at
    return waited is (of is Audience.WAITLISTED)


def _met(row: Registration, entry: JournalEntry, met: range) -> bool:
    """Whether someone who has a seat waited for it when the line was read."""
    return row.seated_at is not None and row.seated_at > entry.at and row.ticket in met
