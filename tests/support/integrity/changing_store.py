"""Store that changes before each read of a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.ports import Store

READS = frozenset(
    {
        "get_event",
        "get_events",
        "get_rows",
        "get_waitlist",
        "list_roster",
        "find_on_roster",
        "get_journal_entry",
        "list_journal",
        "list_history",
        "scan_events",
        "scan_registrations",
        "scan_waitlist",
    }
)


class ChangingStore:
    """Store on which the next change happens before each read."""

    def __init__(self, store: Store, changes: Iterator[Callable[[], object]]) -> None:
        self._store = store
        self._changes = changes

    def __getattr__(self, name: str) -> object:
        if name in READS:
            next(self._changes)()
        return getattr(self._store, name)
