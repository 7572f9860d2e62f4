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

_NAMED = {"noon": time(12), "midday": time(12), "midnight": time()}

_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))? ?(?:uhr|([ap])\.? ?(?:m\.?)?)?")
_FOUR_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})()")
_TIME_WITH_H = re.compile(r"([0-9]{1,2}) ?h ?([0-9]{2})?")
"""In many countries, 7:30 PM is "19h30"."""

_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,3}):([0-5][0-9])")
_NUMBER = re.compile(r"[0-9]{1,4}")
_DURATION = re.compile(
    r"(?:(?P<weeks>1) ?(?:w|weeks?))? ?"
    r"(?:(?P<days>[0-9]{1,2}(?:[.,][0-9]{1,2})?) ?(?:d|days?))? ?"
    r"(?:(?P<hours>[0-9]{1,3}(?:[.,][0-9]{1,2})?) ?(?:h|hrs?|hours?)\.?)? ?"
    r"(?:(?P<minutes>[0-9]{1,5}) ?(?:(?:m|mins?|minutes?)\.?)?)?"
)

_WORDS = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_IN_DIGITS = (
    *((re.compile(rf"\b{word}\b"), str(number)) for number, word in enumerate(_WORDS, 1)),
    (re.compile(r"\b([0-9]{1,2})([0-9]{2})(?= ?[ap]\.? ?m\b)"), r"\1:\2"),
    # "1.30h" is no decimal, but "1.25h" is one.
    (
        re.compile(r"\b([0-9]{1,2})(?::|[.,](?!25|50|75)|(?<=1[3-9]|2[0-3])[.,])([0-5][0-9]) ?h\b"),
        r"\1h\2",
    ),
    (re.compile(r"^([0-9]{1,2}[.,][0-9])$"), r"\1h"),
    (re.compile(r"(?<=[0-9]) and a half\b"), ".5"),
    (re.compile(r"\b(?:a )?half(?: an?)?(?= (?:day|hour))"), "0.5"),
    (re.compile(r"\ban?(?= (?:week|day|hour|minute))"), "1"),
    (re.compile(r"\b([0-9]{1,2})( hours?| days?) and a half\b"), r"\1.5\2"),
    (re.compile(r"\band\b|,(?![0-9])|(?<![0-9]),"), " "),
    (re.compile(r"(?<=[0-9])(?: ?½| 1/2\b)"), ".5"),
    (re.compile(r"½|\b1/2\b"), "0.5"),
)
"""Replacements that turn words and fractions into digits for the patterns above: "1 1/2 hours" into "1.5 hours"."""

_FULL_WIDTH = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
"""Full-width characters to ASCII, for Japanese keyboards. NFKC would also read "²" as 2, and take "1½" apart."""

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
    """Return what a person may mean, likeliest first; the usual durations if nothing is typed."""
    if not typed.strip():
        return [minutes * _MINUTE for minutes in _USUAL]
    text = " ".join(typed.translate(_FULL_WIDTH).casefold().split())
    for pattern, digits in _IN_DIGITS:
        text = pattern.sub(digits, text)
    text = " ".join(text.split())
    times = list(_times(text))
    durations = [one for one in _durations(text) if timedelta() < one <= LONGEST]
    with_h = _TIME_WITH_H.fullmatch(text)
    # "2h" is rather two hours than two at night, but "19h" is rather an evening than 19 hours.
    is_duration = with_h is not None and not 12 < int(with_h[1]) < 24
    return list(dict.fromkeys([*durations, *times] if is_duration else [*times, *durations]))


def _times(text: str) -> Iterator[time]:
    named = _NAMED.get(text.removeprefix("12:00 ").removeprefix("12 "))
    if named is not None:
        yield named
        return
    with_h = _TIME_WITH_H.fullmatch(text)
    match = with_h or _TIME.fullmatch(text) or _FOUR_DIGITS.fullmatch(text)
    if match is None:
        return
    hour, minute, half = int(match[1]), int(match[2] or 0), None if with_h else match[3]
    if (hour, minute) == (24, 0):
        hour = 0
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        return
    if half:
        yield time(hour % 12 + (12 if half == "p" else 0), minute)
        return
    yield time(hour, minute)
    if 1 <= hour <= 12 and not with_h:  # the other half of the day
        yield time((hour + 12) % 24, minute)


def _durations(text: str) -> Iterator[timedelta]:
    if match := _HOURS_AND_MINUTES.fullmatch(text):
        yield timedelta(hours=int(match[1]), minutes=int(match[2]))
    elif _NUMBER.fullmatch(text):
        yield timedelta(hours=int(text) if int(text) <= 24 else 0)
        yield int(text) * _MINUTE
    elif match := _DURATION.fullmatch(text):
        counts = {
            unit: float((count or "0").replace(",", "."))
            for unit, count in match.groupdict().items()
        }
        yield round(timedelta(**counts) / _MINUTE) * _MINUTE


_MINUTE = timedelta(minutes=1)
