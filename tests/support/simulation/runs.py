"""Many runs on all cores, and what they come to together."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, islice

from tests.support.garbage import collect_garbage_rarely
from tests.support.simulation.outcome import Failure, Success, outcome, shrunk
from tests.support.simulation.situations import MUST_OCCUR
from tests.support.simulation.weights import Overrides

SEEDS = 200
"""How many seeds CI runs."""

RUNS_OF_A_PROCESS = 500
"""Runs after which a process is replaced, and its memory is free again."""

SLOWEST = 5
"""How many of the slowest seeds are shown."""


def outcomes(
    first: int, number: int | None, overrides: Overrides, seconds: float | None = None
) -> Iterator[Success | Failure]:
    """Yield what the seeds from the first one on come to, as each ends: so many, or as many as begin in the time."""
    seeds = count(first) if number is None else iter(range(first, first + number))
    ends_at = None if seconds is None else time.monotonic() + seconds
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        max_tasks_per_child=RUNS_OF_A_PROCESS,
        initializer=collect_garbage_rarely,
    ) as pool:
        pending: set[Future[Success | Failure]] = set()
        while True:
            if ends_at is None or time.monotonic() < ends_at:
                new = islice(seeds, 2 * workers - len(pending))
                pending |= {pool.submit(_shrunk_outcome, seed, overrides) for seed in new}
            if not pending:
                return
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _shrunk_outcome(seed: int, overrides: Overrides) -> Success | Failure:
    result = outcome(seed, overrides)
    return shrunk(result) if isinstance(result, Failure) else result


class Summary:
    """Adds up what many runs come to."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.situations: Counter[str] = Counter()
        self.seeds_with: Counter[str] = Counter()
        """By situation: how many seeds have met it."""
        self.virtual_seconds = 0.0
        self.commits = 0
        self._begun = time.monotonic()
        self._seeds = 0
        self._slowest: list[tuple[float, int]] = []

    def add(self, result: Success | Failure) -> None:
        """Add the outcome of one seed."""
        self._seeds += 1
        if isinstance(result, Failure):
            self.failures.append(result)
            return
        report = result.report
        self.virtual_seconds += report.virtual_seconds
        self.commits += report.commits
        self.situations += report.situations
        self.seeds_with.update(report.situations.keys())
        self._slowest = sorted([*self._slowest, (result.took, result.seed)])[-SLOWEST:]

    def headline(self) -> str:
        """Return the sums in one line."""
        took = time.monotonic() - self._begun
        return (
            f"{self._seeds} seeds in {took:.0f} s, {len(self.failures)} failed, "
            f"{self.virtual_seconds / 3600:.1f} virtual hours, "
            f"{self.virtual_seconds / took:.0f} times real time, {self.commits} commits"
        )

    def __str__(self) -> str:
        slowest = ", ".join(f"{seed} ({took:.1f} s)" for took, seed in reversed(self._slowest))
        faults = sorted(set(self.situations) - set(MUST_OCCUR))
        return "\n".join(
            [
                self.headline(),
                f"slowest seeds: {slowest}",
                "faults and acts, with how often and in how many seeds:",
                *map(self._line, faults),
                "situations:",
                *map(self._line, MUST_OCCUR),
            ]
        )

    def _line(self, situation: str) -> str:
        return f"{self.situations[situation]:8} {self.seeds_with[situation]:5}  {situation}"
