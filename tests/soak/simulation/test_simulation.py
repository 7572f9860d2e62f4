"""Whole runs of the product in virtual time, each from one seed."""

from __future__ import annotations

import pytest

from tests.support.counting import Count
from tests.support.scale import scaled
from tests.support.simulation.outcome import Failure, outcome
from tests.support.simulation.runs import SEEDS, Summary, outcomes
from tests.support.simulation.situations import MUST_OCCUR
from tests.support.simulation.weights import Overrides
from tests.support.simulation.world import Report, World

FAST_SEEDS = 3

FOUND = (20150, 70373, 90005, 90036, 102901, 110691, 120255)
"""Seeds of long runs that found something, as long as their worlds are still drawn the same way.

20150: the judge took a deletion that the store had refused for one that was applied.
70373: the judge did not know that one commit had closed an event, refused a registration, and reopened the event.
90005: the judge took an addition that named somebody twice for one that left somebody out.
90036: two clocks were six hours apart, so a stored reply was given up at once.
102901: an organizer took a message about an earlier request for the form that creates an event.
110691: the judge did not know that one commit had saved somebody's answers and let them unregister.
120255: the judge did not know the sentence for an event whose questions are gone.
"""


@pytest.mark.short
@pytest.mark.parametrize("seed", range(FAST_SEEDS))
def test_few_seeds_find_nothing(seed: int) -> None:
    found = outcome(seed)
    assert not isinstance(found, Failure), found


@pytest.mark.parametrize("seed", FOUND)
def test_seed_that_found_something_finds_nothing(seed: int) -> None:
    found = outcome(seed)
    assert not isinstance(found, Failure), found


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_seeds_find_nothing(count: Count) -> None:
    """Each situation occurs: a fault that never happens proves nothing."""
    summary = Summary()
    for found in outcomes(0, scaled(SEEDS), Overrides()):
        summary.add(found)
    assert not summary.failures, "\n".join(map(str, summary.failures))
    assert not [one for one in MUST_OCCUR if not summary.situations[one]]
    count("virtual hours", round(summary.virtual_seconds / 3600))
    count("commits", summary.commits)


def test_seed_runs_the_same_again() -> None:
    assert trace(7) == trace(7)
    assert trace(7) != trace(8)


def trace(seed: int) -> tuple[Report, object]:
    """Return what happened in a run, and when."""
    world = World(seed)
    report = world.run()
    return report, {key: (one.at, one.content["text"]) for key, one in world.slack.posted.items()}
