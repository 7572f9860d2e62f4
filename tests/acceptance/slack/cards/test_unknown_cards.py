"""A card that is not stored yet is stored once someone presses it (R8.3)."""

from __future__ import annotations

import pytest

from bot.blocks.ids import ActionId
from bot.features.cards.views import event_card
from domain.models import Event
from playground.demo.seed import EVENTS
from playground.workspace.model import Message
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, reply


def unknown_card(harness: SlackHarness, event: Event) -> Message:
    """Post a card that is not stored, as if the process stopped before it could store it."""
    posted = harness.client.chat_postMessage(channel=EVENTS, **event_card(event).to_dict())
    assert harness.store.get_cards(event.event_id) == ()
    return harness.workspace.message(EVENTS, posted["ts"])


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (ActionId.REGISTER, "is full"),
        (ActionId.UNREGISTER, sentences.not_registered()),
        (ActionId.MANAGE, sentences.NOT_ORGANIZER),
    ],
)
def test_refused_press_updates_unknown_card(
    harness: SlackHarness, action: ActionId, says: str
) -> None:
    card = unknown_card(harness, harness.event(capacity=1, has_waitlist=False))
    harness.register(CHLOE)
    assert says in reply(harness.slack.click(BJORN, card, action))
    assert "1 of 1 seat taken · full" in harness.current_card_text()


def test_press_on_card_of_deleted_event_stores_nothing(harness: SlackHarness) -> None:
    card = unknown_card(harness, harness.event())
    harness.bot.service.delete_event("yoga")
    assert sentences.EVENT_GONE in reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert harness.store.get_cards("yoga") == ()
