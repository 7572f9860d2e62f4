"""Posting to Slack's response URLs over connections that stay open: a new one costs more than the answer itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from ssl import SSLContext
from typing import Any

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager
from urllib3.exceptions import HTTPError, ProtocolError

from bot.slack.web_client import LOOKUP_SECONDS, REPLY_SECONDS

CONNECTIONS = 64
"""Kept open to Slack: as many as threads answer at a time."""

HEADERS = {"content-type": "application/json;charset=utf-8"}


class ReplyNotSent(Exception):
    """Slack did not take an answer: what was asked for is done or refused all the same."""


def post(url: str, body: Mapping[str, Any], *, proxy: str | None, ssl: SSLContext | None) -> None:
    """Post a message to a response URL, as Slack's page on handling interactions has it. Raises `ReplyNotSent`."""
    pool, content = _pool(proxy, ssl), json.dumps(body).encode()
    try:
        answer = _sent(pool, url, content)
        said = answer.read()  # to its end, so that the connection can be used again
    except HTTPError as error:
        raise ReplyNotSent(str(error)) from error
    if answer.status != 200:
        raise ReplyNotSent(f"{answer.status} {said[:100]!r}")


def _sent(pool: PoolManager, url: str, content: bytes) -> BaseHTTPResponse:
    try:
        return _request(pool, url, content, REPLY_SECONDS)
    except ProtocolError:
        # Slack had closed a connection that was kept open, or has just cut this one off. Should
        # the answer have arrived, it is seen twice, and only by the one who pressed.
        return _request(pool, url, content, LOOKUP_SECONDS)


def _request(pool: PoolManager, url: str, content: bytes, seconds: float) -> BaseHTTPResponse:
    return pool.request(
        "POST",
        url,
        body=content,
        headers=HEADERS,
        timeout=seconds,
        retries=False,
        redirect=False,
        preload_content=False,
    )


@cache
def _pool(proxy: str | None, ssl: SSLContext | None) -> PoolManager:
    """Return the process's connections: to the proxy that the client uses, if any."""
    if proxy is None:
        return PoolManager(maxsize=CONNECTIONS, ssl_context=ssl)
    return ProxyManager(proxy, maxsize=CONNECTIONS, ssl_context=ssl)
