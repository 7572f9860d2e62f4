"""From `/register` to the promotion message: the path that the product is for."""

from __future__ import annotations

from bot.blocks.ids import ActionId, BlockId
from playground.demo.seed import EVENTS
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, Town, answer, shown


def test_two_seats_three_members_a_promotion_and_a_raise(town: Town) -> None:
    """Create, register three, leave, promote, raise: every screen says what is so."""
    card = town.card(town.event())
    assert "0 of 2 seats" in shown(card)
    assert "You have a seat in *Yoga in the park*" in answer(
        town.slack.click(BJORN, card, ActionId.REGISTER)
    )
    town.slack.command(CHLOE, EVENTS, "/register", "yoga")
    seen = town.slack.click(DIEGO, card, ActionId.REGISTER)
    assert "You are 1st in line" in answer(seen)
    assert "2 of 2 seats · 1 waiting" in town.card_now()

    asked = town.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert "goes to the next in line" in answer(asked)
    left = town.slack.click(BJORN, asked.ephemeral[-1], ActionId.UNREGISTER_CONFIRMED)
    assert "You gave up your seat" in answer(left)
    town.settle()
    (told,) = town.told(DIEGO)
    assert "A seat came free: you have a seat in *Yoga in the park*" in told
    assert "2 of 2 seats" in town.card_now()
    assert "waiting" not in town.card_now()

    town.slack.click(AMARA, card, ActionId.MANAGE)
    manage = town.workspace.views.stack(AMARA)[-1]
    town.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = town.workspace.views.stack(AMARA)[-1]
    preview = town.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
    assert "2 to 4" in answer(preview)
    form = town.workspace.views.stack(AMARA)[-1]
    town.slack.submit(AMARA, form.id, {})
    assert "2 of 4 seats" in town.card_now()
    assert town.sound().seated("yoga") == [CHLOE, DIEGO]
