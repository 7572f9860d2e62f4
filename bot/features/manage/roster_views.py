"""An event's people: the roster, one person of it, and taking that person out (R4.6, R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    DividerBlock,
    PlainTextInputElement,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.formatting import (
    LISTED,
    Message,
    bold,
    button,
    context,
    escape,
    mention,
    moment,
    note,
    ordinal,
    people,
    plain,
    section,
)
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block
from bot.blocks.modals import note_modal
from bot.blocks.paging import turning
from domain.commands import LeaveOutcome
from domain.enums import EventStatus
from domain.inputs import MAX_REASON_LENGTH
from domain.models import Event, EventRegistrations, User, UserRegistration

ROSTER_PAGE = 30
"""People on one page of the roster, each a block of the 100 that a view may have."""


def roster(
    listing: EventRegistrations, users: Mapping[str, User], *, is_first: bool
) -> list[Block]:
    """Return a page of those registered, then of the line, each with a button, and the search by name."""
    event = listing.event
    blocks: list[Block] = [DividerBlock()]
    if event.registered_count or event.waitlist_count:
        finder = UserSelectElement(
            action_id=ActionId.FIND_PERSON, placeholder=plain("Find a person by name")
        )
        blocks.append(ActionsBlock(elements=[finder]))
    if listing.registered:
        blocks.append(section(f"*Registered* ({event.registered_count:,})"))
        blocks += [
            _person_row(
                row.user_id,
                users,
                f"seat since {moment(row.seated_at or row.registered_at, event.time_zone)}",
            )
            for row in listing.registered
        ]
    if listing.waitlist:
        blocks.append(section(f"*Waiting* ({event.waitlist_count:,})"))
        blocks += [
            _person_row(
                place.entry.user_id,
                users,
                f"since {moment(place.entry.registered_at, event.time_zone)}",
                f"{place.position}. ",
            )
            for place in listing.waitlist
        ]
    if not listing.registered and not listing.waitlist:
        nobody = "Nobody is registered yet." if is_first else "Nobody else is on this page."
        blocks.append(section(nobody))
    return blocks + turning(
        ActionId.ROSTER_BACK,
        ActionId.ROSTER_PAGE,
        event.event_id,
        listing.next_cursor,
        is_first=is_first,
    )


def _person_row(user_id: str, users: Mapping[str, User], since: str, place: str = "") -> Block:
    spoken = f"Details of {users[user_id].name}" if user_id in users else None
    return section(
        f"{place}{named(user_id, users)} · {since}",
        button("Details", ActionId.PERSON, user_id, spoken=spoken),
    )


def named(user_id: str, users: Mapping[str, User]) -> str:
    """Return a person as Slack shows it; one who is not in Slack by the name that is stored."""
    shown = mention(user_id)
    if shown.startswith("<@") or user_id not in users:
        return shown
    return escape(users[user_id].name, LISTED)


def person_form(own: UserRegistration, users: Mapping[str, User], *, is_over: bool) -> View:
    """Return one person's place in an event, and the form to take that person out, with a reason (R4.6)."""
    event, row = own.event, own.registration
    who = named(row.user_id, users)
    if own.position is None:
        since = moment(row.seated_at or row.registered_at, event.time_zone)
        has = f"has had a seat in {bold(event.title)} since {since}"
        follows = (
            "The seat goes to the next in line at once."
            if event.waitlist_count
            else "The seat comes free."
        )
    else:
        has = f"is {ordinal(own.position)} in line for {bold(event.title)}"
        follows = "Those behind move up."
    told = f"{who} is told of the removal, with the reason. {follows}"
    if is_over or event.status is EventStatus.CANCELED:
        told = f"Nobody is told of it: the event is {'over' if is_over else 'canceled'}."
    why = PlainTextInputElement(
        action_id=ActionId.INPUT, max_length=MAX_REASON_LENGTH, multiline=True
    )
    metadata = {"event_id": event.event_id, "user_id": row.user_id}
    return View(
        type="modal",
        callback_id=CallbackId.REMOVE,
        private_metadata=json.dumps(metadata),
        title=plain("Person"),
        submit=plain("Remove from event"),
        close=plain("Back"),
        blocks=[
            section(f"{who} {has}."),
            context(
                f"Registered {moment(row.registered_at, event.time_zone)} · ticket {row.ticket}"
            ),
            input_block(BlockId.REASON, "Reason, if you remove this person", why, optional=True),
            context(told),
        ],
    )


def not_in_event(event: Event, user_id: str, users: Mapping[str, User]) -> View:
    """Return that somebody is not in an event."""
    text = f"{named(user_id, users)} neither has a seat in {bold(event.title)} nor waits for one."
    return note_modal("Person", Message(text, [section(text)]), close="Back")


def removed(outcome: LeaveOutcome, users: Mapping[str, User]) -> View:
    """Return that somebody is out, and who has the seat now."""
    return note_modal("Person", taken_out(outcome, users), close="Back")


def taken_out(outcome: LeaveOutcome, users: Mapping[str, User]) -> Message:
    """Return what an organizer is told of somebody who is out."""
    who = named(outcome.registration.user_id, users)
    text = f"{who} is out of {bold(outcome.event.title)}"
    text += ", and is told so." if outcome.notifies else "."
    if outcome.promoted:
        too = ", and is told so, too" if outcome.notifies else ""
        text += f" {people(outcome.promoted, len(outcome.promoted))} has the seat now{too}."
    return note(text)
