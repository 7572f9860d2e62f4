"""A rush on AWS Lambda: with the request queue nobody is turned away (R14). The rushes here are short ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from storage.dynamodb.schema import REQUESTS
from tests.benchmarks.figures import percentile
from tests.benchmarks.queue_functions import Design
from tests.benchmarks.queue_model import Result, Rush, simulate
from tests.benchmarks.queue_units import partition_of_results, planned_with_results

SHORT = Rush(presses=1_000, seconds=2.0)
"""As many presses a second as in the rush of R14.2: 500."""

FULL = Rush(presses=1_700, seconds=3.4)
"""Longer than the seats last: the others join the waitlist."""


SMALL = Rush(presses=100, seconds=1.0)

simulated = cache(simulate)


def p99(result: Result) -> float:
    return percentile(result.acknowledged, 99)


def test_nobody_is_turned_away_or_asked_to_wait_if_functions_are_warm() -> None:
    result = simulated(FULL, Design())
    assert (result.turned_away, result.asked_to_wait) == (0, 0)
    assert len(result.acknowledged) == FULL.presses
    assert p99(result) <= 2.0


def test_most_are_turned_away_without_the_queue() -> None:
    assert simulated(SHORT).turned_away > 0.8 * SHORT.presses


def test_whoever_is_asked_to_wait_gets_a_reply_if_functions_are_cold() -> None:
    result = simulated(replace(SHORT, started=0), Design())
    assert result.asked_to_wait > SHORT.presses / 2
    assert len(result.log.late_replies) == result.asked_to_wait
    assert result.turned_away == 0
    assert p99(result) <= 3.0


def test_every_press_is_decided_once() -> None:
    result = simulated(FULL, Design())
    assert len(result.log.order) == FULL.presses
    assert result.database.registered == FULL.presses


def test_presses_are_decided_in_order_within_a_second_if_functions_are_warm() -> None:
    assert simulated(SHORT, Design()).overtaken < 1.0


@pytest.mark.parametrize(
    "slower",
    [Design(plans_ahead=False), Design(slots=1), Design(replies_apart=False, slots=1)],
    ids=["plans after each commit", "one slot", "sends replies itself"],
)
def test_slower_consumer_makes_replies_later(slower: Design) -> None:
    assert percentile(simulated(FULL, slower).acknowledged, 50) > (
        percentile(simulated(FULL, Design()).acknowledged, 50)
    )


def test_functions_of_a_small_account_hand_presses_over_without_a_look() -> None:
    result = simulated(Rush(20, 2.0, concurrency=10, started=10), Design())
    assert result.asked_to_wait > 0
    assert result.database.looks == 0


def test_queue_costs_less_than_a_rush_without_it() -> None:
    assert simulated(SHORT, Design()).dollars < simulated(SHORT).dollars


def test_same_seed_gives_the_same_rush() -> None:
    first, again, other = (simulate(SMALL, Design(), seed=seed) for seed in (1, 1, 2))
    assert first.acknowledged == again.acknowledged != other.acknowledged


def test_results_take_nothing_from_the_partition_of_the_queue() -> None:
    """The requests of 5,000 presses in ten seconds take half of its 1,000 write units a second."""
    assert partition_of_results() != REQUESTS.name


def test_commit_with_results_is_planned_by_the_code() -> None:
    """48 seats or 32 waitlist entries fit beside the item of the results."""
    assert planned_with_results(50, 50).taken == 48
    assert planned_with_results(50, 0).taken == 32
    assert planned_with_results(50, 50).actions <= 100
