"""How full the occurrences of a series are, in words (R13): for Manage, and for those who can’t see the picture."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from bot.blocks.formatting import long_date, seats
from domain.enums import EventStatus
from domain.models import Event


def fullness_lines(occurrences: Iterable[Event]) -> list[str]:
    """Return "Tue, Nov 10, 2026: 18 of 20 seats, 3 on the waitlist" for each occurrence, in the order given.

    Dates are those of the occurrence's own time zone, as everywhere in a series. A canceled one says so instead.
    """
    return [f"{day_of(event)}: {fullness(event)}" for event in occurrences]


def fullness(event: Event) -> str:
    """Return "18 of 20 seats, 3 on the waitlist", or "canceled"."""
    if event.status is EventStatus.CANCELED:
        return "canceled"
    taken = f"{event.registered_count:,} of {seats(event.capacity)}"
    return f"{taken}, {event.waitlist_count:,} on the waitlist" if event.waitlist_count else taken


def day_of(event: Event) -> str:
    """Return "Tue, Nov 10, 2026", in the event's own time zone."""
    return long_date(event.starts_at.astimezone(ZoneInfo(event.time_zone)))
