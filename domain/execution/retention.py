"""Deletes journal entries that are older than `domain.models.JOURNAL_KEPT` (R7.8), for a store that does not."""

from __future__ import annotations

from collections.abc import Callable

from domain.ports import AnswerLost, Clock, Conflict, Store, Unavailable

ENTRIES_AT_ONCE = 200
"""Entries that one transaction deletes: on SQLite, a registration waits for it."""

MAX_STEPS = 50
"""Transactions of one sweep. The next sweep goes on."""


def delete_old_entries(store: Store, clock: Clock, before_each: Callable[[], None]) -> int:
    """Delete journal entries that are no longer kept, in small steps; return how many.

    A store that is busy is left alone until the next sweep. `before_each` is called before each step.
    """
    deleted = 0
    for _ in range(MAX_STEPS):
        before_each()
        try:
            found = store.delete_old_entries(clock.now(), limit=ENTRIES_AT_ONCE)
        except (Conflict, AnswerLost, Unavailable):
            break
        deleted += found
        if found < ENTRIES_AT_ONCE:
            break
    return deleted
