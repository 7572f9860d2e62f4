"""Files in direct messages: the conversation is opened, then the file is uploaded to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slack_sdk import WebClient


@dataclass(frozen=True, slots=True)
class File:
    """A file and what is said with it: nothing that people typed, for Slack makes links of addresses in it."""

    name: str
    title: str
    content: bytes
    comment: str


def file_name(title: str, extension: str) -> str:
    """Return a name for a file about something with this title, that every system takes."""
    name = re.sub(r"[^\w -]+", "", title).strip()[:60]
    return f"{name or 'event'}.{extension}"


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
