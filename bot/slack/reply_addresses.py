"""The address of a later reply to the request in progress (R14)."""

from __future__ import annotations

from contextvars import ContextVar

from pydantic import BaseModel, ConfigDict

from bot.blocks.builders import Message
from bot.slack.event_payloads import SlackEvent
from bot.slack.interactions import BlockAction, Interaction, MessageAction, SlashCommand
from bot.slack.reply_sender import PendingReply

_interaction: ContextVar[Interaction | None] = ContextVar("interaction", default=None)


class ReplyAddress(BaseModel):
    """The member who waits for a reply. Without a response URL, it is a direct message."""

    model_config = ConfigDict(defer_build=True)

    user_id: str
    response_url: str | None = None
    about: str = ""

    def reply(self, message: Message) -> PendingReply:
        """Return a message as the reply that only the member sees."""
        return PendingReply(
            user_id=self.user_id,
            message=message,
            about=self.about,
            response_url=self.response_url,
            options={"response_type": "ephemeral", "replace_original": False},
        )


def reply_to(interaction: Interaction) -> None:
    """Have `reply_address` in this thread mean an interaction, until the next one.

    It does not end with the middleware that calls it: Bolt runs the listener after that has returned.
    """
    _interaction.set(interaction)


def reply_address() -> str | None:
    """Return the address of a later reply to this thread's request as JSON; None if nobody waits for one."""
    interaction = _interaction.get()
    if interaction is None or isinstance(interaction, SlackEvent):
        return None
    address = ReplyAddress(user_id=interaction.user_id)
    if isinstance(interaction, SlashCommand | MessageAction):
        address.response_url = interaction.response_url
    if isinstance(interaction, BlockAction):
        address.about = interaction.value
    return address.model_dump_json()
