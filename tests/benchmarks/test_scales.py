"""What each operation costs, on AWS's own engine: as many requests and units in a large event as in a small one."""

from __future__ import annotations

import pytest

from domain.models import WAITLIST_BLOCK
from tests.benchmarks.scales import FLAT, LOCAL, costs, scales_of
from tests.benchmarks.units import Units

SIZES = (10, 4 * WAITLIST_BLOCK, 8 * WAITLIST_BLOCK)
"""People: half of them wait, the first few in a block of their own, the others in whole ones."""


@pytest.fixture(scope="module")
def found() -> dict[str, list[Units]]:
    return costs(scales_of(LOCAL, SIZES))


@pytest.mark.parametrize("name", FLAT)
def test_takes_no_more_requests_and_write_units_however_many_are_in(
    found: dict[str, list[Units]], name: str
) -> None:
    small, *larger = found[name]
    for units in larger:
        assert units.requests.total() <= small.requests.total()
        assert units.taken["write"] == small.taken["write"]


@pytest.mark.parametrize("name", FLAT)
def test_takes_the_same_read_units_once_a_block_is_full(
    found: dict[str, list[Units]], name: str
) -> None:
    """A position costs a block at most: who is the last of one reads 500 places of about 100 bytes."""
    _, large, larger = found[name]
    assert larger.taken["read"] == large.taken["read"] <= 3 + WAITLIST_BLOCK * 110 / 4096
