"""Fingerprints of the fields that an edit form shows.

Two organizers may edit an event at the same time. A field that one leaves alone must not undo the
other's change, so only fields that differ from their fingerprint are changed.
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
"""Hexadecimal digits of a fingerprint. It compares one field with one other value."""

EDITED = (
    *("title", "description", "location", "time_zone", "co_organizer_ids"),
    *("starts_at", "ends_at", "registration_deadline"),
    *("has_waitlist", "listed", "reminders"),
)
"""The fields of the form, by their names in the domain."""


def shown_values(event: Event) -> dict[str, str]:
    """Return the fingerprint of each field as the form shows it. Times have no seconds."""
    values = {name: getattr(event, name) for name in EDITED}
    for name in ("starts_at", "ends_at", "registration_deadline"):
        values[name] = _as_shown(name, values[name], event.time_zone)
    return {name: _fingerprint(value) for name, value in values.items()}


def touched(values: Mapping[str, Any], shown: Mapping[str, str]) -> EventChanges:
    """Return the fields that differ from how they were shown. Raises `Invalid`."""
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
        # Slack's client changes line endings, and the domain trims.
        value = "\n".join(value.splitlines()).strip()
    text = repr(sorted(map(str, value)) if isinstance(value, list | tuple) else value)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
