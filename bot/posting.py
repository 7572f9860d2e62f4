"""Channels: whether one is private, and posting a card with a word on what went wrong."""

from __future__ import annotations

import logging

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.parts import Cards
from domain.models import Event

_logger = logging.getLogger(__name__)


def is_private(client: WebClient, channel_id: str | None) -> bool:
    """Return whether a channel is private: as one is that the app can't see. None: no channel, no."""
    if channel_id is None:
        return False
    try:
        return bool(client.conversations_info(channel=channel_id)["channel"].get("is_private"))
    except (SlackClientError, OSError):
        return True


def posted(cards: Cards, event: Event, channel_id: str | None) -> str | None:
    """Post an event's card; return how to mend it where that failed, in mrkdwn."""
    if channel_id is None:
        return None
    try:
        cards.announce(event, channel_id)
    except SlackApiError as error:
        reason = error.response.get("error", "")
        again = f"then press *Post card* in `/event {event.event_id}`"
        if reason in ("not_in_channel", "channel_not_found"):
            return (
                "The card is not posted: I’m not in that channel. Invite me there with"
                f" `/invite @Rollcall`, {again}."
            )
        _logger.warning("card of %s not posted in %s: %s", event.event_id, channel_id, reason)
        return f"The card is not posted: Slack says `{reason}`."
    except (SlackClientError, OSError):
        _logger.warning("card of %s not posted in %s", event.event_id, channel_id, exc_info=True)
        return "The card may not be posted: Slack did not answer."
    return None
