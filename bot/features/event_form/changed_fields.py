"""Fingerprints of an event's fields, to change only those that an organizer touched in the form.

Two organizers may edit an event at the same time. A field that one of them left alone must not undo the other's
change. The form therefore carries a fingerprint of each field as it shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.inputs import EventChanges, from_local
from domain.models import Event

FINGERPRINT_LENGTH = 8
"""Hexadecimal digits of a fingerprint, which tells one value of one field from one other value."""

FORM_FIELDS = (
    *("title", "description", "location", "time_zone", "co_organizer_ids"),
    *("starts_at", "ends_at", "registration_deadline"),
    *("has_waitlist", "listed", "reminders", "join_link", "attendees_visible_to"),
)
"""The fields of the form, by the domain's names."""


def fingerprints(event: Event) -> dict[str, str]:
    """Return the fingerprint of each field as the form shows it: times have no seconds."""
    values = {name: getattr(event, name) for name in FORM_FIELDS}
    for name in ("starts_at", "ends_at", "registration_deadline"):
        values[name] = _as_shown(name, values[name], event.time_zone)
    return {name: _fingerprint(value) for name, value in values.items()}


def changed_fields(values: Mapping[str, Any], shown: Mapping[str, str]) -> EventChanges:
    """Return the changes that a form makes: the fields that differ from what was shown. Raises `Invalid`."""
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
        # Slack's clients may change the line endings, and the domain trims.
        value = "\n".join(value.splitlines()).strip()
    text = repr(sorted(map(str, value)) if isinstance(value, list | tuple) else value)
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_LENGTH]
