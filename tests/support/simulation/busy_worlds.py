"""Worlds with much of one thing, such as exports, late writes, or organizers who leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.support.simulation.weights import MEMBERS_OF_SERIES, SLOWING, Weights
from tests.support.simulation.world import World

MakeWorld = Callable[[int], World]

SEEDS = 10
"""How many seeds of each of these worlds CI runs."""


def world_with_exports(seed: int) -> World:
    """Return a world with exports that take minutes. In every second one, nothing fails meanwhile."""
    weights = replace(
        Weights.drawn(seed),
        processes=3,
        events=2,
        exporting=0.15,
        piece_seconds=9.0,
        piece_bytes=12,
        page_rows=3,
        pause=3.0,
    )
    if seed % 2:
        weights = _undisturbed(weights)
    return World(seed, weights=weights)


def world_with_leaving_organizers(seed: int) -> World:
    """Return a world in which organizers leave often."""
    weights = replace(Weights.drawn(seed), events=2, leaving=0.3, pause=3.0)
    return World(seed, weights=weights)


def world_with_programs(seed: int) -> World:
    """Return a world in which programs use the HTTP API, and answers of the store are lost."""
    weights = replace(
        Weights.drawn(seed),
        is_on_lambda=False,
        programs=3,
        members=4,
        events=1,
        unanswered=0.5,
        store_seconds=0.02,
        pause=3.0,
        exporting=0.0,
    )
    return World(seed, weights=weights)


def world_with_forms(seed: int) -> World:
    """Return a world in which organizers work in Slack's forms, without a fault."""
    weights = replace(
        _without_others(_undisturbed(Weights.drawn(seed))),
        processes=2,
        members=3,
        events=2,
        pause=2.0,
    )
    return World(seed, weights=weights)


def _undisturbed(weights: Weights) -> Weights:
    none: dict[str, Any] = dict.fromkeys(SLOWING, 0.0)
    return replace(weights, is_on_lambda=False, store_seconds=0.02, slack_seconds=0.05, **none)


def _without_others(weights: Weights) -> Weights:
    """Leave out programs, exports, and organizers who leave."""
    return replace(weights, programs=0, exporting=0.0, leaving=0.0)


def world_with_lost_answers(seed: int) -> World:
    """Return a world in which many answers of the store are lost, and writes arrive late."""
    weights = replace(
        Weights.drawn(seed),
        is_on_lambda=False,
        events=4,
        members=8,
        unanswered=0.4,
        crashes=0.015,
        store_seconds=0.02,
        pause=3.0,
    )
    return World(seed, weights=weights)


def world_with_late_writes(seed: int) -> World:
    """Return a world in which many writes arrive late, while little else happens to their events."""
    weights = replace(
        _without_others(_undisturbed(Weights.drawn(seed))),
        processes=2,
        events=3,
        members=4,
        second_presses=0.0,
        user_deletions=0.0,
        unanswered=0.8,
        silent=1.0,
        pause=20.0,
    )
    return World(seed, weights=weights)


def world_with_lost_requests(seed: int) -> World:
    """Return a world in which one process sends much, and a few answers of the store are lost."""
    weights = replace(
        _without_others(_undisturbed(Weights.drawn(seed))),
        processes=1,
        events=2,
        members=12,
        user_deletions=0.0,
        unanswered=0.1,
        pause=3.0,
    )
    return World(seed, weights=weights)


def world_with_hangs(seed: int) -> World:
    """Return a world in which processes stand still, also with an update of a card on its way."""
    weights = replace(
        _without_others(_undisturbed(Weights.drawn(seed))),
        processes=4,
        events=2,
        members=10,
        busy_seconds=90.0,
        slack_seconds=2.5,
        hangs=0.004,
        second_presses=0.0,
        user_deletions=0.0,
        pause=1.0,
    )
    return World(seed, weights=weights)


def world_with_deletions(seed: int) -> World:
    """Return a world in which members are deleted while they press."""
    weights = replace(
        _undisturbed(Weights.drawn(seed)),
        processes=2,
        user_deletions=0.6,
        store_seconds=0.3,
        small_limits=0.0,
        hangs=0.0,
        pause=3.0,
    )
    return World(seed, weights=weights)


def world_with_full_disk(seed: int) -> World:
    """Return a world whose store is full for a while, and which sends much."""
    weights = replace(
        _undisturbed(Weights.drawn(seed)), processes=1, events=3, members=12, store_full=12.0
    )
    return World(seed, weights=weights)


def world_with_series(seed: int) -> World:
    """Return a world with a series, three processes that sweep it, and a store that is not fast."""
    weights = replace(
        _undisturbed(Weights.drawn(seed).with_series()),
        processes=3,
        members=MEMBERS_OF_SERIES,
        store_seconds=0.1,
        user_deletions=0.0,
        leaving=0.0,
        pause=1.0,
    )
    return World(seed, weights=weights)


def world_with_rushes(seed: int) -> World:
    """Return a world on Lambda in which many press for one event at once, functions die, and answers are lost."""
    weights = replace(
        _with_rush(Weights.drawn(seed)), unanswered=0.2, silent=0.8, crashes=0.01, small_limits=1.0
    )
    return World(seed, weights=weights)


def world_with_calm_rushes(seed: int) -> World:
    """Return a world on Lambda in which many press for one event at once, and nothing fails."""
    weights = replace(_undisturbed(_with_rush(Weights.drawn(seed))), is_on_lambda=True)
    return World(seed, weights=weights)


def world_with_plans_in_doubt(seed: int) -> World:
    """Return a world on Lambda in which it is often not known in time whether a commit applied."""
    weights = replace(
        _with_rush(Weights.drawn(seed)),
        members=6,
        busy_seconds=60.0,
        pause=3.0,
        unanswered=0.7,
        silent=1.0,
    )
    return World(seed, weights=weights)


def _with_rush(weights: Weights) -> Weights:
    return replace(
        _without_others(weights.with_rush()),
        is_on_lambda=True,
        user_deletions=0.0,
    )
