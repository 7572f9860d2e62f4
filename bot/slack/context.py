"""What listeners work with, and the shape of a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.slack.interactions import typed, user_id_of
from bot.slack.member_directory import MemberDirectory
from bot.slack.replies import in_command
from domain.models import Event
from domain.ports import NewId
from domain.service import Service


class Cards(Protocol):
    """Event cards in channels: posted, remembered, and kept true."""

    def announce(self, event: Event, channel_id: str, *, after: str | None = None) -> None:
        """Post an event's card, unless the channel got one after the message named (R8.13).

        Raises one of `bot.slack.api_errors.FAILURES` where Slack refuses it or takes too long, and `Busy`.
        """
        ...

    def newest(self, event_id: str) -> str:
        """Return the `ts` of an event's newest card, in any channel; empty for none. Raises `Busy`."""
        ...

    def adopt(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """Remember a card that somebody clicked; costs nothing for one that is known."""
        ...


@dataclass(frozen=True, slots=True)
class AppContext:
    """Handed to each listener file's `register`."""

    service: Service
    cards: Cards
    people: MemberDirectory
    client: WebClient
    new_id: NewId
    workspace_id: str


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command: who typed what behind it."""

    text: str
    body: Mapping[str, Any]

    @property
    def user_id(self) -> str:
        """Who typed it."""
        return user_id_of(self.body)


Command = Callable[[CommandRequest], Message | View]
"""Carries a command out: a message is answered to its person alone, a view is opened."""


def on_command(app: App, name: str, do: Command) -> None:
    """Have Bolt carry a command out."""

    def listener(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        reply = do(CommandRequest(typed(body), body))
        if isinstance(reply, Message):
            ack(in_command(reply))
        else:
            client.views_open(trigger_id=body["trigger_id"], view=reply)
            ack()

    app.command(name)(listener)
