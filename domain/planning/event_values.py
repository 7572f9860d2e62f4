"""The event's values in a journal entry, which a replay of the journal needs (R7.6).

Counts and tickets follow from an entry's changes. Only a repair's entry holds the next ticket, because a
repair may move it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from domain.models import Event

REPLAYED_FIELDS = (
    *("title", "location", "starts_at", "ends_at", "time_zone", "registration_deadline"),
    *("capacity", "capacity_target", "has_waitlist", "listed", "status", "deletion"),
    *("organizer_id", "co_organizer_ids", "series", "occurrence"),
)
"""The event's fields that a replay follows and compares."""


def changed_values(before: Event | None, after: Event) -> dict[str, str]:
    """Return the replayed fields that a commit changed, with their new values (None: the event is new).

    Any change of a series says that it is one: other rules hold for it.
    """
    changed = {
        name
        for name in REPLAYED_FIELDS
        if before is None or getattr(before, name) != getattr(after, name)
    }
    return as_json(after, changed | {"series"} if changed and after.series else changed)


def repaired_values(event: Event) -> dict[str, str]:
    """Return all replayed fields and the next ticket: from a repair on, these are the truth."""
    return as_json(event, (*REPLAYED_FIELDS, "next_ticket"))


def as_json(event: Event, names: Iterable[str]) -> dict[str, str]:
    """Return fields of an event, each as JSON text: a store keeps texts, and may drop null values."""
    chosen = set(names)
    if not chosen:
        return {}
    return {
        name: json.dumps(value, ensure_ascii=False)
        for name, value in event.model_dump(mode="json", include=chosen).items()
    }
