"""Cards that are in a channel, without a request for them in the journal."""

from __future__ import annotations

from slack_sdk import WebClient

from bot.features.cards.views import event_card
from domain.models import Card, Event
from domain.ports import Outbox


def put_card(client: WebClient, store: Outbox, event: Event, channel_id: str) -> Card:
    """Post an event's card and store it."""
    response = client.chat_postMessage(channel=channel_id, **event_card(event).to_dict())
    card = Card(
        event_id=event.event_id,
        channel_id=response["channel"],
        message_ts=response["ts"],
        rendered_version=event.version,
    )
    store.put_card(card)
    return card
