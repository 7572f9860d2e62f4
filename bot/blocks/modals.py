"""Modals that show a message, and the event picker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import ExternalDataSelectElement, InputBlock
from slack_sdk.models.views import View

from bot.blocks.builders import Message, plain
from bot.blocks.formatting import plain_time
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import option_list
from bot.blocks.mrkdwn import contained, shortened
from domain.models import Event, ListedEvent, UserRegistration


def note_modal(title: str, message: Message, *, close: str = "Close") -> View:
    """Show a message in a modal. `close` labels the button that closes it."""
    return View(
        type="modal",
        callback_id=CallbackId.NOTE,
        title=plain(title),
        close=plain(close),
        blocks=list(message.blocks),
    )


def picker(callback_id: CallbackId) -> View:
    """Ask for an event."""
    label = _label(callback_id)
    title = "Unregister from an event" if label == "Unregister" else "Register for an event"
    select = ExternalDataSelectElement(
        action_id=ActionId.EVENT, placeholder=plain("Type part of the title"), min_query_length=0
    )
    return View(
        type="modal",
        callback_id=callback_id,
        title=plain(title),
        submit=plain(label),
        close=plain("Cancel"),
        blocks=[InputBlock(block_id=BlockId.EVENT, label=plain("Event"), element=select)],
    )


def picked(message: Message) -> View:
    """Show the result in place of the picker. It may lead to another one: one can register again."""
    return note_modal(message.title, message)


def _label(callback_id: CallbackId) -> str:
    return "Unregister" if callback_id is CallbackId.UNREGISTER else "Register"


def event_options(events: Sequence[ListedEvent], time_zone: str, now: datetime) -> dict[str, Any]:
    """Return open events as select options, with their starts in the reader's zone."""
    return option_list((_event_label(one, time_zone, now), one.event_id) for one in events[:100])


def registration_options(
    registrations: Sequence[UserRegistration], time_zone: str, now: datetime
) -> dict[str, Any]:
    """Return a user's registrations as select options, with the events' starts in the user's zone."""
    events = [one.event for one in registrations[:100]]
    return option_list((_event_label(event, time_zone, now), event.event_id) for event in events)


def _event_label(event: ListedEvent | Event, time_zone: str, now: datetime) -> str:
    when = f" · {plain_time(event.starts_at, time_zone, now)}"
    return f"{contained(shortened(event.title, _LABEL_LENGTH - len(when)))}{when}"


_LABEL_LENGTH = 75 - 10
"""Characters of an option's label, without those that may close a title's text direction marks."""
