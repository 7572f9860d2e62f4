"""The time of one request, counted from its receipt: all its calls to Slack and to the store share it (R8.12)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from domain.execution.retry import LATEST_SECONDS
from domain.ports import Clock

ACKNOWLEDGED_BY = 2.8
"""Seconds after its receipt when a request's acknowledgement still reaches Slack within its three seconds."""


@dataclass(frozen=True, slots=True)
class _Receipt:
    at: float
    clock: Clock


_receipt: ContextVar[_Receipt | None] = ContextVar("receipt", default=None)


@contextmanager
def request_received(at: float, clock: Clock) -> Iterator[None]:
    """Handle a request in this thread that was received then, on the clock's `monotonic`."""
    token = _receipt.set(_Receipt(at, clock))
    try:
        yield
    finally:
        _receipt.reset(token)


def received_at() -> float | None:
    """Return when this thread's request was received; None if it handles none."""
    receipt = _receipt.get()
    return None if receipt is None else receipt.at


def seconds_left() -> float | None:
    """Return the seconds left for calls of this thread's request; None if it handles none."""
    receipt = _receipt.get()
    if receipt is None:
        return None
    return max(0.0, receipt.at + LATEST_SECONDS - receipt.clock.monotonic())


def is_too_late_to_acknowledge() -> bool:
    """Return whether Slack may no longer wait for the acknowledgement of this thread's request."""
    receipt = _receipt.get()
    return receipt is not None and receipt.clock.monotonic() - receipt.at > ACKNOWLEDGED_BY
