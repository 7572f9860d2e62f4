"""The attendee list as a CSV file for spreadsheets (R8.8, R8.11)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from bot.slack.files import File, file_name
from domain.models import Event
from domain.questions import Answer, Answers, shown_answers

_FORMULA = re.compile(r"^[\s\x00-\x1f]*[=+\-@|%\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]")
"""Matches a cell that a spreadsheet takes for a formula, also after white space and in full width."""

_NEXT_CELL = re.compile(r"(?<=;)(?=[\s\x00-\x1f]*[=+\-@|%\uff0b\uff0d\uff1d\uff20])")
"""Matches where a formula starts after a semicolon, which separates cells in some locales despite quotes."""


Row = Sequence[object]
"""The cells of one row."""


class Attendee(NamedTuple):
    """An attendee as the list shows it: a small tuple, because an event may have 100,000."""

    user_id: str
    registered_at: datetime
    seated_at: datetime | None
    is_registered: bool
    answers: Answers = MappingProxyType({})


def heading(event: Event) -> Row:
    """Return the header row. All times are in the event's time zone."""
    return (
        *("Status", "Position", "Name", "User ID"),
        *(f"Registered at ({event.time_zone})", f"Seat since ({event.time_zone})"),
        *(escape_cell(question.text) for question in event.questions),
    )


def attendee_row(event: Event, attendee: Attendee, name: str, position: int) -> Row:
    """Return an attendee's row. `position` counts on the waitlist only."""
    zone = ZoneInfo(event.time_zone)
    answers = shown_answers(event.questions, attendee.answers)
    return (
        *(("registered", "") if attendee.is_registered else ("waitlisted", position)),
        *(escape_cell(name), escape_cell(attendee.user_id)),
        *(_local(attendee.registered_at, zone), _local(attendee.seated_at, zone)),
        *(_answer(answers.get(one.question_id, "")) for one in event.questions),
    )


def _answer(answer: Answer) -> str:
    """Return an answer as a cell; commas separate the options chosen."""
    return escape_cell(answer if isinstance(answer, str) else ", ".join(answer))


def attendee_file(event: Event, content: IO[bytes]) -> File:
    """Return the file: registered users first, then the waitlist in order."""
    return File(
        name=file_name(event.title, "csv"),
        title=f"{event.title}: attendees",
        content=content,
        comment="Everyone registered or on the waitlist, as of now.",
    )


def escape_cell(text: str) -> str:
    """Return typed text as a cell that no spreadsheet evaluates. An apostrophe keeps it text (R8.11)."""
    text = _NEXT_CELL.sub("'", text)
    return f"'{text}" if _FORMULA.search(text) else text


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
