"""Lists of upcoming events and of one's own registrations, for the person who sees them (R8.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock

from bot.blocks.builders import Message, button, context, note, section
from bot.blocks.formatting import TOO_LATE, join_line, moment, ordinal, when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape, shortened
from bot.blocks.paging import page_buttons
from bot.blocks.recurrence_text import when_or_rule
from bot.features.cards.views import going_buttons, occupancy, register_button
from domain.enums import EventStatus, RegistrationStatus
from domain.inputs import utf16_length
from domain.models import (
    EventForUser,
    Page,
    PastRegistrations,
    RegistrationsToCome,
    UserRegistration,
)
from domain.questions import shown_answers

MAX_LISTED = 11
"""Registrations in one message: with dividers and join links, they fit into its 50 blocks."""

LIST_TEXT = 12_000
"""Characters of registrations in one message, of the 13,000 that all its blocks may have."""

NO_REGISTRATIONS = "You’re not registered for any upcoming events."
NO_PAST_REGISTRATIONS = "You have no past registrations."
NO_EVENTS = "No upcoming events."
NO_MORE_EVENTS = "No more upcoming events."
PAST_REGISTRATIONS = "Past registrations"
STOP_SERIES = "Stop the series"


def event_list(page: Page[EventForUser], *, is_first: bool = True) -> Message:
    """List a page of the upcoming events, as their reader sees them."""
    if not page.items and page.next_cursor is None and is_first:
        return note(f"{NO_EVENTS} Type `/event create` to create one.")
    groups = [event_blocks(one) for one in page.items]
    if not groups and page.next_cursor is None:
        groups.append([section(NO_MORE_EVENTS)])
    row = page_buttons(
        ActionId.EVENTS_BACK, ActionId.MORE_EVENTS, "all", page.next_cursor, is_first=is_first
    )
    return Message("Upcoming events", separated([*groups, row]))


def separated(groups: Iterable[Sequence[Block]]) -> list[Block]:
    """Return groups of blocks with a divider between them. A group may be empty."""
    blocks: list[Block] = []
    for group in filter(None, groups):
        blocks += [DividerBlock(), *group] if blocks else group
    return blocks


def event_blocks(seen: EventForUser) -> list[Block]:
    """Show an event with its reader's own status, and the buttons that apply to the reader (R8.2)."""
    event = seen.event
    lines = [title_and_status(seen), when_and_where(event, LISTED)]
    if event.description:
        lines.append(escape(event.description, LISTED))
    blocks: list[Block] = [section("\n".join(lines)), context(occupancy(event))]
    buttons = event_buttons(seen)
    buttons += going_buttons(event, is_attendee=seen.registration is not None)
    if buttons:
        blocks.append(ActionsBlock(block_id=f"event:{event.event_id}", elements=buttons))
    return blocks


def title_and_status(seen: EventForUser) -> str:
    """Return an event's title, with its reader's own status if the reader is registered or waitlisted."""
    title = bold(seen.event.title, LISTED)
    return title if seen.registration is None else f"{title} · {status_text(seen.registration)}"


def event_buttons(seen: EventForUser) -> list[ButtonElement]:
    """Return what the reader can do: with the own registration, or else to register if that can succeed."""
    if seen.registration is not None:
        return registration_buttons(seen.registration)
    return [register_button(seen.event)] if seen.accepts else []


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
    if not items:
        text = f"{_NOTHING_FOUND[status]} Type `/events` to see what’s coming up."
        return note(text, *([ActionsBlock(elements=past)] if past else []))
    first = first if first < len(items) else 0
    shown = _fitting(items[first : first + MAX_LISTED])
    following = first + len(shown)
    row = page_buttons(
        ActionId.REGISTRATIONS_BACK,
        ActionId.MORE_REGISTRATIONS,
        _offset(status, 0),
        _offset(status, following) if following < len(items) else None,
        is_first=first == 0,
        left=len(items) - following,
        more=past,
    )
    return Message("Your registrations", separated([*map(registration_blocks, shown), row]))


def _fitting(registrations: Sequence[UserRegistration]) -> Sequence[UserRegistration]:
    """Return as many registrations as fit into `LIST_TEXT`, at least one: a join link may be long."""
    left = LIST_TEXT
    for number, one in enumerate(registrations):
        left -= utf16_length(_text(one)) + utf16_length(join_line(one.join_link))
        if left < 0 and number:
            return registrations[:number]
    return registrations


def past_registration_list(past: PastRegistrations, status: RegistrationStatus | None) -> Message:
    """List a user's own registrations for past events (R5.5): up to `MAX_LISTED`."""
    heading = f"*{PAST_REGISTRATIONS}*" if past.items else NO_PAST_REGISTRATIONS
    blocks: list[Block] = [section(heading)]
    for one in past.items:
        blocks += past_registration_blocks(one)
    following = past.first + len(past.items)
    blocks += page_buttons(
        ActionId.PAST_REGISTRATIONS_BACK,
        ActionId.PAST_REGISTRATIONS,
        _offset(status, 0),
        _offset(status, following) if following < past.count else None,
        is_first=past.first == 0,
        left=past.count - following,
        more=[button("Upcoming registrations", ActionId.MORE_REGISTRATIONS, _offset(status, 0))],
    )
    return Message(PAST_REGISTRATIONS, blocks)


def _past_button(count: int, status: RegistrationStatus | None) -> ButtonElement:
    return button(past_label(count), ActionId.PAST_REGISTRATIONS, _offset(status, 0))


def past_label(count: int) -> str:
    """Return the label of the button that shows past registrations."""
    return f"{PAST_REGISTRATIONS} ({count:,})"


def _offset(status: RegistrationStatus | None, first: int) -> str:
    return f"{status.value if status else ''}:{first}"


_NOTHING_FOUND = {
    None: NO_REGISTRATIONS,
    RegistrationStatus.REGISTERED: "You don’t have a seat in any upcoming event.",
    RegistrationStatus.WAITLISTED: "You’re not on the waitlist of any upcoming event.",
}


def registration_blocks(registration: UserRegistration) -> Sequence[Block]:
    """Show one of a user's own registrations to come: the event, their seat or position, and buttons.

    Nobody has a seat in a series, so who has one is shown of its events only.
    """
    buttons = registration_buttons(registration)
    if registration.event.series is None:
        buttons += going_buttons(registration.event, is_attendee=True)
    blocks: list[Block] = [section(_text(registration)), *join_blocks(registration)]
    return [*blocks, ActionsBlock(elements=buttons)] if buttons else blocks


def _text(registration: UserRegistration) -> str:
    event = registration.event
    first = title_and_status(EventForUser(event, registration))
    lines = [first, when_or_rule(event, LISTED)]
    if registration.next_start is not None:
        lines.append(f"Next date: {moment(registration.next_start, event.time_zone)}")
    return "\n".join(lines)


def join_blocks(registration: UserRegistration) -> list[Block]:
    """Show the join link to a user with a seat, if there is one (R12.2)."""
    return [context(join_line(registration.join_link))] if registration.join_link else []


def registration_buttons(registration: UserRegistration) -> list[ButtonElement]:
    """Return what a user can do with a registration to come."""
    event, is_canceled = registration.event, registration.event.status is EventStatus.CANCELED
    if event.series is not None:
        return [] if is_canceled else _series_buttons(registration)
    buttons = []
    if not is_canceled:
        buttons.append(button(leave_label(registration), ActionId.UNREGISTER, event.event_id))
    if registration.position is None:
        label = "Remove from calendar" if is_canceled else "Add to calendar"
        buttons.append(button(label, ActionId.ADD_TO_CALENDAR, event.event_id))
    return buttons + answer_buttons(registration) + history_buttons(registration)


def _series_buttons(registration: UserRegistration) -> list[ButtonElement]:
    series_id = registration.event.event_id
    return [
        button(STOP_SERIES, ActionId.STOP_SERIES, series_id),
        button("Add to calendar", ActionId.ADD_TO_CALENDAR, series_id),
        *answer_buttons(registration),
    ]


def answer_buttons(registration: UserRegistration) -> list[ButtonElement]:
    """Return the button that opens one's answers, if the event asks anything and still takes them (R12.3)."""
    event = registration.event
    is_too_late = registration.has_started or event.status is EventStatus.CANCELED
    if not event.questions or is_too_late:
        return []
    has_answered = shown_answers(event.questions, registration.registration.answers)
    label = "Change answers" if has_answered else "Answer questions"
    return [button(label, ActionId.CHANGE_ANSWERS, event.event_id)]


def leave_label(registration: UserRegistration) -> str:
    """Return the label of the button that gives up a seat or a position, or a registration for a series."""
    if registration.event.series is not None:
        return STOP_SERIES
    return "Unregister" if registration.position is None else "Leave waitlist"


def history_buttons(registration: UserRegistration) -> list[ButtonElement]:
    """Return the button that shows how the user's position moved, if it can have moved (R8.10)."""
    if not registration.registration.may_have_waited:
        return []
    event_id = registration.event.event_id
    return [button("History", ActionId.REGISTRATION_HISTORY, event_id)]


def past_registration_blocks(registration: UserRegistration) -> Sequence[Block]:
    """Show one of a user's own registrations for past events: it is history (R4.7)."""
    buttons = history_buttons(registration)
    buttons += going_buttons(registration.event, is_attendee=True)
    blocks: list[Block] = [section(past_text(registration))]
    return [*blocks, ActionsBlock(elements=buttons)] if buttons else blocks


def past_text(registration: UserRegistration) -> str:
    """Return the text of a registration for a past event."""
    event = registration.event
    status = status_text(registration)
    if event.status is not EventStatus.CANCELED:
        status = f"You {_past_status(registration)}"
    return f"{bold(event.title, LISTED)} · {status}\n{when_and_where(event, LISTED)}"


def status_text(registration: UserRegistration) -> str:
    """Return "You have a seat" or the position on the waitlist, in the past tense if the event is canceled.

    In a series, nobody has either.
    """
    if registration.event.series is not None:
        has_ended = registration.event.status is EventStatus.CANCELED
        return "The series has ended" if has_ended else "You’re registered for all of the series"
    if registration.event.status is EventStatus.CANCELED:
        return f"Canceled (you {_past_status(registration)})"
    position = registration.position
    if position is None:
        return "You have a seat"
    more = f" ({TOO_LATE})" if registration.has_started else ""
    return f"You’re {ordinal(position)} on the waitlist{more}"


def _past_status(registration: UserRegistration) -> str:
    position = registration.position
    return "had a seat" if position is None else f"were {ordinal(position)} on the waitlist"


def unknown_filter(text: str) -> Message:
    """Name the filters that `/registrations` knows."""
    return note(
        f"Unknown filter “{escape(shortened(text, 50))}”."
        " Try `/registrations registered` or `/registrations waitlisted`."
        " Past registrations are one press away in `/registrations`."
    )
