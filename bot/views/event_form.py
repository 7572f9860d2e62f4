"""The form that creates an event, and what follows it (R8.7)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    DatePickerElement,
    ExternalDataSelectElement,
    PlainTextInputElement,
    TimePickerElement,
    UserMultiSelectElement,
)
from slack_sdk.models.views import View

from bot.ids import ActionId, BlockId, CallbackId, EventOption
from bot.views.inputs import (
    channel_input,
    input_block,
    line_element,
    number_element,
    option,
    option_list,
)
from bot.views.modals import note_modal
from bot.views.text import Message, bold, context, plain, section, when_and_where
from domain.models import Event


def event_form(event_id: str, time_zone: str) -> View:
    """Return the form that creates an event (R8.7); its event's id is minted already (R8.13)."""
    zone = ExternalDataSelectElement(
        action_id=ActionId.TIME_ZONE,
        initial_option=option(time_zone, time_zone),
        min_query_length=2,
        placeholder=plain("Type a city"),
    )
    waitlist = option("Keep a waitlist when it is full", EventOption.WAITLIST)
    listed = option("Show it in lists even if its channel is private", EventOption.LISTED)
    ticks = CheckboxesElement(
        action_id=ActionId.INPUT, options=[waitlist, listed], initial_options=[waitlist]
    )
    return View(
        type="modal",
        callback_id=CallbackId.CREATE_EVENT,
        private_metadata=json.dumps({"event_id": event_id}),
        title=plain("New event"),
        submit=plain("Create"),
        close=plain("Cancel"),
        blocks=[
            input_block(BlockId.TITLE, "Title", line_element(120)),
            input_block(
                BlockId.START_DATE, "Start date", DatePickerElement(action_id=ActionId.INPUT)
            ),
            input_block(
                BlockId.START_TIME, "Start time", TimePickerElement(action_id=ActionId.INPUT)
            ),
            input_block(
                BlockId.END_DATE,
                "End date",
                DatePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            input_block(
                BlockId.END_TIME,
                "End time",
                TimePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            input_block(BlockId.TIME_ZONE, "Time zone", zone),
            input_block(BlockId.LOCATION, "Place", line_element(200), optional=True),
            input_block(
                BlockId.DESCRIPTION,
                "Description",
                PlainTextInputElement(action_id=ActionId.INPUT, multiline=True, max_length=2_500),
                optional=True,
            ),
            input_block(BlockId.CAPACITY, "Seats", number_element()),
            input_block(BlockId.OPTIONS, "Options", ticks, optional=True),
            channel_input(optional=True),
            input_block(
                BlockId.DEADLINE_DATE,
                "Registration ends on",
                DatePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            input_block(
                BlockId.DEADLINE_TIME,
                "Registration ends at",
                TimePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            input_block(
                BlockId.CO_ORGANIZERS,
                "Organised together with",
                UserMultiSelectElement(action_id=ActionId.INPUT, max_selected_items=20),
                optional=True,
            ),
        ],
    )


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
