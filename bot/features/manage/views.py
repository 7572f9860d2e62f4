"""Manage: what an event's organizers see and can do; its card and its capacity (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
)
from slack_sdk.models.views import View

from bot.blocks.builders import Message, button, context, note, plain, section
from bot.blocks.formatting import people_count, seats, when_and_where
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import channel_input, input_block, number_element
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold, mention_list
from bot.blocks.paging import latest
from bot.features.cards.views import occupancy, occupancy_bar
from bot.features.manage.roster_views import roster_blocks
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.models import CapacityPreview, Event, EventRegistrations, User


def manage_event(
    listing: EventRegistrations,
    users: Mapping[str, User],
    *,
    request_id: str,
    page_cursors: Sequence[str] = (),
    note: str | None = None,
) -> View:
    """Return an event's numbers, its people, and what its organizers can do (R8.8).

    `page_cursors` are the cursors of the pages that led here, this one's last; none for the first. `users`
    has the names of those who are not in Slack; `note` says what was just done.
    """
    event = listing.event
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{when_and_where(event)}\n{occupancy_bar(event)}"),
    ]
    if event.capacity_target is not None:
        blocks.append(context(f"The capacity grows to {event.capacity_target}, step by step."))
    if note is not None:
        blocks.append(context(f"✓ {note}"))
    blocks += _managing(event, request_id)
    blocks += roster_blocks(listing, users, is_first=not turned)
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
        button("Message people", ActionId.MESSAGE_ATTENDEES, event.event_id),
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
    is_told = waiting and outcome.changed and outcome.told
    told = f" {people_count(waiting)} waiting will be told." if is_told else ""
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
        who = mention_list(refused.affected, refused.affected_count)
        came = "was" if refused.affected_count == 1 else "were"
        initial = refused.capacity
        blocks.append(
            section(
                f":warning: {refused.capacity} can’t be set: {people_count(event.registered_count)} have a seat."
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
        who = mention_list(preview.promoted, preview.promoted_count)
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
    return note_modal("Change capacity", capacity_message(outcome), close="Back")


def capacity_message(outcome: ChangeOutcome) -> Message:
    """Return that the capacity is as wanted, or on its way there, and who got a seat."""
    event = outcome.event
    text = f"{bold(event.title)} has {seats(event.capacity)} now."
    if event.capacity_target is not None:
        text = (
            f"Started: {bold(event.title)} has {seats(event.capacity)} now, and grows to"
            f" {event.capacity_target} as people are given theirs."
        )
    return note(f"{text} {_given_seats(outcome)}".rstrip())


def event_changed(outcome: ChangeOutcome) -> Message:
    """Return how an event is after its organizer changed it."""
    event = outcome.event
    if event.deletion is not None:
        return note(f"Done: {bold(event.title)} is deleted.")
    text = f"Done: {bold(event.title)} is {event.status.value}, with {seats(event.capacity)}."
    # A new event that was not confirmed at once has no card: nobody knew whether to post one.
    more = context(f"Manage it, or post its card, with `/event {event.event_id}`")
    return note(f"{text} {_given_seats(outcome)}".rstrip(), more)


def _given_seats(outcome: ChangeOutcome) -> str:
    if not outcome.promoted:
        return ""
    told = " and will be told" if outcome.told else ""
    return f"{mention_list(outcome.promoted, len(outcome.promoted))} got a seat{told}."
