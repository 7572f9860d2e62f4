"""The Manage modal, and the modals for an event's card and capacity (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement
from slack_sdk.models.views import View

from bot.blocks.builders import Message, button, context, note, plain, section, warning
from bot.blocks.formatting import headcount, seats, when_and_where
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import channel_input, input_block, number_element
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold, mention_list
from bot.features.cards.views import card_sentence, occupancy, occupancy_bar
from bot.features.manage.attendee_views import attendee_list
from bot.features.manage.series_views import part_of_series
from bot.slack.context import CardStatus
from bot.slack.error_messages import capacity_too_low
from domain.commands import ChangeOutcome
from domain.enums import ClosedReason, EventStatus
from domain.models import CapacityPreview, Event, EventRegistrations, User


def manage_event(
    listing: EventRegistrations,
    users: Mapping[str, User],
    *,
    request_id: str,
    cursor: str | None = None,
    note: str | None = None,
    has_started: bool = False,
    is_over: bool = False,
    has_card: bool = False,
    series: Event | None = None,
) -> View:
    """Show an event's numbers, its attendees, and what its organizers can do (R8.8).

    `cursor` is that of the page of attendees, None for the first. `users` names attendees who are not in
    Slack. `note` says what was just done. `has_card` says that a channel shows it. `series` is the one that the event
    is a date of.
    """
    event = listing.event
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{when_and_where(event)}\n{occupancy_bar(event)}"),
    ]
    if event.capacity_target is not None:
        blocks.append(
            context(f"Capacity is being increased to {event.capacity_target:,}, step by step.")
        )
    if series is not None:
        blocks += part_of_series(series)
    if note is not None:
        blocks.append(context(f"✓ {note}"))
    blocks += _buttons(
        event, request_id, has_started=has_started, is_over=is_over, has_card=has_card
    )
    blocks += attendee_list(listing, users, is_first=cursor is None)
    metadata = {
        "event_id": event.event_id,
        "cursor": cursor,
        "request_id": request_id,
    }
    return View(
        type="modal",
        callback_id=CallbackId.MANAGE,
        private_metadata=json.dumps(metadata),
        title=plain("Manage event"),
        close=plain("Close"),
        blocks=blocks,
    )


def _buttons(
    event: Event, request_id: str, *, has_started: bool, is_over: bool, has_card: bool
) -> list[Block]:
    """Return what organizers can do, the most used first: the event, its attendees, more of it, its end.

    Omit buttons that would have no effect. A row of Slack's modal has room for three buttons.
    """

    def of(label: str, action: ActionId, style: str | None = None) -> ButtonElement:
        return button(label, action, event.event_id, style=style)

    toggle = ("Reopen registration", ActionId.REOPEN)
    if event.status is EventStatus.OPEN:
        toggle = ("Close registration", ActionId.CLOSE)
    about_attendees = [
        of("Message attendees", ActionId.MESSAGE_ATTENDEES),
        button("Export CSV", ActionId.EXPORT, request_id),
        of("History", ActionId.HISTORY),
    ]
    if event.questions:
        about_attendees.insert(2, of("Answers", ActionId.ANSWER_TOTALS))
    edit = of("Edit", ActionId.EDIT)
    copy = of("Duplicate", ActionId.DUPLICATE)
    delete = of("Delete", ActionId.DELETE_EVENT, "danger")
    if event.status is EventStatus.CANCELED:
        rows = [*_rows(about_attendees), [copy, delete]]
    elif is_over:
        rows = [*_rows(about_attendees), [edit, copy, delete]]
    else:
        capacity = of("Change capacity", ActionId.CHANGE_CAPACITY)
        post = of("Post in another channel" if has_card else "Post card", ActionId.POST_CARD)
        is_open = event.status is EventStatus.OPEN and not has_started
        add = [of("Add people", ActionId.ADD_ATTENDEES)] if is_open else []
        rows = [
            [edit, capacity] if has_started else [edit, capacity, of(*toggle)],
            *_rows([*add, *about_attendees, post, copy]),
            [of("Cancel event", ActionId.CANCEL_EVENT, "danger"), delete],
        ]
    return [ActionsBlock(elements=row) for row in rows]


def _rows(buttons: list[ButtonElement]) -> list[list[ButtonElement]]:
    return [buttons[first : first + 3] for first in range(0, len(buttons), 3)]


EXPORTED = "The attendee list is on its way to you in a direct message."


def closed_note(outcome: ChangeOutcome) -> str:
    """Say that registration is closed, and who is notified."""
    count = outcome.event.waitlist_count
    if not (count and outcome.changed and outcome.notifies):
        return "Registration is closed."
    return f"Registration is closed. {headcount(count)} on the waitlist will be notified."


def reopened_note(closed_reason: ClosedReason | None) -> str:
    """Say that registration is open, or what keeps it closed."""
    if closed_reason is ClosedReason.DEADLINE:
        return (
            "Registration is reopened, but its deadline has passed. To let people register, change"
            " the deadline in *Edit*."
        )
    return "Registration is open."


def card_form(event: Event, request_id: str, *, after: str) -> View:
    """Ask where to post a card. `after` is the `ts` of the event's newest card.

    `request_id` makes a second submit of this form no second request (R8.13).
    """
    metadata = {"event_id": event.event_id, "request_id": request_id, "after": after}
    return View(
        type="modal",
        callback_id=CallbackId.POST_CARD,
        private_metadata=json.dumps(metadata),
        title=plain("Post card"),
        submit=plain("Post"),
        close=plain("Back"),
        blocks=[section(bold(event.title)), channel_input(optional=False)],
    )


def card_requested(event: Event, card: CardStatus) -> View:
    """Say where a card is that was asked for, or why Slack refuses it."""
    text = card_sentence(event, card)
    return note_modal("Post card", Message(text, [section(text)]), close="Back")


def taken_over(event: Event) -> Message:
    """Confirm that a workspace admin organizes an event now."""
    manage = ActionsBlock(elements=[button("Manage", ActionId.MANAGE, event.event_id)])
    text = f"You’re now the organizer of {bold(event.title)}."
    if event.series is not None:
        text = f"You’re now the organizer of the series {bold(event.title)} and of its new dates."
        text += " Dates that are already open keep their own organizers."
    return note(text, manage)


def capacity_form(event: Event, refused: CapacityPreview | None = None) -> View:
    """Ask for a new capacity. `refused` says why the last one is too low."""
    blocks: list[Block] = [section(f"{bold(event.title)}\n{occupancy(event)}")]
    if event.occurrence is not None:
        blocks.append(context(ONLY_THIS_DATE))
    initial = event.capacity
    if refused is not None:
        initial = refused.capacity
        last = mention_list(refused.affected, refused.affected_count)
        blocks += [
            warning(capacity_too_low(refused.capacity, event.registered_count)),
            context(f"Last to get a seat: {last}"),
        ]
    blocks.append(input_block(BlockId.CAPACITY, "Seats", number_element(initial)))
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain(_CAPACITY),
        submit=plain("Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def capacity_preview(preview: CapacityPreview) -> View:
    """Say what a capacity would do, with a button to set it, or why it can't be or needn't be set (R8.8).

    The number stays in its input, to be changed and previewed again.
    """
    event, after = preview.event, preview.capacity
    if preview.affected_count:
        return capacity_form(event, preview)
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{_effect(preview)}"),
        input_block(BlockId.CAPACITY, "Seats", number_element(after)),
    ]
    is_change = after != event.capacity or event.capacity_target is not None
    metadata: dict[str, object] = {"event_id": event.event_id}
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY_CONFIRMED if is_change else CallbackId.CAPACITY,
        private_metadata=json.dumps(metadata | ({"capacity": after} if is_change else {})),
        title=plain(_CAPACITY),
        submit=plain(f"Set to {after:,}" if is_change else "Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def _effect(preview: CapacityPreview) -> str:
    before, after = preview.event.capacity, preview.capacity
    if preview.promoted_count:
        who = mention_list(preview.promoted, preview.promoted_count)
        gives = f"gives {who} a seat" if preview.promoted_count == 1 else f"gives seats to {who}"
        return f"Raising capacity from {before:,} to {after:,} {gives} and notifies them."
    if after == before:
        return same_capacity(after)
    text = f"Changing capacity from {before:,} to {after:,} doesn’t affect anyone."
    if after > before and preview.event.waitlist_count:
        text += f" {NO_SEATS_ONCE_STARTED}"
    return text


ONLY_THIS_DATE = (
    "This changes only this date. To change all dates, use *Change capacity* in *Manage series*."
)

NO_SEATS_ONCE_STARTED = "The event has started, so no one on the waitlist gets a seat."


def same_capacity(capacity: int) -> str:
    """Say that an event has a capacity already."""
    return f"The event already has {seats(capacity)}. Type another number to change that."


def capacity_set(outcome: ChangeOutcome, *, has_started: bool = False) -> View:
    """Confirm a new capacity in the modal."""
    return note_modal(_CAPACITY, capacity_message(outcome, has_started=has_started), close="Back")


def capacity_message(outcome: ChangeOutcome, *, has_started: bool = False) -> Message:
    """Confirm a new capacity, or that it is growing, and say who got a seat, or why no one did."""
    event = outcome.event
    text = f"{bold(event.title)} now has {seats(event.capacity)}."
    if event.capacity_target is not None:
        text = (
            f"{bold(event.title)} now has {seats(event.capacity)}. More are being added for people on"
            f" the waitlist, up to {event.capacity_target:,}."
        )
    if has_started and event.waitlist_count and event.free_seats > 0:
        text += f" {NO_SEATS_ONCE_STARTED}"
    return note(f"{text} {_promoted(outcome)}".rstrip())


def event_changed(outcome: ChangeOutcome) -> Message:
    """Say what an event is like after a change, or after it was created, that was unconfirmed at first."""
    event = outcome.event
    if event.series is not None:
        return _series_changed(event)
    if event.deletion is not None:
        return note(f"Done. {bold(event.title)} has been deleted.")
    if event.status is EventStatus.CANCELED:
        return note(f"Done. {bold(event.title)} has been canceled.")
    closed = ", and registration is closed" if event.status is EventStatus.CLOSED else ""
    text = f"Done. {bold(event.title)} has {seats(event.capacity)}{closed}."
    more = context(f"Manage it with `/event {event.event_id}`")
    return note(f"{text} {_promoted(outcome)}".rstrip(), more)


def _series_changed(series: Event) -> Message:
    what = f"the series {bold(series.title)}"
    if series.deletion is not None:
        return note(f"Done. {what[:1].upper()}{what[1:]} has been deleted.")
    ended = " has ended" if series.status is EventStatus.CANCELED else " has been saved"
    more = context(f"Manage it with `/event {series.event_id}`")
    return note(f"Done. {what[:1].upper()}{what[1:]}{ended}.", more)


def _promoted(outcome: ChangeOutcome) -> str:
    if not outcome.promoted:
        return ""
    notified = " and will be notified" if outcome.notifies else ""
    what = "a seat" if len(outcome.promoted) == 1 else "seats"
    return f"{mention_list(outcome.promoted, len(outcome.promoted))} got {what}{notified}."


_CAPACITY = "Change capacity"
