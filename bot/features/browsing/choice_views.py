"""The choice among several events or registrations that match (R8.1), and what is said if none does."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, ButtonElement

from bot.blocks.builders import Message, button, note, section
from bot.blocks.formatting import when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape
from bot.blocks.recurrence_text import when_or_rule
from bot.features.browsing.views import (
    NO_REGISTRATIONS,
    leave_label,
    status_text,
    title_and_status,
)
from bot.features.cards.views import occupancy, register_label
from domain.enums import EventStatus
from domain.models import EventForUser, UserRegistration
from domain.search import FoundEvents, FoundRegistrations

MAX_CHOICES = 10
"""Events offered if several match."""

NO_MATCH = "No event matches that."
NONE_ORGANIZED = "You don’t organize any event that matches that."
NONE_OPEN = "You can’t register for any event that matches that."
TYPE_MORE = f"Here are {MAX_CHOICES}. To find another one, type more of its title."
ALL_CANCELED = "Every event that matches that has been canceled, so you don’t need to unregister."


def nothing_to_register_for() -> Message:
    """Say that no event takes registrations, in place of an empty picker."""
    return note(
        "No event is open for registration right now. Type `/events` to see what’s coming up."
    )


def choice_to_manage(
    found: FoundEvents, events: Sequence[EventForUser], *, is_admin: bool
) -> Message:
    """Offer events to someone who may manage them, as `event_choice` does."""
    no_match = NO_MATCH if is_admin else NONE_ORGANIZED
    if not events:
        return note(f"{no_match} The *Home* tab shows the events you organize.")
    return event_choice(found, events, ActionId.MANAGE, no_match)


def event_choice(
    found: FoundEvents,
    events: Sequence[EventForUser],
    action: ActionId,
    no_match: str = NO_MATCH,
) -> Message:
    """Offer events to their reader: those that match, or those with the most similar titles.

    `events` are the first `MAX_CHOICES` of them, as the reader sees them.
    """
    if not events:
        return note(f"{NO_MATCH} Type `/events` to see what’s coming up.")
    asked = f"{no_match} Did you mean one of these?"
    buttons = [_button(one, action) for one in events]
    is_open = action is ActionId.MANAGE or any(one.accepts for one in events)
    if found.matches and not is_open:
        asked = NONE_OPEN
        if len(found.matches) > MAX_CHOICES:
            asked += f" {len(found.matches)} match. {TYPE_MORE}"
    elif found.matches:
        asked = "Which event do you mean?"
        if len(found.matches) > MAX_CHOICES:
            asked = f"{len(found.matches)} events match. {TYPE_MORE}"
    blocks: list[Block] = [section(asked)]
    blocks += [section(_text(one), shown) for one, shown in zip(events, buttons, strict=True)]
    return Message(asked, blocks)


def _text(seen: EventForUser) -> str:
    event = seen.event
    if event.series is not None:
        return f"{bold(event.title, LISTED)} · Series\n{when_or_rule(event, LISTED)}"
    return "\n".join([title_and_status(seen), when_and_where(event, LISTED), occupancy(event)])


def _button(seen: EventForUser, action: ActionId) -> ButtonElement | None:
    """Return the button that manages the event, or the one that registers or unregisters its reader."""
    event_id = seen.event.event_id
    if action is ActionId.MANAGE:
        return button("Manage", action, event_id)
    if seen.registration is not None:
        return _leave_button(seen.registration)
    return button(register_label(seen.event), action, event_id) if seen.accepts else None


def _leave_button(own: UserRegistration) -> ButtonElement | None:
    if own.event.status is EventStatus.CANCELED:
        return None
    return button(leave_label(own), ActionId.CHOOSE_TO_UNREGISTER, own.event.event_id)


def registration_choice(found: FoundRegistrations, text: str) -> Message:
    """Offer a user's registrations that match, or those most similar, each with a button to unregister."""
    offered, asked = found.matches, "Which event do you want to unregister from?"
    if len(offered) > MAX_CHOICES:
        asked = f"{len(offered)} of your registrations match. {TYPE_MORE}"
    if not offered:
        asked = NO_REGISTRATIONS
        if text:
            typed = escape(text, LISTED)
            asked = f"You’re not registered for any upcoming event that matches “{typed}”."
        if not found.suggestions:
            return note(f"{asked} Type `/registrations` to see your registrations.")
        offered, asked = found.suggestions, f"{asked} Did you mean one of these?"
    if all(one.event.status is EventStatus.CANCELED for one in offered):
        return note(ALL_CANCELED)
    blocks: list[Block] = [section(asked)]
    blocks += [
        section(
            f"{bold(one.event.title, LISTED)} · {status_text(one)}\n{when_or_rule(one.event, LISTED)}",
            _leave_button(one),
        )
        for one in offered[:MAX_CHOICES]
    ]
    return Message(asked, blocks)
