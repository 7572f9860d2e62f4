"""Files in direct messages: the conversation is opened, then the file is uploaded to it."""

from __future__ import annotations

from dataclasses import dataclass

from slack_sdk import WebClient


@dataclass(frozen=True, slots=True)
class File:
    """A file and what is said with it, in mrkdwn."""

    name: str
    title: str
    content: bytes
    comment: str


def send_file(client: WebClient, user_id: str, file: File) -> None:
    """Send a member a file. Raises one of `bot.slack_errors.FAILURES`."""
    # An upload takes the id of a conversation, not of a user.
    channel = client.conversations_open(users=user_id)["channel"]["id"]
    client.files_upload_v2(
        channel=channel,
        filename=file.name,
        title=file.title,
        content=file.content,
        initial_comment=file.comment,
    )
