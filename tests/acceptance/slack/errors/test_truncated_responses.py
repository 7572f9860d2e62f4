"""Responses that are cut off, or not from Slack, while a person waits: the reply says what is known (R8.12)."""

from __future__ import annotations

import pytest

from bot.blocks.ids import ActionId
from bot.slack.error_messages import CARD_UNSURE, SENTENCES
from domain.errors import NotOrganizer, UnknownEvent
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    SlackHarness,
    loggers_that_warned,
    reply,
)

NO_ANSWERS = {
    "cut off": Fault.cut_off(applied=True),
    "proxy's page": Fault.proxy_page(applied=True),
    "500": Fault.server_error(500, applied=True),
}


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_event_exists_and_its_card_is_uncertain(harness: SlackHarness, fault: Fault) -> None:
    """A proxy's page is never shown to people."""
    harness.api.fail_next("chat.postMessage", fault)
    result = harness.slack.submit(BJORN, opened(harness).id, filled(harness))
    assert "*Pottery* is open for registration." in reply(result)
    assert CARD_UNSURE in reply(result)


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_admin_is_refused_if_slacks_response_is_unusable(
    harness: SlackHarness, fault: Fault
) -> None:
    """R8.9."""
    harness.event(organizer_id=BJORN)
    harness.api.fail_next("users.info", fault)
    assert SENTENCES[NotOrganizer](None) in reply(
        harness.slack.command(AMARA, RANDOM, "/event", "yoga")
    )


def test_reply_with_a_truncated_response_is_not_sent_again(harness: SlackHarness) -> None:
    """The status says that Slack took it."""
    card = harness.card(harness.event())
    harness.api.fail_next("response_url", Fault.cut_off(applied=True))
    result = harness.slack.click(CHLOE, card, ActionId.REGISTER)
    assert "You have a seat" in reply(result)
    assert len(harness.api.calls("response_url")) == 1


@pytest.mark.parametrize("fault", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_refusal_lost_with_its_modal_is_a_direct_message(
    harness: SlackHarness, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """The event was deleted, and the modal that says so is lost."""
    harness.event()
    harness.slack.command(AMARA, RANDOM, "/event", "yoga")
    manage = harness.workspace.views.stack(AMARA)[-1]
    harness.bot.service.delete_event("yoga")
    harness.api.fail_next("views.push", fault)
    result = harness.slack.click(AMARA, manage, ActionId.POST_CARD)
    assert result.failure is None
    assert SENTENCES[UnknownEvent](None) in harness.direct_messages(AMARA)[-1]
    assert loggers_that_warned(caplog) == {"bot.slack.reply_sender"}
