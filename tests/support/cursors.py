"""Cursors that no list gave out, with a digest that is valid all the same: the digest has no key."""

from __future__ import annotations

import base64
import json

from domain.cursors import ListId, digest


def forged_cursor(list_id: ListId, position: object) -> str:
    """Return a cursor with any position."""
    return signed_cursor(list_id, json.dumps(position).encode())


def signed_cursor(list_id: ListId, text: bytes) -> str:
    """Return a cursor with any bytes in place of the position."""
    return base64.urlsafe_b64encode(digest(list_id, text) + text).decode().rstrip("=")
