"""Slack clients whose calls end in time: before an acknowledgement (R8.12), or before a function's time limit."""

from __future__ import annotations

from collections.abc import Callable

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


SHORTEST_SECONDS = 0.5
"""The least that a call gets. Slack answers in half of it, if at all well."""


class TimeLimitedClient(WebClient):
    """A client of a function that must end: a call takes at most half of the time that is left.

    Half, because connecting and waiting for the response are timed apart. `left` returns seconds.
    """

    def __init__(self, client: WebClient, left: Callable[[], float]) -> None:
        self._left = left
        self._longest: float = client.timeout
        super().__init__(
            token=client.token,
            base_url=client.base_url,
            ssl=client.ssl,
            proxy=client.proxy,
            headers=client.headers,
            retry_handlers=[],
        )

    @property  # type: ignore[override]  # slack_sdk says int, but its socket takes fractions
    def timeout(self) -> float:
        """Return the time-out of a call that begins now, in seconds."""
        return max(SHORTEST_SECONDS, min(self._longest, self._left() / 2))

    @timeout.setter
    def timeout(self, _: float) -> None:
        """Ignore the value that slack_sdk's constructor sets."""
