"""The form of an event as the domain's values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.blocks.ids import BlockId, EventOption
from bot.blocks.mrkdwn import is_slack_id
from bot.features.event_form.end_choices import End, read_end
from bot.features.event_form.event_times import end_after
from bot.features.event_form.question_inputs import new_questions
from bot.features.event_form.repetition import series_values
from bot.slack.error_messages import FieldProblem
from bot.slack.refusals import MalformedPayload
from bot.slack.view_payloads import ViewPayload
from domain.enums import Visibility
from domain.errors import Invalid
from domain.inputs import DEFAULT_REMINDERS, EventDraft, SeriesDraft, from_local, time_zones
from domain.models import Event


def event_draft(
    view: ViewPayload,
    *,
    event_id: str,
    organizer_id: str,
    listed: bool,
    listing_channel: str | None,
    card_channel: str | None,
    time_zone: str | None = None,
) -> EventDraft:
    """Return the event, or the series, that the form describes. Raises `Invalid` with the block that is wrong.

    `time_zone` counts if the form has no input for it.
    """
    values = _shared_values(view, organizer_id, time_zone)
    if isinstance(values["ends_at"], timedelta):
        values["ends_at"] = end_after(values["starts_at"], values["ends_at"])
    values |= {
        "event_id": event_id,
        "organizer_id": organizer_id,
        "capacity": view.whole_number(BlockId.CAPACITY),
        "listed": listed,
        "listing_channel": listing_channel,
        "card_channel": card_channel,
        "questions": new_questions(view),
    }
    first = values["starts_at"].astimezone(ZoneInfo(values["time_zone"])).date()
    more = series_values(view, first, has_waitlist=values["has_waitlist"])
    return EventDraft.of(**values) if more is None else SeriesDraft.of(**values, **more)


def edited_values(view: ViewPayload, event: Event) -> dict[str, Any]:
    """Return the values of the form that edits an event, by the domain's field names.

    The end may be a duration, which `changed_fields` counts from the start.
    Co-organizers that the form can't show, because they are not in Slack, stay. Raises `Invalid` with the block
    that is wrong.
    """
    values = _shared_values(view, event.organizer_id)
    values["co_organizer_ids"] += [one for one in event.co_organizer_ids if not is_slack_id(one)]
    return values | {"listed": EventOption.LISTED in view.checked(BlockId.OPTIONS)}


def _shared_values(
    view: ViewPayload, organizer_id: str | None, default_zone: str | None = None
) -> dict[str, Any]:
    """Return the values that both forms have."""
    shown_zone = view.selected(BlockId.TIME_ZONE)
    time_zone = shown_zone if view.shows(BlockId.TIME_ZONE) else default_zone
    if time_zone is None or time_zone not in time_zones():
        raise Invalid(BlockId.TIME_ZONE, FieldProblem.NO_TIME_ZONE)
    co_organizers = view.input(BlockId.CO_ORGANIZERS).selected_users or []
    if not all(map(_MINUTES.fullmatch, view.checked(BlockId.REMINDERS))):
        raise MalformedPayload("view.state.values.reminders")
    return {
        "title": view.text(BlockId.TITLE),
        "description": view.text(BlockId.DESCRIPTION),
        "location": view.text(BlockId.LOCATION),
        "time_zone": time_zone,
        "co_organizer_ids": [user_id for user_id in co_organizers if user_id != organizer_id],
        "has_waitlist": EventOption.WAITLIST in options_in(view),
        "reminders": reminders_in(view),
        "join_link": view.text(BlockId.JOIN_LINK),
        "attendees_visible_to": view.selected(BlockId.VISIBLE_TO) or Visibility.EVERYONE,
        **_times(view, time_zone),
    }


def options_in(view: ViewPayload) -> list[str]:
    """Return the options that are checked, or the default if the form does not show them yet."""
    return view.checked(BlockId.OPTIONS) if view.shows(BlockId.OPTIONS) else [EventOption.WAITLIST]


def reminders_in(view: ViewPayload) -> list[int]:
    """Return the reminders in minutes, longest first, or the default if the form does not show them yet."""
    if not view.shows(BlockId.REMINDERS):
        return list(DEFAULT_REMINDERS)
    chosen = [text for text in view.checked(BlockId.REMINDERS) if _MINUTES.fullmatch(text)]
    return sorted(map(int, chosen), reverse=True)


def end_in(view: ViewPayload) -> End | None:
    """Return the end that is chosen, None if there is none. Raises `ValueError` for what was never offered."""
    chosen = view.selected(BlockId.END)
    return read_end(chosen) if chosen else None


def _times(view: ViewPayload, time_zone: str) -> dict[str, datetime | timedelta | None]:
    starts_at = _optional_time(view, BlockId.START_DATE, BlockId.START_TIME, time_zone)
    if starts_at is None:
        raise Invalid(BlockId.START_DATE, FieldProblem.NO_DAY)
    deadline = _optional_time(view, BlockId.DEADLINE_DATE, BlockId.DEADLINE_TIME, time_zone)
    return {
        "starts_at": starts_at,
        "ends_at": _end(view, starts_at, time_zone),
        "registration_deadline": deadline,
    }


def _end(view: ViewPayload, starts_at: datetime, time_zone: str) -> datetime | timedelta | None:
    """Return the end in UTC or as a duration, None if there is none. Raises `Invalid`.

    A time without a date is on the day of the start; midnight is the end of that day. A duration is the time that
    passes: where the clocks change meanwhile, they show an hour more or less.
    """
    day = view.input(BlockId.END_DATE).selected_date
    try:
        end = end_in(view)
    except ValueError:
        raise Invalid(BlockId.END, FieldProblem.NO_SUCH_MOMENT) from None
    if isinstance(end, timedelta):
        ends_at = end_after(starts_at, end).astimezone(ZoneInfo(time_zone))
        if day and day != ends_at.date().isoformat():
            raise Invalid(BlockId.END_DATE, FieldProblem.ENDS_ON_ANOTHER_DAY)
        return end
    if end is None:
        if day:
            raise Invalid(BlockId.END, FieldProblem.TIME_MISSING)
        return None
    on = day or view.input(BlockId.START_DATE).selected_date or ""
    if end == time() and not day:
        ends_at = _end_of_day(on, time_zone)
    else:
        ends_at = _moment(BlockId.END, on, f"{end:%H:%M}", time_zone)
    if not day and ends_at <= starts_at:
        raise Invalid(BlockId.END, FieldProblem.ENDS_TOO_EARLY)
    return ends_at


_MINUTES = re.compile(r"[0-9]{1,5}")


def _optional_time(
    view: ViewPayload, date_block: BlockId, time_block: BlockId, time_zone: str
) -> datetime | None:
    """Return a local time as UTC, None without date and time. Raises `Invalid`."""
    date_given = view.input(date_block).selected_date
    time_given = view.input(time_block).selected_time
    if not date_given and not time_given:
        return None
    if not date_given:
        raise Invalid(date_block, FieldProblem.DAY_MISSING)
    if not time_given:
        raise Invalid(time_block, FieldProblem.TIME_MISSING)
    return _moment(time_block, date_given, time_given, time_zone)


def _end_of_day(day_given: str, time_zone: str) -> datetime:
    """Return the first moment of the next day in UTC. Raises `Invalid`.

    If the clocks skip midnight, the offset before the change gives the right moment (PEP 495).
    """
    try:
        day = date.fromisoformat(day_given) + timedelta(days=1)
        return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(BlockId.END, FieldProblem.NO_SUCH_MOMENT) from None


def _moment(block: BlockId, date_given: str, time_given: str, time_zone: str) -> datetime:
    """Return a local time as UTC; of an hour that comes twice, the first one (R8.7).

    Raises `Invalid` for an hour that daylight saving time skips, too.
    """
    try:
        local = datetime.combine(date.fromisoformat(date_given), time.fromisoformat(time_given))
    except ValueError:
        raise Invalid(block, FieldProblem.NO_SUCH_MOMENT) from None
    return from_local(block, local, time_zone)
