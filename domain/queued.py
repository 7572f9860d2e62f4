"""The values of the request queue (R14): a request that waits in an event's queue, its result, and its reply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SLOTS = 2
"""Commits whose results an event's queue keeps, until each of their requests has its own. They take turns."""

QUEUE_KEEPS = timedelta(hours=1)
"""How long requests, results and replies are kept. A response URL works for 30 minutes, and is a secret."""


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """A command that waits in an event's queue. `domain.execution.request_codec` encodes it."""

    request_id: str
    event_id: str
    received_at: datetime
    """When its press was received, in UTC."""
    command: str


@dataclass(frozen=True, slots=True)
class RequestResult:
    """The result of a request: the outcome or the refusal of its command, encoded."""

    request_id: str
    at: datetime
    """When it was decided, in UTC."""
    outcome: str
    event: str | None = None
    """The event of the outcome, encoded, which the results of a batch share. None for a refusal."""


@dataclass(frozen=True, slots=True)
class BatchResults:
    """The results of one commit. `slot` says which of the event's items has them, from 0 to `SLOTS` - 1."""

    event_id: str
    slot: int
    version: int
    """The event's version that the commit made."""
    results: tuple[RequestResult, ...]


@dataclass(frozen=True, slots=True)
class AwaitedReply:
    """The reply to a request whose person was told to wait."""

    request_id: str
    event_id: str
    since: datetime
    address: str
    """The address of the reply, in the form of whoever sends it."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """What is known about the last requests of an event's queue."""

    batches: tuple[BatchResults, ...]
    """The results of the last two commits."""
    results: dict[str, RequestResult]
    """Results by request id, of those that were asked for and have one."""
