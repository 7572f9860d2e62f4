"""The forms that create and edit an event, and their confirmations (R8.7, R8.8)."""

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

from bot.blocks.builders import Message, context, plain, section
from bot.blocks.formatting import before_start, headcount, when_and_where
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
from bot.blocks.mrkdwn import bold, is_slack_id, shortened
from bot.features.cards.views import card_sentence
from bot.slack.context import CardStatus
from domain.commands import ChangeOutcome
from domain.inputs import DEFAULT_REMINDERS, MAX_REMINDERS
from domain.models import Event

REMINDERS = (7 * 24 * 60, 2 * 24 * 60, 24 * 60, 3 * 60, 60, 15)
"""Minutes before the start that the forms offer for reminders."""


def create_form(event_id: str, time_zone: str, title: str = "") -> View:
    """Ask for a new event (R8.7). `event_id` is already chosen, so a second submit creates nothing (R8.13)."""
    return View(
        type="modal",
        callback_id=CallbackId.CREATE_EVENT,
        private_metadata=json.dumps({"event_id": event_id}),
        title=plain("Create event"),
        submit=plain("Create"),
        close=plain("Cancel"),
        blocks=[
            *_first_inputs(time_zone, title=title),
            input_block(BlockId.CAPACITY, "Seats", number_element()),
            _options(
                {EventOption.WAITLIST}, "Show it in event lists even if its channel is private"
            ),
            channel_input(optional=True),
            *_last_inputs((), DEFAULT_REMINDERS),
        ],
    )


def edit_form(event: Event, shown: Mapping[str, str]) -> View:
    """Ask for changes to an event. `shown` has a fingerprint of each field as shown (see `changed_fields`)."""
    checked = {EventOption.WAITLIST} if event.has_waitlist else set()
    checked |= {EventOption.LISTED} if event.listed else set()
    co_organizer_ids = [user_id for user_id in event.co_organizer_ids if is_slack_id(user_id)]
    return View(
        type="modal",
        callback_id=CallbackId.EDIT_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id, "shown": dict(shown)}),
        title=plain("Edit event"),
        submit=plain("Save"),
        close=plain("Back"),
        blocks=[
            context(
                "If the time or location changes, all attendees are notified."
                " To change the number of seats, use *Change capacity*."
            ),
            *_first_inputs(event.time_zone, event),
            _options(checked, "Show it in event lists"),
            *_last_inputs(co_organizer_ids, event.reminders, event),
        ],
    )


def _first_inputs(time_zone: str, event: Event | None = None, title: str = "") -> list[Block]:
    """Return the first inputs, filled in from the event if there is one."""
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
        input_block(
            BlockId.TITLE,
            "Title",
            line_element(120, event.title if event else shortened(title, 120)),
        ),
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
            "Location",
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


def _options(checked: Set[EventOption], listed_label: str) -> Block:
    offered = {
        EventOption.WAITLIST: option(
            "Keep a waitlist when the event is full", EventOption.WAITLIST
        ),
        EventOption.LISTED: option(listed_label, EventOption.LISTED),
    }
    checkboxes = CheckboxesElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[name] for name in offered if name in checked] or None,
    )
    return input_block(BlockId.OPTIONS, "Options", checkboxes, optional=True)


def _last_inputs(
    co_organizer_ids: Sequence[str], reminders: Sequence[int], event: Event | None = None
) -> list[Block]:
    """Return the last inputs."""
    offered = {
        minutes: option(before_start(minutes).capitalize(), str(minutes))
        for minutes in sorted({*REMINDERS, *reminders}, reverse=True)
    }
    reminder_select = StaticMultiSelectElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[minutes] for minutes in reminders] or None,
        max_selected_items=MAX_REMINDERS,
        placeholder=plain("No reminders"),
    )
    deadline = event.registration_deadline if event else None
    zone = event.time_zone if event else "UTC"
    co_organizers = UserMultiSelectElement(
        action_id=ActionId.INPUT,
        max_selected_items=20,
        initial_users=list(co_organizer_ids) or None,
    )
    return [
        *_moment_inputs(
            BlockId.DEADLINE_DATE,
            BlockId.DEADLINE_TIME,
            "Registration deadline date",
            "Registration deadline time",
            deadline,
            zone,
            optional=True,
        ),
        input_block(
            BlockId.REMINDERS, "Reminders for everyone registered", reminder_select, optional=True
        ),
        input_block(BlockId.CO_ORGANIZERS, "Co-organizers", co_organizers, optional=True),
    ]


def time_zone_options(names: Sequence[str]) -> dict[str, Any]:
    """Return time zones as select options."""
    return option_list((name, name) for name in names[:100])


def event_created(event: Event, card: CardStatus | None, *, is_privacy_known: bool = True) -> View:
    """Confirm a new event, and say where its card is, if it has one."""
    blocks: list[Block] = [
        section(f"{bold(event.title)} is open for registration.\n{when_and_where(event)}"),
        context(
            f"To register, type `/register {event.event_id}`."
            f" To manage the event or post its card, type `/event {event.event_id}`."
        ),
    ]
    if card is not None:
        blocks.append(section(card_sentence(event, card)))
    if not is_privacy_known:
        blocks.append(section(PRIVACY_UNKNOWN))
    return note_modal("Event created", Message("Event created", blocks))


def event_edited(outcome: ChangeOutcome) -> View:
    """Confirm changes to an event, and say who is notified."""
    event = outcome.event
    text = NO_CHANGES
    if outcome.changed:
        text = f"{bold(event.title)} has been updated.\n{when_and_where(event)}"
    attendees = event.registered_count + event.waitlist_count
    if outcome.is_moved and attendees and outcome.notifies:
        text += f"\n{headcount(attendees)} will be notified of the change."
    return note_modal("Edit event", Message(text, [section(text)]), close="Back")


PRIVACY_UNKNOWN = (
    ":warning: Slack didn’t say whether the channel is private, so the event isn’t in event lists"
    " yet. I’ll ask again, and list it if the channel is public. You can list it yourself with *Edit*."
)

NO_CHANGES = "No changes to save."
