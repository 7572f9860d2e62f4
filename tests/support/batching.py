"""Callers that a test queues one by one, and an executor that serves them in batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from domain.execution.batching import CommandQueue, QueuedCommand

NO_DEADLINE = 1e9
"""A deadline that never comes."""
UppercaseEntry = QueuedCommand[str, str]


class UppercaseExecutor:
    """Executor that returns each command in upper case.

    A test can make it wait (`held`), serve fewer than a batch (`max_served`), or fail at a command (`errors`).
    """

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.keys: set[str] = set()
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.held = False
        self.max_served = 100
        self.errors: dict[str, BaseException] = {}

    def serve(self, key: str, batch: Sequence[UppercaseEntry]) -> None:
        self.batches.append([entry.command for entry in batch])
        self.keys.add(key)
        if self.held:
            self.entered.release()
            self.open.acquire()
        for entry in batch:
            if entry.command in self.errors:
                raise self.errors[entry.command]
        for entry in batch[: self.max_served]:
            entry.result.set_result(entry.command.upper())


class Callers:
    """Callers in threads of their own, which join the queue in a known order."""

    def __init__(self, command_queue: CommandQueue[str, str], pool: ThreadPoolExecutor) -> None:
        self.command_queue = command_queue
        self.pool = pool

    def enqueue(
        self, command: str, *, deadline: float = NO_DEADLINE, key: str = "event"
    ) -> Future[str]:
        """Start a caller and wait until its command is queued behind the batch that is being served."""
        before = self.command_queue.queue_length(key)
        future = self.pool.submit(self.command_queue.submit, key, command, deadline)
        while self.command_queue.queue_length(key) == before and not future.done():
            pass
        return future


def hold(executor: UppercaseExecutor, callers: Callers) -> Future[str]:
    """Start one caller and make the executor wait, so all later callers are queued together."""
    executor.held = True
    first = callers.pool.submit(callers.command_queue.submit, "event", "first", NO_DEADLINE)
    executor.entered.acquire()
    return first


def release(executor: UppercaseExecutor) -> None:
    """Let the executor continue, and not wait any more."""
    executor.held = False
    executor.open.release()


class Interrupted(BaseException):
    """Error that, like KeyboardInterrupt, is not an Exception."""
