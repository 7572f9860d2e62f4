"""`make simulate`: run seeds on all cores, and report what they have found and seen.

python -m tests.support.simulation --seeds 200                    the seeds 0 to 199
python -m tests.support.simulation --hours 2                      as many as fit, each time from another first one
python -m tests.support.simulation --seeds 1 --first 42 --members 3 --without crashes jumps
python -m tests.support.simulation --faults 200 [name ...]        how many seeds find each fault that is put back
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.support.simulation.outcome import Failure
from tests.support.simulation.put_back import FAULTS, measured
from tests.support.simulation.runs import SEEDS, Summary, outcomes
from tests.support.simulation.weights import Overrides

PROGRESS_SECONDS = 60.0
"""How often a long run says how far it is."""

LINES_OF_REPLAY = 80
"""Lines of the trace that are shown if one seed fails."""


def main(arguments: list[str]) -> int:
    """Run what the arguments say. Return the exit status: 1 if a seed found a fault of today's code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.simulation")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--hours", type=float)
    parser.add_argument("--first", type=int)
    parser.add_argument("--without", nargs="*", default=[], metavar="KIND")
    parser.add_argument("--members", type=int)
    parser.add_argument("--events", type=int)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--faults", type=int, metavar="MOST")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args(arguments)
    if given.faults is not None:
        return _report_faults(given.faults, given.names or list(FAULTS))
    overrides = Overrides(
        tuple(given.without), given.members, given.events, given.processes, given.seconds
    )
    if given.hours is not None:
        first = int(time.time()) if given.first is None else given.first
        return _simulate(first, None, overrides, given.hours * 3600)
    return _simulate(given.first or 0, given.seeds, overrides, None)


def _simulate(first: int, number: int | None, overrides: Overrides, seconds: float | None) -> int:
    """Run so many seeds, or seeds for so many seconds."""
    summary, said_at = Summary(), time.monotonic()
    for result in outcomes(first, number, overrides, seconds):
        summary.add(result)
        if isinstance(result, Failure):
            print(result, flush=True)
            if number == 1:
                print("\n".join(result.trace[-LINES_OF_REPLAY:]))
        if time.monotonic() >= said_at + PROGRESS_SECONDS:
            said_at = time.monotonic()
            print(f"{summary.headline()}, the last one is {result.seed}", flush=True)
    print(summary)
    return 1 if summary.failures else 0


def _report_faults(most: int, names: list[str]) -> int:
    for name, found in measured(names, most):
        seeds, by = ("not found", "") if found is None else found
        print(f"{name}: {seeds}  {by[:100]!r}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
