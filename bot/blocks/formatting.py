"""Times in each reader's own zone, and numbers in words."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.blocks.mrkdwn import escape


class Timed(Protocol):
    """An event, or what a message keeps of one."""

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
        """The place as typed."""
        ...


def moment(value: datetime, time_zone: str) -> str:
    """Return a time in each reader's own zone; where that can't be shown, in the one given."""
    local = value.astimezone(ZoneInfo(time_zone))
    fallback = f"{local:%a %d %b %Y, %H:%M} ({time_zone})"
    return f"<!date^{int(value.timestamp())}^{{date_short_pretty}}, {{time}}|{fallback}>"


def when(event: Timed) -> str:
    """Return start and end, in each reader's own zone."""
    start = moment(event.starts_at, event.time_zone)
    if event.ends_at is None:
        return start
    zone = ZoneInfo(event.time_zone)
    if event.starts_at.astimezone(zone).date() != event.ends_at.astimezone(zone).date():
        return f"{start} – {moment(event.ends_at, event.time_zone)}"
    fallback = f"{event.ends_at.astimezone(zone):%H:%M}"
    return f"{start} – <!date^{int(event.ends_at.timestamp())}^{{time}}|{fallback}>"


def when_and_where(event: Timed, most: int | None = None) -> str:
    """Return the time, and the place if there is one; cut as `escape` does."""
    return f"{when(event)} · {escape(event.location, most)}" if event.location else when(event)


def plain_when(event: Timed) -> str:
    """Return the start in the event's own zone, for places that take no mrkdwn."""
    local = event.starts_at.astimezone(ZoneInfo(event.time_zone))
    return f"{local:%a %d %b, %H:%M}"


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "3rd", "4th" and so on."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def people_count(number: int) -> str:
    """Return "1 person", "2 people"."""
    return "1 person" if number == 1 else f"{number:,} people"


def before_start(minutes: int) -> str:
    """Return "a day before", "an hour before", "90 minutes before"."""
    for unit, name, one in (
        (7 * 24 * 60, "weeks", "a week"),
        (24 * 60, "days", "a day"),
        (60, "hours", "an hour"),
    ):
        if minutes % unit == 0:
            return f"{one if minutes == unit else f'{minutes // unit} {name}'} before"
    return f"{minutes} minutes before"


def seats(number: int) -> str:
    """Return "1 seat", "2 seats"."""
    return "1 seat" if number == 1 else f"{number} seats"
