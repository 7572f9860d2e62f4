"""Slack clients: for calls before an acknowledgement (R8.12), after it, and before a function's time limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient

from bot.slack.request_budget import seconds_left

LOOKUP_SECONDS = 1
"""Seconds for a call whose result the reply needs."""

REPLY_SECONDS = 2
"""Seconds for the reply itself."""

SHORTEST_SECONDS = 0.05
"""Seconds below which a call is not worth making."""

PATIENT_SECONDS = 30
"""Seconds for a call that no acknowledgement waits for: a slow Slack has taken it by then."""


class BoundedClient(WebClient):
    """A client that tries once, and gives up after some seconds, or when no time is left.

    Then it raises `TimeoutError`.
    """

    def __init__(
        self, seconds: float, left: Callable[[], float | None] | None = None, **options: Any
    ) -> None:
        """Make a client. `options` are those of `WebClient`.

        `left` returns the seconds that are left, None for any number. By default, all calls of one request share
        its time (`bot.slack.request_budget`).
        """
        self._seconds = seconds
        self._left = left
        super().__init__(**options)

    @property  # type: ignore[override]  # slack_sdk has an attribute, which it reads for each call
    def timeout(self) -> float:
        """Return the seconds for a call that begins now. Raises `TimeoutError` if none are left."""
        left = (self._left or seconds_left)()
        if left is None:
            return self._seconds
        if left < SHORTEST_SECONDS:
            raise TimeoutError("no time is left")
        return min(self._seconds, left)

    @timeout.setter
    def timeout(self, _: float) -> None:
        """Ignore the number that slack_sdk's constructor sets."""


def bounded_client(
    client: WebClient,
    *,
    token: str | None,
    seconds: float,
    left: Callable[[], float | None] | None = None,
) -> BoundedClient:
    """Return a client that tries once and gives up in time, see `BoundedClient`."""
    return BoundedClient(seconds, left, **_options(client) | {"token": token})


def patient_client(client: WebClient, *, token: str | None) -> WebClient:
    """Return a client that tries once, and waits longer than an acknowledgement can."""
    return WebClient(**_options(client) | {"token": token}, timeout=PATIENT_SECONDS)


LEAST_SECONDS = 0.5
"""The least that a call of a function gets, however little time is left."""


class TimeLimitedClient(WebClient):
    """A client of a function that must end: a call takes at most half of the time that is left.

    Half, because connecting and waiting for the response are timed apart. `left` returns seconds.
    """

    def __init__(self, client: WebClient, left: Callable[[], float]) -> None:
        self._left = left
        self._longest: float = client.timeout
        super().__init__(**_options(client))

    @property  # type: ignore[override]  # slack_sdk has an attribute, which it reads for each call
    def timeout(self) -> float:
        """Return the seconds for a call that begins now."""
        return max(LEAST_SECONDS, min(self._longest, self._left() / 2))

    @timeout.setter
    def timeout(self, _: float) -> None:
        """Ignore the number that slack_sdk's constructor sets."""


def _options(client: WebClient) -> dict[str, Any]:
    return {
        "token": client.token,
        "base_url": client.base_url,
        "ssl": client.ssl,
        "proxy": client.proxy,
        "headers": client.headers,
        "retry_handlers": [],
    }
