"""Socket Mode's envelopes: from an envelope to Bolt's request, and from Bolt's response to the acknowledgement."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse

from bot.slack.frame_limits import FRAME_BYTES, compact

_logger = logging.getLogger(__name__)

Envelope = Mapping[str, Any]
"""A request of Slack's as Socket Mode sends it, with an `envelope_id`."""


def answer(app: App, envelope: Envelope) -> str | None:
    """Have the app handle an envelope. Return the acknowledgement, or None to leave the envelope unacknowledged.

    Without an acknowledgement, Slack shows the person that the request failed, and sends an event again.
    """
    request = BoltRequest(mode="socket_mode", body=envelope["payload"], headers=_headers(envelope))
    response = app.dispatch(request)
    if response.status != 200:
        return None
    return acknowledgement(envelope, response)


def acknowledgement(envelope: Envelope, response: BoltResponse) -> str:
    """Return the acknowledgement of an envelope. It always fits a frame."""
    acknowledged = {"envelope_id": envelope["envelope_id"]}
    if not response.body or not envelope.get("accepts_response_payload", True):
        return compact(acknowledged)
    frame = compact({**acknowledged, "payload": _payload(response)})
    size = len(frame.encode())
    if size <= FRAME_BYTES:
        return frame
    _logger.error("an acknowledgement of %d bytes was sent empty", size)
    return compact(acknowledged)


def _payload(response: BoltResponse) -> Any:
    kind = response.headers.get("content-type", [""])[0]
    if kind.startswith("application/json"):
        return json.loads(response.body)
    return {"text": response.body}


def _headers(envelope: Envelope) -> dict[str, str | Sequence[str]]:
    """Return the headers that Slack sends over HTTP with a repeated event."""
    names = {"retry_attempt": "x-slack-retry-num", "retry_reason": "x-slack-retry-reason"}
    return {
        header: str(envelope[name])
        for name, header in names.items()
        if envelope.get(name) is not None
    }
