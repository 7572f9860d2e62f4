"""When an event is due: for its reminders (R8.15), when its cards change (R8.3), or to make an occurrence (R13.2).

An event stores only its next due time. The commit that sends what is due sets the next one, so each is
sent once, whichever process finds it. The commit that moves an event updates the due time too, so
no one gets a reminder for the old date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.enums import EventStatus
from domain.models import Event, Series
from domain.recurrence import starts

DAY = 24 * 60
"""Minutes."""


def reminder_times(event: Event) -> tuple[datetime, ...]:
    """Return when registered users are reminded, in UTC.

    Whole days count as calendar days in the event's time zone: the wall-clock time of the start, even
    if the clocks change in between. Anything else counts as elapsed time.
    """
    return tuple(_before(event, minutes) for minutes in event.reminders)


def _before(event: Event, minutes: int) -> datetime:
    if minutes % DAY:
        return event.starts_at - timedelta(minutes=minutes)
    return days_before(event.starts_at, minutes // DAY, event.time_zone)


def days_before(moment: datetime, number: int, time_zone: str) -> datetime:
    """Return when the wall clock shows the same time so many days earlier, in UTC."""
    local = moment.astimezone(ZoneInfo(time_zone)) - timedelta(days=number)
    # A time that occurs twice means the first. A skipped time moves forward by the gap (PEP 495).
    return local.replace(fold=0).astimezone(UTC)


def coming_starts(event: Event, series: Series) -> Iterator[tuple[date, datetime]]:
    """Yield the days of a series for which no occurrence was made yet, each with its start in UTC."""
    return starts(series.recurrence, event.starts_at, event.time_zone, after=series.made_until)


def next_occurrence_at(event: Event, series: Series) -> datetime | None:
    """Return when the next occurrence of a series is to be made (R13.2), or None if there is none to make."""
    start = next((start for _, start in coming_starts(event, series)), None)
    if start is None or _is_never_due(event):
        return None
    return days_before(start, series.days_ahead, event.time_zone)


def next_due_at(event: Event, after: datetime, done: Collection[datetime] = ()) -> datetime | None:
    """Return the first due time after the given one that is not done, or None if there is none.

    A series is due when its next occurrence is, also if that time has passed.
    """
    if _is_never_due(event):
        return None
    if event.series is not None:
        return next_occurrence_at(event, event.series)
    moments = (moment for moment in _due_times(event) if moment not in done)
    return min((moment for moment in moments if moment > after), default=None)


def last_due_at(event: Event, now: datetime) -> datetime | None:
    """Return the latest due time that has come, or None if none has."""
    return max((moment for moment in _due_times(event) if moment <= now), default=None)


def missed_time(event: Event, now: datetime) -> datetime | None:
    """Return the start or the end if it has passed since the last sweep, or None.

    An edit can move the end of a running event into the past, and cards must show that, too (R8.3).
    """
    if _is_never_due(event) or event.series is not None:
        return None
    last = event.last_due_at or event.created_at
    return min((at for at in (event.starts_at, event.over_at) if last < at <= now), default=None)


def done_times(event: Event) -> frozenset[datetime]:
    """Return the due times that need no sweep anymore: those before the next one, or handled by the last."""
    following, last = event.next_due_at, event.last_due_at
    return frozenset(
        moment
        for moment in _due_times(event)
        if (following is not None and moment < following) or (last is not None and moment <= last)
    )


def stored_due_time(event: Event) -> datetime | None:
    """Return when the event is due next.

    That is the start if neither a next nor a last due time is stored: an earlier version, which stored no start
    and no end, has nothing left to do for the event.
    """
    is_unknown = event.next_due_at is None and event.last_due_at is None and event.series is None
    return event.starts_at if is_unknown and not _is_never_due(event) else event.next_due_at


def passed_due_at(event: Event, now: datetime, following: datetime | None) -> datetime | None:
    """Return the latest due time that has passed before the following one; the stored one if that is later.

    Cards take it as the present: nobody is due to handle a time that is skipped.
    """
    passed = [
        moment
        for moment in _due_times(event)
        if moment <= now and (following is None or moment < following)
    ]
    return max([*passed, *([event.last_due_at] if event.last_due_at else [])], default=None)


def _is_never_due(event: Event) -> bool:
    return event.status is EventStatus.CANCELED or event.deletion is not None


def _due_times(event: Event) -> tuple[datetime, ...]:
    """Return the times of reminders, and those from which on a button of the card would be refused.

    A series has none of its own.
    """
    if event.series is not None:
        return ()
    return (
        *reminder_times(event),
        *registration_closings(event),
        *card_times(event),
        event.starts_at,
        event.over_at,
    )


def card_times(event: Event) -> tuple[datetime, ...]:
    """Return when the card of an occurrence is posted, if not when it was made (R13.2)."""
    occurrence = event.occurrence
    if occurrence is None or occurrence.card_channel is None:
        return ()
    return (days_before(event.starts_at, occurrence.card_days, event.time_zone),)


def registration_closings(event: Event) -> tuple[datetime, ...]:
    """Return the registration deadline if it is before the start: waitlisted users are notified then."""
    deadline = event.registration_deadline
    return () if deadline is None or deadline >= event.starts_at else (deadline,)
