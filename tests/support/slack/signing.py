"""Slack's headers of a signed request."""

from __future__ import annotations

from slack_sdk.signature import SignatureVerifier

from domain.ports import Clock
from tests.support.slack.harness import SECRET


def signed_headers(
    clock: Clock, body: str, *, secret: str = SECRET, age: int = 0
) -> dict[str, str]:
    """Return the headers of a form, signed so many seconds ago."""
    timestamp = str(int(clock.now().timestamp()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature or "",
    }
