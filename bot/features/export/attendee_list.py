"""An event's attendees, read page by page into an organizer's spreadsheet (R8.8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from bot.blocks.mrkdwn import is_slack_id
from bot.features.export import spreadsheet
from bot.features.export.spreadsheet import Row
from bot.slack.files import File
from domain.models import Event, Registration, User, WaitlistPosition
from domain.ports import Store

PAGE_SIZE = 100
"""Attendees read at a time."""

IN_MEMORY = 1_000_000
"""Bytes of a file that is kept in memory. A larger file goes to disk."""


def export_file(store: Store, event: Event, names: Mapping[str, str]) -> File:
    """Return the file with all attendees. Raises `Unavailable`.

    `names` has names that are not stored yet, by user id. The file is UTF-8 with a byte order mark, which Excel needs.
    """
    content = cast("IO[bytes]", SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  # the sender closes it
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(spreadsheet.heading(event))
    writer.writerows(_rows(store, event, names))
    text.flush()
    text.detach()
    return spreadsheet.attendee_file(event, content)


def attendee_pages(store: Store, event: Event) -> Iterator[Collection[User]]:
    """Yield the event's attendees as stored users, page by page. Raises `Unavailable`."""
    for registrations in _roster_pages(store, event.event_id):
        yield _users(store, event, [one.user_id for one in registrations]).values()
    for page in _waitlist_pages(store, event.event_id):
        yield _users(store, event, [waitlisted.entry.user_id for waitlisted in page]).values()


def _rows(store: Store, event: Event, missing_names: Mapping[str, str]) -> Iterator[Row]:
    for registrations in _roster_pages(store, event.event_id):
        users = _users(store, event, [registration.user_id for registration in registrations])
        names = {**missing_names, **_known_names(users)}
        for registration in registrations:
            yield spreadsheet.registered_row(event, registration, names)
    for page in _waitlist_pages(store, event.event_id):
        users = _users(store, event, [waitlisted.entry.user_id for waitlisted in page])
        names = {**missing_names, **_known_names(users)}
        for waitlisted in page:
            yield spreadsheet.waitlisted_row(event, waitlisted, names)


def _known_names(users: Mapping[str, User]) -> dict[str, str]:
    """Return the names that are known. A program may give its users names like their ids."""
    return {
        user_id: user.name
        for user_id, user in users.items()
        if user.is_named or not is_slack_id(user_id)
    }


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
