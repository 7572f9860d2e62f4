"""Delivery of signed requests to the bot: over HTTP like Slack, or directly into a Bolt app in tests."""

import hashlib
import hmac
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from slack_bolt import App, BoltRequest

ACKNOWLEDGE_SECONDS = 3.0
"""The time limit for an acknowledgement, from Slack's page on handling interaction."""


@dataclass(frozen=True)
class BotResponse:
    """The bot's HTTP response."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Deliver: TypeAlias = Callable[[bytes, Mapping[str, str]], BotResponse]
"""Delivers a body and headers to the bot. Raises `TimeoutError`, or `OSError` if the bot is unreachable."""


def over_http(url: str, seconds: float = ACKNOWLEDGE_SECONDS) -> Deliver:
    """Deliver to the bot's request URL, with so many seconds for the acknowledgement."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def deliver(body: bytes, headers: Mapping[str, str]) -> BotResponse:
        request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310  # loopback only
        try:
            with opener.open(request, timeout=seconds) as response:
                return BotResponse(
                    response.status, response.read().decode(), dict(response.headers)
                )
        except urllib.error.HTTPError as error:
            with error:
                return BotResponse(error.code, error.read().decode(), dict(error.headers))
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise error.reason from None
            raise
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error

    return deliver


def into_app(app: App) -> Deliver:
    """Deliver into a Bolt app in this thread, including its signature check."""

    def deliver(body: bytes, headers: Mapping[str, str]) -> BotResponse:
        request = BoltRequest(body=body.decode(), headers={k: [v] for k, v in headers.items()})
        response = app.dispatch(request)
        flat = {name: values[0] for name, values in response.headers.items()}
        return BotResponse(response.status, response.body or "", flat)

    return deliver


def signed(body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """Return Slack's signature headers (version v0), from its page on verifying requests."""
    base = b"v0:%d:" % timestamp + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}
