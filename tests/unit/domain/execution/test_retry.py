"""Deadlines: one for all calls of a request, counted from its receipt (R8.12)."""

from __future__ import annotations

import pytest

from domain.errors import TooLate
from domain.execution.retry import LATE_SECONDS, LATEST_SECONDS, REQUEST_SECONDS, RetryPolicy
from tests.support.environment import ManualClock


def deadline(age: float | None) -> float:
    """Return the seconds that a call has which begins so long after its request's receipt."""
    clock = ManualClock()
    received_at = None if age is None else clock.monotonic() - age
    return RetryPolicy(clock, lambda: 0.5, lambda: received_at).deadline() - clock.monotonic()


def test_without_a_request_time_counts_from_the_call() -> None:
    assert deadline(None) == REQUEST_SECONDS


def test_later_calls_of_a_request_have_what_is_left() -> None:
    assert deadline(0.5) == pytest.approx(REQUEST_SECONDS - 0.5)


@pytest.mark.parametrize("age", [1.9, 2.0, 2.1])
def test_late_call_can_make_an_attempt(age: float) -> None:
    assert deadline(age) == pytest.approx(LATE_SECONDS)


def test_latest_call_ends_in_time() -> None:
    assert deadline(LATEST_SECONDS - 0.1) == pytest.approx(0.1)


def test_call_after_that_is_refused() -> None:
    with pytest.raises(TooLate):
        deadline(LATEST_SECONDS)
