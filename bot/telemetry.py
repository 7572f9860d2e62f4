"""What Rollcall says of itself for figures: lines of one constant message each, whose fields are numbers and ids.

In AWS each becomes a JSON object, of which metric filters make metrics (`infra/constructs/monitoring.py`).
Nothing here is about a person: no name, no text that people typed, and of ids an event's alone.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from domain.enums import RegistrationStatus
from domain.models import JournalEntry
from domain.planning.plan import DeleteRegistration, Plan, PutRegistration
from domain.ports import Conflict

if TYPE_CHECKING:
    from bot.notifications.delivery import Storage

LOGGER = "bot.telemetry"
"""Its lines are for machines: the command line leaves them out."""

_logger = logging.getLogger(LOGGER)


def measured(store: Storage) -> Storage:
    """Return the store, which tells of each commit: `committed` with what it did, or `conflict`."""
    return cast("Storage", _Measured(store))


class _Measured:
    def __init__(self, store: Storage) -> None:
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
        committed(plan)


def committed(plan: Plan) -> None:
    """Tell of a commit: `batch` commands went through together, of which so many people came, moved up, left."""
    if plan.event is None:
        return
    puts = [action for action in plan.actions if isinstance(action, PutRegistration)]
    _logger.info(
        "committed",
        extra={
            "event_id": plan.event_id,
            "version": plan.event.version,
            # A step of a long operation, which nobody's command asked for, is no batch.
            **({"batch": len(plan.outcomes)} if plan.outcomes else {}),
            "registrations": sum(put.replaces is None for put in puts),
            "promotions": sum(_is_promotion(put) for put in puts),
            "departures": sum(isinstance(one, DeleteRegistration) for one in plan.actions),
        },
    )


def _is_promotion(put: PutRegistration) -> bool:
    return (
        put.replaces is not None
        and put.replaces.status is RegistrationStatus.WAITLISTED
        and put.registration.status is RegistrationStatus.REGISTERED
    )


def refused(error: Exception) -> None:
    """Tell of a refusal, by the name of its class: `EventFull`, `Busy`, `NotConfirmed`."""
    _logger.info("refused", extra={"refusal": type(error).__name__})


def delivered(entry: JournalEntry, now: datetime) -> None:
    """Tell of a message that Slack took, and how long after the commit that owed it."""
    lag = (now - entry.at).total_seconds()
    _logger.info(
        "delivered",
        extra={
            "event_id": entry.event_id,
            "version": entry.version,
            "lag_ms": max(0, round(lag * 1000)),
        },
    )


def undelivered(oldest: datetime | None, now: datetime) -> None:
    """Tell for how long the oldest entry waits of which something is owed: 0 if there is none."""
    seconds = 0.0 if oldest is None else (now - oldest).total_seconds()
    _logger.info("undelivered", extra={"oldest_seconds": max(0, round(seconds))})
