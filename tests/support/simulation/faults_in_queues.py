"""Guards of the request queue that are taken away (R14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.execution import queue_consumer
from domain.planning.plan import Plan, PutBatchResults
from tests.support.simulation.busy_worlds import (
    world_with_calm_rushes,
    world_with_plans_in_doubt,
    world_with_rushes,
)
from tests.support.simulation.fault import Fault, PutBack
from tests.support.simulation.request_stream import RequestStream
from tests.support.simulation.world import World


def _commits_without_results(patch: pytest.MonkeyPatch, world: World) -> None:
    """Commit what is queued without its results: they are written afterwards only."""
    commit = world.data.commit

    def commit_plan(plan: Plan) -> None:
        actions = tuple(one for one in plan.actions if not isinstance(one, PutBatchResults))
        commit(replace(plan, actions=actions))

    patch.setattr(world.data, "commit", commit_plan)


def _dead_consumers_forgotten(patch: pytest.MonkeyPatch, _: World) -> None:
    """Carry out all that is handed over, whatever an earlier consumer did with it."""
    patch.setattr(queue_consumer._Run, "_skip_known", lambda _: None)


def _ignored(name: str) -> PutBack:
    """Return what has the records of one kind of write reach no function."""

    def ignore(patch: pytest.MonkeyPatch, _: World) -> None:
        has_written = RequestStream.has_written

        def has_written_others(
            stream: RequestStream, written_by: str, written: tuple[Any, ...]
        ) -> None:
            if written_by != name:
                has_written(stream, written_by, written)

        patch.setattr(RequestStream, "has_written", has_written_others)

    return ignore


def _in_doubt_carried_out_again(patch: pytest.MonkeyPatch, _: World) -> None:
    """Carry out a command whose plan may have applied, without finding out."""
    patch.setattr(queue_consumer._Run, "_was_applied", lambda *_: False)


FAULTS: dict[str, Fault] = {
    "a queue's commits without results": Fault(
        "guard", _commits_without_results, world_with_rushes
    ),
    "a dead consumer's commits forgotten": Fault(
        "guard", _dead_consumers_forgotten, world_with_rushes
    ),
    "awaited replies sent with results only": Fault(
        "guard", _ignored("put_awaited_reply"), world_with_calm_rushes
    ),
    "awaited replies sent without results": Fault(
        "guard", _ignored("put_results"), world_with_calm_rushes
    ),
    "a plan in doubt carried out again": Fault(
        "guard", _in_doubt_carried_out_again, world_with_plans_in_doubt
    ),
}
