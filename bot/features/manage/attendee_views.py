"""The list of attendees, one attendee of it, and removing them (R4.6, R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    DividerBlock,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.builders import Message, button, context, note, plain, section
from bot.blocks.formatting import moment, ordinal
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block, paragraph_element
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold, mention_list, name_of
from bot.blocks.paging import page_buttons
from bot.features.manage.answer_views import answers_line, attendee_answers
from domain.commands import UnregisterOutcome
from domain.enums import EventStatus
from domain.inputs import MAX_REASON_LENGTH
from domain.models import (
    Event,
    EventRegistrations,
    Registration,
    User,
    UserRegistration,
    WaitlistPosition,
)

ATTENDEES_PAGE = 30
"""Attendees on one page. Each is a block, and a view may have 100 blocks."""


def attendee_list(
    listing: EventRegistrations, users: Mapping[str, User], *, is_first: bool
) -> list[Block]:
    """Show a page of registered users, then of the waitlist, and a select to find an attendee."""
    event = listing.event
    blocks: list[Block] = [DividerBlock()]
    if event.registered_count or event.waitlist_count:
        finder = UserSelectElement(
            action_id=ActionId.FIND_ATTENDEE, placeholder=plain("Find an attendee")
        )
        blocks.append(ActionsBlock(elements=[finder]))
    if listing.registered:
        blocks.append(section(f"*Registered* ({event.registered_count:,})"))
        blocks += [
            _attendee_row(
                registration.user_id,
                users,
                f"seat since {_seat_since(registration, event)}",
                answers_line(event, registration.answers),
            )
            for registration in listing.registered
        ]
    if listing.waitlist:
        heading = "Waitlisted" if event.series is None else "Registered for all of the series"
        blocks.append(section(f"*{heading}* ({event.waitlist_count:,})"))
        blocks += [_waitlisted_row(event, one, users) for one in listing.waitlist]
    if not listing.registered and not listing.waitlist:
        of_what = "." if event.series is None else " for all of the series."
        no_one = f"No one is registered{of_what}" if is_first else "No attendees on this page."
        blocks.append(section(no_one))
    return blocks + page_buttons(
        ActionId.ATTENDEES_BACK,
        ActionId.ATTENDEES_PAGE,
        event.event_id,
        listing.next_cursor,
        is_first=is_first,
    )


def _waitlisted_row(event: Event, waitlisted: WaitlistPosition, users: Mapping[str, User]) -> Block:
    since = moment(waitlisted.entry.registered_at, event.time_zone)
    of_series = event.series is not None
    return _attendee_row(
        waitlisted.entry.user_id,
        users,
        f"since {since}" if of_series else f"waitlisted since {since}",
        answers_line(event, waitlisted.answers),
        "" if of_series else f"{waitlisted.position}. ",
    )


def _seat_since(registration: Registration, event: Event) -> str:
    return moment(registration.seated_at or registration.registered_at, event.time_zone)


def _attendee_row(
    user_id: str, users: Mapping[str, User], since: str, answers: str, position: str = ""
) -> Block:
    user = users.get(user_id)
    spoken = f"Details for {user.name}" if user is not None and user.is_named else None
    return section(
        f"{position}{name_of(user_id, users)} · {since}{answers}",
        button("Details", ActionId.ATTENDEE, user_id, spoken=spoken),
    )


def attendee_form(
    attendee: UserRegistration, users: Mapping[str, User], *, has_started: bool, is_over: bool
) -> View:
    """Show one attendee, and a form to remove them with a reason (R4.6)."""
    event, registration = attendee.event, attendee.registration
    who, title = name_of(registration.user_id, users), bold(event.title)
    if event.series is not None:
        status = f"{who} is registered for all of {title}."
        effect = "They keep the dates that they’re registered for."
    elif attendee.position is None:
        status = f"{who} has had a seat in {title} since {_seat_since(registration, event)}."
        effect = (
            "The seat goes to the next person on the waitlist."
            if event.waitlist_count and not has_started
            else "Their seat opens up."
        )
    else:
        status = f"{who} is {ordinal(attendee.position)} on the waitlist for {title}."
        is_last = attendee.position == event.waitlist_count
        effect = "" if is_last else "Everyone behind them moves up."
    consequence = (
        f"If you remove {who}, they’ll be notified and can read your reason. {effect}".strip()
    )
    if is_over or event.status is EventStatus.CANCELED:
        consequence = no_one_notified(event)
    why = paragraph_element(MAX_REASON_LENGTH)
    metadata = {"event_id": event.event_id, "user_id": registration.user_id}
    return View(
        type="modal",
        callback_id=CallbackId.REMOVE,
        private_metadata=json.dumps(metadata),
        title=plain(_TITLE),
        submit=plain("Remove from event" if event.series is None else "Remove from series"),
        close=plain("Back"),
        blocks=[
            section(status),
            *_waitlisted_since(attendee),
            *attendee_answers(event, registration.answers),
            input_block(BlockId.REASON, "Reason for removing them", why, optional=True),
            context(consequence),
        ],
    )


def _waitlisted_since(attendee: UserRegistration) -> list[Block]:
    """Say when an attendee joined the waitlist, unless they got a seat at once."""
    registration = attendee.registration
    since = moment(registration.registered_at, attendee.event.time_zone)
    if attendee.event.series is not None:
        return [context(f"Registered since {since}")]
    if attendee.position is not None:
        return [context(f"Waitlisted since {since}")]
    if registration.seated_at in (None, registration.registered_at):
        return []
    return [context(f"Joined the waitlist {since}")]


def not_registered(event: Event, user_id: str, users: Mapping[str, User]) -> View:
    """Say that a user is no attendee of an event."""
    what = f"{_all_of(event)}{bold(event.title)}"
    text = f"{name_of(user_id, users)} isn’t registered for {what}."
    return note_modal(_TITLE, Message(text, [section(text)]), close="Back")


def attendee_removed(outcome: UnregisterOutcome, users: Mapping[str, User]) -> View:
    """Confirm a removal in the modal."""
    return note_modal(_TITLE, removal_message(outcome, users), close="Back")


def removal_message(outcome: UnregisterOutcome, users: Mapping[str, User]) -> Message:
    """Confirm a removal, and say who gets the seat, and who is notified."""
    who = name_of(outcome.registration.user_id, users)
    text = f"Removed {who} from {_all_of(outcome.event)}{bold(outcome.event.title)}."
    if outcome.promoted:
        text += f" {mention_list(outcome.promoted, len(outcome.promoted))} gets the seat."
    if outcome.notifies:
        text += f" {'Both' if outcome.promoted else 'They'} will be notified."
    else:
        text += f" {no_one_notified(outcome.event)}"
    if outcome.event.series is not None:
        text += " They keep the dates that they’re registered for."
    return note(text)


def _all_of(event: Event) -> str:
    return "" if event.series is None else "all of "


def no_one_notified(event: Event) -> str:
    """Say why no one hears of a change to an event that is over or canceled, or to a series that has ended."""
    if event.series is not None:
        return "The series has ended, so no one will be notified."
    why = "canceled" if event.status is EventStatus.CANCELED else "over"
    return f"The event is {why}, so no one will be notified."


_TITLE = "Attendee"
