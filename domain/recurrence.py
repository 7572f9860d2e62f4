"""The rule of a series: on which days it takes place, and at which moments (R13.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, assert_never
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from domain.enums import Frequency
from domain.stored import STORED

if TYPE_CHECKING:
    from dateutil.rrule import rrule

MAX_OCCURRENCES = 52
"""The most days of a series (R13.1)."""


class Recurrence(BaseModel):
    """A rule by which days follow from a first one. Days are those of the series' time zone."""

    model_config = STORED

    frequency: Frequency
    interval: int = 1
    """Weeks from one day to the next. Of a monthly rule it is 1."""
    until: date
    """The last day that may belong to the series."""
    left_out: tuple[date, ...] = ()
    """Days on which it does not take place, such as holidays."""


def days(recurrence: Recurrence, first: date, after: date | None = None) -> Iterator[date]:
    """Yield the days of a series in order, those after a day (None: all), without those left out."""
    left_out = set(recurrence.left_out)
    return (
        day
        for day in _all_days(recurrence, first)
        if (after is None or day > after) and day not in left_out
    )


def starts(
    recurrence: Recurrence, first: datetime, time_zone: str, after: date | None = None
) -> Iterator[tuple[date, datetime]]:
    """Yield the days of a series as `days` does, each with its start in UTC. `first` is that of its first day."""
    local = first.astimezone(ZoneInfo(time_zone))
    for day in days(recurrence, local.date(), after):
        yield day, moment_of(day, local.time(), time_zone)


def day_of_number(recurrence: Recurrence, first: date, number: int) -> date | None:
    """Return the day with this number, counted from 1, or None if the rule ends before it.

    Days that are left out count, as RFC 5545 (3.8.5.1) has it: a holiday makes a series no longer.
    """
    return next(islice(_all_days(recurrence, first), number - 1, None), None)


def _all_days(recurrence: Recurrence, first: date) -> Iterator[date]:
    return (moment.date() for moment in _rule(recurrence, first))


def _rule(recurrence: Recurrence, first: date) -> rrule:
    # Only series need it: imported here, it does not slow the start of a function.
    from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday

    start, until = _midnight(first), _midnight(recurrence.until)
    match recurrence.frequency:
        case Frequency.WEEKLY:
            return rrule(WEEKLY, start, recurrence.interval, until=until)
        case Frequency.MONTHLY_BY_DATE:
            return rrule(MONTHLY, start, bymonthday=first.day, until=until)
        case Frequency.MONTHLY_BY_WEEKDAY:
            nth = weekday(first.weekday(), nth_weekday(first))
            return rrule(MONTHLY, start, byweekday=nth, until=until)
        case _:
            assert_never(recurrence.frequency)


def nth_weekday(day: date) -> int:
    """Return 1 for the first Friday of a month (or whichever weekday the day is), up to 5."""
    return (day.day - 1) // 7 + 1


def end_of(recurrence: Recurrence, time_zone: str) -> datetime:
    """Return the end of the last day that may belong to a series, in UTC."""
    return moment_of(recurrence.until + timedelta(days=1), time(), time_zone)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def moment_of(day: date, wall_clock: time, time_zone: str) -> datetime:
    """Return when a wall clock shows a time on a day, in UTC.

    A time that occurs twice means the first. A time that is skipped moves forward by the gap, as RFC 5545
    (3.3.5) has it: what is at 2:30 every Sunday takes place at 3:30 when the clocks go forward at 2.
    """
    local = datetime.combine(day, wall_clock.replace(fold=0), ZoneInfo(time_zone))
    return local.astimezone(UTC)
