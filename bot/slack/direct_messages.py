"""Direct messages to members, and the check that a recipient is one (R9.5).

Slack takes a channel's id or name wherever it takes a member's id, and a program can call its users what it likes. A
message to a user `general` would be read by everyone in that channel. Whatever goes to a person passes through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.blocks.mrkdwn import is_slack_id


def post_direct_message(client: WebClient, user_id: str, content: Mapping[str, Any]) -> None:
    """Send a member a message, as `Message.to_dict` returns it.

    Raises one of `bot.slack.api_errors.FAILURES`.
    """
    require_member_id(user_id)
    client.chat_postMessage(channel=user_id, **content)


def open_conversation(client: WebClient, user_id: str) -> str:
    """Return the id of the conversation with a member. Raises one of `bot.slack.api_errors.FAILURES`."""
    require_member_id(user_id)
    channel_id: str = client.conversations_open(users=user_id)["channel"]["id"]
    return channel_id


def require_member_id(user_id: str) -> None:
    """Raise Slack's own error for an unknown user, without a call, unless the id can be a member's."""
    if not is_slack_id(user_id):
        answer = {"ok": False, "error": "user_not_found"}
        raise SlackApiError("not a member’s id", answer)  # type: ignore[no-untyped-call]
