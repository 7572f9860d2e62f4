"""What a person is answered: after a registration or a leave, and wherever a choice is offered."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.blocks.formatting import (
    LISTED,
    Message,
    bold,
    button,
    context,
    escape,
    moment,
    note,
    ordinal,
    people,
    seats,
    section,
    shortened,
    when_and_where,
)
from bot.blocks.ids import ActionId
from domain.commands import ChangeOutcome, LeaveOutcome, RegisterOutcome
from domain.enums import EventStatus, RegistrationStatus
from domain.models import Event, LeavePreview, ListedEvent, UserRegistration
from domain.search import FoundEvents, FoundRegistrations

MOST_LISTED = 15
"""Registrations that fit into one message: into the text that all its blocks may hold."""

MOST_CHOICES = 10
"""Events offered where several fit."""

HELP = """*Rollcall* registers you for events, right here in Slack.

*For members*
• Register: press the button on an event’s card, or type `/register [event]`. If it is full, you join the line.
• Leave: press *Leave*, or type `/unregister [event]`. Your seat goes to the next in line, who is told at once.
• See what is coming: `/events`.
• See where you are in: `/registrations`, with your place in line, how it moved, and a file for your calendar.
• Have all of that in one place: the *Home* tab of this app.
• Be forgotten: `/rollcall forget-me` deletes all that is stored about you.

*For organizers*
• Make an event: `/event create`, or the button in *Home*. Its card goes into the channel that you choose.
• Run it: press *Manage* on the card, or type `/event [event]`. See who is in and who waits, and find people by name.
• Change it: *Edit* for time, place and text, *Change capacity* for seats. Whoever that concerns is told.
• Talk to people: *Message people* writes to all registered, waiting, or both. Reminders go out by themselves.
• Remove somebody: *Details* beside the name, with a reason that the person is told.
• Keep track: *Export CSV* for a list, *History* for who did what, when and why.
• End it: *Close registration*, *Cancel event*, where everyone is told, or *Delete*.

*Where another app has taken a command*, put `/rollcall` before it: `/rollcall register yoga`."""


def placed(outcome: RegisterOutcome) -> Message:
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
    elements = [button("Leave", ActionId.CHOOSE_TO_LEAVE, event.event_id)]
    if has_seat:
        elements.append(button("Add to calendar", ActionId.ADD_TO_CALENDAR, event.event_id))
    return ActionsBlock(elements=elements)


def left(outcome: LeaveOutcome) -> Message:
    """Return that the seat or place is given back."""
    title = bold(outcome.event.title)
    if outcome.registration.status is RegistrationStatus.WAITLISTED:
        return note(f"You are out of the line for {title}.")
    given = " It goes to the next in line." if outcome.promoted else ""
    return note(f"You gave up your seat in {title}.{given}")


def leave_question(preview: LeavePreview) -> Message:
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
            button("Leave", ActionId.LEAVE_CONFIRMED, event.event_id, style="danger"),
            button("Stay", ActionId.STAY, event.event_id),
        ]
    )
    return note(cost, buttons)


def stayed(own: UserRegistration) -> Message:
    """Return what one has, after deciding to keep it."""
    title = bold(own.event.title)
    if own.position is None:
        text = f"You keep your seat in {title}."
    else:
        text = f"You stay in line for {title}: {ordinal(own.position)}."
    has_seat = own.position is None
    return note(text, context(when_and_where(own.event)), _buttons(own.event, has_seat=has_seat))


def changed(outcome: ChangeOutcome) -> Message:
    """Return how an event is after its organizer changed it."""
    event = outcome.event
    if event.deletion is not None:
        return note(f"Done: {bold(event.title)} is deleted.")
    text = f"Done: {bold(event.title)} is {event.status.value}, with {seats(event.capacity)}."
    # A new event that was not confirmed at once has no card: nobody knew whether to post one.
    more = context(f"Manage it, or post its card, with `/event {event.event_id}`")
    return note(f"{text} {_given_seats(outcome)}".rstrip(), more)


def capacity_set(outcome: ChangeOutcome) -> Message:
    """Return that the capacity is as wanted, or on its way there, and who got a seat."""
    event = outcome.event
    text = f"{bold(event.title)} has {seats(event.capacity)} now."
    if event.capacity_target is not None:
        text = (
            f"Started: {bold(event.title)} has {seats(event.capacity)} now, and grows to"
            f" {event.capacity_target} as people are given theirs."
        )
    return note(f"{text} {_given_seats(outcome)}".rstrip())


def _given_seats(outcome: ChangeOutcome) -> str:
    if not outcome.promoted:
        return ""
    told = " and will be told" if outcome.notifies else ""
    return f"{people(outcome.promoted, len(outcome.promoted))} got a seat{told}."


def registrations(
    own: Sequence[UserRegistration], status: RegistrationStatus | None = None, first: int = 0
) -> Message:
    """Return one's own registrations from the first on, each with a leave button (R5, R8.2).

    `status` is the one that they were filtered by: the button for those that follow carries it.
    """
    shown = own[first : first + MOST_LISTED]
    if not shown:
        which = f" {status.value}" if status else ""
        return note(f"You have no{which} registrations. `/events` shows what is coming up.")
    blocks: list[Block] = []
    for one in shown:
        blocks += own_blocks(one)
    following = first + len(shown)
    if following < len(own):
        value = f"{status.value if status else ''}:{following}"
        more = button("More", ActionId.MORE_REGISTRATIONS, value)
        blocks += [
            context(f"{len(own) - following} more"),
            ActionsBlock(elements=[more]),
        ]
    return Message("Your registrations", blocks)


def own_blocks(own: UserRegistration) -> Sequence[Block]:
    """Return one of a person's own registrations: the event, the place in it, and what can be done."""
    event = own.event
    lines = f"{bold(event.title, LISTED)} · {place(own)}\n{when_and_where(event, LISTED)}"
    buttons = [button("Leave", ActionId.LEAVE, event.event_id)]
    if own.position is None:
        is_canceled = event.status is EventStatus.CANCELED
        label = "Take it off my calendar" if is_canceled else "Add to calendar"
        buttons.append(button(label, ActionId.ADD_TO_CALENDAR, event.event_id))
    buttons.append(button("How my place moved", ActionId.MY_PLACE, event.event_id))
    return [section(lines), ActionsBlock(elements=buttons)]


def place(own: UserRegistration) -> str:
    """Return "you have a seat", or the place in line; of a canceled event, what it was."""
    if own.event.status is EventStatus.CANCELED:
        had = "had a seat" if own.position is None else f"were {ordinal(own.position)} in line"
        return f"*canceled*, you {had}"
    return "you have a seat" if own.position is None else f"you are {ordinal(own.position)} in line"


def choice(found: FoundEvents, action: ActionId) -> Message:
    """Return the events that fit, or whose titles come nearest, each as a button."""
    if found.matches:
        asked = "Which one do you mean?"
        if len(found.matches) > MOST_CHOICES:
            asked = f"{len(found.matches)} events fit; here are the next. Which one do you mean?"
        return _offer(asked, found.matches, action)
    if found.suggestions:
        return _offer("No event fits that. Do you mean one of these?", found.suggestions, action)
    return note("No event fits that. `/events` shows what is coming up.")


def _offer(text: str, events: Sequence[ListedEvent], action: ActionId) -> Message:
    label = "Manage" if action is ActionId.MANAGE else "Register"
    blocks: list[Block] = [section(text)]
    blocks += [
        section(
            f"{bold(event.title, LISTED)}\n{moment(event.starts_at, 'UTC')}",
            button(label, action, event.event_id),
        )
        for event in events[:MOST_CHOICES]
    ]
    return Message(text, blocks)


def choice_of_own(found: FoundRegistrations, text: str) -> Message:
    """Return one's own registrations that fit, or whose titles come nearest, each as a button to leave."""
    offered, asked = found.matches, "Which one do you want to leave?"
    if not offered:
        what = f" that fits “{escape(text, LISTED)}”" if text else ""
        asked = f"You are not registered for anything{what}."
        if not found.suggestions:
            return note(f"{asked} `/registrations` shows where you are.")
        offered, asked = found.suggestions, f"{asked} Do you mean one of these?"
    blocks: list[Block] = [section(asked)]
    blocks += [
        section(
            f"{bold(one.event.title, LISTED)}\n{when_and_where(one.event, LISTED)}",
            button("Leave", ActionId.CHOOSE_TO_LEAVE, one.event.event_id),
        )
        for one in offered[:MOST_CHOICES]
    ]
    return Message(asked, blocks)


def calendar_sent(event: Event) -> Message:
    """Return where a calendar file is."""
    return note(f"The calendar file of {bold(event.title)} is in your direct messages with me.")


def calendar_waits(own: UserRegistration) -> Message:
    """Return that who waits has nothing to put into a calendar yet."""
    return note(
        f"In {bold(own.event.title)} you have no seat yet: you are {ordinal(own.position or 0)} in line."
        " Once you have one, I’ll message you, and the file for your calendar is there."
    )


def calendar_not_sent(event: Event) -> Message:
    """Return that Slack did not take a calendar file."""
    return note(
        f"Slack did not take the calendar file of {bold(event.title)} just now. Please press again in a moment."
    )


def forget_question() -> Message:
    """Return what forgetting means, and two buttons."""
    buttons = ActionsBlock(
        elements=[
            button("Delete my data", ActionId.FORGET_ME, "me", style="danger"),
            button("Keep it", ActionId.KEEP_ME, "me"),
        ]
    )
    return note(
        "This gives up all your seats and places in line, and deletes what is stored about you."
        " It can’t be undone.",
        buttons,
    )


def forgotten(done: bool) -> Message:
    """Return that a person is forgotten, or soon will be."""
    if done:
        return note("Your registrations and what was stored about you are deleted.")
    return note("Started: your registrations are being given back, then your data is deleted.")


def kept() -> Message:
    """Return that nothing was deleted."""
    return note("Nothing was deleted.")


def help_message() -> Message:
    """Return everything there is, in one screen."""
    return note(HELP)


def bad_status(text: str) -> Message:
    """Return what `/registrations` takes."""
    return note(
        f"“{escape(shortened(text, 50))}” is no status: it takes `registered`, `waitlisted`, or nothing."
    )
