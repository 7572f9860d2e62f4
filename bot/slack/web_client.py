"""Slack clients for calls before an acknowledgement, which is due within three seconds (R8.12)."""

from __future__ import annotations

from slack_sdk import WebClient

LOOKUP_SECONDS = 1
"""Seconds for a call whose result the reply needs."""

REPLY_SECONDS = 2
"""Seconds for the reply itself."""


def bounded_client(client: WebClient, *, token: str | None, seconds: int) -> WebClient:
    """Return a client that tries once and gives up in time."""
    return WebClient(
        token=token,
        base_url=client.base_url,
        timeout=seconds,
        ssl=client.ssl,
        proxy=client.proxy,
        headers=client.headers,
        retry_handlers=[],
    )
