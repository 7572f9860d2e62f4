"""Modals that show a message, and the event picker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import ExternalDataSelectElement, InputBlock
from slack_sdk.models.views import View

from bot.blocks.builders import Message, plain
from bot.blocks.formatting import plain_time
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import option_list
from bot.blocks.mrkdwn import contained, shortened
from domain.inputs import utf16_length
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


MAX_OPTIONS = 100


def event_options(
    events: Sequence[ListedEvent],
    time_zone: str,
    now: datetime,
    locations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return open events as select options, with their starts in the reader's zone.

    `locations` has the locations of events with the same title and start (see `alike`), by id.
    """
    return option_list(
        (_event_label(one, time_zone, now, (locations or {}).get(one.event_id, "")), one.event_id)
        for one in events[:MAX_OPTIONS]
    )


def registration_options(
    registrations: Sequence[UserRegistration], time_zone: str, now: datetime
) -> dict[str, Any]:
    """Return a user's registrations as select options, with the events' starts in the user's zone."""
    events = [one.event for one in registrations[:MAX_OPTIONS]]
    ids = alike(events)
    return option_list(
        (
            _event_label(one, time_zone, now, one.location if one.event_id in ids else ""),
            one.event_id,
        )
        for one in events
    )


def alike(events: Sequence[ListedEvent | Event]) -> list[str]:
    """Return the ids of those among the first events that have another's title and start: only the location differs."""
    shown = events[:MAX_OPTIONS]
    counts = Counter((one.title, one.starts_at) for one in shown)
    return [one.event_id for one in shown if counts[one.title, one.starts_at] > 1]


def _event_label(
    event: ListedEvent | Event, time_zone: str, now: datetime, location: str = ""
) -> str:
    is_series = event.series is not None if isinstance(event, Event) else event.is_series
    when = f" · {'all of the series' if is_series else plain_time(event.starts_at, time_zone, now)}"
    where = f" · {contained(shortened(location, _LOCATION_LENGTH))}" if location else ""
    title = shortened(event.title, _LABEL_LENGTH - utf16_length(when) - utf16_length(where))
    return f"{contained(title)}{where}{when}"


_LOCATION_LENGTH = 20

_LABEL_LENGTH = 75 - 10
"""Characters of an option's label, without those that may close a title's text direction marks."""
