"""A card that is not stored yet is stored once someone presses it (R8.3)."""

from __future__ import annotations

import pytest

from bot.blocks.ids import ActionId
from bot.features.cards.views import event_card
from domain.models import Event
from playground.demo.seed import EVENTS
from playground.workspace.model import Message
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, answer


def unknown_card(town: Town, event: Event) -> Message:
    """Post a card that is not stored, as if the process stopped before it could store it."""
    posted = town.client.chat_postMessage(channel=EVENTS, **event_card(event).to_dict())
    assert town.store.get_cards(event.event_id) == ()
    return town.workspace.message(EVENTS, posted["ts"])


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (ActionId.REGISTER, "is full"),
        (ActionId.UNREGISTER, sentences.not_registered()),
        (ActionId.MANAGE, sentences.NOT_ORGANIZER),
    ],
)
def test_refused_press_updates_unknown_card(town: Town, action: ActionId, says: str) -> None:
    card = unknown_card(town, town.event(capacity=1, has_waitlist=False))
    town.register(CHLOE)
    assert says in answer(town.slack.click(BJORN, card, action))
    assert "1 of 1 seat taken · full" in town.card_now()


def test_press_on_card_of_deleted_event_stores_nothing(town: Town) -> None:
    card = unknown_card(town, town.event())
    town.bot.service.delete_event("yoga")
    assert sentences.EVENT_GONE in answer(town.slack.click(BJORN, card, ActionId.REGISTER))
    assert town.store.get_cards("yoga") == ()
