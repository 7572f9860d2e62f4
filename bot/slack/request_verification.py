"""Slack's requests where they come in, whatever brings them: what Slack did not sign gets no further."""

from __future__ import annotations

import re
from collections.abc import Mapping

from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk.signature import SignatureVerifier

MOST_BYTES = 1_000_000
"""The largest request body: Slack's own views have 250 KB at most."""

_SECONDS = re.compile(r"[0-9]{1,12}")
"""A moment as Slack writes it."""

_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class RequestVerifier:
    """Passes on to Bolt what Slack signed, with this secret, within the last five minutes (R10.1).

    All else is 401 before anything is read from it: Bolt would take the body apart first, and fail
    on one that is malformed.
    """

    def __init__(self, app: App, signing_secret: str) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)

    def answer(self, body: bytes, query: str, headers: Mapping[str, str]) -> BoltResponse:
        """Return Bolt's answer, or 413, 401, 400. The headers' names are in lower case."""
        if len(body) > MOST_BYTES:
            return BoltResponse(status=413, body="too large")
        text = body.decode("utf-8", errors="replace")
        if not self._is_signed(text, headers):
            return BoltResponse(status=401, body="no valid signature")
        try:
            request = BoltRequest(body=text, query=query, headers=dict(headers))
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            # The body is not what its content type says.
            return BoltResponse(status=400, body="malformed")
        return self._app.dispatch(request)

    def _is_signed(self, body: str, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        return (
            _SECONDS.fullmatch(timestamp) is not None
            and _SIGNATURE.fullmatch(signature) is not None
            and self._verifier.is_valid(body, timestamp, signature)
        )
