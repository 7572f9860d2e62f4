"""Where a page of one of DynamoDB's lists ended, as text that can stand in a URL and says of which list it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from domain.errors import Invalid
from storage.dynamodb.schema import NUMBERS

_LARGEST = 10**18
"""Beyond every ticket and version, and well within DynamoDB's numbers of 38 digits."""


def to_cursor(workspace_id: str, name: str, key: Mapping[str, Any]) -> str:
    """Return the cursor of the list `name` of a workspace whose page ended at this key."""
    text = json.dumps([workspace_id, name, key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_cursor(
    workspace_id: str, name: str, attributes: Iterable[str], cursor: str
) -> dict[str, Any]:
    """Return the key, of these attributes, at which a page of this list ended; raises `Invalid`."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        given = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        of_workspace, of_list, key = given
        is_ours = [of_workspace, of_list] == [workspace_id, name] and set(key) == set(attributes)
        if is_ours and all(_fits(attribute, value) for attribute, value in key.items()):
            return dict(key)
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass  # no text of ours, or not of this form
    raise not_ours()


def not_ours() -> Invalid:
    """Return the refusal of a cursor that this list did not give out."""
    return Invalid("cursor", "must be one that this list gave out")


def _fits(attribute: str, value: object) -> bool:
    """Return whether DynamoDB would take the value for this key: lone surrogates raise `ValueError`."""
    if attribute in NUMBERS:
        return type(value) is int and 0 <= value < _LARGEST
    return isinstance(value, str) and 0 < len(value.encode()) <= 1024
