"""What the form of an event was opened with, so that only what was touched is changed.

Two organizers may edit an event at once: what one leaves as it was shown must not undo what the
other has changed meanwhile. The form carries a fingerprint of each field as it shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.inputs import EventChanges, from_local
from domain.models import Event

LENGTH = 8
"""Hexadecimal digits of a fingerprint: one field of one form against one other value."""

EDITED = (
    *("title", "description", "location", "time_zone", "co_organizer_ids"),
    *("starts_at", "ends_at", "registration_deadline"),
    *("has_waitlist", "listed", "reminders"),
)
"""The fields that the form has, by the domain's names."""


def shown_values(event: Event) -> dict[str, str]:
    """Return the fingerprint of each field as the form shows it: times without their seconds."""
    values = {name: getattr(event, name) for name in EDITED}
    for name in ("starts_at", "ends_at", "registration_deadline"):
        values[name] = _as_shown(name, values[name], event.time_zone)
    return {name: _fingerprint(value) for name, value in values.items()}


def touched(values: Mapping[str, Any], shown: Mapping[str, str]) -> EventChanges:
    """Return what a form sets: the fields that are not as they were shown. Raises `Invalid`."""
    return EventChanges.of(
        **{name: value for name, value in values.items() if _fingerprint(value) != shown.get(name)}
    )


def _as_shown(name: str, moment: datetime | None, time_zone: str) -> datetime | None:
    if moment is None:
        return None
    local = moment.astimezone(ZoneInfo(time_zone))
    return from_local(name, local.replace(second=0, microsecond=0, tzinfo=None, fold=0), time_zone)


def _fingerprint(value: object) -> str:
    if isinstance(value, str):
        # Slack's client gives lines back as it likes to end them, and the domain trims.
        value = "\n".join(value.splitlines()).strip()
    text = repr(sorted(map(str, value)) if isinstance(value, list | tuple) else value)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
