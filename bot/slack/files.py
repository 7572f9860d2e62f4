"""Sends files in direct messages, or uploads them for messages to link to, in Slack's three steps."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from io import SEEK_END
from typing import IO
from urllib.error import HTTPError
from urllib.request import BaseHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient

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
    alt_text: str = ""
    """What an image shows, for those who can't see it. At most `MAX_ALT_TEXT` characters."""
    beside: tuple[File, ...] = ()
    """Files that are sent in the same message, without a comment or others of their own."""


MAX_ALT_TEXT = 1_000
"""Slack's limit."""


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
    files = (file, *file.beside)
    with ExitStack() as contents:
        for one in files:
            contents.enter_context(one.content)
        before_each()
        # An upload needs the id of a conversation, not of a user.
        channel = open_conversation(client, user_id)
        uploaded = [
            _upload_one(client, one, _Pieces(one.content, before_each), before_each)
            for one in files
        ]
        before_each()
        client.files_completeUploadExternal(
            files=uploaded, channel_id=channel, initial_comment=file.comment
        )


def upload_file(
    client: WebClient, file: File, before_each: Callable[[], None] = lambda: None
) -> str:
    """Upload a small file that only the app can see, at once, and return its address. See `send_file`.

    A message in which the app links to it shares it with those who can read the message, if the message's own text
    has the link, too (slackapi/bolt-python#1018, slackapi/python-slack-sdk#1194).
    """
    with file.content:
        uploaded = _upload_one(client, file, file.content.read(), before_each)
    before_each()
    done = client.files_completeUploadExternal(files=[uploaded])
    return str(done["files"][0]["permalink"])


def _upload_one(
    client: WebClient, file: File, content: _Pieces | bytes, before_each: Callable[[], None]
) -> dict[str, str | None]:
    """Upload a file. Return what completes the upload."""
    length = file.content.seek(0, SEEK_END)
    file.content.seek(0)
    before_each()
    upload = client.files_getUploadURLExternal(
        filename=file.name, length=length, alt_txt=file.alt_text or None
    )
    before_each()
    _upload(client, upload["upload_url"], content, length)
    return {"id": upload["file_id"], "title": file.title}


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
