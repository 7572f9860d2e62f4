"""Run benchmarks, each in its own process, and print a table. `make bench` runs all of them.

`python -m tests.benchmarks NAME …` runs some. Benchmarks that only count or compare run at the same
time as the ten minutes of presses, whose speed does not matter. The others run alone.
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
    """A function that yields figures. Its module is imported only to run it."""

    title: str
    module: str
    function: str = "figures"
    is_alone: bool = False

    def run(self) -> Section:
        """Run the benchmark in this process."""
        module = import_module(f"tests.benchmarks.{self.module}")
        figures: Callable[[], Iterator[Figure]] = getattr(module, self.function)
        begun = time.perf_counter()
        found = tuple(figures())
        return Section(self.title, found, time.perf_counter() - begun)


BENCHMARKS = {
    "store": Benchmark("The rush, in the store", "rush_store", is_alone=True),
    "http": Benchmark("The rush, whole", "rush_http", is_alone=True),
    "scales": Benchmark("What operations cost, and how their time grows", "scales"),
    "lists": Benchmark("Lists, against how they were read before", "lists", is_alone=True),
    "month": Benchmark("What registrations cost in AWS", "costs"),
    "start": Benchmark("Start", "cold_start", is_alone=True),
    "socket": Benchmark("Socket Mode, when connections are lost", "socket_mode", is_alone=True),
    "presses": Benchmark("Memory in ten minutes of presses", "memory", "figures_of_presses"),
    "jobs": Benchmark("Memory of long jobs", "memory", "figures_of_jobs"),
    "model": Benchmark("On paper: 5,000 people within ten seconds, for one event", "model"),
    "queue": Benchmark(
        "On paper: a rush on AWS Lambda, with the request queue and without", "queue_figures"
    ),
}
"""In the order of the table."""

LONGEST = "presses"
"""Runs at the same time as all others that need not run alone. Both take about as long."""


def run_all(names: Sequence[str]) -> list[Section]:
    """Run benchmarks, each in its own process. Return their sections in the table's order.

    Each section is written as soon as it is known.
    """
    found: dict[str, Section] = {}

    def run(some: Iterable[str]) -> None:
        for name in some:
            found[name] = _in_a_process(name)
            write(RESULT, _ordered(found))

    groups = ([LONGEST], [name for name in BENCHMARKS if name != LONGEST])
    with ThreadPoolExecutor(len(groups)) as threads:
        shared = [
            [each for each in group if each in names and not BENCHMARKS[each].is_alone]
            for group in groups
        ]
        list(threads.map(run, shared))
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
    """Run the named benchmarks, or all, and print their table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, []])
    parser.add_argument(
        "--here", action="store_true", help="run one in this process and print JSON"
    )
    asked = parser.parse_args()
    if asked.here:
        sys.stdout.write(BENCHMARKS[asked.names[0]].run().to_json())
        return
    begun = time.perf_counter()
    RESULT.parent.mkdir(exist_ok=True)
    sections = run_all(asked.names or [*BENCHMARKS])
    sys.stdout.write(table(sections) + "\n")
    _say(f"{(time.perf_counter() - begun) / 60:.1f} minutes; JSON in {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
