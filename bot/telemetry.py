"""Log lines for metrics: constant messages, with numbers and ids as fields.

In AWS each line is a JSON object, and metric filters turn them into metrics (`infra/constructs/monitoring.py`).
No line is about a person: it has no names, no typed text, and no ids but an event's.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, TypeVar, cast

from domain.enums import RegistrationStatus
from domain.models import JournalEntry
from domain.planning.plan import DeleteRegistration, Plan, PutRegistration
from domain.ports import Conflict, Store

LOGGER = "bot.telemetry"
"""The logger of these lines. The command line hides them, because they are for machines."""

_logger = logging.getLogger(LOGGER)

AnyStore = TypeVar("AnyStore", bound=Store)


def measured(store: AnyStore) -> AnyStore:
    """Return the store, which now logs each commit as `committed` or `conflict`."""
    return cast("AnyStore", _MeasuredStore(store))


class _MeasuredStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, plan: Plan) -> None:
        """See `Store.commit`."""
        try:
            self._store.commit(plan)
        except Conflict:
            _logger.info("conflict", extra={"event_id": plan.event_id})
            raise
        log_commit(plan)


def log_commit(plan: Plan) -> None:
    """Log a commit: its number of commands, registrations, promotions and unregistrations."""
    if plan.event is None:
        return
    puts = [action for action in plan.actions if isinstance(action, PutRegistration)]
    _logger.info(
        "committed",
        extra={
            "event_id": plan.event_id,
            "version": plan.event.version,
            # A step of a long operation has no commands, so it is no batch.
            **({"batch": len(plan.outcomes)} if plan.outcomes else {}),
            "registrations": sum(put.replaces is None for put in puts),
            "promotions": sum(_is_promotion(put) for put in puts),
            "unregistrations": sum(isinstance(one, DeleteRegistration) for one in plan.actions),
        },
    )


def _is_promotion(put: PutRegistration) -> bool:
    return (
        put.replaces is not None
        and put.replaces.status is RegistrationStatus.WAITLISTED
        and put.registration.status is RegistrationStatus.REGISTERED
    )


def log_refusal(error: Exception) -> None:
    """Log a refusal by its class name, such as `EventFull`, `Busy` or `NotConfirmed`."""
    _logger.info("refused", extra={"refusal": type(error).__name__})


def log_delivery(entry: JournalEntry, now: datetime) -> None:
    """Log a sent message, with the time since the commit that caused it."""
    lag = (now - entry.at).total_seconds()
    _logger.info(
        "delivered",
        extra={
            "event_id": entry.event_id,
            "version": entry.version,
            "lag_ms": max(0, round(lag * 1000)),
        },
    )


def log_undelivered(oldest: datetime | None, now: datetime) -> None:
    """Log the age of the oldest undelivered entry, 0 if there is none."""
    seconds = 0.0 if oldest is None else (now - oldest).total_seconds()
    _logger.info("undelivered", extra={"oldest_seconds": max(0, round(seconds))})
