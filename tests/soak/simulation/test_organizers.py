"""Organizers who leave, their successors, admins who take over, and forms that are submitted twice."""

from __future__ import annotations

import pytest

from tests.support.simulation.put_back import FAULTS, seeds_until_found


@pytest.mark.parametrize(
    "fault",
    [
        "a deleted organizer who stays",
        "no admin asked",
        "the last co-organizer succeeds",
    ],
)
def test_fault_of_organizers_is_found(fault: str) -> None:
    found = seeds_until_found(FAULTS[fault], most=20)
    assert found is not None


@pytest.mark.parametrize(
    "fault", ["a second Submit announces again", "a second Submit creates again"]
)
def test_second_submit_that_does_it_again_is_found(fault: str) -> None:
    found = seeds_until_found(FAULTS[fault], most=10)
    assert found is not None
