"""Messages from an organizer to attendees: the form, its preview, and the confirmation (R8.8)."""

from __future__ import annotations

import json

from slack_sdk.models.blocks import (
    Block,
    DividerBlock,
    PlainTextInputElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.builders import Message, context, paragraphs, plain, section, warning
from bot.blocks.formatting import headcount
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block, option
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold, mention
from bot.blocks.recurrence_text import Repeated, when_or_rule
from bot.slack.error_messages import FieldProblem
from domain.commands import ChangeOutcome
from domain.enums import Audience
from domain.errors import Invalid
from domain.inputs import AnnouncementDraft
from domain.models import Event


def announcement_form(
    event: Event,
    *,
    request_id: str,
    draft: AnnouncementDraft | None = None,
    previewed: str = "",
    by: str = "",
    is_changed: bool = False,
) -> View:
    """Ask for a message to attendees. With a draft, show a preview above the form.

    `previewed` is the draft's fingerprint. The message is sent if it is submitted as previewed and has
    recipients. `is_changed` says that it differs from an earlier preview.
    """
    counts = _counts(event)
    labels = _AUDIENCES if event.series is None else _OF_SERIES
    offered = {
        audience: option(f"{label} ({headcount(counts[audience])})", audience)
        for audience, label in labels.items()
    }
    chosen = draft.audience if draft else next(iter(labels))
    if chosen not in labels:
        raise Invalid(BlockId.AUDIENCE, FieldProblem.NO_AUDIENCE)
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
    if event.series is not None:
        blocks.insert(0, context(ABOUT_SERIES))
    if draft is not None and not counts[chosen]:
        previewed = ""
        no_one = _NO_ONE[chosen] if event.series is None else "No one is registered for all of it"
        blocks = [warning(f"{no_one}, so no one would get this."), *blocks]
    elif draft is not None:
        changed = "Your message changed, so it hasn’t been sent yet. " if is_changed else ""
        goes_to = f"{changed}{headcount(counts[chosen])} will get this by direct message:"
        blocks = [
            section(f"*{goes_to}*"),
            *announcement_blocks(mention(by), event, draft.text),
            DividerBlock(),
            *blocks,
        ]
    metadata = {"event_id": event.event_id, "request_id": request_id, "previewed": previewed}
    return View(
        type="modal",
        callback_id=CallbackId.ANNOUNCEMENT,
        private_metadata=json.dumps(metadata),
        title=plain(_TITLE),
        submit=plain("Send" if previewed else "Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def announcement_blocks(author: str, event: Repeated, text: str) -> list[Block]:
    """Show a message as its recipients get it. `author` is mrkdwn."""
    return [
        section(f"{author} sent you a message about {bold(event.title)}:"),
        paragraphs(text),
        context(when_or_rule(event)),
    ]


def announcement_sent(outcome: ChangeOutcome, audience: Audience) -> View:
    """Confirm that a message is on its way."""
    event = outcome.event
    if not outcome.changed:
        text = "This message was already sent. It wasn’t sent again."
    else:
        count = headcount(_counts(event)[audience])
        text = (
            f"Your message about {bold(event.title)} is on its way to {count}."
            " If anyone can’t be reached, I’ll message the organizers."
        )
    return note_modal(_TITLE, Message(text, [section(text)]), close="Back")


_TITLE = "Message attendees"

_AUDIENCES = {
    Audience.REGISTERED: "Everyone registered",
    Audience.WAITLISTED: "Everyone on the waitlist",
    Audience.EVERYONE: "Everyone",
}

_OF_SERIES = {Audience.EVERYONE: "Everyone registered for all of the series"}

ABOUT_SERIES = "To reach everyone registered for one date, press *Manage* next to that date."

_NO_ONE = {
    Audience.REGISTERED: "No one is registered",
    Audience.WAITLISTED: "No one is on the waitlist",
    Audience.EVERYONE: "No one is registered or on the waitlist",
}


def _counts(event: Event) -> dict[Audience, int]:
    return {
        Audience.REGISTERED: event.registered_count,
        Audience.WAITLISTED: event.waitlist_count,
        Audience.EVERYONE: event.registered_count + event.waitlist_count,
    }
