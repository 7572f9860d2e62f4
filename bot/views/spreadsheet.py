"""An event's people as a CSV file, for spreadsheets (R8.8, R8.11)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.files import File, file_name
from domain.models import Event, Place, Registration, User

_FORMULA = re.compile(r"^[\s\x00-\x1f]*[=+\-@|%\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]")
"""With what a spreadsheet takes a cell for a formula, also behind white space, and in full width."""


def people_file(
    event: Event,
    registered: Iterable[Registration],
    waiting: Iterable[Place],
    users: Mapping[str, User],
) -> File:
    """Return everyone in the event, those with a seat first, then the line in order.

    UTF-8 with a byte order mark, by which Excel knows it; times are those of the event's zone.
    """
    zone = ZoneInfo(event.time_zone)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            *("Status", "Position", "Name", "User ID"),
            *(f"Registered at ({event.time_zone})", f"Seat since ({event.time_zone})"),
        ]
    )
    count = 0
    for row in registered:
        name = _name(row.user_id, users)
        writer.writerow(
            [
                *("registered", "", name, safe(row.user_id)),
                *(_local(row.registered_at, zone), _local(row.seated_at, zone)),
            ]
        )
        count += 1
    for place in waiting:
        one = place.waiting
        name = _name(one.user_id, users)
        writer.writerow(
            [
                *("waitlisted", place.position, name, safe(one.user_id)),
                *(_local(one.registered_at, zone), ""),
            ]
        )
        count += 1
    return File(
        name=file_name(event.title, "csv"),
        title=f"{event.title}: people",
        content=text.getvalue().encode("utf-8-sig"),
        comment="Everyone registered and waiting, as it is now.",
    )


def safe(text: str) -> str:
    """Return typed text as a cell that no spreadsheet computes: an apostrophe keeps it text (R8.11)."""
    return f"'{text}" if _FORMULA.search(text) else text


def _name(user_id: str, users: Mapping[str, User]) -> str:
    return safe(users[user_id].name) if user_id in users else ""


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
