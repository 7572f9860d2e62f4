"""Programs that use the HTTP API while answers of the store are lost."""

from __future__ import annotations

import pytest

from tests.support.simulation.busy_worlds import world_with_programs
from tests.support.simulation.put_back import FAULTS, seeds_until_found


@pytest.mark.parametrize("seed", range(2))
def test_programs_read_what_is_true(seed: int) -> None:
    report = world_with_programs(seed).run()
    assert report.situations["a program asks"]


def test_wrong_answer_over_http_is_found() -> None:
    fault = FAULTS["a waitlisted user with a seat over HTTP"]
    assert seeds_until_found(fault, most=10) is not None
