"""The calendar file of an event, or of one occurrence of a series (R8.16)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.features.calendar.entries import (
    Identity,
    event_entry,
    file_of,
    local_time,
    recurrence_id,
    removed_entry,
)
from bot.slack.files import File
from domain.enums import EventStatus, RegistrationStatus
from domain.models import Event, UserRegistration, WholeSeries


def is_for_later(registration: UserRegistration) -> bool:
    """Return whether a user is waitlisted, so the event does not belong in their calendar yet."""
    return registration.position is not None


def change_in_calendar(event: Event, what: str, *, is_update: bool) -> str:
    """Return what the file does: "add the event to your calendar". `what` names the event."""
    if event.status is EventStatus.CANCELED:
        return f"remove {what} from your calendar"
    return f"update {what} in your calendar" if is_update else f"add {what} to your calendar"


def calendar_file(
    event: Event,
    workspace_id: str,
    join_link: str = "",
    *,
    whole: WholeSeries | None = None,
    is_update: bool = False,
) -> File:
    """Return an event's .ics file, with the join link if it is for someone who may know it (R12.2).

    `is_update` says that the event has moved, so it may be in the user's calendar already. The `UID` stays the same
    and `SEQUENCE` grows with each change, so a calendar replaces an older version, and removes a canceled event.

    `whole` is the series of an occurrence: in a calendar that has all of it, the file changes this one. Where the
    series has moved it, that also removes it from its earlier times, but none that is now the time of another
    occurrence in which the user has a seat.
    """
    effect = change_in_calendar(event, "the event", is_update=is_update)
    comment = f"Open this file to {effect}."
    is_canceled = event.status is EventStatus.CANCELED
    if whole is None:
        entry = event_entry(event, Identity.of_event(event, workspace_id), join_link)
        return file_of(event.title, [entry], comment, is_cancellation=is_canceled)
    series, identity = whole.event, Identity.of_series(whole, workspace_id)
    zone = ZoneInfo(series.time_zone)
    entries = [
        event_entry(
            event,
            identity.at(recurrence_id(event, series)),
            join_link,
            zone=ZoneInfo(event.time_zone),
        )
    ]
    if is_update or is_canceled:
        taken = {one.rule_starts[-1] for one in whole.made if _has_seat(whole, one)}
        entries += (
            removed_entry(event, identity.at(local_time(start, zone)))
            for start in event.rule_starts[:-1]
            if start not in taken
        )
    return file_of(event.title, entries, comment, is_cancellation=is_canceled)


def _has_seat(whole: WholeSeries, made: Event) -> bool:
    registration = whole.registrations.get(made.event_id)
    return registration is not None and registration.status is RegistrationStatus.REGISTERED


def depends_on_user(event: Event, whole: WholeSeries) -> bool:
    """Return whether another occurrence now has an earlier time of this one: then users need different files."""
    taken = {one.rule_starts[-1] for one in whole.made}
    return not taken.isdisjoint(event.rule_starts[:-1])
