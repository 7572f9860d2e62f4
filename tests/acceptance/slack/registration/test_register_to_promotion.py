"""The main path: from `/register` to the promotion message."""

from __future__ import annotations

from bot.blocks.ids import ActionId, BlockId
from playground.demo.seed import EVENTS
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, Town, answer, shown


def test_register_promotion_and_capacity_increase(town: Town) -> None:
    """Three users register, one unregisters, one is promoted, and capacity is increased."""
    card = town.card(town.event())
    assert sentences.taken(0, 2) in shown(card)
    assert sentences.seat() in answer(town.slack.click(BJORN, card, ActionId.REGISTER))
    town.slack.command(CHLOE, EVENTS, "/register", "yoga")
    seen = town.slack.click(DIEGO, card, ActionId.REGISTER)
    assert sentences.waitlisted(1) in answer(seen)
    assert sentences.taken(2, 2, waitlist=1) in town.card_now()

    asked = town.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(back=1, heir=True) in answer(asked)
    left = town.slack.click(BJORN, asked.ephemeral[-1], ActionId.UNREGISTER_CONFIRMED)
    assert sentences.unregistered() in answer(left)
    town.settle()
    (told,) = town.told(DIEGO)
    assert sentences.promoted() in told
    assert sentences.taken(2, 2) in town.card_now()
    assert "on the waitlist" not in town.card_now()

    town.slack.click(AMARA, card, ActionId.MANAGE)
    manage = town.workspace.views.stack(AMARA)[-1]
    town.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = town.workspace.views.stack(AMARA)[-1]
    preview = town.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
    assert "from 2 to 4" in answer(preview)
    form = town.workspace.views.stack(AMARA)[-1]
    town.slack.submit(AMARA, form.id, {})
    assert sentences.taken(2, 4) in town.card_now()
    assert town.sound().seated("yoga") == [CHLOE, DIEGO]
