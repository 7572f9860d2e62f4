"""Brings a signed request to the bot: over HTTP as Slack does, or straight into a Bolt app in tests."""

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
"""How long the bot has to answer: Slack's page on acknowledgements."""


@dataclass(frozen=True)
class Response:
    """What the bot answered."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Deliver: TypeAlias = Callable[[bytes, Mapping[str, str]], Response]
"""Takes a body and its headers to the bot. Raises TimeoutError if it is late, OSError if it is away."""


def over_http(url: str) -> Deliver:
    """Delivers to the bot's request URL."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def deliver(body: bytes, headers: Mapping[str, str]) -> Response:
        request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310
        try:
            with opener.open(request, timeout=ACKNOWLEDGE_SECONDS) as answer:
                return Response(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, error.read().decode(), dict(error.headers))
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise error.reason from None
            raise
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error

    return deliver


def into_app(app: App) -> Deliver:
    """Delivers into a Bolt app in this thread, signature check and all."""

    def deliver(body: bytes, headers: Mapping[str, str]) -> Response:
        request = BoltRequest(body=body.decode(), headers={k: [v] for k, v in headers.items()})
        answer = app.dispatch(request)
        flat = {name: values[0] for name, values in answer.headers.items()}
        return Response(answer.status, answer.body or "", flat)

    return deliver


def signed(body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """The headers with which Slack signs a request: its page on verifying requests, version v0."""
    base = b"v0:%d:" % timestamp + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}
