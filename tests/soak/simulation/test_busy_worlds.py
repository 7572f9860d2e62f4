"""Worlds with much of one thing: what the drawn ones have too rarely for CI's seeds to find its faults."""

from __future__ import annotations

import pytest

from tests.support.simulation.busy_worlds import (
    SEEDS,
    MakeWorld,
    world_with_deletions,
    world_with_exports,
    world_with_forms,
    world_with_full_disk,
    world_with_hangs,
    world_with_late_writes,
    world_with_leaving_organizers,
    world_with_lost_answers,
    world_with_lost_requests,
    world_with_programs,
)

SITUATIONS: dict[MakeWorld, str] = {
    world_with_deletions: "a member presses while their user is being deleted",
    world_with_exports: "an export arrives",
    world_with_forms: "somebody submits twice",
    world_with_full_disk: "the store is full",
    world_with_hangs: "a process that hangs loses its lease",
    world_with_late_writes: "an answer is not confirmed",
    world_with_leaving_organizers: "an organizer leaves",
    world_with_lost_answers: "a write's answer is lost; it is applied now",
    world_with_lost_requests: "a write's answer is lost; it is applied later",
    world_with_programs: "a program asks",
}
"""What each of them is for."""


@pytest.mark.parametrize("world", SITUATIONS)
def test_busy_world_has_what_it_is_for(world: MakeWorld) -> None:
    """One of its first seeds has it: which one changes with each change of the product."""
    assert any(world(seed).run().situations[SITUATIONS[world]] for seed in range(SEEDS))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, SEEDS))
@pytest.mark.parametrize("world", SITUATIONS)
def test_seeds_of_a_busy_world_find_nothing(world: MakeWorld, seed: int) -> None:
    world(seed).run()
