"""Exports that take minutes, while others register, several processes work, and some of them die."""

from __future__ import annotations

import pytest

from tests.support.simulation.put_back import FAULTS, seeds_until_found


@pytest.mark.soak
@pytest.mark.parametrize(
    "fault",
    [
        "exports in the notifier",
        "exports torn between versions",
        "leases not renewed during an export",
    ],
)
def test_fault_of_exports_is_found(fault: str) -> None:
    found = seeds_until_found(FAULTS[fault], most=20)
    assert found is not None
