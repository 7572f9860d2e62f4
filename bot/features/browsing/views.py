"""Lists of upcoming events and of one's own registrations, and the choice among several that match."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock

from bot.blocks.builders import Message, button, context, note, section
from bot.blocks.formatting import moment, ordinal, when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape, shortened
from bot.features.cards.views import event_blocks
from domain.enums import EventStatus, RegistrationStatus
from domain.models import Event, ListedEvent, Page, UserRegistration
from domain.search import FoundEvents, FoundRegistrations

MAX_LISTED = 15
"""Registrations that fit into one message: into the text that all its blocks may hold."""


MAX_CHOICES = 10
"""Events offered where several fit."""


def event_list(page: Page[Event]) -> Message:
    """Return what is coming, one page of it."""
    if not page.items and page.next_cursor is None:
        text = "Nothing is coming up. `/event create` makes a new event."
        return Message(text, [section(text)])
    blocks: list[Block] = []
    for event in page.items:
        blocks += [*event_blocks(event), DividerBlock()]
    if page.next_cursor is not None:
        more = button("More events", ActionId.MORE_EVENTS, page.next_cursor)
        blocks.append(ActionsBlock(elements=[more]))
    elif blocks:
        blocks.pop()
    return Message("What is coming up", blocks)


def registration_list(
    own: Sequence[UserRegistration], status: RegistrationStatus | None = None, first: int = 0
) -> Message:
    """Return one's own registrations from the first on, each with a leave button (R5, R8.2).

    `status` is the one that they were filtered by: the button for those that follow carries it.
    """
    shown = own[first : first + MAX_LISTED]
    if not shown:
        which = f" {status.value}" if status else ""
        return note(f"You have no{which} registrations. `/events` shows what is coming up.")
    blocks: list[Block] = []
    for one in shown:
        blocks += registration_blocks(one)
    following = first + len(shown)
    if following < len(own):
        value = f"{status.value if status else ''}:{following}"
        more = button("More", ActionId.MORE_REGISTRATIONS, value)
        blocks += [
            context(f"{len(own) - following} more"),
            ActionsBlock(elements=[more]),
        ]
    return Message("Your registrations", blocks)


def registration_blocks(own: UserRegistration) -> Sequence[Block]:
    """Return one of a person's own registrations: the event, the place in it, and what can be done."""
    event = own.event
    lines = f"{bold(event.title, LISTED)} · {status_text(own)}\n{when_and_where(event, LISTED)}"
    buttons = [button("Leave", ActionId.UNREGISTER, event.event_id)]
    if own.position is None:
        is_canceled = event.status is EventStatus.CANCELED
        label = "Take it off my calendar" if is_canceled else "Add to calendar"
        buttons.append(button(label, ActionId.ADD_TO_CALENDAR, event.event_id))
    buttons.append(button("How my place moved", ActionId.REGISTRATION_HISTORY, event.event_id))
    return [section(lines), ActionsBlock(elements=buttons)]


def status_text(own: UserRegistration) -> str:
    """Return "you have a seat", or the place in line; of a canceled event, what it was."""
    if own.event.status is EventStatus.CANCELED:
        had = "had a seat" if own.position is None else f"were {ordinal(own.position)} in line"
        return f"*canceled*, you {had}"
    return "you have a seat" if own.position is None else f"you are {ordinal(own.position)} in line"


def unknown_filter(text: str) -> Message:
    """Return what `/registrations` takes."""
    return note(
        f"“{escape(shortened(text, 50))}” is no status: it takes `registered`, `waitlisted`, or nothing."
    )


def event_choice(found: FoundEvents, action: ActionId) -> Message:
    """Return the events that fit, or whose titles come nearest, each as a button."""
    if found.fitting:
        asked = "Which one do you mean?"
        if len(found.fitting) > MAX_CHOICES:
            asked = f"{len(found.fitting)} events fit; here are the next. Which one do you mean?"
        return _offer(asked, found.fitting, action)
    if found.nearest:
        return _offer("No event fits that. Do you mean one of these?", found.nearest, action)
    return note("No event fits that. `/events` shows what is coming up.")


def _offer(text: str, events: Sequence[ListedEvent], action: ActionId) -> Message:
    label = "Manage" if action is ActionId.MANAGE else "Register"
    blocks: list[Block] = [section(text)]
    blocks += [
        section(
            f"{bold(event.title, LISTED)}\n{moment(event.starts_at, 'UTC')}",
            button(label, action, event.event_id),
        )
        for event in events[:MAX_CHOICES]
    ]
    return Message(text, blocks)


def registration_choice(found: FoundRegistrations, text: str) -> Message:
    """Return one's own registrations that fit, or whose titles come nearest, each as a button to leave."""
    offered, asked = found.fitting, "Which one do you want to leave?"
    if not offered:
        what = f" that fits “{escape(text, LISTED)}”" if text else ""
        asked = f"You are not registered for anything{what}."
        if not found.nearest:
            return note(f"{asked} `/registrations` shows where you are.")
        offered, asked = found.nearest, f"{asked} Do you mean one of these?"
    blocks: list[Block] = [section(asked)]
    blocks += [
        section(
            f"{bold(one.event.title, LISTED)}\n{when_and_where(one.event, LISTED)}",
            button("Leave", ActionId.CHOOSE_TO_UNREGISTER, one.event.event_id),
        )
        for one in offered[:MAX_CHOICES]
    ]
    return Message(asked, blocks)
