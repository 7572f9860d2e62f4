"""The attendee list as a CSV file for spreadsheets (R8.8, R8.11)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO
from zoneinfo import ZoneInfo

from bot.slack.files import File, file_name
from domain.models import Event, Registration, WaitlistPosition

_FORMULA = re.compile(r"^[\s\x00-\x1f]*[=+\-@|%\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]")
"""Matches a cell that a spreadsheet takes for a formula, also after white space and in full width."""

_NEXT_CELL = re.compile(r"(?<=;)(?=[\s\x00-\x1f]*[=+\-@|%\uff0b\uff0d\uff1d\uff20])")
"""Matches where a formula starts after a semicolon, which separates cells in some locales despite quotes."""


Row = Sequence[object]
"""The cells of one row."""


def heading(event: Event) -> Row:
    """Return the header row. All times are in the event's time zone."""
    return (
        *("Status", "Position", "Name", "User ID"),
        *(f"Registered at ({event.time_zone})", f"Seat since ({event.time_zone})"),
    )


def registered_row(event: Event, registration: Registration, names: Mapping[str, str]) -> Row:
    """Return the row of a registered user."""
    zone = ZoneInfo(event.time_zone)
    return (
        *("registered", "", _name(registration.user_id, names), escape_cell(registration.user_id)),
        *(_local(registration.registered_at, zone), _local(registration.seated_at, zone)),
    )


def waitlisted_row(event: Event, waitlisted: WaitlistPosition, names: Mapping[str, str]) -> Row:
    """Return the row of a waitlisted user."""
    entry, zone = waitlisted.entry, ZoneInfo(event.time_zone)
    return (
        *(
            "waitlisted",
            waitlisted.position,
            _name(entry.user_id, names),
            escape_cell(entry.user_id),
        ),
        *(_local(entry.registered_at, zone), ""),
    )


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


def _name(user_id: str, names: Mapping[str, str]) -> str:
    return escape_cell(names.get(user_id, ""))


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
