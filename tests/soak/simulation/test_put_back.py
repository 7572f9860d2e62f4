"""Negative controls: the simulation finds the faults that are put back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.simulation import busy_worlds, runs
from tests.support.simulation.put_back import FAULTS, seeds_until_found
from tests.support.simulation.world import World

RELIABILITY = Path(__file__).parents[3] / "docs" / "reliability.md"

QUICKLY_FOUND = (
    "audiences by wall clocks",
    "no condition on the registration",
    "no condition on the version",
    "no lease",
    "replies before the acknowledgement",
)


@pytest.mark.parametrize("fault", QUICKLY_FOUND)
def test_fault_that_is_put_back_is_found(fault: str) -> None:
    assert seeds_until_found(FAULTS[fault], most=5) is not None


def test_table_names_all_faults() -> None:
    """The table in docs/reliability.md is measured by hand: `python -m tests.support.simulation --faults 200`."""
    named = {name: kind for name, kind, _ in table()}
    assert named == {name: fault.kind for name, fault in FAULTS.items()}


def test_each_fault_is_found_within_the_seeds_of_ci() -> None:
    for name, _, seeds in table():
        most = runs.SEEDS if FAULTS[name].world is World else busy_worlds.SEEDS
        assert int(seeds) <= most, name


def table() -> list[tuple[str, str, str]]:
    """Return the rows of the table: a fault, its kind, and the seeds until it is found."""
    text = RELIABILITY.read_text(encoding="utf-8")
    rows = text.partition("| fault that is put back |")[2].partition("\n\n")[0]
    return re.findall(r"^\| (\w.+?) \| (.+?) \| (.+?) \|$", rows, flags=re.MULTILINE)
