"""Calls to Slack that stand before an acknowledgement, which is due after three seconds (R8.12)."""

from __future__ import annotations

from slack_sdk import WebClient

LOOKUP_SECONDS = 1
"""Seconds for what must be known, or done in a channel, before an answer can be given."""

REPLY_SECONDS = 2
"""Seconds for Slack to take the answer itself."""


def bounded_client(client: WebClient, *, token: str | None, seconds: int) -> WebClient:
    """Return a client that asks once, and gives up in time."""
    return WebClient(
        token=token,
        base_url=client.base_url,
        timeout=seconds,
        ssl=client.ssl,
        proxy=client.proxy,
        headers=client.headers,
        retry_handlers=[],
    )
