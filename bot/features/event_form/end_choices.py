"""The end of an event as the forms take it: a time of day, or how long the event lasts (R8.7).

An end is a local `time`, or a `timedelta` of whole minutes. What a person types becomes options, because "7:30" may be
in the morning, in the evening, or seven and a half hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time, timedelta
from typing import TypeAlias

from bot.blocks.formatting import clock_time, duration

End: TypeAlias = time | timedelta

NO_END = "none"
"""The value of the option that takes an end back."""

LONGEST = timedelta(days=7)
"""The longest duration. A later end needs a date."""

_USUAL = (30, 45, 60, 90, 120, 180, 240, 480)
"""Minutes that are offered before anything is typed."""

_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))? ?(?:([ap])\.? ?(?:m\.?)?)?")
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,3}):([0-5][0-9])")
_NUMBER = re.compile(r"[0-9]{1,4}")
_DURATION = re.compile(
    r"(?:([0-9]{1,2}) ?d[a-z]*,?)? ?"
    r"(?:([0-9]{1,3}(?:[.,][0-9]{1,2})?) ?h[a-z]*\.?,?)? ?"
    r"(?:([0-9]{1,5}) ?(?:m[a-z]*\.?)?)?"
)
_VALUE = re.compile(r"([0-9]{2}:[0-9]{2})|([0-9]{1,5}) min")


def end_value(end: End) -> str:
    """Return the value of an end's option: "19:30" or "90 min"."""
    return f"{end:%H:%M}" if isinstance(end, time) else f"{end // _MINUTE} min"


def end_label(end: End) -> str:
    """Return an end as people read it: "7:30 PM" or "1 hour 30 minutes"."""
    return clock_time(end) if isinstance(end, time) else duration(end)


def read_end(value: str) -> End | None:
    """Return the end that an option's value stands for; None for `NO_END`. Raises `ValueError`."""
    if value == NO_END:
        return None
    match = _VALUE.fullmatch(value)
    if match is None:
        raise ValueError(value)
    if match[1]:
        return time.fromisoformat(match[1])
    minutes = int(match[2]) * _MINUTE
    if not timedelta() < minutes <= LONGEST:
        raise ValueError(value)
    return minutes


def ends_meant(typed: str) -> list[End]:
    """Return what a person may mean; the usual durations if nothing is typed."""
    text = " ".join(typed.casefold().split())
    if not text:
        return [minutes * _MINUTE for minutes in _USUAL]
    durations = (one for one in _durations(text) if timedelta() < one <= LONGEST)
    return list(dict.fromkeys([*_times(text), *durations]))


def _times(text: str) -> Iterator[time]:
    match = _TIME.fullmatch(text)
    if match is None:
        return
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        return
    if half:
        yield time(hour % 12 + (12 if half == "p" else 0), minute)
        return
    yield time(hour, minute)
    if 1 <= hour <= 12:  # the other half of the day
        yield time((hour + 12) % 24, minute)


def _durations(text: str) -> Iterator[timedelta]:
    if match := _HOURS_AND_MINUTES.fullmatch(text):
        yield timedelta(hours=int(match[1]), minutes=int(match[2]))
    elif _NUMBER.fullmatch(text):
        yield timedelta(hours=int(text) if int(text) <= 24 else 0)
        yield int(text) * _MINUTE
    elif match := _DURATION.fullmatch(text):
        days, hours, minutes = match.groups()
        whole_minutes = round(60 * float((hours or "0").replace(",", ".")))
        yield timedelta(days=int(days or 0)) + (whole_minutes + int(minutes or 0)) * _MINUTE


_MINUTE = timedelta(minutes=1)
