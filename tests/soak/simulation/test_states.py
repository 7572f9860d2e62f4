"""What the judge takes for true between the commands of one commit."""

from __future__ import annotations

import pytest

from domain.commands import Command, Create, Edit, Register, SetStatus
from domain.enums import ChangeKind, ClosedReason, EventStatus
from domain.errors import EventFull, RegistrationClosed
from domain.inputs import EventChanges
from domain.models import Change
from tests.support.builders import a_journal_entry, an_event, plan_and_commit, put_users
from tests.support.simulation.judge import State, states_between
from tests.support.simulation.world import World

CLOSE, REOPEN = SetStatus(EventStatus.CLOSED, None), SetStatus(EventStatus.OPEN, None)


def test_event_is_closed_between_the_commands_that_close_and_reopen_it() -> None:
    """Found by seed 70373, on 2026-11-29: a member was refused in between, and the judge called that untrue."""
    before, after = State(0.0, an_event(version=1), {}), State(1.0, an_event(version=2), {})
    kinds = (ChangeKind.CLOSED, ChangeKind.EDITED, ChangeKind.REOPENED)
    entry = a_journal_entry(changes=tuple(Change(kind=kind) for kind in kinds))

    statuses = [state.event.status for state in states_between(before, after, entry)]

    assert statuses[::2] == [EventStatus.CLOSED, EventStatus.CLOSED, EventStatus.OPEN]


def setting(**values: object) -> Edit:
    return Edit(EventChanges.of(**values), None)


def committed(world: World, *commands: Command) -> tuple[object, ...]:
    """Commit commands together, and return their outcomes."""
    plan = plan_and_commit(world.data, *commands)
    assert len(plan.outcomes) == len(commands)
    world.judge.has_written(world.data)
    return plan.outcomes


@pytest.fixture
def world() -> World:
    """Return a world with the event `e1`, which has two seats and no waitlist, and with two users."""
    world = World(0)
    put_users(world.data, "ada", "bo")
    committed(world, Create(an_event(version=0, has_waitlist=False)))
    return world


def judge(world: World, answer: object) -> None:
    """Judge an answer to a registration that was under way since the start."""
    call = world.judge.begin("register_ensuring_user", "e1", "bo")
    world.judge.check(call, answer)


def test_refusal_between_a_closing_and_a_reopening_of_one_commit_is_true(world: World) -> None:
    _, refusal, *_ = committed(world, CLOSE, Register("bo"), setting(title="Supper"), REOPEN)
    assert isinstance(refusal, RegistrationClosed)
    judge(world, refusal)


@pytest.mark.parametrize(
    ("full", "free"),
    [
        (setting(capacity=1), setting(capacity=3)),
        (setting(capacity=1), setting(has_waitlist=True)),
    ],
)
def test_refusal_of_a_full_event_between_two_edits_of_one_commit_is_true(
    world: World, full: Edit, free: Edit
) -> None:
    *_, refusal, _ = committed(world, Register("ada"), full, Register("bo"), free)
    assert isinstance(refusal, EventFull)
    judge(world, refusal)


def test_refusal_that_was_never_true_is_found(world: World) -> None:
    committed(world, setting(title="Supper"), Register("ada"), setting(capacity=1))
    refusal = RegistrationClosed("e1", "Supper", ClosedReason.CLOSED, None)
    with pytest.raises(AssertionError, match="was never true"):
        judge(world, refusal)
