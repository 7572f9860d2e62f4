"""When this process first saw something, on its monotonic clock."""

from __future__ import annotations

import pytest

from domain.execution import first_seen
from domain.execution.first_seen import FirstSeen
from tests.support.environment import ManualClock


def test_time_is_that_of_the_first_look_until_it_is_forgotten() -> None:
    clock = ManualClock()
    seen = FirstSeen(clock)
    assert seen.at("e1", 1) == 0.0
    clock.advance(5.0)
    assert (seen.at("e1", 1), seen.at("e1", 2)) == (0.0, 5.0)
    seen.forget("e1", 1)
    assert seen.at("e1", 1) == 5.0


def test_oldest_is_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_seen, "MAX_REMEMBERED", 2)
    clock = ManualClock()
    seen = FirstSeen(clock)
    seen.at("a")
    seen.at("b")
    clock.advance(1.0)
    assert [seen.at("c"), seen.at("b"), seen.at("a")] == [1.0, 0.0, 1.0]
