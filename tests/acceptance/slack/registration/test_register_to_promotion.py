"""From `/register` to the promotion message: the path that the product is for."""

from __future__ import annotations

from bot.blocks.ids import ActionId, BlockId
from playground.demo.seed import EVENTS
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, answer, shown


def test_two_seats_three_members_a_promotion_and_a_raise(harness: SlackHarness) -> None:
    """Create, register three, leave, promote, raise: every screen says what is so."""
    card = harness.card(harness.event())
    assert "0 of 2 seats" in shown(card)
    assert "You have a seat in *Yoga in the park*" in answer(
        harness.slack.click(BJORN, card, ActionId.REGISTER)
    )
    harness.slack.command(CHLOE, EVENTS, "/register", "yoga")
    seen = harness.slack.click(DIEGO, card, ActionId.REGISTER)
    assert "You are 1st in line" in answer(seen)
    assert "2 of 2 seats · 1 waiting" in harness.current_card_text()

    asked = harness.slack.click(BJORN, card, ActionId.LEAVE)
    assert "goes to the next in line" in answer(asked)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.LEAVE_CONFIRMED)
    assert "You gave up your seat" in answer(left)
    harness.deliver_due()
    (told,) = harness.direct_messages(DIEGO)
    assert "A seat came free: you have a seat in *Yoga in the park*" in told
    assert "2 of 2 seats" in harness.current_card_text()
    assert "waiting" not in harness.current_card_text()

    harness.slack.click(AMARA, card, ActionId.MANAGE)
    manage = harness.workspace.views.stack(AMARA)[-1]
    harness.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = harness.workspace.views.stack(AMARA)[-1]
    preview = harness.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
    assert "2 to 4" in answer(preview)
    form = harness.workspace.views.stack(AMARA)[-1]
    harness.slack.submit(AMARA, form.id, {})
    assert "2 of 4 seats" in harness.current_card_text()
    assert harness.assert_invariants().seated("yoga") == [CHLOE, DIEGO]
