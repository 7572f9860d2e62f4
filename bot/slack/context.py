"""The parts of the app that every feature's listeners use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from slack_sdk import WebClient

from bot.slack.api_errors import ClassifiedError
from bot.slack.member_directory import MemberDirectory
from domain.models import Event
from domain.ports import Clock, NewId
from domain.service import Service


@dataclass(frozen=True, slots=True)
class CardStatus:
    """Whether a card that was asked for is posted."""

    channel_id: str
    is_posted: bool = False
    refusal: ClassifiedError | None = None
    """Why Slack refuses the card for good."""

    @property
    def is_on_its_way(self) -> bool:
        """Whether the card is still to be posted."""
        return not self.is_posted and self.refusal is None


class Cards(Protocol):
    """Event cards in channels: posts what the journal requests, remembers cards, and keeps them up to date."""

    def wait_for_card(
        self, event_id: str, version: int, channel_id: str, *, seconds: float
    ) -> CardStatus | None:
        """Wait until the card that a version of the event requests is posted or refused.

        Return None if that version requests no card. The status names the channel, in case the version
        requests a card in another one only.
        """
        ...

    def newest_card(self, event_id: str, channel_id: str | None = None) -> str:
        """Return the newest card's `ts`, in one channel or in any, or an empty string. Raises `Busy`."""
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
    clock: Clock
