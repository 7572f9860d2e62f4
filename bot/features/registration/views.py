"""Replies to registering and unregistering (R8.1, R8.4)."""

from __future__ import annotations

from slack_sdk.models.blocks import ActionsBlock

from bot.blocks.builders import Message, button, context, note
from bot.blocks.formatting import ordinal, when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import bold
from domain.commands import LeaveOutcome, RegisterOutcome
from domain.enums import EventStatus, RegistrationStatus
from domain.models import Event, LeavePreview, UserRegistration


def registered(outcome: RegisterOutcome) -> Message:
    """Return "You have a seat", or the place in line (R8.4)."""
    event = outcome.event
    if outcome.position is None:
        text = f"You have a seat in {bold(event.title)}."
    else:
        text = (
            f"{bold(event.title)} is full. You are {ordinal(outcome.position)} in line,"
            " and I’ll message you as soon as you have a seat."
        )
    has_seat = outcome.position is None
    return note(text, context(when_and_where(event)), _buttons(event, has_seat=has_seat))


def _buttons(event: Event, *, has_seat: bool) -> ActionsBlock:
    """Return what can be done: nobody who waits is to look like one who comes, not in a calendar either."""
    elements = [button("Leave", ActionId.CHOOSE_TO_UNREGISTER, event.event_id)]
    if has_seat:
        elements.append(button("Add to calendar", ActionId.ADD_TO_CALENDAR, event.event_id))
    return ActionsBlock(elements=elements)


def unregistered(outcome: LeaveOutcome) -> Message:
    """Return that the seat or place is given back."""
    title = bold(outcome.event.title)
    if outcome.registration.status is RegistrationStatus.WAITLISTED:
        return note(f"You are out of the line for {title}.")
    given = " It goes to the next in line." if outcome.promoted else ""
    return note(f"You gave up your seat in {title}.{given}")


def unregister_question(preview: LeavePreview) -> Message:
    """Return what leaving costs, and two buttons (R8.4)."""
    event = preview.own.event
    if preview.own.position is not None:
        cost = f"You are {ordinal(preview.own.position)} in line for {bold(event.title)}."
    elif preview.next_gets_seat:
        cost = f"Your seat in {bold(event.title)} goes to the next in line at once."
    elif event.status is EventStatus.OPEN:
        cost = f"{bold(event.title)} is full: anybody can take your seat at once."
    else:
        cost = f"You have a seat in {bold(event.title)}."
    if preview.position_on_return is not None:
        cost += f" Coming back means {ordinal(preview.position_on_return)} in line."
    elif event.status is not EventStatus.OPEN or event.waitlist_count:
        cost += " You could not come back: it takes no registrations now."
    buttons = ActionsBlock(
        elements=[
            button("Leave", ActionId.UNREGISTER_CONFIRMED, event.event_id, style="danger"),
            button("Stay", ActionId.KEEP_REGISTRATION, event.event_id),
        ]
    )
    return note(cost, buttons)


def registration_kept(own: UserRegistration) -> Message:
    """Return what one has, after deciding to keep it."""
    title = bold(own.event.title)
    if own.position is None:
        text = f"You keep your seat in {title}."
    else:
        text = f"You stay in line for {title}: {ordinal(own.position)}."
    has_seat = own.position is None
    return note(text, context(when_and_where(own.event)), _buttons(own.event, has_seat=has_seat))
