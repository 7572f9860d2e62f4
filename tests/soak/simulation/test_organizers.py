"""Organizers who leave, their successors, admins who take over, and forms that are submitted twice."""

from __future__ import annotations

import pytest

from tests.support.simulation.busy_worlds import world_with_leaving_organizers
from tests.support.simulation.put_back import FAULTS, seeds_until_found


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_each_event_keeps_an_organizer_or_the_admins_are_asked(seed: int) -> None:
    report = world_with_leaving_organizers(seed).run()
    assert report.situations["an organizer leaves"]


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
