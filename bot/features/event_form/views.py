"""The forms that create and edit an event, and what follows them (R8.7, R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    DatePickerElement,
    ExternalDataSelectElement,
    PlainTextInputElement,
    StaticMultiSelectElement,
    TimePickerElement,
    UserMultiSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.formatting import (
    Message,
    before_start,
    bold,
    context,
    is_slack_id,
    persons,
    plain,
    section,
    when_and_where,
)
from bot.blocks.ids import ActionId, BlockId, CallbackId, EventOption
from bot.blocks.inputs import (
    channel_input,
    input_block,
    line_element,
    number_element,
    option,
    option_list,
)
from bot.blocks.modals import note_modal
from domain.commands import ChangeOutcome
from domain.inputs import DEFAULT_REMINDERS, MAX_REMINDERS
from domain.models import Event

REMINDERS = (7 * 24 * 60, 2 * 24 * 60, 24 * 60, 3 * 60, 60, 15)
"""Minutes before the start that a form offers for reminders."""


def event_form(event_id: str, time_zone: str) -> View:
    """Return the form that creates an event (R8.7); its event's id is minted already (R8.13)."""
    return View(
        type="modal",
        callback_id=CallbackId.CREATE_EVENT,
        private_metadata=json.dumps({"event_id": event_id}),
        title=plain("New event"),
        submit=plain("Create"),
        close=plain("Cancel"),
        blocks=[
            *_when_and_what(time_zone),
            input_block(BlockId.CAPACITY, "Seats", number_element()),
            _options({EventOption.WAITLIST}, "Show it in lists even if its channel is private"),
            channel_input(optional=True),
            *_more((), DEFAULT_REMINDERS),
        ],
    )


def edit_form(event: Event, shown: Mapping[str, str]) -> View:
    """Return the form that edits an event; `shown` says of each field what it shows (see `changed_fields`)."""
    ticked = {EventOption.WAITLIST} if event.has_waitlist else set()
    ticked |= {EventOption.LISTED} if event.listed else set()
    people = [user_id for user_id in event.co_organizer_ids if is_slack_id(user_id)]
    return View(
        type="modal",
        callback_id=CallbackId.EDIT_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id, "shown": dict(shown)}),
        title=plain("Edit event"),
        submit=plain("Save"),
        close=plain("Back"),
        blocks=[
            context(
                "If the time or the place changes, everyone registered or waiting is told."
                " The number of seats is under *Change capacity*."
            ),
            *_when_and_what(event.time_zone, event),
            _options(ticked, "Show it in lists"),
            *_more(people, event.reminders, event),
        ],
    )


def _when_and_what(time_zone: str, event: Event | None = None) -> list[Block]:
    """Return the inputs that come first, filled in where there is an event."""
    zone = ExternalDataSelectElement(
        action_id=ActionId.TIME_ZONE,
        initial_option=option(time_zone, time_zone),
        min_query_length=2,
        placeholder=plain("Type a city"),
    )
    description = PlainTextInputElement(
        action_id=ActionId.INPUT,
        multiline=True,
        max_length=2_500,
        initial_value=(event.description or None) if event else None,
    )
    starts_at, ends_at = (event.starts_at, event.ends_at) if event else (None, None)
    return [
        input_block(BlockId.TITLE, "Title", line_element(120, event.title if event else None)),
        *_moment_inputs(
            BlockId.START_DATE, BlockId.START_TIME, "Start date", "Start time", starts_at, time_zone
        ),
        *_moment_inputs(
            BlockId.END_DATE,
            BlockId.END_TIME,
            "End date",
            "End time",
            ends_at,
            time_zone,
            optional=True,
        ),
        input_block(BlockId.TIME_ZONE, "Time zone", zone),
        input_block(
            BlockId.LOCATION,
            "Place",
            line_element(200, event.location if event else None),
            optional=True,
        ),
        input_block(BlockId.DESCRIPTION, "Description", description, optional=True),
    ]


def _moment_inputs(
    day: BlockId,
    hour: BlockId,
    day_label: str,
    hour_label: str,
    moment: datetime | None,
    time_zone: str,
    *,
    optional: bool = False,
) -> list[Block]:
    local = moment.astimezone(ZoneInfo(time_zone)) if moment else None
    on = DatePickerElement(
        action_id=ActionId.INPUT, initial_date=f"{local:%Y-%m-%d}" if local else None
    )
    at = TimePickerElement(
        action_id=ActionId.INPUT, initial_time=f"{local:%H:%M}" if local else None
    )
    return [
        input_block(day, day_label, on, optional=optional),
        input_block(hour, hour_label, at, optional=optional),
    ]


def _options(ticked: Set[EventOption], listed_label: str) -> Block:
    offered = {
        EventOption.WAITLIST: option("Keep a waitlist when it is full", EventOption.WAITLIST),
        EventOption.LISTED: option(listed_label, EventOption.LISTED),
    }
    ticks = CheckboxesElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[name] for name in offered if name in ticked] or None,
    )
    return input_block(BlockId.OPTIONS, "Options", ticks, optional=True)


def _more(
    co_organizer_ids: Sequence[str], reminders: Sequence[int], event: Event | None = None
) -> list[Block]:
    """Return the inputs that come last."""
    offered = {
        minutes: option(before_start(minutes).capitalize(), str(minutes))
        for minutes in sorted({*REMINDERS, *reminders}, reverse=True)
    }
    remind = StaticMultiSelectElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[minutes] for minutes in reminders] or None,
        max_selected_items=MAX_REMINDERS,
        placeholder=plain("No reminders"),
    )
    deadline = event.registration_deadline if event else None
    zone = event.time_zone if event else "UTC"
    together = UserMultiSelectElement(
        action_id=ActionId.INPUT,
        max_selected_items=20,
        initial_users=list(co_organizer_ids) or None,
    )
    return [
        *_moment_inputs(
            BlockId.DEADLINE_DATE,
            BlockId.DEADLINE_TIME,
            "Registration ends on",
            "Registration ends at",
            deadline,
            zone,
            optional=True,
        ),
        input_block(BlockId.REMINDERS, "Remind everyone registered", remind, optional=True),
        input_block(BlockId.CO_ORGANIZERS, "Organized together with", together, optional=True),
    ]


def zone_options(names: Sequence[str]) -> dict[str, Any]:
    """Return time zones as the options of a select."""
    return option_list((name, name) for name in names[:100])


def created(event: Event, trouble: str | None) -> View:
    """Return that an event exists, and how to mend it if its card could not be posted."""
    blocks: list[Block] = [
        section(f"{bold(event.title)} is open for registration.\n{when_and_where(event)}"),
        context(
            f"Register with `/register {event.event_id}` · manage it, or post its card, with"
            f" `/event {event.event_id}`"
        ),
    ]
    if trouble is not None:
        blocks.append(section(f":warning: {trouble}"))
    return note_modal("Event created", Message("Event created", blocks))


def edited(outcome: ChangeOutcome) -> View:
    """Return that an event is as wanted, and who is told of it."""
    event = outcome.event
    if not outcome.changed:
        text = f"{bold(event.title)} stays as it is: nothing was different."
    else:
        text = f"{bold(event.title)} is saved.\n{when_and_where(event)}"
    told = event.registered_count + event.waitlist_count
    if outcome.is_moved and told and outcome.notifies:
        text += f"\n{persons(told)} in it will be told what was and what is now."
    return note_modal("Edit event", Message(text, [section(text)]), close="Back")
