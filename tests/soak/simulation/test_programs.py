"""Programs that use the HTTP API while answers of the store are lost."""

from __future__ import annotations

from tests.support.simulation.put_back import FAULTS, seeds_until_found


def test_wrong_answer_over_http_is_found() -> None:
    fault = FAULTS["a waitlisted user with a seat over HTTP"]
    assert seeds_until_found(fault, most=10) is not None
