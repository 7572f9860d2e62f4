"""AWS Lambda in discrete events: concurrency, cold starts, and batches of a stream's records."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import simpy

from tests.benchmarks.model import Steps

COLD_START = (1.5, 2.0)
"""The shortest and the longest time, in seconds, in which Lambda starts an environment. An assumption.

`tests.benchmarks.cold_start` finds 1.0 s for the import and the first request. Lambda fetches the package, too.
"""

STARTS, WITHIN = 1_000, 10.0
"""How many environments Lambda starts for one function within so many seconds (Lambda's documentation)."""

STREAM_MEDIAN, STREAM_99 = 0.213, 0.552
"""Published percentiles of the seconds from a write to the invocation that gets its record."""

LATENCY_LASTS = 0.5
"""Seconds after which a stream's latency changes. Records that are written together arrive together."""

THROTTLED_PAUSE = (0.2, 1.0)
"""Seconds after which Lambda hands over records again that no environment was free for. An assumption."""

_NORMAL_99 = 2.326
"""The 99th percentile of the standard normal distribution."""


class Throttled(Exception):
    """Lambda refuses an invocation: too many run at the same time, or too many environments start."""


class Account:
    """An AWS account with a quota of concurrent invocations, which all functions share."""

    def __init__(self, env: simpy.Environment, quota: int) -> None:
        self.env = env
        self.quota = quota
        self.running = 0
        self.invocations = 0
        self.seconds = 0.0
        """The time of all invocations, with cold starts."""


class Function:
    """A Lambda function, with environments that have started before. Each runs one invocation at a time."""

    def __init__(
        self,
        account: Account,
        dice: random.Random,
        *,
        started: int,
        cold_start: tuple[float, float] = COLD_START,
    ) -> None:
        self._account = account
        self._dice = dice
        self._idle = started
        self._cold_start = cold_start
        self._starts = float(STARTS)
        self._since = 0.0

    def run(self, work: Callable[[], Steps]) -> Steps:
        """Return the result of the work, done in an environment. Raises `Throttled`."""
        account, env = self._account, self._account.env
        if account.running >= account.quota or not (self._idle or self._may_start()):
            raise Throttled
        account.running += 1
        account.invocations += 1
        begun = env.now
        if self._idle:
            self._idle -= 1
        else:
            self._starts -= 1
            yield env.timeout(self._dice.uniform(*self._cold_start))
        result = yield from work()
        account.seconds += env.now - begun
        account.running -= 1
        self._idle += 1
        return result

    def _may_start(self) -> bool:
        now = self._account.env.now
        self._starts = min(STARTS, self._starts + (now - self._since) * STARTS / WITHIN)
        self._since = now
        return self._starts >= 1


class Stream:
    """Records that a function gets in batches: in order, one batch after the other."""

    def __init__(
        self,
        account: Account,
        dice: random.Random,
        function: Function,
        handle: Callable[[list[Any]], Steps],
        *,
        batch_size: int,
    ) -> None:
        self._env = account.env
        self._dice = dice
        self._function = function
        self._handle = handle
        self._batch_size = batch_size
        self._records: deque[tuple[float, Any]] = deque()
        """Each with the time at which it arrives."""
        self._latency = 0.0
        self._latency_until = 0.0
        self._latest = 0.0
        self._is_led = False

    def add(self, record: Any) -> None:
        """Add the record of an item that is written now."""
        now = self._env.now
        if now >= self._latency_until:
            spread = math.log(STREAM_99 / STREAM_MEDIAN) / _NORMAL_99
            self._latency = self._dice.lognormvariate(math.log(STREAM_MEDIAN), spread)
            self._latency_until = now + LATENCY_LASTS
        self._latest = max(self._latest, now + self._latency)
        self._records.append((self._latest, record))
        if not self._is_led:
            self._is_led = True
            self._env.process(self._lead())

    def _lead(self) -> Steps:
        while self._records:
            yield self._env.timeout(max(0.0, self._records[0][0] - self._env.now))
            yield from self._hand_over(self._arrived())
        self._is_led = False

    def _arrived(self) -> list[Any]:
        records = self._records
        batch: list[Any] = []
        while records and records[0][0] <= self._env.now and len(batch) < self._batch_size:
            batch.append(records.popleft()[1])
        return batch

    def _hand_over(self, batch: list[Any]) -> Steps:
        while True:
            try:
                yield from self._function.run(partial(self._handle, batch))
            except Throttled:
                yield self._env.timeout(self._dice.uniform(*THROTTLED_PAUSE))
            else:
                return
