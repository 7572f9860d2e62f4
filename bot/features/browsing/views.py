"""Lists of upcoming events and of one's own registrations, and the choice among several that match."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock

from bot.blocks.builders import Message, button, note, section
from bot.blocks.formatting import moment, ordinal, when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape, shortened
from bot.features.cards.views import event_blocks
from domain.enums import EventStatus, RegistrationStatus
from domain.models import (
    Event,
    ListedEvent,
    Page,
    PastRegistrations,
    RegistrationsToCome,
    UserRegistration,
)
from domain.search import FoundEvents, FoundRegistrations

MAX_LISTED = 15
"""Registrations in one message. Their text stays within Slack's limit for all blocks."""

MAX_CHOICES = 10
"""Events offered if several match."""

NO_REGISTRATIONS = "You’re not registered for any upcoming events."
NO_PAST_REGISTRATIONS = "You have no past registrations."
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
    registrations: RegistrationsToCome,
    status: RegistrationStatus | None = None,
    first: int = 0,
) -> Message:
    """List a user's own registrations to come, from number `first` on (R5.5, R8.2).

    `status` is the filter that was applied. The buttons carry it. The past is one press away.
    """
    items, past_count = registrations.items, registrations.past_count
    past = [_past_button(past_count, status)] if past_count else []
    shown = items[first : first + MAX_LISTED]
    if not shown:
        text = f"{_NOTHING_FOUND[status]} Type `/events` to see what’s coming up."
        return note(text, *([ActionsBlock(elements=past)] if past else []))
    blocks: list[Block] = []
    for one in shown:
        blocks += registration_blocks(one)
    more = _more_button(ActionId.MORE_REGISTRATIONS, status, first + len(shown), len(items))
    if more or past:
        blocks.append(ActionsBlock(elements=[*more, *past]))
    return Message("Your registrations", blocks)


def past_registration_list(past: PastRegistrations, status: RegistrationStatus | None) -> Message:
    """List a user's own registrations for past events (R5.5): up to `MAX_LISTED`."""
    heading = f"*{PAST_REGISTRATIONS}*" if past.items else NO_PAST_REGISTRATIONS
    blocks: list[Block] = [section(heading)]
    for one in past.items:
        blocks += past_registration_blocks(one)
    following = past.first + len(past.items)
    buttons = _more_button(ActionId.PAST_REGISTRATIONS, status, following, past.count)
    value = _offset(status, 0)
    buttons.append(button("Upcoming registrations", ActionId.MORE_REGISTRATIONS, value))
    return Message(PAST_REGISTRATIONS, [*blocks, ActionsBlock(elements=buttons)])


PAST_REGISTRATIONS = "Past registrations"


def _past_button(count: int, status: RegistrationStatus | None) -> ButtonElement:
    label = f"{PAST_REGISTRATIONS} ({count:,})"
    return button(label, ActionId.PAST_REGISTRATIONS, _offset(status, 0))


def _more_button(
    action: ActionId, status: RegistrationStatus | None, following: int, count: int
) -> list[ButtonElement]:
    if following >= count:
        return []
    return [button(f"Show {count - following:,} more", action, _offset(status, following))]


def _offset(status: RegistrationStatus | None, first: int) -> str:
    return f"{status.value if status else ''}:{first}"


_NOTHING_FOUND = {
    None: NO_REGISTRATIONS,
    RegistrationStatus.REGISTERED: "You don’t have a seat in any upcoming event.",
    RegistrationStatus.WAITLISTED: "You’re not on the waitlist of any upcoming event.",
}


def registration_blocks(registration: UserRegistration) -> Sequence[Block]:
    """Show one of a user's own registrations to come: the event, their seat or position, and buttons."""
    event = registration.event
    lines = f"{bold(event.title, LISTED)} · {status_text(registration)}\n{when_and_where(event, LISTED)}"
    return [section(lines), ActionsBlock(elements=registration_buttons(registration))]


def registration_buttons(registration: UserRegistration) -> list[ButtonElement]:
    """Return what a user can do with a registration to come."""
    event, has_seat = registration.event, registration.position is None
    label = "Unregister" if has_seat else "Leave waitlist"
    buttons = [button(label, ActionId.UNREGISTER, event.event_id)]
    if has_seat:
        is_canceled = event.status is EventStatus.CANCELED
        label = "Remove from calendar" if is_canceled else "Add to calendar"
        buttons.append(button(label, ActionId.ADD_TO_CALENDAR, event.event_id))
    buttons.append(_history_button(event))
    return buttons


def _history_button(event: Event) -> ButtonElement:
    return button("History", ActionId.REGISTRATION_HISTORY, event.event_id)


def past_registration_blocks(registration: UserRegistration) -> Sequence[Block]:
    """Show one of a user's own registrations for past events: it is history (R4.7)."""
    text, history = past_registration(registration)
    return [section(text, history)]


def past_registration(registration: UserRegistration) -> tuple[str, ButtonElement]:
    """Return the text of a registration for a past event, and the button to its history."""
    event = registration.event
    status = status_text(registration)
    if event.status is not EventStatus.CANCELED:
        status = f"You {_past_status(registration)}"
    lines = f"{bold(event.title, LISTED)} · {status}\n{when_and_where(event, LISTED)}"
    return lines, _history_button(event)


def status_text(registration: UserRegistration) -> str:
    """Return "You have a seat" or the position on the waitlist, in the past tense if the event is canceled."""
    if registration.event.status is EventStatus.CANCELED:
        return f"Canceled (you {_past_status(registration)})"
    position = registration.position
    if position is None:
        return "You have a seat"
    more = " (no more seats are given out)" if registration.has_started else ""
    return f"You’re {ordinal(position)} on the waitlist{more}"


def _past_status(registration: UserRegistration) -> str:
    position = registration.position
    return "had a seat" if position is None else f"were {ordinal(position)} on the waitlist"


def unknown_filter(text: str) -> Message:
    """Name the filters that `/registrations` knows."""
    return note(
        f"Unknown filter “{escape(shortened(text, 50))}”."
        " Try `/registrations registered` or `/registrations waitlisted`."
    )


def nothing_to_register_for() -> Message:
    """Say that no event takes registrations, in place of an empty picker."""
    return note(
        "No event is open for registration right now. Type `/events` to see what’s coming up."
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
    if len(offered) > MAX_CHOICES:
        asked = (
            f"{len(offered)} of your registrations match. Which of the next {MAX_CHOICES} events do"
            " you want to unregister from?"
        )
    if not offered:
        asked = NO_REGISTRATIONS
        if text:
            typed = escape(text, LISTED)
            asked = f"You’re not registered for any upcoming event that matches “{typed}”."
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
