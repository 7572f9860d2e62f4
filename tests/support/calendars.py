"""A member's calendar: what it shows after it opened files, as two libraries read them that did not write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import recurring_ical_events
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar
from icalendar import Event as Entry

REMOVED = "CANCELLED"  # codespell:ignore


class Shown(NamedTuple):
    """One date in a calendar. Times are in UTC."""

    starts_at: datetime
    ends_at: datetime
    title: str
    status: str


@dataclass
class MemberCalendar:
    """A calendar that replaces an entry by one with the same ids, unless that is older.

    A file with the rule of a series replaces all that it has of the series.
    """

    entries: list[Entry]

    @classmethod
    def of(cls, *files: bytes) -> MemberCalendar:
        """Return a calendar that has opened these files, in this order."""
        calendar = cls([])
        for file in files:
            calendar.open(file)
        return calendar

    def open(self, file: bytes) -> None:
        """Open a file."""
        new = Calendar.from_ical(file).events
        replaced = {one["uid"] for one in new if "rrule" in one}
        self.entries = [one for one in self.entries if one["uid"] not in replaced]
        for entry in new:
            same = next((one for one in self.entries if _ids(one) == _ids(entry)), None)
            if same is not None and same.decoded("sequence") > entry.decoded("sequence"):
                continue
            self.entries = [one for one in self.entries if one is not same] + [entry]

    def shows(self) -> list[Shown]:
        """Return what it shows, in order: two libraries must agree."""
        calendar = Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", "-//A calendar//EN")
        for entry in self.entries:
            calendar.add_component(entry)
        content = calendar.to_ical()
        first, second = _by_recurring_ical_events(content), _by_ical(content)
        assert first == second
        return [one for one in first if one.status != REMOVED]

    def starts(self) -> list[datetime]:
        """Return the starts that it shows."""
        return [one.starts_at for one in self.shows()]


def _ids(entry: Entry) -> tuple[str, datetime | None]:
    at = entry.decoded("recurrence-id").astimezone(UTC) if "recurrence-id" in entry else None
    return str(entry["uid"]), at


def _by_recurring_ical_events(content: bytes) -> list[Shown]:
    found = recurring_ical_events.of(Calendar.from_ical(content)).all()
    return sorted(
        Shown(_utc(one.start), _utc(one.end), str(one["summary"]), str(one["status"]))
        for one in found
    )


def _by_ical(content: bytes) -> list[Shown]:
    calendar = IcsCalendarStream.calendar_from_ics(content.decode())
    return sorted(
        Shown(_utc(one.start_datetime), _utc(one.end_datetime), one.summary or "", one.status or "")
        for one in calendar.timeline
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
