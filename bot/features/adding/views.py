"""The form that adds people to an event, its preview, and the confirmation (R12.4)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block, DividerBlock, UserMultiSelectElement
from slack_sdk.models.views import View

from bot.blocks.builders import Message, context, plain, section, warning
from bot.blocks.formatting import headcount, ordinal
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold, mention, mention_list
from bot.features.cards.views import occupancy
from domain.commands import AddOutcome, Attendee
from domain.inputs import MAX_ADDED
from domain.models import Event


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would be added how, and who can't be added. `outcome` is None if that is everybody."""

    outcome: AddOutcome | None
    unable: Sequence[str]


def adding_form(
    event: Event,
    *,
    request_id: str,
    chosen: Sequence[str] = (),
    preview: Preview | None = None,
    previewed: str = "",
) -> View:
    """Ask whom to add. With a preview, say above the form who gets a seat and who joins the waitlist.

    `previewed` is the fingerprint of the people in the preview: they are added if it is submitted again.
    """
    people = UserMultiSelectElement(
        action_id=ActionId.INPUT,
        max_selected_items=MAX_ADDED,
        initial_users=list(chosen) or None,
    )
    form = input_block(
        BlockId.PEOPLE,
        "People",
        people,
        hint="Free seats are given out in this order. Everyone else joins the end of the waitlist.",
    )
    blocks: list[Block] = [section(f"{bold(event.title)}\n{occupancy(event)}"), form]
    if preview is not None:
        lines = _lines(preview)
        can_add = preview.outcome is not None and bool(preview.outcome.added)
        if can_add:
            top: list[Block] = [section("\n".join(lines)), context(_NOTIFIED)]
        else:
            previewed = ""
            top = [warning("There’s no one to add."), section("\n".join(lines))]
        blocks = [blocks[0], *top, DividerBlock(), form]
    metadata = {"event_id": event.event_id, "request_id": request_id, "previewed": previewed}
    return View(
        type="modal",
        callback_id=CallbackId.ADD_PEOPLE,
        private_metadata=json.dumps(metadata),
        title=plain(_TITLE),
        submit=plain("Add" if previewed else "Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def people_added(outcome: AddOutcome) -> View:
    """Say who was added how, and who was in already."""
    title, count = bold(outcome.event.title), len(outcome.added)
    text = f"No one was added to {title}: everyone was in already."
    if count:
        are = "has" if count == 1 else "have"
        text = f"{headcount(count)} {are} been added to {title}. {_NOTIFIED}"
    lines = [text, *_how(outcome)]
    return note_modal(_TITLE, Message(text, [section("\n".join(lines))]), close="Back")


_TITLE = "Add people"
_NOTIFIED = "Everyone who is added gets a direct message."


def _lines(preview: Preview) -> list[str]:
    lines = _how(preview.outcome) if preview.outcome else []
    if preview.unable:
        names = mention_list(preview.unable, len(preview.unable))
        lines.append(
            f"Can’t be added: {names}. Only active people in this workspace can, and no apps."
        )
    return lines


def _how(outcome: AddOutcome) -> list[str]:
    """Return who gets a seat, who is on the waitlist at which position, and who was in already."""
    seats = [one for one in outcome.added if one.position is None]
    waitlisted = [one for one in outcome.added if one.position is not None]
    lines = []
    if seats:
        lines.append(f"*Seat:* {', '.join(map(_name, seats))}")
    if waitlisted:
        lines.append(f"*Waitlist:* {', '.join(map(_name_and_position, waitlisted))}")
    if outcome.present:
        present = (
            _name(one) if one.position is None else _name_and_position(one)
            for one in outcome.present
        )
        lines.append(f"*In already:* {', '.join(present)}")
    return lines


def _name(attendee: Attendee) -> str:
    return mention(attendee.registration.user_id)


def _name_and_position(attendee: Attendee) -> str:
    return f"{_name(attendee)} ({ordinal(attendee.position or 0)})"
