"""An event's attendees and their names, read for an organizer's spreadsheet (R6.5, R8.8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from bot.features.export import spreadsheet
from bot.features.export.spreadsheet import Attendee
from bot.slack.files import File
from domain.models import Event, Registration
from domain.ports import INDEX_LAG, Clock, Store

USERS_OF_ONE_REQUEST = 100
"""Users that one batch read returns."""

IN_MEMORY = 1_000_000
"""Bytes of a file that is kept in memory. A larger file goes to disk."""


class AttendeeReader:
    """Reads an event with 100,000 attendees in some fifty requests. `before_each` is called before each.

    All methods raise `Unavailable`, and what `before_each` raises.
    """

    def __init__(self, store: Store, clock: Clock, before_each: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._before_each = before_each

    def read(self, event_id: str, *, with_answers: bool = False) -> tuple[Attendee, ...]:
        """Return everybody who is in the event throughout, nobody twice (R6.5).

        Attendees with a seat come first, in order of their tickets, then the waitlist in order. The
        waitlist is read first: attendees move from there to the roster, never back. Who had a seat by
        then is in the roster's index once `INDEX_LAG` has passed.
        """
        found: dict[str, Attendee] = {}
        last = 0
        self._before_each()
        while entries := self._store.get_waitlist(event_id, after=last, limit=None):
            for entry in entries:
                _put(found, Attendee(entry.user_id, entry.registered_at, None, False))
            last = entries[-1].ticket
            self._before_each()
        if with_answers:
            self._add_answers(event_id, found)
        self._clock.sleep(INDEX_LAG)
        cursor: str | None = None
        while True:
            self._before_each()
            page = self._store.list_roster(event_id, limit=None, cursor=cursor)
            for row in page.items:
                _put(found, _with_seat(row))
            cursor = page.next_cursor
            if cursor is None:
                return tuple(sorted(found.values(), key=lambda one: not one.is_registered))

    def _add_answers(self, event_id: str, waitlisted: dict[str, Attendee]) -> None:
        """Add the answers of waitlisted users: their registrations have them, a hundred in a request."""
        for batch in _batches(list(waitlisted)):
            self._before_each()
            rows = self._store.get_rows(event_id, registrations_of=batch, users=())
            for user_id, registration in rows.registrations.items():
                waitlisted[user_id] = waitlisted[user_id]._replace(answers=registration.answers)

    def names(self, event_id: str, user_ids: Collection[str]) -> dict[str, str]:
        """Return the stored names of these users, by id.

        A batch read returns 100 of them. A page of the list of all users returns some 5,000, of whom not
        all may be wanted. So it reads pages as long as they bring more than batches would.
        """
        names: dict[str, str] = {}
        wanted = dict.fromkeys(user_ids)
        pages, cursor = 0, None
        while len(wanted) > USERS_OF_ONE_REQUEST and len(names) >= pages * USERS_OF_ONE_REQUEST:
            self._before_each()
            page = self._store.list_users(limit=None, cursor=cursor)
            pages += 1
            for user in page.items:
                if user.user_id in wanted:
                    del wanted[user.user_id]
                    names[user.user_id] = user.name
            cursor = page.next_cursor
            if cursor is None:
                break
        for batch in _batches(list(wanted)):
            self._before_each()
            users = self._store.get_rows(event_id, registrations_of=(), users=batch).users
            names.update((user_id, user.name) for user_id, user in users.items())
        return names


def export_file(event: Event, attendees: Sequence[Attendee], names: Mapping[str, str]) -> File:
    """Return the file with these attendees."""
    rows = _rows(event, attendees, names)
    return spreadsheet.attendee_file(event, csv_content(spreadsheet.heading(event), rows))


def _rows(
    event: Event, attendees: Sequence[Attendee], names: Mapping[str, str]
) -> Iterator[spreadsheet.Row]:
    position = 0
    for attendee in attendees:
        position += not attendee.is_registered
        name = names.get(attendee.user_id, "")
        yield spreadsheet.attendee_row(event, attendee, name, position)


def csv_content(heading: spreadsheet.Row, rows: Iterable[spreadsheet.Row]) -> IO[bytes]:
    """Return the content of a CSV file. It is UTF-8 with a byte order mark, which Excel needs."""
    content = cast("IO[bytes]", SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  # the sender closes it
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows(rows)
    text.flush()
    text.detach()
    return content


def _with_seat(row: Registration) -> Attendee:
    return Attendee(row.user_id, row.registered_at, row.seated_at, True, row.answers)


def _batches(user_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(user_ids), USERS_OF_ONE_REQUEST):
        yield user_ids[first : first + USERS_OF_ONE_REQUEST]


def _put(found: dict[str, Attendee], attendee: Attendee) -> None:
    """Let an attendee's later status replace an earlier one, at its own place in the order."""
    found.pop(attendee.user_id, None)
    found[attendee.user_id] = attendee
