"""Event cards in channels, the same for every reader, and the shorter form in lists.

A card shows an event as of its last commit. A sweep commits when the clock changes something, such as at
the start, so whichever process updates a card, it shows the same.
"""

from __future__ import annotations

from datetime import datetime

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    HeaderBlock,
)

from bot.blocks.builders import Message, button, context, paragraphs, plain, section
from bot.blocks.formatting import moment, seats, when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import bold, channel_link, escape, mention
from bot.slack.context import CardStatus
from bot.slack.error_messages import card_not_posted
from domain.enums import ClosedReason, EventStatus, Visibility
from domain.models import Event


def event_card(event: Event) -> Message:
    """Show an event with the buttons that can succeed (R8.3)."""
    blocks: list[Block] = [
        HeaderBlock(text=plain(event.title)),
        section(when_and_where(event)),
    ]
    if event.description:
        blocks.append(paragraphs(event.description))
    blocks.append(context(f"{occupancy(event)} · {_organizers(event)}"))
    if _goes_on(event) and event.occurrence and event.occurrence.missed_first:
        blocks.append(context(MISSED_FIRST))
    blocks += [
        ActionsBlock(
            block_id=f"event:{event.event_id}",
            elements=[
                *_card_buttons(event),
                *(all_of_series_buttons(event) if _goes_on(event) else []),
                *going_buttons(event, is_attendee=True),
                button("Manage", ActionId.MANAGE, event.event_id),
            ],
        ),
    ]
    return Message(f"{escape(event.title)}: {occupancy(event)}", blocks)


ALL_OF_SERIES = "All of the series"

MISSED_FIRST = (
    "If you’re registered for all of the series and still on the waitlist when this event starts, you’ll"
    " go first next time."
)
"""Rule R13.5, for everyone who reads the card."""


def all_of_series_buttons(event: Event) -> list[ButtonElement]:
    """Return the button that registers for all of an event's series, if it is part of one (R13.4)."""
    if event.occurrence is None or event.status is EventStatus.CANCELED:
        return []
    return [button(ALL_OF_SERIES, ActionId.ALL_OF_SERIES, event.occurrence.series_id)]


def _goes_on(event: Event) -> bool:
    """Return whether an event is still to come, as of its last commit: its series may have ended since."""
    has_started = event.has_started(_last_look(event))
    return not has_started and event.status is not EventStatus.CANCELED


def deleted_card(title: str) -> Message:
    """Replace the card of a deleted event."""
    return Message(
        f"{escape(title)} has been deleted",
        [HeaderBlock(text=plain(title)), context("This event has been deleted.")],
    )


def card_sentence(event: Event, status: CardStatus) -> str:
    """Say where a card is, that it is on its way, or why Slack refuses it and what to do, in mrkdwn."""
    if status.refusal is not None:
        refused = card_not_posted(event.event_id, event.title, status.channel_id, status.refusal)
        return f":warning: {refused}"
    card, channel = f"The card for {bold(event.title)}", channel_link(status.channel_id)
    if status.is_posted:
        return f"{card} has been posted in {channel}."
    return f"{card} is on its way to {channel}. If Slack refuses it, I’ll tell you."


def occupancy(event: Event) -> str:
    """Return "12 of 20 seats taken · 3 on the waitlist", and whether and until when one can register."""
    parts = [f"{event.registered_count:,} of {seats(event.capacity)} taken"]
    if event.waitlist_count:
        parts.append(f"{event.waitlist_count:,} on the waitlist")
    reason = event.closed_reason(_last_look(event))
    if reason is not None:
        return " · ".join([f"*{_closed(event, reason)}*", *parts])
    if event.free_seats == 0 and not (event.has_waitlist and event.waitlist_count):
        parts.append("waitlist open" if event.has_waitlist else "full")
    if event.registration_deadline is not None:
        parts.append(f"register by {moment(event.registration_deadline, event.time_zone)}")
    return " · ".join(parts)


def _last_look(event: Event) -> datetime:
    """Return the last time at which a commit compared an event with the clock."""
    return event.last_due_at or event.created_at


def _closed(event: Event, reason: ClosedReason) -> str:
    if reason is ClosedReason.CANCELED:
        return "Canceled"
    if reason is ClosedReason.OPENING:
        return "Opens in a minute"
    if reason is not ClosedReason.STARTED:
        return "Registration closed"
    has_ended = event.ends_at is not None and event.is_over(_last_look(event))
    return "Ended" if has_ended else "Started"


def occupancy_bar(event: Event) -> str:
    """Return a bar of ten squares, full only if the event is full, and the numbers; none once registration ended."""
    if event.closed_reason(_last_look(event)) is not None:
        return occupancy(event)
    filled = min(10, event.registered_count * 10 // event.capacity)
    if event.registered_count and not filled:
        filled = 1
    return f"{'▰' * filled}{'▱' * (10 - filled)}  {occupancy(event)}"


def register_button(event: Event) -> ButtonElement:
    """Return the button to register, or to join the waitlist if the event is full."""
    return button(register_label(event), ActionId.REGISTER, event.event_id, style="primary")


def register_label(event: Event) -> str:
    """Return the label of a button to register, or to join the waitlist if there is no seat (R3.6)."""
    has_seat = event.free_seats > 0 and event.waitlist_count == 0
    return "Register" if has_seat else "Join waitlist"


def _organizers(event: Event) -> str:
    if not event.organizer_ids:
        return "no organizer"
    return f"organized by {', '.join(map(mention, event.organizer_ids))}"


def _card_buttons(event: Event) -> list[ButtonElement]:
    """Return the buttons that anyone can press with success, as of the event's last commit."""
    last_look = _last_look(event)
    takes_newcomers = event.accepts(last_look)
    buttons = [register_button(event)] if takes_newcomers else []
    may_have_attendees = takes_newcomers or event.registered_count + event.waitlist_count > 0
    has_ended = event.status is EventStatus.CANCELED or event.is_over(last_look)
    if may_have_attendees and not has_ended and not event.is_opening:
        buttons.append(button("Unregister", ActionId.UNREGISTER, event.event_id))
    return buttons


def going_buttons(event: Event, *, is_attendee: bool) -> list[ButtonElement]:
    """Return the button that shows who has a seat, if attendees or everybody may see that (R12.1)."""
    is_shown = {
        Visibility.EVERYONE: True,
        Visibility.ATTENDEES: is_attendee,
        Visibility.ORGANIZERS: False,
    }[event.attendees_visible_to]
    return [button("Who’s going", ActionId.GOING, event.event_id)] if is_shown else []
