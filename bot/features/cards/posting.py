"""Cards in channels: whether one is private, posting with a word on what went wrong, remembering those pressed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from slack_sdk import WebClient

from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.context import Cards
from bot.slack.error_messages import card_not_posted
from bot.slack.interactions import Payload, source
from domain.errors import Busy, NotConfirmed, RollcallError, UnknownEvent
from domain.models import Event

_logger = logging.getLogger(__name__)


def is_private(client: WebClient, channel_id: str | None) -> bool:
    """Return whether a channel is private: as one is that the app can't see. None: no channel, no."""
    if channel_id is None:
        return False
    try:
        return bool(client.conversations_info(channel=channel_id)["channel"].get("is_private"))
    except FAILURES:
        return True


def posted(
    cards: Cards, event: Event, channel_id: str | None, *, after: str | None = None
) -> str | None:
    """Post an event's card as `Cards` does; return how to mend it where that failed, in mrkdwn."""
    if channel_id is None:
        return None
    try:
        cards.announce(event, channel_id, after=after)
    except FAILURES as error:
        verdict = classify(error)
        is_outside = verdict.reason in ("not_in_channel", "channel_not_found")
        if not is_outside:
            _logger.warning(
                "card of %s not posted in %s: %s", event.event_id, channel_id, verdict.reason
            )
        return card_not_posted(
            event,
            verdict.reason,
            is_outside=is_outside,
            is_unsure=verdict.error_class is ErrorClass.LATER,
        )
    return None


@contextmanager
def pressed(cards: Cards, body: Payload, event_id: str) -> Iterator[None]:
    """Remember the card that was pressed, after the work; also where that was refused.

    A refusal is what a card leads to that shows what is no longer so.
    """
    try:
        yield
    except (UnknownEvent, Busy, NotConfirmed):
        # There is nothing to show, or no time left to write it down.
        raise
    except RollcallError:
        _adopt(cards, body, event_id)
        raise
    _adopt(cards, body, event_id)


def _adopt(cards: Cards, body: Payload, event_id: str) -> None:
    card = source(body)
    if card.is_card and card.channel_id and card.message_ts:
        cards.adopt(event_id, card.channel_id, card.message_ts)
