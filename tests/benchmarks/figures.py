"""Figures of benchmarks, many with a target, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PER_CENT = 100


@dataclass(frozen=True)
class Figure:
    """A measured value. Without a target, it is for orientation."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met, or None without one."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def cells(self) -> tuple[str, str, str, str]:
        """Return the figure's row of the table."""
        target = [
            f"{words} {_short(limit)}"
            for words, limit in (("at least", self.at_least), ("at most", self.at_most))
            if limit is not None
        ]
        verdict = {None: "", True: "met", False: "MISSED"}[self.is_met]
        return self.name, f"{_short(self.value)} {self.unit}".strip(), " ".join(target), verdict


@dataclass(frozen=True)
class Section:
    """A benchmark's figures, with its duration."""

    title: str
    figures: tuple[Figure, ...]
    seconds: float

    def to_json(self) -> str:
        """Return the section on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Section:
        """Return the section that `to_json` returned."""
        values = json.loads(line)
        figures = tuple(Figure(**figure) for figure in values["figures"])
        return cls(values["title"], figures, values["seconds"])


def ratio_of(slow: float, fast: float) -> float:
    """Return `slow` divided by `fast`."""
    return slow / fast if fast else float("inf")


def percentile(values: Iterable[float], of_hundred: float) -> float:
    """Return a percentile of the values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * of_hundred / PER_CENT))]


def table(sections: Sequence[Section]) -> str:
    """Return all figures as a Markdown table, under their sections' titles."""
    lines = ["| figure | found | target | |", "| --- | ---: | --- | --- |"]
    for section in sections:
        lines.append(f"| **{section.title}** | | | |")
        lines += [f"| {' | '.join(figure.cells())} |" for figure in section.figures]
    return "\n".join(lines)


def machine() -> dict[str, str]:
    """Return a description of this machine."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def write(path: Path, sections: Sequence[Section]) -> None:
    """Write the machine and all sections as JSON."""
    found = {"machine": machine(), "sections": [asdict(section) for section in sections]}
    path.write_text(json.dumps(found, indent=2) + "\n")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _short(value: float) -> str:
    """Return the value with three significant digits."""
    if value == int(value) or abs(value) >= PER_CENT:
        return f"{value:,.0f}"
    return f"{value:.3g}"
