"""`make simulate`: run many seeds, and report those that find a fault.

python -m tests.support.simulation 200          the seeds 0 to 199
python -m tests.support.simulation 200 1000     the seeds 1000 to 1199
python -m tests.support.simulation --faults 50  how many seeds find each fault that is put back
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.support.simulation.put_back import FAULTS, seeds_until_found
from tests.support.simulation.world import Report, World

MOST_SHOWN = 300
"""Characters of an error that are shown."""


def main(arguments: list[str]) -> int:
    """Run what the arguments say. Return the exit status: 1 if a seed found a fault of today's code."""
    if arguments[:1] == ["--faults"]:
        return _report_faults(int(arguments[1]))
    number, first = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0
    begun = time.monotonic()
    situations: Counter[str] = Counter()
    seconds = commits = failures = 0.0
    with ProcessPoolExecutor() as pool:
        for seed, result in zip(
            range(first, first + number),
            pool.map(_outcome, range(first, first + number)),
            strict=True,
        ):
            if isinstance(result, str):
                failures += 1
                print(f"seed {seed}: {result}")
                continue
            seconds += result.virtual_seconds
            commits += result.commits
            situations += result.situations
    took = time.monotonic() - begun
    print(f"{number} seeds, {failures:.0f} failed")
    print(
        f"{seconds / 3600:.1f} virtual hours, {commits:.0f} commits, {seconds / took:.0f} times real time"
    )
    for situation, times in sorted(situations.items()):
        print(f"{times:8}  {situation}")
    return 1 if failures else 0


def _outcome(seed: int) -> Report | str:
    """Return the report of a seed, or what it found."""
    try:
        return World(seed).run()
    except Exception as error:  # noqa: BLE001  # whatever it is, the seed has found it
        return f"{type(error).__name__}: {error}"[:MOST_SHOWN]


def _report_faults(most: int) -> int:
    for name, fault in FAULTS.items():
        found = seeds_until_found(fault, most)
        seeds, by = found if found is not None else ("not found", "")
        print(f"{name}: {seeds}  {str(by)[:100]!r}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
