"""Programs that use the HTTP API while answers of the store are lost."""

from __future__ import annotations

import pytest

from tests.support.simulation.programs import Answer, Program
from tests.support.simulation.put_back import FAULTS, seeds_until_found
from tests.support.simulation.world import World


def test_wrong_answer_over_http_is_found() -> None:
    fault = FAULTS["a waitlisted user with a seat over HTTP"]
    assert seeds_until_found(fault, most=10) is not None


def test_event_that_was_created_while_the_program_asked_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = Program(World(0))
    answer = Answer(200, {"items": [{"eventId": "created since"}]})
    # No seed creates an event in just this moment for sure.
    monkeypatch.setattr(program, "_ask", lambda *_: answer)
    assert program._read_own("e0", "U001")
