"""Delivery of direct messages: a promotion to notify of, and what was sent or is still due."""

from __future__ import annotations

from domain.inputs import EventChanges
from tests.support.slack.harness import AMARA, BJORN, SlackHarness

POST = "chat.postMessage"


def promote(harness: SlackHarness, *waiting: str, event_id: str = "yoga") -> None:
    """Fill an event of 2 seats, let people wait, and give all of them seats by raising the capacity."""
    harness.register(AMARA, BJORN, *waiting, event_id=event_id)
    harness.bot.service.edit_event(event_id, EventChanges.of(capacity=2 + len(waiting)))


def sent_to(harness: SlackHarness) -> list[str]:
    """Whom the bot tried to send something, in order; not the cards."""
    return [
        call.args["channel"] for call in harness.api.calls(POST) if call.args["channel"][0] == "U"
    ]


def undelivered(harness: SlackHarness) -> tuple[str, ...]:
    return harness.store.list_undelivered(limit=100).items
