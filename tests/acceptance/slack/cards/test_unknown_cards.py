"""A card that the store does not know is remembered once somebody presses it, whatever comes of that (R8.3)."""

from __future__ import annotations

import pytest

from bot.blocks.ids import ActionId
from bot.features.cards.views import event_card
from domain.models import Event
from playground.demo.seed import EVENTS
from playground.workspace.model import Message
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, answer


def unknown_card(harness: SlackHarness, event: Event) -> Message:
    """Post a card that nobody remembers: the process stopped before it could be stored."""
    posted = harness.client.chat_postMessage(channel=EVENTS, **event_card(event).to_dict())
    assert harness.store.get_cards(event.event_id) == ()
    return harness.workspace.message(EVENTS, posted["ts"])


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (ActionId.REGISTER, "is full: 1 of 1 seat taken"),
        (ActionId.LEAVE, "You are not in *Yoga in the park*"),
        (ActionId.MANAGE, "Only the organizers"),
    ],
)
def test_a_refused_press_makes_an_unknown_card_show_what_is_so(
    harness: SlackHarness, action: ActionId, says: str
) -> None:
    card = unknown_card(harness, harness.event(capacity=1, has_waitlist=False))
    harness.register(CHLOE)
    assert says in answer(harness.slack.click(BJORN, card, action))
    assert "1 of 1 seats · full" in harness.current_card_text()


def test_a_press_on_a_card_of_no_event_remembers_nothing(harness: SlackHarness) -> None:
    card = unknown_card(harness, harness.event())
    harness.bot.service.delete_event("yoga")
    assert "no longer exists" in answer(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert harness.store.get_cards("yoga") == ()
