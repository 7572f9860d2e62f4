"""Manage: what an event's organizers see and can do; its card and its capacity (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
)
from slack_sdk.models.views import View

from bot.blocks.formatting import (
    Message,
    bold,
    button,
    context,
    people,
    persons,
    plain,
    section,
    when_and_where,
)
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import channel_input, input_block, number_element
from bot.blocks.modals import note_modal
from bot.blocks.paging import latest
from bot.features.cards.views import fullness, occupancy
from bot.features.manage.roster_views import roster
from bot.features.registration import views as registration_views
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.models import CapacityPreview, Event, EventRegistrations, User


def manage(
    listing: EventRegistrations,
    users: Mapping[str, User],
    *,
    request_id: str,
    turned: Sequence[str] = (),
    note: str | None = None,
) -> View:
    """Return an event's numbers, its people, and what its organizers can do (R8.8).

    `turned` are the cursors of the pages that led here, this one's last; none for the first. `users`
    has the names of those who are not in Slack; `note` says what was just done.
    """
    event = listing.event
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{when_and_where(event)}\n{fullness(event)}"),
    ]
    if event.capacity_target is not None:
        blocks.append(context(f"The capacity grows to {event.capacity_target}, step by step."))
    if note is not None:
        blocks.append(context(f"✓ {note}"))
    blocks += _managing(event, request_id)
    blocks += roster(listing, users, is_first=not turned)
    metadata = {"event_id": event.event_id, "turned": latest(turned), "request_id": request_id}
    return View(
        type="modal",
        callback_id=CallbackId.MANAGE,
        private_metadata=json.dumps(metadata),
        title=plain("Manage event"),
        close=plain("Close"),
        blocks=blocks,
    )


def _managing(event: Event, request_id: str) -> list[Block]:
    is_open = event.status is EventStatus.OPEN
    toggle = (
        button("Close registration", ActionId.CLOSE, event.event_id)
        if is_open
        else button("Reopen registration", ActionId.REOPEN, event.event_id)
    )
    running = [
        button("Edit", ActionId.EDIT, event.event_id),
        button("Change capacity", ActionId.CHANGE_CAPACITY, event.event_id),
        toggle,
        button("Post card", ActionId.POST_CARD, event.event_id),
    ]
    always = [
        button("Message people", ActionId.MESSAGE_PEOPLE, event.event_id),
        button("Export CSV", ActionId.EXPORT, request_id),
        button("History", ActionId.HISTORY, event.event_id),
    ]
    ending = [button("Delete", ActionId.DELETE_EVENT, event.event_id, style="danger")]
    if event.status is EventStatus.CANCELED:
        return [ActionsBlock(elements=[*always, *ending])]
    ending.insert(0, button("Cancel event", ActionId.CANCEL_EVENT, event.event_id, style="danger"))
    return [ActionsBlock(elements=running), ActionsBlock(elements=[*always, *ending])]


REOPENED = "Registration is open."
EXPORTED = "The list is on its way to you, as a file in a direct message."


def closed_note(outcome: ChangeOutcome) -> str:
    """Return that registration is closed, and who is told."""
    waiting = outcome.event.waitlist_count
    is_told = waiting and outcome.changed and outcome.notifies
    told = f" {persons(waiting)} waiting will be told." if is_told else ""
    return f"Registration is closed.{told}"


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
    return note_modal("Post card", Message(text, [section(text)]), close="Back")


def capacity_form(event: Event, refused: CapacityPreview | None = None) -> View:
    """Return the form that asks for a new capacity; above it, why the last one can't be."""
    blocks: list[Block] = [section(f"{bold(event.title)}\n{occupancy(event)}")]
    initial = event.capacity
    if refused is not None:
        who = people(refused.affected, refused.affected_count)
        came = "was" if refused.affected_count == 1 else "were"
        initial = refused.capacity
        blocks.append(
            section(
                f":warning: {refused.capacity} can’t be set: {persons(event.registered_count)} have a seat."
                f" The last to come {came} {who}. Nobody is removed by a smaller number: choose"
                f" {event.registered_count} or more, or remove people first."
            )
        )
    blocks.append(input_block(BlockId.CAPACITY, "Seats", number_element(initial)))
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Change capacity"),
        submit=plain("Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def capacity_preview(preview: CapacityPreview) -> View:
    """Return what a capacity would do, and a button to do it (R8.8); or why it can't be."""
    if preview.affected_count:
        return capacity_form(preview.event, preview)
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


def capacity_set(outcome: ChangeOutcome) -> View:
    """Return that the capacity is as wanted, or on its way there."""
    return note_modal("Change capacity", registration_views.capacity_set(outcome), close="Back")
