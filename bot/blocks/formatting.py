"""Times in each reader's own zone, and numbers in words."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.blocks.mrkdwn import escape, web_address

_SHORT = timedelta(hours=12)
"""Shorter events have an end without a date, even past midnight: the reader's zone decides which day that is."""


class Timed(Protocol):
    """An event, or an `EventSummary`."""

    @property
    def title(self) -> str:
        """The title as typed."""
        ...

    @property
    def starts_at(self) -> datetime:
        """The start, in UTC."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """The end, in UTC."""
        ...

    @property
    def time_zone(self) -> str:
        """The event's own time zone."""
        ...

    @property
    def location(self) -> str:
        """The location as typed."""
        ...


def moment(value: datetime, time_zone: str) -> str:
    """Return a time in each reader's own zone, with its weekday. The fallback is in the given zone."""
    local = value.astimezone(ZoneInfo(time_zone))
    fallback = f"{long_date(local)}, {clock_time(local)} ({time_zone})"
    return f"<!date^{int(value.timestamp())}^{{date_long_pretty}}, {{time}}|{fallback}>"


def moment_to_the_second(value: datetime) -> str:
    """Return a time in each reader's own zone, with seconds. The fallback is in UTC."""
    local = value.astimezone(UTC)
    fallback = f"{long_date(local)}, {local:%H:%M:%S} (UTC)"
    return f"<!date^{int(value.timestamp())}^{{date_long_pretty}}, {{time_secs}}|{fallback}>"


def plain_time(value: datetime, time_zone: str, now: datetime) -> str:
    """Return a time in the reader's zone, for text without mrkdwn, with the year unless it is this one.

    UTC is named: it is also the zone of a reader whose own is not known.
    """
    zone = ZoneInfo(time_zone)
    local = value.astimezone(zone)
    day = _day(local) if local.year == now.astimezone(zone).year else long_date(local)
    return f"{day}, {clock_time(local)}{' UTC' if time_zone == 'UTC' else ''}"


def long_date(day: date) -> str:
    """Return "Tue, Nov 10, 2026"."""
    return f"{_day(day)}, {day:%Y}"


def _day(local: date) -> str:
    return f"{local:%a, %b} {local.day}"


def clock_time(local: datetime | time) -> str:
    """Return "7:30 PM"."""
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def when(event: Timed) -> str:
    """Return start and end in each reader's own zone.

    The end has a date if it is on another day, unless the event is as short as "11:00 PM – 1:00 AM".
    """
    start = moment(event.starts_at, event.time_zone)
    if event.ends_at is None:
        return start
    zone = ZoneInfo(event.time_zone)
    is_other_day = event.starts_at.astimezone(zone).date() != event.ends_at.astimezone(zone).date()
    if is_other_day and event.ends_at - event.starts_at >= _SHORT:
        return f"{start} – {moment(event.ends_at, event.time_zone)}"
    fallback = clock_time(event.ends_at.astimezone(zone))
    return f"{start} – <!date^{int(event.ends_at.timestamp())}^{{time}}|{fallback}>"


def when_and_where(event: Timed, max_length: int | None = None) -> str:
    """Return the time, and the location if there is one, cut as `escape` cuts it."""
    return (
        f"{when(event)} · {escape(event.location, max_length)}" if event.location else when(event)
    )


def join_line(join_link: str) -> str:
    """Return the line that shows a join link, which only those with a seat may see (R12.2)."""
    return f"Join: {web_address(join_link)}"


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "4th" and so on."""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else suffix}"


def headcount(number: int) -> str:
    """Return "1 person", "2 people"."""
    return _count(number, "person", "people")


def seats(number: int) -> str:
    """Return "1 seat", "2 seats"."""
    return _count(number, "seat")


def before_start(minutes: int) -> str:
    """Return "1 day before", "3 hours before", "90 minutes before"."""
    for unit, name in ((7 * 24 * 60, "week"), (24 * 60, "day"), (60, "hour")):
        if minutes % unit == 0:
            return f"{_count(minutes // unit, name)} before"
    return f"{_count(minutes, 'minute')} before"


def duration(value: timedelta) -> str:
    """Return "2 hours", "1 hour 30 minutes" or "1 day 4 hours", in whole minutes."""
    hours, minutes = divmod(value // timedelta(minutes=1), 60)
    days, hours = divmod(hours, 24)
    counted = ((days, "day"), (hours, "hour"), (minutes, "minute"))
    return " ".join(_count(number, unit) for number, unit in counted if number)


def in_how_long(left: timedelta) -> str:
    """Return "in 2 days", "in 1 hour" or "in 25 minutes", rounded; "now" for less than a minute."""
    minutes = math.ceil(left.total_seconds() / 60)
    if minutes > _EXACT_MINUTES:
        minutes = 5 * round(minutes / 5)
    if minutes >= 36 * 60 or minutes == 24 * 60:
        return f"in {_count(round(minutes / (24 * 60)), 'day')}"
    if minutes >= 2 * 60 or minutes == 60:
        return f"in {_count(round(minutes / 60), 'hour')}"
    return f"in {_count(minutes, 'minute')}" if minutes > 0 else "now"


_EXACT_MINUTES = 10
"""The most minutes that are not rounded to five."""


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def waitlist_note(*, has_started: bool) -> str:
    """Return what a waitlisted user must know besides the position, after it in a sentence (R4.7)."""
    return f" The event has started, so it’s {TOO_LATE}." if has_started else ""


TOO_LATE = "too late to get a seat"
