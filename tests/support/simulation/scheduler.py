"""Scheduler of the simulation: tasks that take turns in one thread, in virtual time, in an order that a seed decides.

A task runs until it sleeps or waits; nothing else passes the turn on. So the product may hold a lock between two
calls of its ports, but not during one: another task that needs the lock would never get it.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from math import inf
from threading import Event, Lock
from typing import Any

from greenlet import getcurrent, greenlet

from tests.support.environment import START


class Killed(BaseException):
    """The process of this task has died. It raises again at each call of a port, also in `finally` clauses."""


MAX_SWITCHES = 2_000_000
"""Turns of a run, at most: many times as many as a run needs."""


MOST_APART = 10_000.0
"""Seconds that jumps may set a clock ahead or back in all. Replies are lost between clocks that are six hours apart."""


class Stuck(AssertionError):
    """Every task waits for something that no task will do."""


@dataclass(eq=False)
class Task:
    """Work that takes turns with other tasks. `owner` is the process that it dies with."""

    name: str
    owner: object
    thread: greenlet
    number: int
    """The number of its present pause. Earlier pauses have ended."""
    is_awaited: Callable[[], bool] | None = None
    """If set, it continues once this is true, however long its pause is."""
    is_killed: bool = False
    error: BaseException | None = field(default=None, repr=False)


class Scheduler:
    """Runs tasks, one at a time. `dice` decides whose turn it is."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.failure: BaseException | None = None
        """The error that ends the run, even if a task has caught it."""
        self.seconds = 0.0
        """The virtual time since the start."""
        self.skipped = 0.0
        """Seconds that the calendar is further: nights, in which nothing happens and no clock's seconds pass."""
        self._switches = 0
        self._main = getcurrent()
        self._tasks: dict[greenlet, Task] = {}
        self._pauses: list[tuple[float, int, Task]] = []
        """A heap: when each task's pause ends. Entries with another number than their task's are over."""
        self._numbers = count()
        self._ready: list[Task] = []
        self._frozen: dict[object, list[Task]] = {}
        """By process: those of its tasks that would get their turns if it were not frozen."""
        self._awaiting: dict[int, Task] = {}
        """The tasks that wait for something, by the number of their pause."""

    def spawn(self, name: str, owner: object, work: Callable[[], object]) -> Task:
        """Add a task. It starts at some turn from now on."""

        def run() -> None:
            try:
                if not task.is_killed:
                    work()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001  # raised by `run_until`
                task.error = error

        task = Task(name, owner, greenlet(run, self._main), next(self._numbers))
        self._tasks[task.thread] = task
        self._make_ready(task)
        return task

    def current(self) -> Task:
        """Return the task whose turn it is."""
        return self._tasks[getcurrent()]

    def current_name(self) -> str:
        """Return the name of the task whose turn it is. Between two turns it is empty."""
        task = self._tasks.get(getcurrent())
        return "" if task is None else task.name

    def owner(self) -> Any:
        """Return the process whose turn it is."""
        return self.current().owner

    def sleep(self, seconds: float) -> None:
        """Let others have their turns, and return after so many seconds."""
        self._pass_turn(seconds, None)

    def wait(self, is_awaited: Callable[[], bool], seconds: float = inf) -> bool:
        """Return whether this came true within so many seconds."""
        if not is_awaited():
            self._pass_turn(seconds, is_awaited)
        return is_awaited()

    def _pass_turn(self, seconds: float, is_awaited: Callable[[], bool] | None) -> None:
        task = self.current()
        task.number, task.is_awaited = next(self._numbers), is_awaited
        heapq.heappush(self._pauses, (self.seconds + seconds, task.number, task))
        if is_awaited is not None:
            self._awaiting[task.number] = task
        self._main.switch()
        if task.is_killed:
            raise Killed

    def kill(self, owner: object) -> None:
        """End all tasks of a process, as a power failure does. Each raises `Killed` at its next turn."""
        self.thaw(owner)
        for task in self._tasks.values():
            if task.owner is owner and not task.is_killed:
                task.is_killed = True
                if task.thread is not getcurrent() and task not in self._ready:
                    self._end_pause(task)

    def freeze(self, owner: object) -> None:
        """Give the tasks of a process no turns from now on. Time goes on."""
        self._frozen[owner] = [task for task in self._ready if task.owner is owner]
        self._ready = [task for task in self._ready if task.owner is not owner]

    def thaw(self, owner: object) -> None:
        """Give the tasks of a process their turns again."""
        self._ready += self._frozen.pop(owner, [])

    def run_until(self, end: float) -> None:
        """Give turns until this time, or until all tasks are done. Raise what a task raised."""
        while self._tasks:
            for task in [
                one for one in self._awaiting.values() if one.is_awaited and one.is_awaited()
            ]:
                self._end_pause(task)
            while not self._ready:
                if not self._advance(end):
                    return
            self._switches += 1
            if self._switches > MAX_SWITCHES:
                raise Stuck("the run does not end")
            self._give_turn(self._ready.pop(self._dice.randrange(len(self._ready))))

    def _give_turn(self, task: Task) -> None:
        task.thread.switch()
        if task.thread.dead:
            del self._tasks[task.thread]
        if self.failure or task.error:
            raise self.failure or task.error  # type: ignore[misc]  # one of them is set

    def _advance(self, end: float) -> bool:
        """Advance to the end of the next pause; return False if that is after `end`."""
        while self._pauses and self._pauses[0][1] != self._pauses[0][2].number:
            heapq.heappop(self._pauses)
        first = self._pauses[0][0] if self._pauses else inf
        if first == inf:
            raise Stuck(", ".join(task.name for task in self._tasks.values()))
        self.seconds = max(self.seconds, min(first, end))
        if first > end:
            return False
        while self._pauses and self._pauses[0][0] <= self.seconds:
            _, number, task = heapq.heappop(self._pauses)
            if number == task.number:
                self._end_pause(task)
        return True

    def _end_pause(self, task: Task) -> None:
        self._awaiting.pop(task.number, None)
        task.number, task.is_awaited = next(self._numbers), None
        self._make_ready(task)

    def _make_ready(self, task: Task) -> None:
        self._frozen.get(task.owner, self._ready).append(task)


class ProcessClock:
    """One process's clock: `domain.ports.Clock`. Its wall time may be wrong, run wrongly, and jump."""

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        apart: float = 0.0,
        drift: float = 0.0,
        begins: float = 0.0,
        start: datetime = START,
    ) -> None:
        """Create a clock that is `apart` seconds ahead and gains `drift` seconds a second."""
        self._scheduler = scheduler
        self._start = start
        self._apart = apart
        self._rate = 1.0 + drift
        self._begins = begins

    def now(self) -> datetime:
        """Return the wall time."""
        passed = self._scheduler.seconds * self._rate + self._scheduler.skipped
        return self._start + timedelta(seconds=passed + self._apart)

    def jump(self, seconds: float) -> None:
        """Set the wall time ahead, or back, unless it would then be more than `MOST_APART` off."""
        if abs(self._apart + seconds) <= MOST_APART:
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


class Condition:
    """What `threading.Condition` is to threads, for tasks. Its lock is held by whoever calls it."""

    def __init__(self, lock: Lock, clock: ProcessClock) -> None:
        self._lock = lock
        self._clock = clock
        self._signals: list[Event] = []

    def wait(self, seconds: float | None = None) -> None:
        """Release the lock until the condition is notified, at most for so many seconds."""
        signal = Event()
        self._signals.append(signal)
        self._lock.release()
        try:
            self._clock.wait(signal, inf if seconds is None else seconds)
        finally:
            self._lock.acquire()
            if signal in self._signals:
                self._signals.remove(signal)

    def notify(self) -> None:
        """Wake one task."""
        if self._signals:
            self._signals.pop(0).set()
