"""Which data a crash test takes for the same, so that its second call and sweep are made once."""

from __future__ import annotations

import pytest

from tests.support.crashes.cases import _without_ids
from tests.support.crashes.workspace_tables import Stored


def stored(plan_id: str, operation_id: str, seats: int = 1) -> Stored:
    """Return an event's item with two ids."""
    item = {"seats": {"N": str(seats)}, "plan": {"S": plan_id}, "operation": {"S": operation_id}}
    return {("events", "e1"): item}


def test_ids_of_another_process_make_no_difference() -> None:
    ones, others = stored("process1n1", "process1n2"), stored("process7n4", "process7n3")
    assert _without_ids(ones) == _without_ids(others)


@pytest.mark.parametrize(
    "other",
    [
        stored("process1n1", "process1n2", seats=2),
        stored("process1n1", "process1n1"),
        stored("process1n1", "prepared"),
        stored("process1n1", "process1n2") | {("users", "u1"): {}},
    ],
    ids=["a value", "one id twice", "an id from before", "one more item"],
)
def test_anything_else_does(other: Stored) -> None:
    assert _without_ids(stored("process1n1", "process1n2")) != _without_ids(other)
