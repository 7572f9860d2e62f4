"""A failure is shown in the smallest world that was found for it, with the command that replays it."""

from __future__ import annotations

import pytest

from tests.support.simulation.outcome import Failure, Success, outcome, shrunk
from tests.support.simulation.weights import FAULTS, Overrides, Weights
from tests.support.simulation.world import Report, World


def failing_if(is_failing: bool, seed: int, overrides: Overrides) -> Success | Failure:
    """Return a run that fails, or one that does not."""
    if is_failing:
        return Failure(seed, overrides, "AssertionError: wrong", "judge.py:1 in check", ())
    return Success(seed, 0.0, Report(0.0, 0, World(seed).situations.seen))


def test_what_a_failure_does_not_need_is_left_out() -> None:
    seed = next(one for one in range(100) if Weights.drawn(one).crashes)

    def run(seed: int, overrides: Overrides) -> Success | Failure:
        weights = overrides.of(Weights.drawn(seed))
        return failing_if(bool(weights.crashes) and weights.members >= 2, seed, overrides)

    failure = run(seed, Overrides())
    assert isinstance(failure, Failure)
    smallest = shrunk(failure, run)
    weights = smallest.overrides.of(Weights.drawn(seed))
    assert weights.kinds() == ("crashes",)
    assert (weights.members, weights.events, weights.processes) == (2, 1, 1)


def test_failure_of_another_kind_is_not_taken_for_it() -> None:
    failure = Failure(1, Overrides(), "AssertionError: wrong", "judge.py:1 in check", ())

    def run(seed: int, overrides: Overrides) -> Success | Failure:
        return Failure(seed, overrides, "AssertionError: wrong", "judge.py:2 in check", ())

    assert shrunk(failure, run) == failure


def test_failure_says_how_to_replay_it() -> None:
    overrides = Overrides(without=("crashes", "jumps"), members=3, seconds=15.0)
    shown = str(Failure(42, overrides, "AssertionError: wrong", "judge.py:1 in check", ()))
    command = 'make simulate SEEDS=1 FIRST=42 WITHOUT="crashes jumps" MEMBERS=3 SECONDS=15'
    assert command in shown


def test_kind_that_is_left_out_changes_no_other_weight() -> None:
    full = Weights.drawn(5)
    for kind in FAULTS:
        smaller = Overrides(without=(kind,)).of(Weights.drawn(5))
        changed = {name for name in vars(full) if getattr(full, name) != getattr(smaller, name)}
        assert changed <= {kind}


def test_smaller_world_runs() -> None:
    overrides = Overrides(without=tuple(FAULTS), members=1, events=1, processes=1, seconds=20)
    assert isinstance(outcome(3, overrides), Success)


def test_unknown_kind_of_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="jmups"):
        Overrides(without=("jmups",)).of(Weights.drawn(1))
