"""Reads the attendees of each occurrence of a series, for an organizer's spreadsheet (R8.8, R13)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.features.export import series_spreadsheet
from bot.features.export.attendee_list import csv_content
from bot.features.export.series_spreadsheet import ABSENT, SEATED, WAITLISTED
from bot.slack.files import File
from domain.models import Event
from domain.ports import INDEX_LAG, Clock, Store
from domain.queries.series import read_occurrences


@dataclass(frozen=True, slots=True)
class SeriesAttendance:
    """Everybody in a series, with one byte for each occurrence: there may be 100,000 people, and 52 occurrences."""

    series: Event
    occurrences: tuple[Event, ...]
    read_at: datetime
    statuses: dict[str, bytearray] = field(default_factory=dict)
    registered_for_all: set[str] = field(default_factory=set)

    @property
    def user_ids(self) -> Collection[str]:
        """The ids of everybody."""
        return self.statuses.keys()

    def row_of(self, user_id: str) -> bytearray:
        """Return what a user is in each occurrence, to be changed."""
        row = self.statuses.get(user_id)
        if row is None:
            row = self.statuses[user_id] = bytearray([ABSENT]) * len(self.occurrences)
        return row

    def file(self, names: Mapping[str, str]) -> File:
        """Return the file, in order of names."""
        attended = [series_spreadsheet.is_attended(one, self.read_at) for one in self.occurrences]
        user_ids = sorted(self.statuses, key=lambda one: (names.get(one, "").casefold(), one))
        rows = (
            series_spreadsheet.attendance_row(
                names.get(user_id, ""),
                user_id,
                self.statuses[user_id],
                attended,
                is_for_all=user_id in self.registered_for_all,
            )
            for user_id in user_ids
        )
        content = csv_content(series_spreadsheet.heading(self.occurrences), rows)
        return series_spreadsheet.attendance_file(self.series, self.occurrences, content)


def read_attendance(
    store: Store, clock: Clock, series: Event, before_each: Callable[[], None]
) -> SeriesAttendance:
    """Read who is in each occurrence of a series, and who registered for all of it. Deleted occurrences have nobody.

    All waitlists are read before the first roster: attendees move from there to the roster, never back. So one wait of
    `INDEX_LAG` is enough. `before_each` is called before each request. Raises `Unavailable`, and what `before_each`
    raises.
    """
    before_each()
    made = tuple(one for one in read_occurrences(store, series) if one.deletion is None)
    found = SeriesAttendance(series, made, clock.now())
    for user_id in _waitlist(store, series.event_id, before_each):
        found.row_of(user_id)
        found.registered_for_all.add(user_id)
    for number, event in enumerate(made):
        for user_id in _waitlist(store, event.event_id, before_each):
            found.row_of(user_id)[number] = WAITLISTED
    clock.sleep(INDEX_LAG)
    for number, event in enumerate(made):
        for user_id in _roster(store, event.event_id, before_each):
            found.row_of(user_id)[number] = SEATED
    return found


def _waitlist(store: Store, event_id: str, before_each: Callable[[], None]) -> Iterator[str]:
    last = 0
    before_each()
    while entries := store.get_waitlist(event_id, after=last, limit=None):
        yield from (entry.user_id for entry in entries)
        last = entries[-1].ticket
        before_each()


def _roster(store: Store, event_id: str, before_each: Callable[[], None]) -> Iterator[str]:
    cursor: str | None = None
    while True:
        before_each()
        page = store.list_roster(event_id, limit=None, cursor=cursor)
        yield from (row.user_id for row in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return
