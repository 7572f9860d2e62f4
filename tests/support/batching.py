"""Callers of one event whom a test lets in one by one, and what serves them in batches."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from domain.execution.batching import CommandQueue, QueuedCommand

LATER = 1e9
"""A deadline that never comes."""
Served = QueuedCommand[str, str]


class Executor:
    """Serves what it is given in upper case, and can be held shut; `culprit` makes it fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.keys: set[str] = set()
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.held = False
        self.most = 100
        self.errors: dict[str, BaseException] = {}

    def serve(self, key: str, batch: Sequence[Served]) -> None:
        self.batches.append([entry.command for entry in batch])
        self.keys.add(key)
        if self.held:
            self.entered.release()
            self.open.acquire()
        for entry in batch:
            if entry.command in self.errors:
                raise self.errors[entry.command]
        for entry in batch[: self.most]:
            entry.result.set_result(entry.command.upper())


class Crowd:
    """People in threads of their own, let in one after the other in a known order."""

    def __init__(self, command_queue: CommandQueue[str, str], pool: ThreadPoolExecutor) -> None:
        self.command_queue = command_queue
        self.pool = pool

    def arrives(self, command: str, *, deadline: float = LATER, key: str = "event") -> Future[str]:
        """Start a caller and wait until it is queued behind the one that is being served."""
        before = self.command_queue.queue_length(key)
        future = self.pool.submit(self.command_queue.submit, key, command, deadline)
        while self.command_queue.queue_length(key) == before and not future.done():
            pass
        return future


def hold(executor: Executor, crowd: Crowd) -> Future[str]:
    """Let one caller in and hold the door, so that all who come now wait together."""
    executor.held = True
    first = crowd.pool.submit(crowd.command_queue.submit, "event", "first", LATER)
    executor.entered.acquire()
    return first


def release(executor: Executor) -> None:
    executor.held = False
    executor.open.release()


class Ended(BaseException):
    """As KeyboardInterrupt is: not an Exception."""
