"""Dates as a person types them, one a line: the days that a series leaves out (R13.1).

A date without a year is the first such day from the series' first date on. Where days and months can be confused,
nothing is guessed.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date

from bot.blocks.mrkdwn import shortened

EXAMPLES = "Dec 24 or 2027-12-24"

_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\.(?: ?([0-9]{4}|[0-9]{2}))?")
"""With periods between the numbers, the day comes first: 24.12."""
_EITHER_FIRST = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})(?:[/-]([0-9]{4}|[0-9]{2}))?")
_NUMBER = re.compile(r"([0-9]{4})|([0-9]{1,2})(?:st|nd|rd|th)?")
_SEPARATORS = re.compile(r"[\s,.-]+")
_FILLERS = ("", "of", "the")

_MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
_WEEKDAYS = tuple(name.lower() for name in calendar.day_name)

_MAX_SHOWN = 30
"""Characters of a line that an error repeats."""

_YEARS = 9
"""Years in which a date without a year is looked for. There may be no Feb 29 in eight of them."""


class DateProblem(ValueError):
    """A line that is no date, or could be several. Its text completes "Line 2 …"."""


def dates_typed(text: str, first: date) -> tuple[date, ...]:
    """Return the dates of a text, in order, each once. `first` is the first date of the series.

    Raises `DateProblem`, which names the line.
    """
    found: dict[date, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found[_date(line, first)] = None
        except DateProblem as problem:
            raise DateProblem(f"line {number} {problem}") from None
    return tuple(sorted(found))


def _date(line: str, first: date) -> date:
    typed = line.strip().rstrip(",;").casefold()
    weekday, meant = None, set(_in_numbers(typed, first))
    if not meant:
        weekday, meant = _in_words(typed, first)
    shown = f"“{shortened(line.strip(), _MAX_SHOWN)}”"
    if not meant:
        raise DateProblem(f"isn’t a date: {shown}. Type it like {EXAMPLES}")
    if len(meant) > 1:
        choices = " or ".join(map(date.isoformat, sorted(meant)))
        raise DateProblem(f"could be two dates: {shown}. Type {choices}")
    (day,) = meant
    if weekday not in (None, day.weekday()):
        raise DateProblem(f"doesn’t match: {shown} is a {day:%A} in {day.year}")
    return day


def _in_numbers(typed: str, first: date) -> Iterator[date]:
    """Yield the dates that numbers alone can mean."""
    if match := _ISO.fullmatch(typed):
        yield from _days(int(match[1]), int(match[2]), int(match[3]), first)
    elif match := _DAY_FIRST.fullmatch(typed):
        yield from _days(_year(match[3]), int(match[2]), int(match[1]), first)
    elif match := _EITHER_FIRST.fullmatch(typed):
        one, other, year = int(match[1]), int(match[2]), _year(match[3])
        yield from _days(year, one, other, first)
        yield from _days(year, other, one, first)


def _in_words(typed: str, first: date) -> tuple[int | None, set[date]]:
    """Return the weekday that is named, if any, and the dates that a text like "Thu, 24 December 2026" can mean."""
    months: list[int] = []
    weekdays: list[int] = []
    years: list[int] = []
    days: list[int] = []
    for token in _SEPARATORS.split(typed):
        if (month := _index(token, _MONTHS)) is not None:
            months.append(month + 1)
        elif (weekday := _index(token, _WEEKDAYS)) is not None:
            weekdays.append(weekday)
        elif match := _NUMBER.fullmatch(token):
            (years if match[1] else days).append(int(match[1] or match[2]))
        elif token not in _FILLERS:
            return None, set()
    if len(months) != 1 or len(days) != 1 or len(weekdays) > 1 or len(years) > 1:
        return None, set()
    found = _days(years[0] if years else None, months[0], days[0], first)
    return weekdays[0] if weekdays else None, set(found)


def _index(word: str, names: tuple[str, ...]) -> int | None:
    """Return the index of the name that a word abbreviates with at least three letters."""
    fits = (number for number, name in enumerate(names) if len(word) > 2 and name.startswith(word))
    return next(fits, None)


def _year(digits: str | None) -> int | None:
    return None if not digits else int(digits) + (2000 if len(digits) == 2 else 0)


def _days(year: int | None, month: int, day: int, first: date) -> Iterator[date]:
    """Yield the day, if it exists; without a year, the first one from `first` on."""
    years = range(first.year, first.year + _YEARS) if year is None else (year,)
    for one in years:
        try:
            found = date(one, month, day)
        except ValueError:
            continue
        if year is not None or found >= first:
            yield found
            return
