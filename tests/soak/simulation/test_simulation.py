"""Whole runs of the product in virtual time, each from one seed, and faults that they must find."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.counting import Count
from tests.support.scale import scaled
from tests.support.simulation.put_back import FAULTS, seeds_until_found
from tests.support.simulation.world import Report, World, run

FAST_SEEDS = 3
SEEDS = 60

SITUATIONS = (
    "a process dies with a request",
    "a process hangs",
    "a read fails",
    "a wall clock jumps",
    "a write is refused",
    "a write's answer is lost; it is applied later",
    "a write's answer is lost; it is applied never",
    "a write's answer is lost; it is applied now",
    "an answer is not confirmed",
    "Slack is down",
    "Slack limits the rate",
    "Slack's answer is lost",
    "somebody is deleted",
    "somebody presses twice",
    "the store is down",
)
"""Situations that must occur in at least one seed."""

QUICKLY_FOUND = (
    "a lost answer taken for a refusal",
    "audiences by wall clocks",
    "no condition on the registration",
    "no condition on the version",
)


@pytest.mark.parametrize("seed", range(FAST_SEEDS))
def test_few_seeds_find_nothing(seed: int) -> None:
    run(seed)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_seeds_find_nothing(count: Count) -> None:
    """Each situation occurs: a fault that never happens proves nothing."""
    reports = [run(seed) for seed in range(FAST_SEEDS, FAST_SEEDS + scaled(SEEDS))]
    seen: Counter[str] = sum((report.situations for report in reports), start=Counter())
    for situation in SITUATIONS:
        assert seen[situation], f"no seed has seen that {situation}"
    count("virtual hours", round(sum(report.virtual_seconds for report in reports) / 3600))
    count("commits", sum(report.commits for report in reports))


def test_seed_runs_the_same_again() -> None:
    assert trace(7) == trace(7)
    assert trace(7) != trace(8)


def trace(seed: int) -> tuple[Report, object]:
    """Return what happened in a run, and when."""
    world = World(seed)
    report = world.run()
    return report, {key: (one.at, one.content["text"]) for key, one in world.slack.posted.items()}


@pytest.mark.parametrize("fault", QUICKLY_FOUND)
def test_fault_that_is_put_back_is_found(fault: str) -> None:
    """Negative controls: the simulation sees."""
    assert seeds_until_found(FAULTS[fault], most=20) is not None
