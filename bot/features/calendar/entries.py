"""The entries of calendar files, as RFC 5545 defines them (R8.16): events, and the occurrences of series (R13).

The entries of a series share a `UID`. `RECURRENCE-ID` tells them apart: the wall-clock time that the series' rule has
for an occurrence, wherever that has moved since. `icalendar` is slow to import, so functions do it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.slack.files import File, file_name
from domain.enums import EventStatus
from domain.models import Event, WholeSeries

if TYPE_CHECKING:
    from icalendar import Calendar, Timezone
    from icalendar import Event as Entry

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that RFC 5545 does not allow."""

_CANCELED = "CANCELLED"  # codespell:ignore

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of an entry, and how recent it is. A calendar replaces an older entry with the same ids."""

    uid: str
    sequence: int
    recurrence_id: datetime | None = None
    """Only one occurrence has it: in the series' time zone, as `recurrence_id` returns it."""

    @classmethod
    def of_event(cls, event: Event, workspace_id: str) -> Identity:
        """Return that of an event on its own."""
        return cls(_uid(event.event_id, workspace_id), event.version)

    @classmethod
    def of_series(cls, whole: WholeSeries, workspace_id: str) -> Identity:
        """Return that of a series. The number grows with each of its occurrences, too: they share it."""
        return cls(_uid(whole.event.event_id, workspace_id), whole.revision)

    def at(self, recurrence_id: datetime) -> Identity:
        """Return that of an occurrence of this series."""
        return Identity(self.uid, self.sequence, recurrence_id)


def _uid(event_id: str, workspace_id: str) -> str:
    return f"{event_id}.{workspace_id}@rollcall"


def recurrence_id(occurrence: Event, series: Event) -> datetime:
    """Return the time that the rule of the series has for an occurrence, in the series' time zone.

    A time that a change of clocks skips is as in the rule: 2:30, though it means 3:30.
    """
    zone = ZoneInfo(series.time_zone)
    start = occurrence.rule_starts[-1]
    if occurrence.occurrence is not None:
        by_rule = wall_clock(series, occurrence.occurrence.day)
        if by_rule.astimezone(UTC) == start:
            return by_rule
    return start.astimezone(zone)


def wall_clock(series: Event, day: date) -> datetime:
    """Return when a series takes place on a day, in its time zone, as its rule has it."""
    zone = ZoneInfo(series.time_zone)
    first = series.starts_at.astimezone(zone)
    return datetime.combine(day, first.time().replace(fold=0), zone)


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment in a time zone, but the second of two with the same wall-clock time in UTC."""
    local = moment.astimezone(zone)
    return moment if local.fold else local


def event_entry(
    event: Event,
    identity: Identity,
    join_link: str = "",
    *,
    zone: ZoneInfo | None = None,
    is_tentative: bool = False,
) -> Entry:
    """Return the entry of an event or an occurrence, in a time zone or else in UTC.

    A tentative one is for someone on the waitlist, and leaves their time free.
    """
    from icalendar import Event as Entry

    entry = Entry()
    _identify(entry, event, identity)
    entry.add("summary", f"{event.title} (waitlist)" if is_tentative else event.title)
    entry.add("dtstart", local_time(event.starts_at, zone) if zone else event.starts_at)
    if event.ends_at is not None:
        entry.add("dtend", local_time(event.ends_at, zone) if zone else event.ends_at)
    if event.location:
        entry.add("location", event.location)
    if description := _description(event, join_link):
        entry.add("description", description)
    if join_link:
        entry.add("url", join_link)
    if is_tentative:
        entry.add("transp", "TRANSPARENT")
    is_canceled = event.status is EventStatus.CANCELED
    entry.add("status", _CANCELED if is_canceled else "TENTATIVE" if is_tentative else "CONFIRMED")
    return entry


def removed_entry(event: Event, identity: Identity) -> Entry:
    """Return the entry that removes an occurrence from a time that its series has no longer."""
    from icalendar import Event as Entry

    entry = Entry()
    _identify(entry, event, identity)
    entry.add("summary", event.title)
    entry.add("dtstart", identity.recurrence_id)
    entry.add("status", _CANCELED)
    return entry


def _identify(entry: Entry, event: Event, identity: Identity) -> None:
    entry.add("uid", identity.uid)
    entry.add("sequence", identity.sequence)
    if identity.recurrence_id is not None:
        entry.add("recurrence-id", identity.recurrence_id)
    entry.add("dtstamp", event.updated_at)
    entry.add("created", event.created_at)
    entry.add("last-modified", event.updated_at)


def _description(event: Event, join_link: str) -> str:
    """Return the join link, which not every calendar shows as the `URL`, and the event's description."""
    join = f"Join: {join_link}" if join_link else ""
    return "\n\n".join(filter(None, [join, _CONTROL.sub("", event.description)]))


def file_of(
    title: str, entries: Iterable[Entry], comment: str, *, is_cancellation: bool = False
) -> File:
    """Return the file with these entries, and the time zones that they name."""
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//Rollcall//Rollcall//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if is_cancellation else "PUBLISH")
    for entry in entries:
        calendar.add_component(entry)
    _add_time_zones(calendar)
    return File(
        name=file_name(title, "ics"),
        title=title,
        content=BytesIO(calendar.to_ical()),
        comment=comment,
    )


def _add_time_zones(calendar: Calendar) -> None:
    """Add the time zones that entries name, for the time from the first of them to the last."""
    moments = [moment for entry in calendar.events for moment in _moments(entry)]
    calendar.add_missing_timezones((min(moments) - _DAY).date(), (max(moments) + 2 * _DAY).date())
    for time_zone in calendar.timezones:
        _correct(time_zone)


def _moments(entry: Entry) -> Iterator[datetime]:
    """Yield the times of an entry, and the end of its rule, in UTC."""
    names = ("dtstart", "dtend", "recurrence-id")
    yield from (entry.decoded(name).astimezone(UTC) for name in names if name in entry)
    if "rrule" in entry:
        yield entry.decoded("rrule")["until"]


def _correct(time_zone: Timezone) -> None:
    """Have the parts of a time zone begin by the clock before them (RFC 5545, 3.6.5).

    `icalendar` has them begin by the clock after them: an hour late, where clocks go forward.
    """
    del time_zone["comment"]  # RFC 5545 has none here
    for part in time_zone.subcomponents:
        gap = max(part.TZOFFSETTO - part.TZOFFSETFROM, timedelta(0))
        part.DTSTART -= gap
        more = [start - gap for start, _ in part.rdates]
        if more:
            del part["rdate"]
            part.add("rdate", more)
