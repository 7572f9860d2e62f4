"""The main path: from `/register` to the promotion message."""

from __future__ import annotations

from bot.blocks.ids import ActionId, BlockId
from playground.demo.seed import EVENTS
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, reply, shown


def test_register_promotion_and_capacity_increase(harness: SlackHarness) -> None:
    """Three users register, one unregisters, one is promoted, and capacity is increased."""
    card = harness.card(harness.event())
    assert sentences.taken(0, 2) in shown(card)
    assert sentences.seat() in reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    harness.slack.command(CHLOE, EVENTS, "/register", "yoga")
    result = harness.slack.click(DIEGO, card, ActionId.REGISTER)
    assert sentences.waitlisted(1) in reply(result)
    assert sentences.taken(2, 2, waitlist=1) in harness.current_card_text()

    asked = harness.slack.click(BJORN, card, ActionId.UNREGISTER)
    assert sentences.question(back=1, heir=True) in reply(asked)
    left = harness.slack.click(BJORN, asked.ephemeral[-1], ActionId.UNREGISTER_CONFIRMED)
    assert sentences.unregistered() in reply(left)
    harness.deliver_due()
    (message,) = harness.direct_messages(DIEGO)
    assert sentences.promoted() in message
    assert sentences.taken(2, 2) in harness.current_card_text()
    assert "on the waitlist" not in harness.current_card_text()

    harness.slack.click(AMARA, card, ActionId.MANAGE)
    manage = harness.workspace.views.stack(AMARA)[-1]
    harness.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = harness.workspace.views.stack(AMARA)[-1]
    preview = harness.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
    assert "from 2 to 4" in reply(preview)
    form = harness.workspace.views.stack(AMARA)[-1]
    harness.slack.submit(AMARA, form.id, {})
    assert sentences.taken(2, 4) in harness.current_card_text()
    assert harness.assert_invariants().seated("yoga") == [CHLOE, DIEGO]
