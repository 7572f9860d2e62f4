"""Cards in channels: wait for one that was asked for, remember one that was clicked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.slack.context import AppContext, Cards, CardStatus, Later
from bot.slack.interactions import BlockAction
from bot.slack.refusals import SlackBusy
from domain.errors import Busy, NotConfirmed, RollcallError, UnknownEvent

CARD_SECONDS = 1.0
"""Seconds that a form's reply waits for the card at most. The request is stored by then, and no crash loses it."""


def wait_for_card(
    context: AppContext, event_id: str, version: int, channel_id: str
) -> CardStatus | None:
    """Wait a moment for the card that a version of the event requests, within the request's time.

    Return None if that version requests no card.
    """
    seconds = min(CARD_SECONDS, context.service.seconds_left())
    return context.cards.wait_for_card(event_id, version, channel_id, seconds=seconds)


@contextmanager
def remembering_card(
    cards: Cards, later: Later, action: BlockAction, *, event_id: str
) -> Iterator[None]:
    """Remember the card that was clicked, soon after the click is handled or refused.

    A refusal shows that the card is out of date; a card that is remembered gets updated.
    """
    try:
        yield
    except (UnknownEvent, Busy, NotConfirmed, SlackBusy):
        # There is nothing to show, or no time left to store the card.
        raise
    except RollcallError:
        _remember(cards, later, action, event_id)
        raise
    _remember(cards, later, action, event_id)


def _remember(cards: Cards, later: Later, action: BlockAction, event_id: str) -> None:
    card = action.card
    if card is not None:
        later(
            f"card {card.channel_id} {card.message_ts}",
            lambda: cards.remember_card(event_id, card.channel_id, card.message_ts),
        )
