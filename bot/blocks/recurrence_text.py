"""The rule of a series in words (R13.1). Its days are those of the series' time zone, whoever reads them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol, assert_never
from zoneinfo import ZoneInfo

from bot.blocks.formatting import (
    Timed,
    before_start,
    clock_time,
    duration,
    long_date,
    ordinal,
    when,
)
from bot.blocks.mrkdwn import escape
from domain.enums import Frequency
from domain.models import Event, Series
from domain.planning.schedule import DAY
from domain.recurrence import Recurrence, nth_weekday


class Repeated(Timed, Protocol):
    """An event or an `EventSummary`, which may be a series."""

    @property
    def recurrence(self) -> Recurrence | None:
        """The rule of a series."""
        ...


def when_or_rule(event: Repeated, max_length: int | None = None) -> str:
    """Return as `when_and_where` does. A series has its rule in place of a time: it has many."""
    times = when(event)
    if event.recurrence is not None:
        first = event.starts_at.astimezone(ZoneInfo(event.time_zone)).date()
        times = repeats(event.recurrence, first)
    return f"{times} · {escape(event.location, max_length)}" if event.location else times


def time_of_day(series: Timed) -> str:
    """Return the time at which each date of a series takes place: "6:00 PM – 7:00 PM (Europe/Berlin)"."""
    zone = ZoneInfo(series.time_zone)
    start, end = series.starts_at.astimezone(zone), series.ends_at
    times = clock_time(start)
    if end is not None and end - series.starts_at < timedelta(days=1):
        times += f" – {clock_time(end.astimezone(zone))}"
    elif end is not None:
        times += f", for {duration(end - series.starts_at)}"
    return f"{times} ({series.time_zone})"


def repeats(recurrence: Recurrence, first: date) -> str:
    """Return "Every 2 weeks on Tuesday, until Tue, Dec 29, 2026"."""
    return f"{_how_often(recurrence, first)}, until {long_date(recurrence.until)}"


def repeats_at(series: Event) -> str:
    """Return "Every Tuesday, until Tue, Dec 29, 2026, at 6:00 PM (Europe/Berlin)"."""
    if series.recurrence is None:
        raise TypeError(f"{series.event_id} is not a series")
    first = series.starts_at.astimezone(ZoneInfo(series.time_zone))
    at = f"{clock_time(first)} ({series.time_zone})"
    return f"{repeats(series.recurrence, first.date())}, at {at}"


def registration_opens(series: Series) -> str:
    """Return the sentence that says when registration for each date opens (R13.2, R13.5)."""
    opens = f"Registration for each date opens {before_start(series.days_ahead * DAY)} it"
    if series.missed_first:
        opens += ", but not until the previous date has started"
    return f"{opens}."


def _how_often(recurrence: Recurrence, first: date) -> str:
    match recurrence.frequency:
        case Frequency.WEEKLY if recurrence.interval == 1:
            return f"Every {first:%A}"
        case Frequency.WEEKLY:
            return f"Every {recurrence.interval} weeks on {first:%A}"
        case Frequency.MONTHLY_BY_DATE:
            return f"Every month on the {ordinal(first.day)}{_ONLY_LONG if first.day > 28 else ''}"
        case Frequency.MONTHLY_BY_WEEKDAY:
            number = nth_weekday(first)
            note = _ONLY_FIVE if number > 4 else ""
            return f"Every month on the {ordinal(number)} {first:%A}{note}"
        case _:
            assert_never(recurrence.frequency)


_ONLY_LONG = " (only in months that have one)"
_ONLY_FIVE = " (only in months that have five)"
