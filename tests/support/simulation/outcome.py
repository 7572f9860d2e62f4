"""What a run comes to: a report, or a failure in the smallest world that still shows it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb

from tests.support.simulation.weights import Overrides, Weights
from tests.support.simulation.world import Report, World

MAX_TRIES = 40
"""Runs in which a failure is made smaller."""

MOST_SHOWN = 600
"""Characters of an error that are shown."""


@dataclass(frozen=True)
class Success:
    """A run that found nothing."""

    seed: int
    took: float
    """In real seconds."""
    report: Report


@dataclass(frozen=True)
class Failure:
    """What a run has found."""

    seed: int
    overrides: Overrides
    error: str
    raised_at: str
    """The line of code that raised it. Two failures of one line are of one kind."""
    trace: tuple[str, ...]
    """The last lines of the run's trace."""

    def __str__(self) -> str:
        return "\n".join(
            [
                f"seed {self.seed} at commit {commit_id()}: {self.error}",
                f"  raised at {self.raised_at}",
                f"  replay: {self.overrides.command(self.seed)}",
            ]
        )


def outcome(seed: int, overrides: Overrides | None = None) -> Success | Failure:
    """Run a seed once."""
    begun = time.monotonic()
    overrides = overrides or Overrides()
    world = World(seed, overrides)
    try:
        report = world.run()
    except Exception as error:  # noqa: BLE001  # whatever it is, the seed has found it
        text = f"{type(error).__name__}: {error}"[:MOST_SHOWN]
        return Failure(seed, overrides, text, _raised_at(error), world.trace.lines())
    return Success(seed, time.monotonic() - begun, report)


def shrunk(
    failure: Failure, run: Callable[[int, Overrides], Success | Failure] = outcome
) -> Failure:
    """Return the failure in a smaller world: one thing after the other is left out, as long as it still fails so."""
    for step in failure.overrides.steps(Weights.drawn(failure.seed))[:MAX_TRIES]:
        if failure.overrides.is_smaller(step):
            result = run(failure.seed, failure.overrides.taking(step))
            if isinstance(result, Failure) and result.raised_at == failure.raised_at:
                failure = result
    return failure


def commit_id() -> str:
    """Return the commit that is checked out, with a mark if files have changed since."""
    command = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _raised_at(error: BaseException) -> str:
    """Return the line that raised an error, or the one that it was raised from."""
    while error.__cause__ is not None:
        error = error.__cause__
    last = extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno} in {last.name}"
