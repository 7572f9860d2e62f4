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
"""Registrations in one message. Their text stays within Slack's limit for all blocks."""

MAX_CHOICES = 10
"""Events offered if several match."""

NO_REGISTRATIONS = "You’re not registered for any events."
NO_EVENTS = "No upcoming events."
NO_MATCH = "No event matches that."


def event_list(page: Page[Event]) -> Message:
    """List a page of the upcoming events."""
    if not page.items and page.next_cursor is None:
        return note(f"{NO_EVENTS} Type `/event create` to create one.")
    blocks: list[Block] = []
    for event in page.items:
        blocks += [*event_blocks(event), DividerBlock()]
    if page.next_cursor is not None:
        more = button("More events", ActionId.MORE_EVENTS, page.next_cursor)
        blocks.append(ActionsBlock(elements=[more]))
    elif blocks:
        blocks.pop()
    return Message("Upcoming events", blocks)


def registration_list(
    registrations: Sequence[UserRegistration],
    status: RegistrationStatus | None = None,
    first: int = 0,
) -> Message:
    """List a user's own registrations from number `first` on (R5, R8.2).

    `status` is the filter that was applied. The button for the next page carries it.
    """
    shown = registrations[first : first + MAX_LISTED]
    if not shown:
        return note(f"{_NOTHING_FOUND[status]} Type `/events` to see what’s coming up.")
    blocks: list[Block] = []
    for one in shown:
        blocks += registration_blocks(one)
    following = first + len(shown)
    if following < len(registrations):
        value = f"{status.value if status else ''}:{following}"
        more = button("More registrations", ActionId.MORE_REGISTRATIONS, value)
        blocks += [context(f"{len(registrations) - following} more"), ActionsBlock(elements=[more])]
    return Message("Your registrations", blocks)


_NOTHING_FOUND = {
    None: NO_REGISTRATIONS,
    RegistrationStatus.REGISTERED: "You don’t have a seat in any event.",
    RegistrationStatus.WAITLISTED: "You’re not on any waitlist.",
}


def registration_blocks(registration: UserRegistration) -> Sequence[Block]:
    """Show one of a user's own registrations: the event, their seat or position, and buttons."""
    event, has_seat = registration.event, registration.position is None
    lines = f"{bold(event.title, LISTED)} · {status_text(registration)}\n{when_and_where(event, LISTED)}"
    label = "Unregister" if has_seat else "Leave waitlist"
    buttons = [button(label, ActionId.UNREGISTER, event.event_id)]
    if has_seat:
        is_canceled = event.status is EventStatus.CANCELED
        label = "Remove from calendar" if is_canceled else "Add to calendar"
        buttons.append(button(label, ActionId.ADD_TO_CALENDAR, event.event_id))
    buttons.append(button("History", ActionId.REGISTRATION_HISTORY, event.event_id))
    return [section(lines), ActionsBlock(elements=buttons)]


def status_text(registration: UserRegistration) -> str:
    """Return "You have a seat" or the position on the waitlist, in the past tense if the event is canceled."""
    position = registration.position
    on_waitlist = "" if position is None else f"{ordinal(position)} on the waitlist"
    if registration.event.status is EventStatus.CANCELED:
        return f"Canceled (you {f'were {on_waitlist}' if on_waitlist else 'had a seat'})"
    return f"You’re {on_waitlist}" if on_waitlist else "You have a seat"


def unknown_filter(text: str) -> Message:
    """Name the filters that `/registrations` knows."""
    return note(
        f"Unknown filter “{escape(shortened(text, 50))}”."
        " Try `/registrations registered` or `/registrations waitlisted`."
    )


def event_choice(found: FoundEvents, action: ActionId) -> Message:
    """Offer the events that match, or those with the most similar titles, each with a button."""
    if found.matches:
        asked = "Which event do you mean?"
        if len(found.matches) > MAX_CHOICES:
            asked = (
                f"{len(found.matches)} events match. Which of the next {MAX_CHOICES} do you mean?"
            )
        return _offer(asked, found.matches, action)
    if found.suggestions:
        return _offer(f"{NO_MATCH} Did you mean one of these?", found.suggestions, action)
    return note(f"{NO_MATCH} Type `/events` to see what’s coming up.")


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
    """Offer a user's registrations that match, or those most similar, each with a button to unregister."""
    offered, asked = found.matches, "Which event do you want to unregister from?"
    if not offered:
        asked = NO_REGISTRATIONS
        if text:
            asked = f"You’re not registered for any event that matches “{escape(text, LISTED)}”."
        if not found.suggestions:
            return note(f"{asked} Type `/registrations` to see your registrations.")
        offered, asked = found.suggestions, f"{asked} Did you mean one of these?"
    blocks: list[Block] = [section(asked)]
    blocks += [
        section(
            f"{bold(one.event.title, LISTED)}\n{when_and_where(one.event, LISTED)}",
            button("Unregister", ActionId.CHOOSE_TO_UNREGISTER, one.event.event_id),
        )
        for one in offered[:MAX_CHOICES]
    ]
    return Message(asked, blocks)
