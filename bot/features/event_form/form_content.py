"""Initial values of an event's form: empty, from an event, or from what was typed in the form so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.blocks.ids import BlockId, EventOption
from bot.blocks.mrkdwn import is_slack_id, shortened
from bot.features.event_form.end_choices import End
from bot.features.event_form.event_times import shown_end
from bot.features.event_form.form_values import end_in, options_in, reminders_in
from bot.features.event_form.question_inputs import QuestionSlot, slots_in, slots_of
from bot.features.event_form.repetition import (
    NO_REPETITION,
    Repetition,
    repetition_in,
    repetition_of,
)
from bot.slack.view_payloads import ViewPayload
from domain.enums import Visibility
from domain.inputs import DEFAULT_REMINDERS, MAX_CAPACITY, MAX_JOIN_LINK_LENGTH, time_zones
from domain.models import Event

T = TypeVar("T")

MAX_CO_ORGANIZERS = 20
"""Co-organizers that an event can have."""


@dataclass(frozen=True, slots=True)
class FormContent:
    """The initial values of the form's inputs. Dates and times are local, without a time zone."""

    time_zone: str | None = None
    title: str = ""
    start_date: date | None = None
    start_time: time | None = None
    end_date: date | None = None
    """None also if the event ends on the day it starts, or with a duration."""
    end: End | None = None
    location: str = ""
    description: str = ""
    capacity: int | None = None
    channel_id: str | None = None
    uses_current_channel: bool = False
    """Whether the form starts with the channel that it is opened in."""
    options: frozenset[str] = frozenset({EventOption.WAITLIST})
    join_link: str = ""
    visible_to: Visibility = Visibility.EVERYONE
    deadline_date: date | None = None
    deadline_time: time | None = None
    reminders: tuple[int, ...] = DEFAULT_REMINDERS
    co_organizer_ids: tuple[str, ...] = ()
    questions: tuple[QuestionSlot, ...] = ()
    repetition: Repetition = NO_REPETITION


def content_of(event: Event, *, later_by: timedelta = timedelta()) -> FormContent:
    """Return an event's values, with its times moved by the wall clock. A short event lasts as long as it did."""
    starts, ends, deadline = (
        moment and (moment.astimezone(ZoneInfo(event.time_zone)).replace(tzinfo=None) + later_by)
        for moment in (event.starts_at, event.ends_at, event.registration_deadline)
    )
    end = shown_end(event)
    lasts = end if isinstance(end, timedelta) else None
    checked = {EventOption.WAITLIST: event.has_waitlist, EventOption.LISTED: event.listed}
    return FormContent(
        time_zone=event.time_zone,
        title=event.title,
        start_date=starts.date() if starts else None,
        start_time=starts.time() if starts else None,
        end_date=ends.date() if ends and lasts is None else None,
        end=ends.time() if ends and lasts is None else lasts,
        location=event.location,
        description=event.description,
        capacity=event.capacity,
        options=frozenset(option for option, is_checked in checked.items() if is_checked),
        join_link=event.join_link,
        visible_to=event.attendees_visible_to,
        deadline_date=deadline.date() if deadline else None,
        deadline_time=deadline.time() if deadline else None,
        reminders=event.reminders,
        co_organizer_ids=tuple(filter(is_slack_id, event.co_organizer_ids)),
        questions=slots_of(event.questions),
        repetition=NO_REPETITION if event.recurrence is None else repetition_of(event.recurrence),
    )


def content_in(view: ViewPayload, time_zone: str | None) -> FormContent:
    """Return what a form has by now, without what Slack would not take as an initial value.

    `time_zone` counts if the form has no input for it.
    """
    zone = view.selected(BlockId.TIME_ZONE) or time_zone
    digits = view.text(BlockId.CAPACITY).strip()
    capacity = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 7 else 0
    visible_to = view.selected(BlockId.VISIBLE_TO) or Visibility.EVERYONE
    users = view.input(BlockId.CO_ORGANIZERS).selected_users or ()
    return FormContent(
        time_zone=zone if zone in time_zones() else None,
        title=shortened(view.text(BlockId.TITLE), 120),
        start_date=_date_in(view, BlockId.START_DATE),
        start_time=_time_in(view, BlockId.START_TIME),
        end_date=_date_in(view, BlockId.END_DATE),
        end=_end_in(view),
        location=shortened(view.text(BlockId.LOCATION), 200),
        description=shortened(view.text(BlockId.DESCRIPTION), 2_500),
        capacity=capacity if 1 <= capacity <= MAX_CAPACITY else None,
        channel_id=view.input(BlockId.CHANNEL).selected_conversation,
        options=frozenset(options_in(view)),
        join_link=shortened(view.text(BlockId.JOIN_LINK), MAX_JOIN_LINK_LENGTH),
        visible_to=_or_none(Visibility, visible_to) or Visibility.EVERYONE,
        deadline_date=_date_in(view, BlockId.DEADLINE_DATE),
        deadline_time=_time_in(view, BlockId.DEADLINE_TIME),
        reminders=tuple(reminders_in(view)),
        co_organizer_ids=tuple(filter(is_slack_id, users))[:MAX_CO_ORGANIZERS],
        questions=slots_in(view),
        repetition=repetition_in(view),
    )


def _date_in(view: ViewPayload, block: BlockId) -> date | None:
    return _or_none(date.fromisoformat, view.input(block).selected_date or "")


def _time_in(view: ViewPayload, block: BlockId) -> time | None:
    return _or_none(time.fromisoformat, view.input(block).selected_time or "")


def _end_in(view: ViewPayload) -> End | None:
    try:
        return end_in(view)
    except ValueError:
        return None


def _or_none(read: Callable[[str], T], text: str) -> T | None:
    try:
        return read(text)
    except ValueError:
        return None
