"""Fixtures: callers in threads, and an executor that they share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.execution.batching import CommandQueue
from tests.support.batching import Callers, UppercaseExecutor
from tests.support.environment import ManualClock


@pytest.fixture
def executor() -> UppercaseExecutor:
    return UppercaseExecutor()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def command_queue(executor: UppercaseExecutor, clock: ManualClock) -> CommandQueue[str, str]:
    return CommandQueue(executor.serve, clock, batch_size=10)


@pytest.fixture
def callers(
    command_queue: CommandQueue[str, str], executor: UppercaseExecutor
) -> Iterator[Callers]:
    pool = ThreadPoolExecutor(32)
    try:
        yield Callers(command_queue, pool)
    finally:
        executor.held = False
        executor.open.release(1000)
        pool.shutdown()
