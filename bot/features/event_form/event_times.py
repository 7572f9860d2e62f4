"""An event's times as its form shows them: whole minutes, and a short event's end as how long it lasts (R8.7).

The end of a short event then follows its start, as in calendars: moving the start keeps how long the event lasts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.blocks.ids import BlockId
from bot.slack.error_messages import FieldProblem
from domain.errors import Invalid
from domain.inputs import LATEST, from_local
from domain.models import Event

SHORT = timedelta(days=1)
"""The longest event whose end is shown as how long it lasts. "2 days 7 hours" tells no one when an event ends."""

_MINUTE = timedelta(minutes=1)


def shown_time(moment: datetime, time_zone: str) -> datetime:
    """Return a time as the form shows it: without seconds, and of an hour that comes twice the first one."""
    local = moment.astimezone(ZoneInfo(time_zone))
    shown = local.replace(second=0, microsecond=0, tzinfo=None, fold=0)
    return from_local(BlockId.START_TIME, shown, time_zone)


def start_minute(event: Event) -> datetime:
    """Return an event's start without seconds: what lengths count from, also in an hour that comes twice."""
    return event.starts_at.replace(second=0, microsecond=0)


def shown_end(event: Event) -> datetime | timedelta | None:
    """Return an event's end as the form shows it: how long a short event lasts, or else a time."""
    if event.ends_at is None:
        return None
    lasts = event.ends_at - start_minute(event)
    if lasts >= SHORT + _MINUTE:
        return shown_time(event.ends_at, event.time_zone)
    return max(lasts - lasts % _MINUTE, _MINUTE)


def end_after(starts_at: datetime, length: timedelta) -> datetime:
    """Return the end of an event that lasts this long. Raises `Invalid` if that is after the last year."""
    if starts_at >= LATEST - length:
        raise Invalid(BlockId.END, FieldProblem.NO_SUCH_MOMENT)
    return starts_at + length
