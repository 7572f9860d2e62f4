"""Cards in channels: post one, remember one that was clicked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.context import Cards, Later
from bot.slack.error_messages import card_not_posted
from bot.slack.interactions import BlockAction
from bot.slack.refusals import SlackBusy
from domain.errors import Busy, NotConfirmed, RollcallError, UnknownEvent
from domain.models import Event

_logger = logging.getLogger(__name__)


def try_to_post_card(
    cards: Cards, event: Event, channel_id: str | None, *, after: str | None = None
) -> str | None:
    """Post an event's card as `Cards.post_card` does, if a channel was chosen.

    Return None, or what failed and how to fix it, in mrkdwn.
    """
    if channel_id is None:
        return None
    try:
        cards.post_card(event, channel_id, after=after)
    except FAILURES as error:
        failure = classify(error)
        if failure.error_class is not ErrorClass.RECIPIENT:
            is_alarm = failure.error_class in (ErrorClass.APP, ErrorClass.BUG)
            _logger.log(
                logging.ERROR if is_alarm else logging.WARNING,
                "the card of %s was not posted in %s: %s",
                *(event.event_id, channel_id, failure.reason),
            )
        return card_not_posted(event, failure)
    return None


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
