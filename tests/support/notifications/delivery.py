"""Delivery of direct messages: promotions to deliver, and what was sent or is undelivered."""

from __future__ import annotations

from domain.inputs import EventChanges
from domain.ports import Outbox
from tests.support.slack.harness import AMARA, BJORN, SlackHarness

POST = "chat.postMessage"


def promote(harness: SlackHarness, *waitlisted: str, event_id: str = "yoga") -> None:
    """Fill an event with 2 seats, waitlist people, and promote them by increasing the capacity."""
    harness.register(AMARA, BJORN, *waitlisted, event_id=event_id)
    harness.bot.service.edit_event(event_id, EventChanges.of(capacity=2 + len(waitlisted)))


def sent_to(harness: SlackHarness) -> list[str]:
    """Return the recipients of all messages that the bot tried to send, in order, without cards."""
    return [
        call.args["channel"] for call in harness.api.calls(POST) if call.args["channel"][0] == "U"
    ]


def all_undelivered(outbox: Outbox) -> set[str]:
    """Return the ids of events with undelivered entries, from all pages."""
    found: set[str] = set()
    cursor: str | None = None
    while True:
        page = outbox.list_undelivered(limit=100, cursor=cursor)
        found.update(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return found


def undelivered(harness: SlackHarness) -> tuple[str, ...]:
    return harness.store.list_undelivered(limit=100).items
