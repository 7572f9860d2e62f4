"""Forms and other modals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    CheckboxesElement,
    ConversationFilter,
    ConversationSelectElement,
    DatePickerElement,
    ExternalDataSelectElement,
    InputBlock,
    InputInteractiveElement,
    NumberInputElement,
    Option,
    PlainTextInputElement,
    TimePickerElement,
    UserMultiSelectElement,
)
from slack_sdk.models.views import View

from bot.ids import ActionId, BlockId, CallbackId, EventOption
from bot.views.cards import occupancy
from bot.views.text import (
    Message,
    bold,
    button,
    context,
    mention,
    people,
    plain,
    plain_when,
    section,
    shortened,
    when_and_where,
)
from domain.models import (
    MAX_CAPACITY,
    CapacityPreview,
    Event,
    EventRegistrations,
    EventStatus,
    ListedEvent,
    OwnRegistration,
)

ROSTER_PAGE = 30
"""People on one page of the roster: their mentions fit into a section's 3,000 characters."""

FIRST_PAGE = "-"


def note_modal(title: str, message: Message) -> View:
    """Return a modal that only says something."""
    return View(
        type="modal",
        callback_id=CallbackId.NOTE,
        title=plain(title),
        close=plain("Close"),
        blocks=list(message.blocks),
    )


def picker(callback_id: CallbackId) -> View:
    """Return the form that asks for an event."""
    leaving = callback_id is CallbackId.UNREGISTER
    label = "Leave" if leaving else "Register"
    select = ExternalDataSelectElement(
        action_id=ActionId.EVENT, placeholder=plain("Type a part of the title"), min_query_length=0
    )
    return View(
        type="modal",
        callback_id=callback_id,
        title=plain(f"{label}: which event?"),
        submit=plain(label),
        close=plain("Cancel"),
        blocks=[InputBlock(block_id=BlockId.EVENT, label=plain("Event"), element=select)],
    )


def event_options(events: Sequence[ListedEvent]) -> dict[str, Any]:
    """Return the open events as the options of a select."""
    return _options(
        (f"{shortened(event.title, 50)} · {event.starts_at:%a %d %b, %H:%M} UTC", event.event_id)
        for event in events[:100]
    )


def own_options(own: Sequence[OwnRegistration]) -> dict[str, Any]:
    """Return one's own events as the options of a select."""
    return _options(
        (f"{shortened(one.event.title, 50)} · {plain_when(one.event)}", one.event.event_id)
        for one in own[:100]
    )


def zone_options(names: Sequence[str]) -> dict[str, Any]:
    """Return time zones as the options of a select."""
    return _options((name, name) for name in names[:100])


def _options(pairs: Any) -> dict[str, Any]:
    return {"options": [_option(label, value).to_dict() for label, value in pairs]}


def _option(label: str, value: str) -> Option:
    return Option(text=plain(shortened(label, 75)), value=value)


# The form of an event


def event_form(event_id: str, time_zone: str) -> View:
    """Return the form that creates an event (R8.7); its event's id is minted already (R8.13)."""
    zone = ExternalDataSelectElement(
        action_id=ActionId.TIME_ZONE,
        initial_option=_option(time_zone, time_zone),
        min_query_length=2,
        placeholder=plain("Type a city"),
    )
    waitlist = _option("Keep a waitlist when it is full", EventOption.WAITLIST)
    listed = _option("Show it in lists even if its channel is private", EventOption.LISTED)
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
            _input(BlockId.TITLE, "Title", _line(120)),
            _input(BlockId.START_DATE, "Start date", DatePickerElement(action_id=ActionId.INPUT)),
            _input(BlockId.START_TIME, "Start time", TimePickerElement(action_id=ActionId.INPUT)),
            _input(
                BlockId.END_DATE,
                "End date",
                DatePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            _input(
                BlockId.END_TIME,
                "End time",
                TimePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            _input(BlockId.TIME_ZONE, "Time zone", zone),
            _input(BlockId.LOCATION, "Place", _line(200), optional=True),
            _input(
                BlockId.DESCRIPTION,
                "Description",
                PlainTextInputElement(action_id=ActionId.INPUT, multiline=True, max_length=2_500),
                optional=True,
            ),
            _input(BlockId.CAPACITY, "Seats", _number()),
            _input(BlockId.OPTIONS, "Options", ticks, optional=True),
            _channel(optional=True),
            _input(
                BlockId.DEADLINE_DATE,
                "Registration ends on",
                DatePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            _input(
                BlockId.DEADLINE_TIME,
                "Registration ends at",
                TimePickerElement(action_id=ActionId.INPUT),
                optional=True,
            ),
            _input(
                BlockId.CO_ORGANIZERS,
                "Organised together with",
                UserMultiSelectElement(action_id=ActionId.INPUT, max_selected_items=20),
                optional=True,
            ),
        ],
    )


def _channel(*, optional: bool) -> InputBlock:
    select = ConversationSelectElement(
        action_id=ActionId.INPUT,
        default_to_current_conversation=True,
        filter=ConversationFilter(
            include=["public", "private"], exclude_external_shared_channels=True
        ),
    )
    return _input(BlockId.CHANNEL, "Post the card in", select, optional=optional)


def _line(most: int) -> PlainTextInputElement:
    return PlainTextInputElement(action_id=ActionId.INPUT, max_length=most)


def _number(initial: int | None = None) -> NumberInputElement:
    return NumberInputElement(
        action_id=ActionId.INPUT,
        is_decimal_allowed=False,
        min_value="1",
        max_value=str(MAX_CAPACITY),
        initial_value=None if initial is None else str(initial),
    )


def _input(
    block: BlockId, label: str, element: InputInteractiveElement, *, optional: bool = False
) -> InputBlock:
    return InputBlock(block_id=block, label=plain(label), element=element, optional=optional)


def created(event: Event, trouble: str | None) -> View:
    """Return that an event exists, and how to mend it if its card could not be posted."""
    blocks: list[Block] = [
        section(f"{bold(event.title)} is open for registration.\n{when_and_where(event)}"),
        context(
            f"Register with `/register {event.event_id}` · manage with `/event {event.event_id}`"
        ),
    ]
    if trouble is not None:
        blocks.append(section(f":warning: {trouble}"))
    return note_modal("Event created", Message("Event created", blocks))


# Manage


def manage(listing: EventRegistrations) -> View:
    """Return an event's numbers, its people, and what its organisers can do (R8.8)."""
    event = listing.event
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{when_and_where(event)}"),
        context(occupancy(event)),
    ]
    if event.capacity_target is not None:
        blocks.append(context(f"The capacity grows to {event.capacity_target}, step by step."))
    if event.status is not EventStatus.CANCELLED:
        blocks.append(_managing(event))
    blocks += _roster(listing)
    return View(
        type="modal",
        callback_id=CallbackId.MANAGE,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Manage event"),
        close=plain("Close"),
        blocks=blocks,
    )


def _managing(event: Event) -> ActionsBlock:
    is_open = event.status is EventStatus.OPEN
    toggle = (
        button("Close registration", ActionId.CLOSE, event.event_id)
        if is_open
        else button("Reopen registration", ActionId.REOPEN, event.event_id)
    )
    return ActionsBlock(
        elements=[
            button("Change capacity", ActionId.CHANGE_CAPACITY, event.event_id),
            toggle,
            button("Post card", ActionId.POST_CARD, event.event_id),
        ]
    )


def _roster(listing: EventRegistrations) -> list[Block]:
    blocks: list[Block] = []
    if listing.registered:
        names = ", ".join(mention(row.user_id) for row in listing.registered)
        blocks.append(section(f"*Registered* ({listing.event.registered_count})\n{names}"))
    if listing.waiting:
        lines = "\n".join(
            f"{place.position}. {mention(place.waiting.user_id)}" for place in listing.waiting
        )
        blocks.append(section(f"*Waiting* ({listing.event.waitlist_count})\n{lines}"))
    if not blocks:
        blocks.append(section("Nobody is registered yet."))
    turn = [button("First page", ActionId.ROSTER_PAGE, FIRST_PAGE)]
    if listing.next_cursor is not None:
        turn = [button("Next page", ActionId.ROSTER_PAGE, listing.next_cursor)]
    if listing.next_cursor is not None or not _is_whole(listing):
        blocks.append(ActionsBlock(elements=turn))
    return blocks


def _is_whole(listing: EventRegistrations) -> bool:
    shown = len(listing.registered) + len(listing.waiting)
    return shown >= listing.event.registered_count + listing.event.waitlist_count


def card_form(event: Event) -> View:
    """Return the form that asks where to post an event's card."""
    return View(
        type="modal",
        callback_id=CallbackId.POST_CARD,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Post card"),
        submit=plain("Post"),
        close=plain("Back"),
        blocks=[section(bold(event.title)), _channel(optional=False)],
    )


def card_posted(event: Event, trouble: str | None) -> View:
    """Return that a card stands in its channel, or why not."""
    text = trouble or f"The card of {bold(event.title)} is posted."
    return note_modal("Post card", Message(text, [section(text)]))


def capacity_form(event: Event) -> View:
    """Return the form that asks for a new capacity."""
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Change capacity"),
        submit=plain("Preview"),
        close=plain("Back"),
        blocks=[
            section(f"{bold(event.title)}\n{occupancy(event)}"),
            _input(BlockId.CAPACITY, "Seats", _number(event.capacity)),
        ],
    )


def capacity_preview(preview: CapacityPreview) -> View:
    """Return what a capacity would do, and a button to do it (R8.8)."""
    before, after = preview.event.capacity, preview.capacity
    if preview.promoted_count:
        who = people(preview.promoted, preview.promoted_count)
        tells = "tells them" if preview.promoted_count > 1 else "tells that person"
        text = f"{before} to {after} gives a seat to {who}, and {tells}."
    else:
        text = f"{before} to {after}: nobody’s place changes."
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY_CONFIRMED,
        private_metadata=json.dumps({"event_id": preview.event.event_id, "capacity": after}),
        title=plain("Change capacity"),
        submit=plain(f"Set to {after}"),
        close=plain("Back"),
        blocks=[section(f"{bold(preview.event.title)}\n{text}")],
    )
