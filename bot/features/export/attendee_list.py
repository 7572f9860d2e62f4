"""An event's attendees, read page by page into an organizer's spreadsheet (R8.8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from bot.features.export import spreadsheet
from bot.features.export.spreadsheet import Row
from bot.slack.files import File
from domain.models import Event, Registration, User, WaitlistPosition
from domain.ports import Store

PAGE_SIZE = 100
"""Attendees read at a time."""

IN_MEMORY = 1_000_000
"""Bytes of a file that is kept in memory. A larger file goes to disk."""


def export_file(store: Store, event: Event) -> File:
    """Return the file with all attendees. Raises `Unavailable`.

    It is UTF-8 with a byte order mark, which Excel needs.
    """
    content = cast("IO[bytes]", SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  # the sender closes it
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(spreadsheet.heading(event))
    writer.writerows(_rows(store, event))
    text.flush()
    text.detach()
    return spreadsheet.attendee_file(event, content)


def _rows(store: Store, event: Event) -> Iterator[Row]:
    for registrations in _roster_pages(store, event.event_id):
        users = _users(store, event, [registration.user_id for registration in registrations])
        for registration in registrations:
            yield spreadsheet.registered_row(event, registration, users)
    for page in _waitlist_pages(store, event.event_id):
        users = _users(store, event, [waitlisted.entry.user_id for waitlisted in page])
        for waitlisted in page:
            yield spreadsheet.waitlisted_row(event, waitlisted, users)


def _roster_pages(store: Store, event_id: str) -> Iterator[Sequence[Registration]]:
    cursor: str | None = None
    while True:
        page = store.list_roster(event_id, limit=PAGE_SIZE, cursor=cursor)
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _waitlist_pages(store: Store, event_id: str) -> Iterator[Sequence[WaitlistPosition]]:
    last = position = 0
    while entries := store.get_waitlist(event_id, after=last, limit=PAGE_SIZE):
        yield [WaitlistPosition(position + n, one) for n, one in enumerate(entries, start=1)]
        last, position = entries[-1].ticket, position + len(entries)


def _users(store: Store, event: Event, user_ids: Sequence[str]) -> dict[str, User]:
    return dict(store.get_rows(event.event_id, registrations_of=(), users=user_ids).users)
