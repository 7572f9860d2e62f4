"""When the clock asks something of an event: its reminders (R8.15), and the end of registration for those who wait.

An event stores the next such moment only. The commit that does what it asks for moves it on, so that
each is done once, whoever finds it, and after whatever restart; and the commit that moves the event
moves it too, so that nobody is reminded of a day that is no more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.enums import EventStatus
from domain.models import Event

DAY = 24 * 60


def reminder_times(event: Event) -> tuple[datetime, ...]:
    """Return when those registered are reminded, in UTC.

    Whole days before the start are days of the calendar where the event is: at the start's hour by
    the clock on the wall, also where the clocks change in between. All else is time that passes.
    """
    return tuple(_before(event, minutes) for minutes in event.reminders)


def _before(event: Event, minutes: int) -> datetime:
    if minutes % DAY:
        return event.starts_at - timedelta(minutes=minutes)
    local = event.starts_at.astimezone(ZoneInfo(event.time_zone)) - timedelta(minutes=minutes)
    # The first of an hour that comes twice; of one that the clocks skip, as much later (PEP 495).
    return local.replace(fold=0).astimezone(UTC)


def next_due_at(event: Event, after: datetime) -> datetime | None:
    """Return the first moment after the one given at which the event is due; None: there is none any more."""
    if event.status is EventStatus.CANCELED or event.deletion is not None:
        return None
    moments = (*reminder_times(event), *registration_closings(event))
    return min((moment for moment in moments if moment > after), default=None)


def registration_closings(event: Event) -> tuple[datetime, ...]:
    """Return when the clock ends registration before the start: those who wait are told."""
    deadline = event.registration_deadline
    return () if deadline is None or deadline >= event.starts_at else (deadline,)
