"""Posts replies to Slack's response URLs over kept-alive connections: a new one costs more than the reply itself."""

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
"""Connections kept open to Slack: as many as threads that reply at a time."""

HEADERS = {"content-type": "application/json;charset=utf-8"}


class ReplyNotSent(Exception):
    """Slack did not accept a reply. The request itself was carried out or refused all the same."""


def post(url: str, body: Mapping[str, Any], *, proxy: str | None, ssl: SSLContext | None) -> None:
    """Post a message to a response URL, as Slack's page on handling interactions describes. Raises `ReplyNotSent`."""
    pool, content = _pool(proxy, ssl), json.dumps(body).encode()
    try:
        response = _send(pool, url, content)
        text = response.read()  # to its end, so the connection can be used again
    except HTTPError as error:
        raise ReplyNotSent(str(error)) from error
    if response.status != 200:
        raise ReplyNotSent(f"{response.status} {text[:100]!r}")


def _send(pool: PoolManager, url: str, content: bytes) -> BaseHTTPResponse:
    try:
        return _request(pool, url, content, REPLY_SECONDS)
    except ProtocolError:
        # Slack closed a kept-alive connection, or cut this one off. If the reply did arrive, the person who
        # pressed sees it twice.
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
    """Return the process's connections, through the client's proxy if it has one."""
    if proxy is None:
        return PoolManager(maxsize=CONNECTIONS, ssl_context=ssl)
    return ProxyManager(proxy, maxsize=CONNECTIONS, ssl_context=ssl)
