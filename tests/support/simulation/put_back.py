"""Faults that Rollcall once had, and guards that can be taken away: the simulation must find each of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import pytest

from tests.support.simulation import (
    faults_in_delivery,
    faults_in_execution,
    faults_in_long_work,
    faults_in_queues,
    faults_in_replies,
    faults_in_series,
)
from tests.support.simulation.fault import Fault

FAULTS: dict[str, Fault] = {
    **faults_in_execution.FAULTS,
    **faults_in_delivery.FAULTS,
    **faults_in_replies.FAULTS,
    **faults_in_long_work.FAULTS,
    **faults_in_queues.FAULTS,
    **faults_in_series.FAULTS,
}


def seeds_until_found(fault: Fault, most: int, first: int = 0) -> tuple[int, str] | None:
    """Return the number of seeds until the fault is found, and by what; None if none of so many finds it."""
    for seed in range(first, first + most):
        found = _found(fault, seed)
        if found is not None:
            return seed - first + 1, found
    return None


def measured(names: Sequence[str], most: int) -> Iterator[tuple[str, tuple[int, str] | None]]:
    """Yield the name of each fault, and what `seeds_until_found` returns for it, on all cores."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = pool.map(_seeds_until_found, names, repeat(most))
        yield from zip(names, found, strict=True)


def _seeds_until_found(name: str, most: int) -> tuple[int, str] | None:
    return seeds_until_found(FAULTS[name], most)


def _found(fault: Fault, seed: int) -> str | None:
    """Return what a run with the fault finds, None if nothing."""
    with pytest.MonkeyPatch.context() as patch:
        world = fault.world(seed)
        fault.put_back(patch, world)
        try:
            world.run()
        except Exception as error:  # noqa: BLE001  # whatever it breaks, it is found
            return f"{type(error).__name__}: {error}"
    return None
