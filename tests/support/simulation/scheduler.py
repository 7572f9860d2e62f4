"""Scheduler of the simulation: tasks that take turns in one thread, in virtual time, in an order that a seed decides.

A task runs until it sleeps or waits; nothing else passes the turn on. So the product may hold a lock between two
calls of its ports, but not during one: another task that needs the lock would never get it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

from greenlet import getcurrent, greenlet

from tests.support.environment import START


class Killed(BaseException):
    """The process of this task has died. It raises again at each call of a port, also in `finally` clauses."""


class Stuck(AssertionError):
    """Every task waits for something that no task will do."""


@dataclass(eq=False)
class Task:
    """Work that takes turns with other tasks. `owner` is the process that it dies with."""

    name: str
    owner: object
    thread: greenlet
    due: float = 0.0
    """When it continues, in virtual seconds."""
    is_awaited: Callable[[], bool] | None = None
    """If set, it also continues once this is true."""
    is_killed: bool = False
    error: BaseException | None = field(default=None, repr=False)


class Scheduler:
    """Runs tasks, one at a time. `dice` decides whose turn it is."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.seconds = 0.0
        """The virtual time since the start."""
        self.turns = 0
        self._tasks: dict[greenlet, Task] = {}
        self._main = getcurrent()

    def spawn(self, name: str, owner: object, work: Callable[[], object]) -> Task:
        """Add a task. It starts at some turn from now on."""

        def run() -> None:
            try:
                work()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001  # raised by `run_until`
                task.error = error

        task = Task(name, owner, greenlet(run, self._main), due=self.seconds)
        self._tasks[task.thread] = task
        return task

    def sleep(self, seconds: float) -> None:
        """Let others have their turns, and return after so many seconds."""
        self._pass_turn(self.seconds + seconds, None)

    def wait(self, is_awaited: Callable[[], bool], seconds: float = inf) -> bool:
        """Return whether this came true within so many seconds."""
        if not is_awaited():
            self._pass_turn(self.seconds + seconds, is_awaited)
        return is_awaited()

    def _pass_turn(self, due: float, is_awaited: Callable[[], bool] | None) -> None:
        task = self._tasks[getcurrent()]
        task.due, task.is_awaited = due, is_awaited
        self._main.switch()
        if task.is_killed:
            raise Killed

    def kill(self, owner: object) -> None:
        """End all tasks of a process, as a power failure does, this one excepted: it raises `Killed` itself."""
        for task in self._tasks.values():
            if task.owner is owner:
                task.is_killed = True
                task.due, task.is_awaited = self.seconds, None

    def run_until(self, end: float) -> None:
        """Give turns until this time, or until all tasks are done. Raise what a task raised."""
        while self._tasks:
            task = self._next(end)
            if task is None:
                self.seconds = max(self.seconds, end)
                return
            self.turns += 1
            if task.is_killed and not task.thread:  # it has not begun
                del self._tasks[task.thread]
                continue
            task.thread.switch()
            if task.thread.dead:
                del self._tasks[task.thread]
            if task.error is not None:
                raise task.error

    def _next(self, end: float) -> Task | None:
        ready = [task for task in self._tasks.values() if self._is_ready(task)]
        if not ready:
            first = min(task.due for task in self._tasks.values())
            if first == inf:
                raise Stuck(", ".join(task.name for task in self._tasks.values()))
            if first > end:
                return None
            self.seconds = first
            ready = [task for task in self._tasks.values() if self._is_ready(task)]
        return self._dice.choice(ready)

    def _is_ready(self, task: Task) -> bool:
        return task.due <= self.seconds or (task.is_awaited is not None and task.is_awaited())


class ProcessClock:
    """One process's clock: `domain.ports.Clock`. Its wall time may be wrong, run wrongly, and jump."""

    def __init__(self, scheduler: Scheduler, *, apart: float, drift: float, begins: float) -> None:
        """Create a clock that is `apart` seconds ahead and gains `drift` seconds a second."""
        self._scheduler = scheduler
        self._apart = apart
        self._rate = 1.0 + drift
        self._begins = begins

    def now(self) -> datetime:
        """Return the wall time."""
        return START + timedelta(seconds=self._scheduler.seconds * self._rate + self._apart)

    def jump(self, seconds: float) -> None:
        """Set the wall time ahead, or back."""
        self._apart += seconds

    def monotonic(self) -> float:
        """Return seconds that no jump changes; no two processes count from the same moment."""
        return self._scheduler.seconds * self._rate + self._begins

    def sleep(self, seconds: float) -> None:
        """Let others have their turns meanwhile."""
        self._scheduler.sleep(max(0.0, seconds) / self._rate)

    def wait(self, signal: Any, seconds: float) -> bool:
        """Wait for a `threading.Event`."""
        return self._scheduler.wait(signal.is_set, max(0.0, seconds) / self._rate)
