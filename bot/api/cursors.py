"""Where a page ended, as text for a URL: it says of which list it is, and can't be changed unnoticed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from domain.errors import Invalid

_CHECK = 6
"""Bytes of the digest that stand before the text: against typing errors, not against an attacker."""


def to_cursor(of_list: tuple[str | None, ...], end: str | None) -> str | None:
    """Return the cursor of a list's next page, None where there is none."""
    if end is None:
        return None
    text = json.dumps([*of_list, end], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(text) + text).decode().rstrip("=")


def from_cursor(of_list: tuple[str | None, ...], cursor: str | None) -> str | None:
    """Return where the page before ended, None for the first page; raises `Invalid`."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    check, text = raw[:_CHECK], raw[_CHECK:]
    if check != _digest(text):
        raise Invalid("cursor", "must be one that this list gave out")
    try:
        *named, end = json.loads(text)
    except (RecursionError, TypeError, ValueError):
        # A digest has no key: whoever can reckon may make one up.
        raise Invalid("cursor", "must be one that this list gave out") from None
    if tuple(named) != of_list:
        raise Invalid("cursor", "must be one that this list gave out, not another")
    return str(end)


def _digest(text: bytes) -> bytes:
    return hashlib.blake2s(text, digest_size=_CHECK).digest()
