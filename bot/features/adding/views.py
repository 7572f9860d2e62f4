"""The form that adds people to an event, its preview, and the confirmation (R12.4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block, DividerBlock, UserMultiSelectElement
from slack_sdk.models.views import View

from bot.blocks.builders import Message, context, note, plain, section, warning
from bot.blocks.formatting import headcount, ordinal
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold, mention
from bot.features.cards.views import occupancy
from domain.commands import AddOutcome, Attendee
from domain.inputs import MAX_ADDED
from domain.models import Event


@dataclass(frozen=True, slots=True)
class Preview:
    """How each person would be added, and who can't be. `outcome` is None if no one can be added.

    `is_changed` says that an earlier preview had others.
    """

    outcome: AddOutcome | None
    unable: Sequence[str]
    is_changed: bool = False


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
    select = UserMultiSelectElement(
        action_id=ActionId.INPUT,
        max_selected_items=MAX_ADDED,
        initial_users=list(chosen) or None,
    )
    form = input_block(
        BlockId.ATTENDEES,
        "People",
        select,
        hint="Free seats are given out in this order. Everyone else joins the end of the waitlist.",
    )
    blocks: list[Block] = [section(f"{bold(event.title)}\n{occupancy(event)}"), form]
    if preview is not None:
        top = _preview_blocks(preview)
        if preview.outcome is None or not preview.outcome.added:
            previewed = ""
            top = [warning(NO_ONE), *top]
        elif preview.is_changed:
            top = [warning(LIST_CHANGED), *top]
        blocks = [blocks[0], *top, DividerBlock(), form]
    metadata = {"event_id": event.event_id, "request_id": request_id, "previewed": previewed}
    return View(
        type="modal",
        callback_id=CallbackId.ADD_ATTENDEES,
        private_metadata=json.dumps(metadata),
        title=plain(_TITLE),
        submit=plain("Add" if previewed else "Preview"),
        close=plain("Back"),
        blocks=blocks,
    )


def attendees_added(outcome: AddOutcome) -> View:
    """Show that people were added, in place of the form."""
    return note_modal(_TITLE, addition_message(outcome), close="Back")


def addition_message(outcome: AddOutcome) -> Message:
    """Say who was added how, and who was in already."""
    title, count = bold(outcome.event.title), len(outcome.added)
    if outcome.is_repeated:
        text = f"These people were already added to {title}. No one was added twice."
    elif not count:
        text = f"No one was added to {title}: everyone was in already."
    else:
        have, they = ("has", "They’ll get") if count == 1 else ("have", "Each gets")
        text = f"{headcount(count)} {have} been added to {title}. {they} a direct message."
    return note(text, *_groups(outcome, "Got a seat", "Joined the waitlist"))


NO_ONE = "There’s no one to add."
LIST_CHANGED = "The list changed, so no one has been added yet."

_TITLE = "Add people"
_NOTIFIED = "Everyone you add gets a direct message."


def _preview_blocks(preview: Preview) -> list[Block]:
    outcome = preview.outcome
    blocks = _groups(outcome, "Will get a seat", "Will join the waitlist") if outcome else []
    blocks += _group("Can’t be added", map(mention, preview.unable))
    if preview.unable:
        blocks.append(
            context("Only people who are active in this workspace can be added, not apps.")
        )
    if outcome and outcome.added:
        blocks.append(context(_NOTIFIED))
    return blocks


def _groups(outcome: AddOutcome, with_seat: str, on_waitlist: str) -> list[Block]:
    """Show under these labels who has a seat, and who is waitlisted at which position; then who was in already."""
    seated = [one for one in outcome.added if one.position is None]
    waitlisted = [one for one in outcome.added if one.position is not None]
    return [
        *_group(with_seat, map(_name, seated)),
        *_group(on_waitlist, map(_name, waitlisted)),
        *_group("Already in", map(_name, outcome.present)),
    ]


NAMES_IN_SECTION = 25
"""Names in one section: with the longest ids, they fit into its 3,000 characters."""


def _group(label: str, names: Iterable[str]) -> list[Block]:
    rest = list(names)
    lines = [
        ", ".join(rest[first : first + NAMES_IN_SECTION])
        for first in range(0, len(rest), NAMES_IN_SECTION)
    ]
    return [
        section(f"*{label} ({len(rest)}):* {line}" if not number else line)
        for number, line in enumerate(lines)
    ]


def _name(attendee: Attendee) -> str:
    name = mention(attendee.registration.user_id)
    return name if attendee.position is None else f"{name} ({ordinal(attendee.position)})"
