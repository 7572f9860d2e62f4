"""The model of AWS Lambda keeps to its limits, and to the order of a stream."""

from __future__ import annotations

import random
from functools import partial

import pytest
import simpy

from tests.benchmarks.lambda_model import COLD_START, Account, Function, Stream, Throttled
from tests.benchmarks.model import Steps


def an_account(quota: int = 10) -> Account:
    return Account(simpy.Environment(), quota)


def work(account: Account, seconds: float) -> Steps:
    yield account.env.timeout(seconds)


def ended_at(account: Account, function: Function) -> float:
    """Return when an invocation that begins now has done a second of work."""
    begun = account.env.process(function.run(partial(work, account, 1.0)))
    account.env.run(until=begun)
    return account.env.now


def test_first_invocation_starts_an_environment_and_the_next_one_uses_it() -> None:
    account = an_account()
    function = Function(account, random.Random(1), started=0)
    first = ended_at(account, function)
    assert COLD_START[0] + 1 <= first <= COLD_START[1] + 1
    assert ended_at(account, function) == pytest.approx(first + 1)


def test_invocation_beyond_the_quota_is_refused() -> None:
    account = an_account(quota=1)
    function = Function(account, random.Random(1), started=2)
    account.env.process(function.run(partial(work, account, 1.0)))
    account.env.run(until=0.5)
    with pytest.raises(Throttled):
        next(function.run(partial(work, account, 1.0)))


def test_stream_hands_over_records_in_order_one_batch_after_the_other() -> None:
    account, running, batches = an_account(), [0], list[list[int]]()

    def handle(batch: list[int]) -> Steps:
        running[0] += 1
        assert running[0] == 1
        batches.append(batch)
        yield account.env.timeout(0.3)
        running[0] -= 1

    function = Function(account, random.Random(1), started=2)
    stream = Stream(account, random.Random(1), function, handle, batch_size=10)

    def write() -> Steps:
        for number in range(100):
            stream.add(number)
            yield account.env.timeout(0.02)

    account.env.process(write())
    account.env.run()
    assert [one for batch in batches for one in batch] == list(range(100))
    assert max(map(len, batches)) == 10


def test_stream_hands_over_later_while_the_quota_is_used() -> None:
    account, arrived = an_account(quota=1), list[float]()

    def handle(batch: list[int]) -> Steps:
        arrived.append(account.env.now)
        yield account.env.timeout(0)

    busy = Function(account, random.Random(1), started=1)
    account.env.process(busy.run(partial(work, account, 5.0)))
    function = Function(account, random.Random(1), started=1)
    Stream(account, random.Random(1), function, handle, batch_size=10).add(1)
    account.env.run()
    assert arrived[0] > 5.0
