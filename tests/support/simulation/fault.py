"""What a fault is that is put back into the product for one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.simulation.world import World
from tests.support.unguarded_store import UnguardedStore

PutBack = Callable[[pytest.MonkeyPatch, World], None]
"""Puts a fault into one world. What is patched is put right after its run."""


@dataclass(frozen=True)
class Fault:
    """A fault that Rollcall had, or a guard without which it would have one."""

    kind: str
    """The item of "What was promised holds" that fixed it, or "guard" if a test switches it off."""
    put_back: PutBack
    world: Callable[[int], World] = World
    """Makes the world of a seed: one with much of what the fault is in."""


def without(*guards: str) -> PutBack:
    """Return what makes commits without these guards: see `UnguardedStore`."""

    def take_away(_: pytest.MonkeyPatch, world: World) -> None:
        world.served = UnguardedStore(world.data, guards)

    return take_away
