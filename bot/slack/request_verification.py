"""Verifies Slack's signature on incoming requests."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from domain.ports import Clock

_logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
"""The largest request body, in bytes; Slack's views have at most 250 KB."""

MAX_SECONDS_APART = 300
"""Between a request's timestamp and this machine's clock, as Slack's page on verifying requests says."""

QUIET_SECONDS = 60.0
"""Time between two log lines about refused requests."""

_SECONDS = re.compile(r"[0-9]{1,12}")
"""A timestamp as Slack writes it."""

_CERTIFICATE_CHECK = re.compile(rb"(?:^|&)ssl_check=1(?:&|$)")
"""Slack's check of the server's certificate, which it may send without a signature."""

_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class _SecondsOf(SignatureClock):
    """A clock in the seconds since 1970 that slack_sdk compares with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class RequestVerifier:
    """Passes requests on to Bolt if Slack signed them with this secret within the last five minutes (R10.1).

    Everything else gets 401 before its body is parsed: Bolt would parse first, and fail on a malformed body.
    Slack's certificate check gets 200, and nothing else in it is read.
    """

    def __init__(self, app: App, signing_secret: str, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._quiet_until = clock.monotonic()
        self._unlogged = 0
        self._verifier = SignatureVerifier(signing_secret, _SecondsOf(clock))

    def answer(self, body: bytes, query: str, headers: Mapping[str, str]) -> BoltResponse:
        """Return Bolt's response, or 413, 401 or 400. Header names are in lower case."""
        return self.refusal(body, headers) or self._dispatch(body, query, headers)

    def refusal(self, body: bytes, headers: Mapping[str, str]) -> BoltResponse | None:
        """Return the response to a request that Bolt does not get: 413, 401, or 200 to a certificate check."""
        if len(body) > MAX_BODY_BYTES:
            return BoltResponse(status=413, body="too large")
        if self._is_signed(body.decode("utf-8", errors="replace"), headers):
            return None
        if _CERTIFICATE_CHECK.search(body):
            return BoltResponse(status=200, body="")
        self._log_refusal(headers)
        return BoltResponse(status=401, body="no valid signature")

    def _dispatch(self, body: bytes, query: str, headers: Mapping[str, str]) -> BoltResponse:
        text = body.decode("utf-8", errors="replace")
        try:
            request = BoltRequest(body=text, query=query, headers=dict(headers))
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # The body does not match its content type, or holds other types than Bolt expects.
            _logger.warning("malformed request: %s", type(error).__name__)
            return BoltResponse(status=400, body="malformed")
        return self._app.dispatch(request)

    def _log_refusal(self, headers: Mapping[str, str]) -> None:
        """Say which of the two set-up faults it is, once a minute: anybody can send such requests.

        Those that don't even look like Slack's are not logged.
        """
        timestamp = headers.get("x-slack-request-timestamp", "")
        if not _SECONDS.fullmatch(timestamp) or "x-slack-signature" not in headers:
            return
        now = self._clock.monotonic()
        if now < self._quiet_until:
            self._unlogged += 1
            return
        if self._unlogged:
            _logger.warning("refused %d more requests since the last such line", self._unlogged)
        self._quiet_until, self._unlogged = now + QUIET_SECONDS, 0
        apart = abs(self._verifier.clock.now() - int(timestamp))
        if apart > MAX_SECONDS_APART:
            _logger.warning(
                "refused a request: its time and this machine's clock are %d s apart", apart
            )
        else:
            _logger.warning("refused a request: it was not signed with SLACK_SIGNING_SECRET")

    def _is_signed(self, body: str, headers: Mapping[str, str]) -> bool:
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        return (
            _SECONDS.fullmatch(timestamp) is not None
            and _SIGNATURE.fullmatch(signature) is not None
            and self._verifier.is_valid(body, timestamp, signature)
        )
