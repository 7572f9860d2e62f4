"""Sends files in direct messages, or uploads them for messages to link to, in Slack's three steps."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_END
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import BaseHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.slack.api_errors import (
    FAILURES,
    ClassifiedError,
    ErrorClass,
    FileNotTaken,
    classify,
)
from bot.slack.direct_messages import open_conversation

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class File:
    """A file to send. `comment` must hold nothing that people typed, because Slack turns addresses in it into links."""

    name: str
    title: str
    content: IO[bytes]
    """The sender reads it from the beginning, and closes it."""
    comment: str


def file_name(title: str, extension: str) -> str:
    """Return a file name made from a title, without characters that some systems don't allow."""
    name = " ".join("".join(filter(_is_in_file_names, title)).split())
    if len(name) > _NAME_LENGTH:
        words = name[: _NAME_LENGTH + 1].rpartition(" ")[0]
        name = words or name[:_NAME_LENGTH]
    return f"{name or 'event'}.{extension}"


_NAME_LENGTH = 60


def _is_in_file_names(character: str) -> bool:
    """Return whether a character is kept: letters with their marks, digits, and what separates words."""
    if "\ufe00" <= character <= "\ufe0f":  # chooses the look of an emoji, which is left out
        return False
    is_mark = unicodedata.category(character).startswith("M")
    return character.isalnum() or character.isspace() or character in "_-" or is_mark


def send_file(
    client: WebClient, user_id: str, file: File, before_each: Callable[[], None] = lambda: None
) -> None:
    """Send a member a file in pieces. Raises one of `bot.slack.api_errors.FAILURES`.

    `before_each` is called before each request and each piece, and stops the upload if it raises. The
    method of Slack's own client would hold the whole file in memory.
    """
    # An upload needs the id of a conversation, not of a user.
    with file.content:
        before_each()
        channel = open_conversation(client, user_id)
        pieces = _Pieces(file.content, before_each)
        _upload_and_complete(
            client, file, pieces, before_each, channel_id=channel, initial_comment=file.comment
        )


def upload_file(
    client: WebClient, file: File, before_each: Callable[[], None] = lambda: None
) -> str:
    """Upload a small file that only the app can see, at once, and return its address. See `send_file`.

    A message in which the app links to it shares it with those who can read the message, if the message's own text
    has the link, too (slackapi/bolt-python#1018, slackapi/python-slack-sdk#1194).
    """
    with file.content:
        done = _upload_and_complete(client, file, file.content.read(), before_each)
    return str(done["files"][0]["permalink"])


def _upload_and_complete(
    client: WebClient,
    file: File,
    content: _Pieces | bytes,
    before_each: Callable[[], None],
    **shared: Any,
) -> SlackResponse:
    length = file.content.seek(0, SEEK_END)
    file.content.seek(0)
    before_each()
    upload = client.files_getUploadURLExternal(filename=file.name, length=length)
    before_each()
    _upload(client, upload["upload_url"], content, length)
    before_each()
    return client.files_completeUploadExternal(
        files=[{"id": upload["file_id"], "title": file.title}], **shared
    )


def try_to_send_file(client: WebClient, user_id: str, file: File) -> ClassifiedError | None:
    """Send a file as `send_file` does. Return why Slack did not take it, or None if it did.

    Raises one of `bot.slack.api_errors.FAILURES` if Slack refuses the app itself, or what it sent.
    """
    try:
        send_file(client, user_id, file)
    except FAILURES as error:
        failure = classify(error)
        if failure.error_class in (ErrorClass.APP, ErrorClass.BUG):
            raise
        _logger.warning("a file was not sent: %s", failure.reason)
        return failure
    return None


class _Pieces:
    """A file whose pieces are sent one by one, as `http.client` reads them."""

    def __init__(self, content: IO[bytes], before_each: Callable[[], None]) -> None:
        self._content = content
        self._before_each = before_each

    def read(self, size: int = -1) -> bytes:
        """Return the next piece."""
        self._before_each()
        return self._content.read(size)


def _upload(client: WebClient, url: str, content: _Pieces | bytes, length: int) -> None:
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
            raise FileNotTaken(error.code) from error
