"""The rush on paper: its rules are DynamoDB's, and what it says follows from them."""

from __future__ import annotations

import random

import simpy

from tests.benchmarks.model import (
    PEOPLE,
    SEATS,
    WRITES_A_SECOND,
    DynamoDB,
    End,
    Partition,
    Steps,
    alone,
    planned,
    processes,
    simulate,
)


def ends_of(*beginnings: float) -> list[End]:
    """Return how transactions end that all know the first version, each begun so many seconds later."""
    env = simpy.Environment()
    database = DynamoDB(env, random.Random(1))
    ends: dict[float, End] = {}

    def transact(begins: float) -> Steps:
        yield env.timeout(begins)
        ends[begins], _ = yield from database.transact(0, 1)

    for begins in beginnings:
        env.process(transact(begins))
    env.run()
    return [ends[begins] for begins in beginnings]


def test_a_transaction_that_meets_another_is_rejected_and_one_that_comes_after_is_stale() -> None:
    assert ends_of(0, 0.001, 1) == [End.DONE, End.CONFLICT, End.STALE]


def test_a_partition_takes_so_many_units_a_second_and_no_burst() -> None:
    env = simpy.Environment()
    partition = Partition(env, WRITES_A_SECOND)
    assert partition.takes(WRITES_A_SECOND)
    assert not partition.takes(1)
    env.run(until=0.5)
    assert partition.takes(WRITES_A_SECOND / 2)
    assert not partition.takes(1)


def test_a_batch_is_what_the_code_would_commit() -> None:
    """49 seats or 32 places in a transaction of 100 actions."""
    assert planned(PEOPLE // 100, SEATS)[0] == 49
    assert planned(PEOPLE // 100, 0)[0] == 32


def test_one_process_answers_everybody_with_no_conflict() -> None:
    result = simulate(processes(1, 0), 500, seconds=1)
    assert len(result.answered) == 500
    assert result.database.ends.keys() == {End.DONE}


def test_a_transaction_per_request_is_mostly_rejected() -> None:
    ends = simulate(alone, 100, seconds=0.2).database.ends
    assert ends[End.DONE] == 100
    assert ends[End.CONFLICT] > ends[End.DONE]
