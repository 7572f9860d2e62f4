"""Calendar files of events, as RFC 5545 defines them (R8.16)."""

from __future__ import annotations

import re
from io import BytesIO

from bot.slack.files import File, file_name
from domain.enums import EventStatus
from domain.models import Event, UserRegistration

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that RFC 5545 does not allow."""


def is_for_later(registration: UserRegistration) -> bool:
    """Return whether a user is waitlisted, so the event does not belong in their calendar yet."""
    return registration.position is not None


def change_in_calendar(event: Event, what: str, *, is_update: bool) -> str:
    """Return what the file does: "add the event to your calendar". `what` names the event."""
    if event.status is EventStatus.CANCELED:
        return f"remove {what} from your calendar"
    return f"update {what} in your calendar" if is_update else f"add {what} to your calendar"


def calendar_file(
    event: Event, workspace_id: str, join_link: str = "", *, is_update: bool = False
) -> File:
    """Return an event's .ics file, with the join link if it is for someone who may know it (R12.2).

    `is_update` says that the event has moved, so it may be in the user's calendar already. The `UID` stays
    the same and `SEQUENCE` grows with each change, so a calendar replaces an older version, and removes a
    canceled event.
    """
    from icalendar import Calendar  # slow to import, and only needed here
    from icalendar import Event as Entry

    is_canceled = event.status is EventStatus.CANCELED
    entry = Entry()
    entry.add("uid", f"{event.event_id}.{workspace_id}@rollcall")
    entry.add("sequence", event.version)
    entry.add("dtstamp", event.updated_at)
    entry.add("created", event.created_at)
    entry.add("last-modified", event.updated_at)
    entry.add("summary", event.title)
    entry.add("dtstart", event.starts_at)
    if event.ends_at is not None:
        entry.add("dtend", event.ends_at)
    if event.location:
        entry.add("location", event.location)
    if description := _description(event, join_link):
        entry.add("description", description)
    if join_link:
        entry.add("url", join_link)
    entry.add("status", "CANCELLED" if is_canceled else "CONFIRMED")  # codespell:ignore
    calendar = Calendar()
    calendar.add("prodid", "-//Rollcall//Rollcall//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if is_canceled else "PUBLISH")
    calendar.add_component(entry)
    effect = change_in_calendar(event, "the event", is_update=is_update)
    return File(
        name=file_name(event.title, "ics"),
        title=event.title,
        content=BytesIO(calendar.to_ical()),
        comment=f"Open this file to {effect}.",
    )


def _description(event: Event, join_link: str) -> str:
    """Return the join link, which not every calendar shows as the `URL`, and the event's description."""
    join = f"Join: {join_link}" if join_link else ""
    return "\n\n".join(filter(None, [join, _CONTROL.sub("", event.description)]))
