"""Names and values that older versions stored, as today's (R7.7).

They were renamed before any release, but without a new version of the stored form. So everything that an
older form may contain is translated here, for both stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from domain.models import User, block_of

_NAMES = {
    "waiting_by_block": "waitlist_by_block",
    "notices": "notifications",
    "notice": "notification",
    "unreached": "unreachable",
    "more_unreached": "more_unreachable",
    "untold": "unreported",
    "more_untold": "more_unreported",
}

_VALUES: Mapping[str, Mapping[str, str]] = {
    "status": {"cancelled": "canceled"},  # codespell:ignore
    "deletion": {"marked": "in_progress"},
    "kind": {
        "cancelled": "canceled",  # codespell:ignore
        "left": "unregistered",
        "messaged": "announced",
        "message": "announcement",
    },
    "cause": {"capacity_raised": "capacity_increased"},
    "audience": {"waiting": "waitlisted"},
}
"""By field: the values that were renamed."""


def modernized(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values with today's names. `waitlist_by_block` still needs a recount."""
    found: dict[str, Any] = _translated(values)
    if model is User and "deletion" in found:
        found["deletion_id"] = found.pop("deletion")
    return found


def recounted(tickets: Iterable[int]) -> dict[int, int]:
    """Return `Event.waitlist_by_block` of a waitlist with these tickets.

    An older form's blocks are of 1,000 or of 500 tickets, and nothing in it says which.
    """
    return dict(Counter(map(block_of, tickets)))


def _translated(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            _NAMES.get(name, name): _VALUES.get(name, {}).get(part, part)
            if isinstance(part, str)
            else _translated(part)
            for name, part in value.items()
        }
    return [_translated(part) for part in value] if isinstance(value, list | tuple) else value
