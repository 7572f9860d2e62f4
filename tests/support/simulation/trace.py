"""The trace of a run: its last calls, requests and commits, for people to read."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from pydantic import BaseModel

from domain.planning.plan import Plan, PutJournalEntry

LENGTH = 300
"""How many of the last lines are kept."""

MOST_SHOWN = 90
"""Characters of one value that are shown."""


class Trace:
    """The last things that happened, with their virtual times."""

    def __init__(self) -> None:
        self._last: deque[tuple[float, str, str, Sequence[object]]] = deque(maxlen=LENGTH)

    def add(self, seconds: float, who: str, what: str, *details: object) -> None:
        """Add a line. Details are written out only if it is read."""
        self._last.append((seconds, who, what, details))

    def lines(self, number: int = LENGTH) -> tuple[str, ...]:
        """Return the last lines."""
        return tuple(
            f"{seconds:10.3f}  {who:<16}  {what}  {' '.join(map(_shown, details))}".rstrip()
            for seconds, who, what, details in list(self._last)[-number:]
        )


def _shown(value: object) -> str:
    if isinstance(value, Plan):
        changes = [
            f"v{one.entry.version} {change.kind} {change.user_id or ''}".strip()
            for one in value.actions
            if isinstance(one, PutJournalEntry)
            for change in one.entry.changes
        ]
        return f"{value.event_id}: {', '.join(changes) or 'no change'}"
    if isinstance(value, BaseModel):
        values = value.model_dump(exclude_defaults=True)
        return " ".join(f"{name}={one}" for name, one in values.items())[:MOST_SHOWN]
    return str(value)[:MOST_SHOWN]
