"""What an event's organisers see and fill in (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    DividerBlock,
    PlainTextInputElement,
    SectionBlock,
    StaticSelectElement,
    UserSelectElement,
)
from slack_sdk.models.views import View

from bot.ids import ActionId, BlockId, CallbackId
from bot.views.cards import fullness, occupancy
from bot.views.inputs import channel_input, input_block, line_element, number_element, option
from bot.views.modals import note_modal
from bot.views.text import (
    LISTED,
    Message,
    bold,
    button,
    context,
    escape,
    mention,
    moment,
    ordinal,
    people,
    persons,
    plain,
    section,
    when_and_where,
)
from domain.commands import Changed, Left
from domain.drafts import MOST_REASON, MessageDraft
from domain.models import CapacityPreview, Event, EventRegistrations, OwnRegistration, User
from domain.statuses import Audience, EventStatus

ROSTER_PAGE = 30
"""People on one page of the roster, each a block of the 100 that a view may have."""

WAY_BACK = 2_500
"""Characters of the 3,000 of a view's metadata for the cursors of the pages that were turned."""


def manage(
    listing: EventRegistrations,
    users: Mapping[str, User],
    *,
    request_id: str,
    turned: Sequence[str] = (),
    note: str | None = None,
) -> View:
    """Return an event's numbers, its people, and what its organisers can do (R8.8).

    `turned` are the cursors of the pages that led here, this one's last; none for the first. `users`
    has the names of those who are not in Slack; `note` says what was just done.
    """
    event = listing.event
    blocks: list[Block] = [
        section(f"{bold(event.title)}\n{when_and_where(event)}"),
        context(fullness(event)),
    ]
    if event.capacity_target is not None:
        blocks.append(context(f"The capacity grows to {event.capacity_target}, step by step."))
    if note is not None:
        blocks.append(context(f":white_check_mark: {note}"))
    blocks += _managing(event, request_id)
    blocks += _roster(listing, users, is_first=not turned)
    metadata = {"event_id": event.event_id, "turned": latest(turned), "request_id": request_id}
    return View(
        type="modal",
        callback_id=CallbackId.MANAGE,
        private_metadata=json.dumps(metadata),
        title=plain("Manage event"),
        close=plain("Close"),
        blocks=blocks,
    )


def _managing(event: Event, request_id: str) -> list[Block]:
    is_open = event.status is EventStatus.OPEN
    toggle = (
        button("Close registration", ActionId.CLOSE, event.event_id)
        if is_open
        else button("Reopen registration", ActionId.REOPEN, event.event_id)
    )
    running = [
        button("Edit", ActionId.EDIT, event.event_id),
        button("Change capacity", ActionId.CHANGE_CAPACITY, event.event_id),
        toggle,
        button("Post card", ActionId.POST_CARD, event.event_id),
    ]
    always = [
        button("Message people", ActionId.MESSAGE_PEOPLE, event.event_id),
        button("Export CSV", ActionId.EXPORT, request_id),
        button("History", ActionId.HISTORY, event.event_id),
    ]
    ending = [button("Delete", ActionId.DELETE_EVENT, event.event_id, style="danger")]
    if event.status is EventStatus.CANCELLED:
        return [ActionsBlock(elements=[*always, *ending])]
    ending.insert(0, button("Cancel event", ActionId.CANCEL_EVENT, event.event_id, style="danger"))
    return [ActionsBlock(elements=running), ActionsBlock(elements=[*always, *ending])]


def latest(turned: Sequence[str]) -> Sequence[str]:
    """Return the cursors that fit; beyond them, the way back leads to the first page at once."""
    while len(json.dumps(turned)) > WAY_BACK:
        turned = turned[1:]
    return turned


def _roster(
    listing: EventRegistrations, users: Mapping[str, User], *, is_first: bool
) -> list[Block]:
    event = listing.event
    blocks: list[Block] = [DividerBlock()]
    if event.registered_count or event.waitlist_count:
        finder = UserSelectElement(
            action_id=ActionId.FIND_PERSON, placeholder=plain("Find a person by name")
        )
        blocks.append(ActionsBlock(elements=[finder]))
    if listing.registered:
        blocks.append(section(f"*Registered* ({event.registered_count:,})"))
        blocks += [
            _person_row(
                row.user_id,
                users,
                f"seat since {moment(row.seated_at or row.registered_at, event.time_zone)}",
            )
            for row in listing.registered
        ]
    if listing.waiting:
        blocks.append(section(f"*Waiting* ({event.waitlist_count:,})"))
        blocks += [
            _person_row(
                place.waiting.user_id,
                users,
                f"since {moment(place.waiting.registered_at, event.time_zone)}",
                f"{place.position}. ",
            )
            for place in listing.waiting
        ]
    if not listing.registered and not listing.waiting:
        nobody = "Nobody is registered yet." if is_first else "Nobody else is on this page."
        blocks.append(section(nobody))
    return blocks + turning(
        ActionId.ROSTER_BACK,
        ActionId.ROSTER_PAGE,
        event.event_id,
        listing.next_cursor,
        is_first=is_first,
    )


def _person_row(user_id: str, users: Mapping[str, User], since: str, place: str = "") -> Block:
    return section(
        f"{place}{named(user_id, users)} · {since}", button("Details", ActionId.PERSON, user_id)
    )


def named(user_id: str, users: Mapping[str, User]) -> str:
    """Return a person as Slack shows it; one who is not in Slack by the name that is stored."""
    shown = mention(user_id)
    if shown.startswith("<@") or user_id not in users:
        return shown
    return escape(users[user_id].name, LISTED)


def turning(
    back: ActionId, on: ActionId, event_id: str, next_cursor: str | None, *, is_first: bool
) -> list[Block]:
    """Return the buttons to the page before and the page after, as far as there are such."""
    turn = []
    if not is_first:
        turn.append(button("Previous page", back, event_id))
    if next_cursor is not None:
        turn.append(button("Next page", on, next_cursor))
    return [ActionsBlock(elements=turn)] if turn else []


def person_form(own: OwnRegistration, users: Mapping[str, User]) -> View:
    """Return one person's place in an event, and the form to take that person out, with a reason (R4.6)."""
    event, row = own.event, own.registration
    who = named(row.user_id, users)
    if own.position is None:
        has = f"has a seat since {moment(row.seated_at or row.registered_at, event.time_zone)}"
        follows = (
            "The seat goes to the next in line at once."
            if event.waitlist_count
            else "The seat comes free."
        )
    else:
        has = f"is {ordinal(own.position)} in line"
        follows = "Those behind move up."
    why = PlainTextInputElement(action_id=ActionId.INPUT, max_length=MOST_REASON, multiline=True)
    metadata = {"event_id": event.event_id, "user_id": row.user_id}
    return View(
        type="modal",
        callback_id=CallbackId.REMOVE,
        private_metadata=json.dumps(metadata),
        title=plain("Person"),
        submit=plain("Remove from event"),
        close=plain("Back"),
        blocks=[
            section(f"{who} {has} in {bold(event.title)}."),
            context(
                f"Registered {moment(row.registered_at, event.time_zone)} · ticket {row.ticket}"
            ),
            input_block(BlockId.REASON, "Reason, if you remove this person", why, optional=True),
            context(f"{who} is told of the removal, with the reason. {follows}"),
        ],
    )


def not_in_event(event: Event, user_id: str, users: Mapping[str, User]) -> View:
    """Return that somebody is not in an event."""
    text = f"{named(user_id, users)} neither has a seat in {bold(event.title)} nor waits for one."
    return note_modal("Person", Message(text, [section(text)]))


REOPENED = "Registration is open."
EXPORTED = "The list is on its way to you, as a file in a direct message."


def closed_note(outcome: Changed) -> str:
    """Return that registration is closed, and who is told."""
    waiting = outcome.event.waitlist_count
    told = f" {persons(waiting)} waiting will be told." if waiting and outcome.changed else ""
    return f"Registration is closed.{told}"


def removed(outcome: Left, users: Mapping[str, User]) -> View:
    """Return that somebody is out, and who has the seat now."""
    who = named(outcome.registration.user_id, users)
    text = f"{who} is out of {bold(outcome.event.title)}, and is told so."
    if outcome.promoted:
        text += f" {people(outcome.promoted, len(outcome.promoted))} has the seat now, and is told so, too."
    return note_modal("Person", Message(text, [section(text)]))


def message_form(
    event: Event,
    *,
    request_id: str,
    draft: MessageDraft | None = None,
    previewed: str = "",
    by: str = "",
) -> View:
    """Return the form for words to an event's people; with a draft, what they will get stands above it.

    `previewed` is the draft's fingerprint: it is sent once it is submitted as it was shown.
    """
    counts = {
        Audience.REGISTERED: ("Everyone registered", event.registered_count),
        Audience.WAITING: ("Everyone waiting", event.waitlist_count),
        Audience.EVERYONE: ("Both", event.registered_count + event.waitlist_count),
    }
    offered = {
        audience: option(f"{label} ({persons(count)})", audience)
        for audience, (label, count) in counts.items()
    }
    chosen = draft.audience if draft else Audience.REGISTERED
    to = StaticSelectElement(
        action_id=ActionId.INPUT, options=list(offered.values()), initial_option=offered[chosen]
    )
    text = PlainTextInputElement(
        action_id=ActionId.INPUT,
        multiline=True,
        max_length=2_500,
        initial_value=draft.text if draft else None,
    )
    blocks: list[Block] = [
        input_block(BlockId.AUDIENCE, "To", to),
        input_block(BlockId.TEXT, "Message", text),
    ]
    if draft is not None:
        blocks = [
            section(f"*This goes to {persons(counts[chosen][1])}, each by direct message:*"),
            section(f"{mention(by)} writes to you about {bold(event.title)}:"),
            SectionBlock(text=plain(draft.text)),
            context(when_and_where(event)),
            DividerBlock(),
            *blocks,
        ]
    metadata = {"event_id": event.event_id, "request_id": request_id, "previewed": previewed}
    return View(
        type="modal",
        callback_id=CallbackId.MESSAGE,
        private_metadata=json.dumps(metadata),
        title=plain("Message people"),
        submit=plain("Send" if draft else "Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def message_sent(outcome: Changed, audience: Audience) -> View:
    """Return that a message is on its way."""
    event = outcome.event
    if not outcome.changed:
        text = "This message was sent already. Nothing was sent twice."
    else:
        whom = {
            Audience.REGISTERED: f"the {event.registered_count:,} registered",
            Audience.WAITING: f"the {event.waitlist_count:,} waiting",
            Audience.EVERYONE: f"all {event.registered_count + event.waitlist_count:,} registered and waiting",
        }
        text = (
            f"Your message is on its way to {whom[audience]} in {bold(event.title)}."
            " If somebody can’t be reached, I’ll tell the organisers."
        )
    return note_modal("Message people", Message(text, [section(text)]))


def cancel_form(event: Event) -> View:
    """Return what cancelling means, and the button to do it."""
    told = event.registered_count + event.waitlist_count
    who = (
        f"{persons(told)} in it will be told" if told else "Nobody is in it, so that nobody is told"
    )
    return View(
        type="modal",
        callback_id=CallbackId.CANCEL_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Cancel event"),
        submit=plain("Cancel the event"),
        close=plain("Back"),
        blocks=[
            section(f"{bold(event.title)}\n{when_and_where(event)}"),
            section(
                f"{who}. Nobody can register any more, and it can’t be undone."
                " The list of people stays, until you delete the event."
            ),
        ],
    )


def cancelled(outcome: Changed) -> View:
    """Return that an event is called off."""
    event = outcome.event
    told = event.registered_count + event.waitlist_count
    text = f"{bold(event.title)} is cancelled."
    if not outcome.changed:
        text = f"{bold(event.title)} was cancelled already. Nothing was changed."
    elif told:
        text += f" {persons(told)} in it will be told."
    return note_modal("Cancel event", Message(text, [section(text)]))


def delete_form(event: Event) -> View:
    """Return what deleting means, and the form that has the title typed to confirm it."""
    told = event.registered_count + event.waitlist_count
    who = ""
    if told and event.status is not EventStatus.CANCELLED:
        who = f" {persons(told)} in it will be told."
    return View(
        type="modal",
        callback_id=CallbackId.DELETE_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Delete event"),
        submit=plain("Delete for good"),
        close=plain("Back"),
        blocks=[
            section(
                f"This deletes {bold(event.title)} with its list of people, for good.{who}"
                " To call it off and keep the list, cancel it instead."
            ),
            input_block(
                BlockId.CONFIRMATION,
                "To confirm, type the title of the event",
                line_element(200),
            ),
            SectionBlock(text=plain(event.title)),
        ],
    )


def deleted(event: Event, done: bool) -> View:
    """Return that an event is gone, or soon will be."""
    how = "is deleted" if done else "can’t be found any more, and its people are being taken out"
    text = f"{bold(event.title)} {how}."
    return note_modal("Delete event", Message(text, [section(text)]))


def card_form(event: Event, *, after: str) -> View:
    """Return the form that asks where to post a card of an event that has none newer than `after` (a `ts`)."""
    return View(
        type="modal",
        callback_id=CallbackId.POST_CARD,
        private_metadata=json.dumps({"event_id": event.event_id, "after": after}),
        title=plain("Post card"),
        submit=plain("Post"),
        close=plain("Back"),
        blocks=[section(bold(event.title)), channel_input(optional=False)],
    )


def card_posted(event: Event, trouble: str | None) -> View:
    """Return that a card stands in its channel, or why not."""
    text = trouble or f"The card of {bold(event.title)} is posted."
    return note_modal("Post card", Message(text, [section(text)]))


def capacity_form(event: Event, refused: CapacityPreview | None = None) -> View:
    """Return the form that asks for a new capacity; above it, why the last one can't be."""
    blocks: list[Block] = [section(f"{bold(event.title)}\n{occupancy(event)}")]
    initial = event.capacity
    if refused is not None:
        who = people(refused.affected, refused.affected_count)
        initial = refused.capacity
        blocks.append(
            section(
                f":warning: {refused.capacity} can’t be set: {persons(event.registered_count)} have a seat."
                f" The last to come were {who}. Nobody is removed by a smaller number: choose"
                f" {event.registered_count} or more, or remove people first."
            )
        )
    blocks.append(input_block(BlockId.CAPACITY, "Seats", number_element(initial)))
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Change capacity"),
        submit=plain("Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def capacity_preview(preview: CapacityPreview) -> View:
    """Return what a capacity would do, and a button to do it (R8.8); or why it can't be."""
    if preview.affected_count:
        return capacity_form(preview.event, preview)
    before, after = preview.event.capacity, preview.capacity
    if preview.promoted_count:
        who = people(preview.promoted, preview.promoted_count)
        tells = "tells them" if preview.promoted_count > 1 else "tells that person"
        text = f"{before} to {after} gives a seat to {who}, and {tells}."
    else:
        text = f"{before} to {after}: nobody’s place changes."
    return View(
        type="modal",
        callback_id=CallbackId.CAPACITY_CONFIRMED,
        private_metadata=json.dumps({"event_id": preview.event.event_id, "capacity": after}),
        title=plain("Change capacity"),
        submit=plain(f"Set to {after}"),
        close=plain("Back"),
        blocks=[section(f"{bold(preview.event.title)}\n{text}")],
    )
