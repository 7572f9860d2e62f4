"""The export of a series: a CSV file of the seats people had on each date, and a picture (R8.8, R8.11, R13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import IO
from zoneinfo import ZoneInfo

from bot.blocks.fullness import fullness_lines
from bot.features.export.fullness_picture import MAX_ROWS, fullness_picture
from bot.features.export.spreadsheet import Row, escape_cell
from bot.slack.files import MAX_ALT_TEXT, File, file_name
from domain.enums import EventStatus
from domain.models import Event

ABSENT, SEATED, WAITLISTED = range(3)
"""What someone is in an occurrence: one byte each."""

_STATUS = ("", "registered", "waitlisted")


def heading(occurrences: Sequence[Event]) -> Row:
    """Return the header row: a column for each occurrence, named by its start in its own time zone."""
    return ("Name", "User ID", "All of the series", "Had a seat", *map(_column, occurrences))


def _column(event: Event) -> str:
    start = f"{event.starts_at.astimezone(ZoneInfo(event.time_zone)):%Y-%m-%d %H:%M}"
    canceled = ", canceled" if event.status is EventStatus.CANCELED else ""
    return f"{start} ({event.time_zone}){canceled}"


def is_attended(event: Event, now: datetime) -> bool:
    """Return whether an occurrence has taken place, as far as Rollcall knows."""
    return event.has_started(now) and event.status is not EventStatus.CANCELED


def attendance_row(
    name: str,
    user_id: str,
    statuses: Sequence[int],
    attended: Sequence[bool],
    *,
    is_for_all: bool,
) -> Row:
    """Return a user's row. `statuses` and `attended` have one item for each occurrence."""
    pairs = zip(statuses, attended, strict=True)
    seats_had = sum(status == SEATED and has_been for status, has_been in pairs)
    return (
        *(escape_cell(name), escape_cell(user_id)),
        *("registered" if is_for_all else "", seats_had),
        *(_STATUS[status] for status in statuses),
    )


def attendance_file(series: Event, occurrences: Sequence[Event], content: IO[bytes]) -> File:
    """Return the file with everybody who is or was in an occurrence, or registered for all of the series.

    Beside it is a picture of how full the occurrences were, and the comment says the same.
    """
    comment = (
        "Who is registered or waitlisted on each date of the series, as of now. “Had a seat” counts the dates"
        " so far on which they had a seat, without canceled ones."
    )
    shown = occurrences[-MAX_ROWS:]
    if shown:
        lines = [f"• {line}" for line in fullness_lines(shown)]
        comment = "\n".join([comment, f"{_HOW_FULL}:", *lines])
    return File(
        name=file_name(series.title, "csv"),
        title=f"{series.title}: all dates",
        content=content,
        comment=comment,
        beside=(_picture_file(series, shown),) if shown else (),
    )


def _picture_file(series: Event, shown: Sequence[Event]) -> File:
    return File(
        name=file_name(series.title, "png"),
        title=f"{series.title}: {_HOW_FULL.lower()}",
        content=BytesIO(fullness_picture(shown)),
        comment="",
        alt_text=_alt_text(shown),
    )


_HOW_FULL = "How full each date is"


def _alt_text(shown: Sequence[Event]) -> str:
    """Return as much as fits of what the picture shows. The message has all of it."""
    lines = fullness_lines(shown)
    start = f"{_HOW_FULL}, also in the message."
    while lines and len(f"{start} {'; '.join(lines)}") > MAX_ALT_TEXT:
        lines.pop(0)
    return f"{start} {'; '.join(lines)}"
