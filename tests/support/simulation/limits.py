"""Limits that are small in some worlds: few rows then take several pages, and few promotions several commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.planning import planner

ACTIONS = 6
"""Actions of a commit, in place of 100. A single command needs no more."""

REGISTRATIONS = (ACTIONS - 2) // 2

MOST_THREADS, FEW_THREADS = 15, 5
"""Background threads of a process: long operations, results, one resolver, the sweep and the comparison of members."""

SMALL = {
    "domain.planning.snapshot.MAX_REGISTRATIONS_PER_COMMIT": REGISTRATIONS,
    "domain.execution.long_operations.MAX_REGISTRATIONS_PER_COMMIT": REGISTRATIONS,
    "domain.execution.series_work.MAX_ENROLLED_PER_COMMIT": (ACTIONS - 2) // 3,
    "domain.execution.queue_consumer.BATCH_SIZE": 2,
    "bot.notifications.recipients.PAGE_SIZE": 2,
    "bot.notifications.deferred.MAX_DEFERRED": 2,
    "domain.execution.long_operations.BACKGROUND_THREADS": 1,
    "domain.execution.unconfirmed.COMPLETING_THREADS": 1,
}


@contextmanager
def small_limits() -> Iterator[None]:
    """Keep the limits small meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        defaults = planner.plan.__kwdefaults__ or {}
        patch.setitem(defaults, "budget", ACTIONS)
        for name, limit in SMALL.items():
            patch.setattr(name, limit)
        yield
