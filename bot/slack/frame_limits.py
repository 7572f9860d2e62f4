"""Socket Mode's limit on a frame, and the largest acknowledgement that keeps to it."""

from __future__ import annotations

import json
from typing import Any

FRAME_BYTES = 20_480
"""Bytes of a frame over which Slack closes the connection with 1009, and sends the envelope again."""

ACKNOWLEDGEMENT_BYTES = 18_000
"""Bytes of an acknowledgement's payload, at most. The rest of the frame is a reserve."""


def compact(value: Any) -> str:
    """Return JSON without spaces and escapes: a letter takes its bytes in UTF-8, not the six of an escape."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fits(payload: Any) -> bool:
    """Return whether a payload can be acknowledged with in Socket Mode."""
    return len(compact(payload).encode()) <= ACKNOWLEDGEMENT_BYTES


def cut_options(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response to an options request, without the last options if it is too large."""
    options = list(response["options"])
    while not fits({**response, "options": options}):
        del options[-1]
    return {**response, "options": options}
