"""The model of a rush follows DynamoDB's rules."""

from __future__ import annotations

import random

import simpy

from tests.benchmarks.model import (
    SEATS,
    USERS,
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
    """Return how transactions on the first version end, each started after so many seconds."""
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


def test_concurrent_transaction_conflicts_and_a_later_one_is_stale() -> None:
    assert ends_of(0, 0.001, 1) == [End.DONE, End.CONFLICT, End.STALE]


def test_partition_limits_units_per_second_without_bursts() -> None:
    env = simpy.Environment()
    partition = Partition(env, WRITES_A_SECOND)
    assert partition.takes(WRITES_A_SECOND)
    assert not partition.takes(1)
    env.run(until=0.5)
    assert partition.takes(WRITES_A_SECOND / 2)
    assert not partition.takes(1)


def test_batch_is_planned_by_the_code() -> None:
    """49 seats or 32 waitlist entries fit into a transaction of 100 actions."""
    assert planned(USERS // 100, SEATS).taken == 49
    assert planned(USERS // 100, 0).taken == 32


def test_one_process_handles_everyone_without_conflicts() -> None:
    result = simulate(processes(1, 0), 500, seconds=1)
    assert len(result.answered) == 500
    assert result.database.ends.keys() == {End.DONE}


def test_transactions_per_request_mostly_conflict() -> None:
    ends = simulate(alone, 100, seconds=0.2).database.ends
    assert ends[End.DONE] == 100
    assert ends[End.CONFLICT] > ends[End.DONE]
