"""Files in direct messages: the conversation is opened, then the file is uploaded to it, in Slack's three steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import SEEK_END
from typing import IO
from urllib.error import HTTPError
from urllib.request import BaseHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackRequestError


@dataclass(frozen=True, slots=True)
class File:
    """A file and what is said with it: nothing that people typed, for Slack makes links of addresses in it."""

    name: str
    title: str
    content: IO[bytes]
    """Read from its beginning, and closed, by whoever sends it."""
    comment: str


def file_name(title: str, extension: str) -> str:
    """Return a name for a file about something with this title, that every system takes."""
    name = re.sub(r"[^\w -]+", "", title).strip()[:60]
    return f"{name or 'event'}.{extension}"


def send_file(client: WebClient, user_id: str, file: File) -> None:
    """Send a member a file, piece by piece. Raises one of `bot.slack.api_errors.FAILURES`.

    Slack's client has a method for it, which holds the whole file in memory.
    """
    with file.content as content:
        length = content.seek(0, SEEK_END)
        content.seek(0)
        # An upload takes the id of a conversation, not of a user.
        channel = client.conversations_open(users=user_id)["channel"]["id"]
        place = client.files_getUploadURLExternal(filename=file.name, length=length)
        _upload(client, place["upload_url"], content, length)
        client.files_completeUploadExternal(
            files=[{"id": place["file_id"], "title": file.title}],
            channel_id=channel,
            initial_comment=file.comment,
        )


def _upload(client: WebClient, url: str, content: IO[bytes], length: int) -> None:
    handlers: list[BaseHandler] = [HTTPSHandler(context=client.ssl)]
    if client.proxy is not None:
        handlers.append(ProxyHandler({"http": client.proxy, "https": client.proxy}))
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
    request = Request(url, content, headers, method="POST")  # noqa: S310  # the URL is Slack's
    try:
        with build_opener(*handlers).open(request, timeout=client.timeout):
            pass
    except HTTPError as error:
        with error:
            raise SlackRequestError(f"a file was not taken: {error.code}") from error
