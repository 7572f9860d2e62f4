"""`make bench`: every benchmark, each in a process of its own; one table, and the same as JSON.

`python -m tests.benchmarks NAME …` runs some of them. What only counts, or compares two times that it
takes in turns, runs beside the ten minutes of clicks, whose speed matters to nobody; the rest runs alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tests.benchmarks.figures import Figure, Section, table, write

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "build" / "bench.json"


@dataclass(frozen=True)
class Benchmark:
    """A function that yields figures. It is imported only where it runs."""

    title: str
    module: str
    function: str = "figures"
    is_alone: bool = False

    def run(self) -> Section:
        """Run it in this process."""
        module = import_module(f"tests.benchmarks.{self.module}")
        figures: Callable[[], Iterator[Figure]] = getattr(module, self.function)
        begun = time.perf_counter()
        found = tuple(figures())
        return Section(self.title, found, time.perf_counter() - begun)


BENCHMARKS = {
    "store": Benchmark("The rush, in the store", "rush_store", is_alone=True),
    "http": Benchmark("The rush, whole", "rush_http", is_alone=True),
    "scales": Benchmark("What operations cost, and how their time grows", "scales"),
    "month": Benchmark("What registrations cost in AWS", "costs"),
    "start": Benchmark("Start", "cold_start", is_alone=True),
    "clicks": Benchmark("Memory in ten minutes of clicks", "memory", "figures_of_clicks"),
    "jobs": Benchmark("Memory of long jobs", "memory", "figures_of_jobs"),
    "model": Benchmark("On paper: 5,000 people within ten seconds, for one event", "model"),
}
"""In the order of the table."""

LONGEST = "clicks"
"""Has a lane of its own; the others that do not run alone, take about as long together."""


def run_all(names: Sequence[str]) -> list[Section]:
    """Run benchmarks, each in a process of its own; return what they found, in the table's order.

    What one found is written down at once.
    """
    found: dict[str, Section] = {}

    def run(some: Iterable[str]) -> None:
        for name in some:
            found[name] = _in_a_process(name)
            write(RESULT, _ordered(found))

    lanes = ([LONGEST], [name for name in BENCHMARKS if name != LONGEST])
    with ThreadPoolExecutor(len(lanes)) as threads:
        ephemeral = [
            [each for each in lane if each in names and not BENCHMARKS[each].is_alone]
            for lane in lanes
        ]
        list(threads.map(run, ephemeral))
    run(name for name in BENCHMARKS if name in names and BENCHMARKS[name].is_alone)
    return _ordered(found)


def _ordered(found: Mapping[str, Section]) -> list[Section]:
    return [found[name] for name in BENCHMARKS if name in found]


def _in_a_process(name: str) -> Section:
    _say(f"{BENCHMARKS[name].title} …")
    command = [sys.executable, "-m", "tests.benchmarks", "--here", name]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    section = Section.from_json(ended.stdout)
    _say(f"{section.title}: {section.seconds:.0f} s")
    return section


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Run what was asked for, and tell what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, []])
    parser.add_argument("--here", action="store_true", help="one, in this process, as JSON")
    asked = parser.parse_args()
    if asked.here:
        sys.stdout.write(BENCHMARKS[asked.names[0]].run().to_json())
        return
    begun = time.perf_counter()
    RESULT.parent.mkdir(exist_ok=True)
    sections = run_all(asked.names or [*BENCHMARKS])
    sys.stdout.write(table(sections) + "\n")
    _say(f"{(time.perf_counter() - begun) / 60:.1f} minutes; also in {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
