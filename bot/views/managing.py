"""What an event's organisers see and fill in (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block
from slack_sdk.models.views import View

from bot.ids import ActionId, BlockId, CallbackId
from bot.views.cards import occupancy
from bot.views.inputs import channel_input, input_block, number_element
from bot.views.modals import note_modal
from bot.views.text import (
    Message,
    bold,
    button,
    context,
    mention,
    people,
    plain,
    section,
    when_and_where,
)
from domain.models import CapacityPreview, Event, EventRegistrations
from domain.statuses import EventStatus

ROSTER_PAGE = 30
"""People on one page of the roster: their mentions fit into a section's 3,000 characters."""

WAY_BACK = 2_500
"""Characters of the 3,000 of a view's metadata for the cursors of the pages that were turned."""


def manage(listing: EventRegistrations, turned: Sequence[str] = ()) -> View:
    """Return an event's numbers, its people, and what its organisers can do (R8.8).

    `turned` are the cursors of the pages that led here, this one's last; none for the first.
    """
    event = listing.event
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{when_and_where(event)}"),
        context(occupancy(event)),
    ]
    if event.capacity_target is not None:
        blocks.append(context(f"The capacity grows to {event.capacity_target}, step by step."))
    if event.status is not EventStatus.CANCELLED:
        blocks.append(_managing(event))
    blocks += _roster(listing, is_first=not turned)
    return View(
        type="modal",
        callback_id=CallbackId.MANAGE,
        private_metadata=json.dumps({"event_id": event.event_id, "turned": _latest(turned)}),
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


def _latest(turned: Sequence[str]) -> Sequence[str]:
    """Return the cursors that fit; beyond them, the way back leads to the first page at once."""
    while len(json.dumps(turned)) > WAY_BACK:
        turned = turned[1:]
    return turned


def _roster(listing: EventRegistrations, *, is_first: bool) -> list[Block]:
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
    turn = []
    if not is_first:
        turn.append(button("Previous page", ActionId.ROSTER_BACK, listing.event.event_id))
    if listing.next_cursor is not None:
        turn.append(button("Next page", ActionId.ROSTER_PAGE, listing.next_cursor))
    if turn:
        blocks.append(ActionsBlock(elements=turn))
    return blocks


def card_form(event: Event, *, after: str) -> View:
    """Return the form that asks where to post a card of an event that has none newer than `after` (a `ts`)."""
    return View(
        type="modal",
        callback_id=CallbackId.POST_CARD,
        private_metadata=json.dumps({"event_id": event.event_id, "after": after}),
        title=plain("Post card"),
        submit=plain("Post"),
        close=plain("Back"),
        blocks=[section(bold(event.title)), channel_input(optional=False)],
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
            input_block(BlockId.CAPACITY, "Seats", number_element(event.capacity)),
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
