"""The parts of the app that every feature's listeners use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from slack_sdk import WebClient

from bot.slack.member_directory import MemberDirectory
from domain.models import Event
from domain.ports import NewId
from domain.service import Service


class Cards(Protocol):
    """Event cards in channels: posts them, remembers them, and keeps them up to date."""

    def post_card(self, event: Event, channel_id: str, *, after: str | None = None) -> None:
        """Post an event's card, unless the channel got one after the message `after` (R8.13).

        Raises one of `bot.slack.api_errors.FAILURES` if Slack refuses it or takes too long, and `Busy`.
        """
        ...

    def newest_card(self, event_id: str) -> str:
        """Return the `ts` of an event's newest card in any channel, or an empty string. Raises `Busy`."""
        ...

    def remember_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """Remember a card that was clicked. This costs nothing for a card that is already known."""
        ...


class Later(Protocol):
    """Does what no acknowledgement has to wait for."""

    def __call__(self, key: str, work: Callable[[], None]) -> None:
        """Do the work after what came before with this key. Work that waits with it already stands for both."""
        ...


@dataclass(frozen=True, slots=True)
class AppContext:
    """The parts of the app that listeners use; each feature's `register` gets it."""

    service: Service
    cards: Cards
    members: MemberDirectory
    client: WebClient
    """For what must be known or done before a reply: gives up after `LOOKUP_SECONDS`."""
    reply_client: WebClient
    """For the reply itself: gives up after `REPLY_SECONDS`."""
    new_id: NewId
    workspace_id: str
    follow_channel_later: Callable[[Event], None]
    """Has an event listed or not once Slack says whether its channel is private (R2.8)."""
    later: Later
