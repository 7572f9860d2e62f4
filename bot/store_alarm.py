"""Says in the log what only the operator can fix about the store: once, not for each request."""

from __future__ import annotations

import logging
import threading
from functools import wraps
from typing import Any, TypeVar, cast

from domain.errors import OperatorNeeded
from domain.ports import Clock, Store

_logger = logging.getLogger(__name__)

REPEAT_AFTER = 600.0
"""Seconds until a fault that lasts is said again."""

AnyStore = TypeVar("AnyStore", bound=Store)


def watched(store: AnyStore, clock: Clock) -> AnyStore:
    """Return the store, which now logs each kind of `OperatorNeeded` that it raises, at most once in `REPEAT_AFTER`."""
    return cast("AnyStore", _WatchedStore(store, clock))


class _WatchedStore:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._quiet_until: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        if not callable(attribute):
            return attribute

        @wraps(attribute)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return attribute(*args, **kwargs)
            except OperatorNeeded as error:
                self._say(error.fault)
                raise

        return call

    def _say(self, fault: str) -> None:
        now = self._clock.monotonic()
        advice = fault.partition(" (")[0]  # what follows may differ from request to request
        with self._lock:
            if now < self._quiet_until.get(advice, now):
                return
            self._quiet_until[advice] = now + REPEAT_AFTER
        _logger.critical("Rollcall can't use its store, and tells everyone who asks. %s", fault)
