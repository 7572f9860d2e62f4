"""On DynamoDB Local, each operation costs as many requests and units in large events as in small ones."""

from __future__ import annotations

import pytest

from domain.models import WAITLIST_BLOCK
from tests.benchmarks.scales import FLAT, LOCAL, costs, scales_of
from tests.benchmarks.units import Units

pytestmark = pytest.mark.soak

SIZES = (10, 4 * WAITLIST_BLOCK, 8 * WAITLIST_BLOCK)
"""Attendees, half of them waitlisted: in one partial block, or in whole blocks."""


@pytest.fixture(scope="module")
def found() -> dict[str, list[Units]]:
    return costs(scales_of(LOCAL, SIZES))


@pytest.mark.parametrize("name", FLAT)
def test_requests_and_write_units_do_not_grow_with_the_event(
    found: dict[str, list[Units]], name: str
) -> None:
    small, *larger = found[name]
    for units in larger:
        assert units.requests.total() <= small.requests.total()
        assert units.taken["write"] == small.taken["write"]


@pytest.mark.parametrize("name", FLAT)
def test_read_units_do_not_grow_beyond_a_full_block(
    found: dict[str, list[Units]], name: str
) -> None:
    """A position reads at most one block: 500 waitlist entries of about 100 bytes."""
    _, large, larger = found[name]
    assert larger.taken["read"] == large.taken["read"] <= 3 + WAITLIST_BLOCK * 110 / 4096
