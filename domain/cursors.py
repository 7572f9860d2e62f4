"""Codec for the cursors of lists: opaque text that can stand in a URL and is good for one list only.

The stores, the domain's queries and the HTTP API all use it. It lives in the domain because bot and
domain must not import storage.

A cursor is base64url of a digest and of the position as JSON. The digest covers the list's identity,
so the cursor of another list is refused although the text need not repeat that identity. That keeps
cursors short where they are nested: a Slack button's value holds 2,000 characters.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from domain.errors import Invalid

DIGEST_SIZE = 6
"""Bytes of the digest. It has no key: it detects mistakes, and `decode` does not trust the position."""

LARGEST = 2**62
"""The largest number in a position, above every ticket, version and time in microseconds."""

ListId = Sequence[str | None]
"""The identity of a list: its name, then the ids that it belongs to, such as a workspace and an event."""


def encode(list_id: ListId, position: Sequence[str | int]) -> str:
    """Return the cursor of a list for the page that starts after the position."""
    text = json.dumps([*position], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(digest(list_id, text) + text).decode().rstrip("=")


def decode(list_id: ListId, cursor: str, shape: Sequence[type]) -> list[Any]:
    """Return the position of a cursor. Raise `Invalid` if the list did not give the cursor out.

    The position has one value of each type in `shape`, `str` or `int`. Text is encodable as UTF-8
    and numbers are at most `LARGEST` in size, but the caller decides whether they make sense.
    """
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        found, text = raw[:DIGEST_SIZE], raw[DIGEST_SIZE:]
        if found == digest(list_id, text) and _fits(position := json.loads(text), shape):
            return list(position)
    except (ValueError, RecursionError):
        pass  # not base64, not JSON, or not UTF-8
    raise foreign_cursor()


def foreign_cursor() -> Invalid:
    """Return the refusal of a cursor that the list did not give out."""
    return Invalid("cursor", "must be one that this list gave out")


def digest(list_id: ListId, text: bytes) -> bytes:
    """Return the digest of a list's identity and of a position's text."""
    name = json.dumps([*list_id]).encode()
    return hashlib.blake2s(name + text, digest_size=DIGEST_SIZE).digest()


def _fits(position: object, shape: Sequence[type]) -> bool:
    """Return whether a position has this shape. Raise `ValueError` for text that is not encodable."""
    if not isinstance(position, list) or [type(value) for value in position] != [*shape]:
        return False
    "".join(value for value in position if isinstance(value, str)).encode()
    return all(abs(value) <= LARGEST for value in position if isinstance(value, int))
