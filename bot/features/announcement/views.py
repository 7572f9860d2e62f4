"""A message of an organizer to an event's people: written, looked at, sent (R8.8)."""

from __future__ import annotations

import json

from slack_sdk.models.blocks import (
    Block,
    DividerBlock,
    PlainTextInputElement,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.formatting import (
    Message,
    bold,
    context,
    mention,
    persons,
    plain,
    section,
    when_and_where,
)
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block, option
from bot.blocks.modals import note_modal
from domain.commands import ChangeOutcome
from domain.enums import Audience
from domain.inputs import MessageDraft
from domain.models import Event


def message_form(
    event: Event,
    *,
    request_id: str,
    draft: MessageDraft | None = None,
    previewed: str = "",
    by: str = "",
    is_changed: bool = False,
) -> View:
    """Return the form for words to an event's people; with a draft, what they will get stands above it.

    `previewed` is the draft's fingerprint: it is sent once it is submitted as it was shown, unless nobody
    would get it. `is_changed` says that another preview stood there when it was submitted.
    """
    counts = {
        Audience.REGISTERED: ("Everyone registered", event.registered_count),
        Audience.WAITLISTED: ("Everyone waiting", event.waitlist_count),
        Audience.EVERYONE: ("Both", event.registered_count + event.waitlist_count),
    }
    offered = {
        audience: option(f"{label} ({persons(count)})", audience)
        for audience, (label, count) in counts.items()
    }
    chosen = draft.audience if draft else Audience.REGISTERED
    is_for_nobody = draft is not None and counts[chosen][1] == 0
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
    if is_for_nobody:
        previewed = ""
        blocks = [section(f":warning: {_NOBODY[chosen]}, so that nobody would get this."), *blocks]
    elif draft is not None:
        changed = "You changed it, so that it is not sent yet. " if is_changed else ""
        blocks = [
            section(
                f"*{changed}This goes to {persons(counts[chosen][1])}, each by direct message:*"
            ),
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
        submit=plain("Send" if previewed else "Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


_NOBODY = {
    Audience.REGISTERED: "Nobody is registered",
    Audience.WAITLISTED: "Nobody is waiting",
    Audience.EVERYONE: "Nobody is registered or waiting",
}


def message_sent(outcome: ChangeOutcome, audience: Audience) -> View:
    """Return that a message is on its way."""
    event = outcome.event
    if not outcome.changed:
        text = "This message was sent already. Nothing was sent twice."
    else:
        whom = {
            Audience.REGISTERED: f"the {event.registered_count:,} registered",
            Audience.WAITLISTED: f"the {event.waitlist_count:,} waiting",
            Audience.EVERYONE: f"all {event.registered_count + event.waitlist_count:,} registered and waiting",
        }
        text = (
            f"Your message is on its way to {whom[audience]} in {bold(event.title)}."
            " If somebody can’t be reached, I’ll tell the organizers."
        )
    return note_modal("Message people", Message(text, [section(text)]), close="Back")
