"""Fixtures: callers in threads, and an executor that they share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.execution.batching import CommandQueue
from tests.support.batching import Crowd, Executor
from tests.support.environment import ManualClock


@pytest.fixture
def executor() -> Executor:
    return Executor()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def command_queue(executor: Executor, clock: ManualClock) -> CommandQueue[str, str]:
    return CommandQueue(executor.serve, clock, batch_size=10)


@pytest.fixture
def crowd(command_queue: CommandQueue[str, str], executor: Executor) -> Iterator[Crowd]:
    pool = ThreadPoolExecutor(32)
    try:
        yield Crowd(command_queue, pool)
    finally:
        executor.held = False
        executor.open.release(1000)
        pool.shutdown()
