"""Modals that only say something, and the picker of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import ExternalDataSelectElement, InputBlock
from slack_sdk.models.views import View

from bot.blocks.builders import Message, plain
from bot.blocks.formatting import plain_when
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import option_list
from bot.blocks.mrkdwn import contained, shortened
from domain.models import ListedEvent, UserRegistration


def note_modal(title: str, message: Message, *, close: str = "Close") -> View:
    """Return a modal that only says something. `close` is the label of the way out."""
    return View(
        type="modal",
        callback_id=CallbackId.NOTE,
        title=plain(title),
        close=plain(close),
        blocks=list(message.blocks),
    )


def picker(callback_id: CallbackId) -> View:
    """Return the form that asks for an event."""
    label = _label(callback_id)
    select = ExternalDataSelectElement(
        action_id=ActionId.EVENT, placeholder=plain("Type a part of the title"), min_query_length=0
    )
    return View(
        type="modal",
        callback_id=callback_id,
        title=plain(f"{label}: which event?"),
        submit=plain(label),
        close=plain("Cancel"),
        blocks=[InputBlock(block_id=BlockId.EVENT, label=plain("Event"), element=select)],
    )


def picked(callback_id: CallbackId, message: Message) -> View:
    """Return what became of the event picked, in the place of the form."""
    return note_modal(_label(callback_id), message)


def _label(callback_id: CallbackId) -> str:
    return "Leave" if callback_id is CallbackId.UNREGISTER else "Register"


def event_options(events: Sequence[ListedEvent]) -> dict[str, Any]:
    """Return the open events as the options of a select."""
    return option_list(
        (
            f"{contained(shortened(event.title, 50))} · {event.starts_at:%a %d %b, %H:%M} UTC",
            event.event_id,
        )
        for event in events[:100]
    )


def own_options(own: Sequence[UserRegistration]) -> dict[str, Any]:
    """Return one's own events as the options of a select."""
    return option_list(
        (
            f"{contained(shortened(one.event.title, 50))} · {plain_when(one.event)}",
            one.event.event_id,
        )
        for one in own[:100]
    )
