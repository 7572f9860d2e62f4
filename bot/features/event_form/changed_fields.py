"""Fingerprints of an event's fields, to change only those that an organizer touched in the form.

Two organizers may edit an event at the same time. A field that one of them left alone must not undo the other's
change. The form therefore carries a fingerprint of each field as it shows it. The end of a short event is how long the
event lasts (see `event_times`): it moves with the start, whoever changes which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.blocks.ids import BlockId
from bot.features.event_form.event_times import end_after, shown_end, shown_time, start_minute
from bot.features.event_form.question_inputs import as_shown
from bot.slack.error_messages import FieldProblem
from bot.slack.view_metadata import EditMetadata
from domain.errors import Invalid
from domain.inputs import EventChanges, QuestionDraft
from domain.models import Event

FINGERPRINT_LENGTH = 8
"""Hexadecimal digits of a fingerprint, which tells one value of one field from one other value."""

FORM_FIELDS = (
    *("title", "description", "location", "time_zone", "co_organizer_ids"),
    *("starts_at", "ends_at", "registration_deadline"),
    *("has_waitlist", "listed", "reminders", "join_link", "attendees_visible_to"),
)
"""The fields of the form, by the domain's names."""

_TIME_INPUTS = {
    "starts_at": BlockId.START_TIME,
    "ends_at": BlockId.END,
    "registration_deadline": BlockId.DEADLINE_TIME,
    "time_zone": BlockId.TIME_ZONE,
}


def as_it_is_shown(event: Event) -> EditMetadata:
    """Return what a form that shows an event must carry, to know later what was touched."""
    return EditMetadata(
        event_id=event.event_id, shown=fingerprints(event), questions=as_shown(event.questions)
    )


def fingerprints(event: Event) -> dict[str, str]:
    """Return the fingerprint of each field as the form shows it."""
    values = {name: getattr(event, name) for name in FORM_FIELDS}
    deadline = event.registration_deadline
    values["starts_at"] = shown_time(event.starts_at, event.time_zone)
    values["ends_at"] = shown_end(event)
    values["registration_deadline"] = deadline and shown_time(deadline, event.time_zone)
    return {name: _fingerprint(value) for name, value in values.items()}


def changed_fields(
    values: Mapping[str, Any],
    shown: Mapping[str, str],
    event: Event,
    questions: Sequence[QuestionDraft] | None = None,
) -> EventChanges:
    """Return the changes that a form makes: the fields that differ from what was shown. Raises `Invalid`.

    `event` is the event as it is now. It has the start or the end that the form leaves alone. `questions` are those
    that the event gets, None if the form leaves all of them alone.
    """
    touched = {
        name: value for name, value in values.items() if _fingerprint(value) != shown.get(name)
    }
    changed = dict(touched)
    if questions is not None:
        changed["questions"] = questions
    if not touched.keys().isdisjoint(("starts_at", "ends_at")):
        end = touched.get("ends_at", shown_end(event))
        if isinstance(end, timedelta):
            start = touched.get("starts_at", start_minute(event))
            changed["ends_at"] = end_after(start, end)
    stale = {name for name, now in fingerprints(event).items() if now != shown.get(name)}
    for name, block in _TIME_INPUTS.items():
        # A form that is sent twice finds its own changes.
        is_news = name in touched and changed[name] != getattr(event, name)
        if is_news and not stale.isdisjoint(_seen_with(name, touched, event)):
            raise Invalid(block, FieldProblem.CHANGED_MEANWHILE)
    return EventChanges.of(**changed)


def _seen_with(name: str, touched: Mapping[str, Any], event: Event) -> set[str]:
    """Return the fields that an organizer who changes this one relies on as shown.

    Only a length relies on no start, and a start only on an end that does not move with it.
    """
    if name == "starts_at" and isinstance(shown_end(event), datetime):
        return {"starts_at", "time_zone", "ends_at"}
    if name == "ends_at":
        is_time = isinstance(touched[name], datetime)
        return {"ends_at", "starts_at", "time_zone"} if is_time else {"ends_at"}
    return {name, "time_zone"}


def _fingerprint(value: object) -> str:
    if isinstance(value, str):
        # Slack's clients may change the line endings, and the domain trims.
        value = "\n".join(value.splitlines()).strip()
    text = repr(sorted(map(str, value)) if isinstance(value, list | tuple) else value)
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_LENGTH]
