"""Posts replies to Slack's response URLs over kept-alive connections: a new one costs more than the reply itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any

from slack_sdk import WebClient
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
)

from bot.slack.api_errors import DEFAULT_RETRY_SECONDS

CONNECTIONS = 256
"""Connections kept open to Slack: as many as replies are sent at the same time."""

HEADERS = {"content-type": "application/json;charset=utf-8"}

_NOT_SENT = (ConnectTimeoutError, NewConnectionError, ProxyError, SSLError)
"""Errors before anything was sent."""


@dataclass(eq=False)
class PostFailed(Exception):
    """Slack did not accept a reply, or did not say so."""

    reason: str
    is_use: bool
    """Whether the reply may have reached Slack, and counts as one of the URL's five uses."""
    is_final: bool = False
    """Whether the URL is of no more use."""
    is_closed: bool = False
    """Whether the connection was closed: an idle one may have been closed before."""
    retry_after: float = 0.0


def post(client: WebClient, url: str, body: Mapping[str, Any]) -> None:
    """Post a message to a response URL, as Slack's page on handling interactions describes.

    It uses the client's proxy, certificates and time-out. Raises `PostFailed`, and the client's `TimeoutError`.
    """
    pool, content = _pool(client.proxy, client.ssl), json.dumps(body).encode()
    try:
        response = pool.request(
            "POST",
            url,
            body=content,
            headers=HEADERS,
            timeout=client.timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
    except HTTPError as error:
        raise _failure(error) from error
    text = _read(response)
    if response.status == 429:
        after = response.headers.get("Retry-After", "")
        pause = float(after) if after.isdecimal() else DEFAULT_RETRY_SECONDS
        raise PostFailed("429", is_use=True, retry_after=pause)
    if response.status != 200:
        is_final = 400 <= response.status < 500
        raise PostFailed(f"{response.status} {text[:100]!r}", is_use=True, is_final=is_final)


def _read(response: BaseHTTPResponse) -> bytes:
    """Return the body, read to its end: then the connection can be used again. The status alone counts."""
    try:
        return response.read()
    except HTTPError:
        return b""


def _failure(error: HTTPError) -> PostFailed:
    cause = error.reason if isinstance(error, MaxRetryError) else error
    is_use = not isinstance(cause, _NOT_SENT)
    is_closed = isinstance(cause, ProtocolError)
    return PostFailed(type(cause).__name__, is_use=is_use, is_closed=is_closed)


@cache
def _pool(proxy: str | None, ssl: SSLContext | None) -> PoolManager:
    """Return the process's connections, through the client's proxy if it has one."""
    if proxy is None:
        return PoolManager(maxsize=CONNECTIONS, ssl_context=ssl)
    return ProxyManager(proxy, maxsize=CONNECTIONS, ssl_context=ssl)
