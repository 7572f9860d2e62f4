"""How the calls of a simulated run become a history, and that both judges reject a wrong one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.commands import RegisterOutcome
from domain.errors import Busy, NotRegistered, RollcallError, UnknownUser
from domain.inputs import EventChanges
from tests.support.builders import a_registration, an_event
from tests.support.environment import START
from tests.support.races.linearizability import NotLinearizable, find_order
from tests.support.second_checker.history import (
    Create,
    DeleteUser,
    Done,
    History,
    Operation,
    Own,
    Read,
    Register,
    SetStatus,
    Status,
)
from tests.support.second_checker.history import (
    NotRegistered as HasNone,
)
from tests.support.second_checker.to_races import race_of
from tests.support.simulation.history import MOST_OPERATIONS, check_history, history_of
from tests.support.simulation.judge import Call

EVENT = an_event(capacity=1, has_waitlist=False)
CREATION = Operation(Create(1, has_waitlist=False), 0, 0, Done())
REGISTERED = RegisterOutcome(EVENT, a_registration())


def a_call(name: str, begun: float, answer: object, **values: object) -> Call:
    call = Call(name, "e1", "ada", begun, ended=begun + 1, answer=answer)
    return replace(call, **values)  # type: ignore[arg-type]  # fields by name


def operations(*calls: Call) -> list[Operation]:
    """Return the operations after the event's creation."""
    created, *others = history_of(EVENT, 0, calls).operations
    assert created == CREATION
    return others


def test_call_becomes_an_operation() -> None:
    registering = a_call("register_ensuring_user", 1, REGISTERED)
    assert operations(registering) == [Operation(Register("ada"), 1, 2, Own(None, 1))]


def test_call_about_another_event_is_left_out() -> None:
    assert operations(a_call("unregister", 1, None, event_id="e2")) == []


@pytest.mark.parametrize("answer", [Busy(), RollcallError()])
def test_refusal_that_says_nothing_about_the_event_is_left_out(answer: RollcallError) -> None:
    assert operations(a_call("register_ensuring_user", 1, answer)) == []


def test_call_without_an_answer_is_open() -> None:
    lost = a_call("register_ensuring_user", 1, None, ended=float("inf"))
    assert operations(lost) == [Operation(Register("ada"), 1)]


@pytest.mark.parametrize("answer", [Busy(), UnknownUser("ada"), False])
def test_deletion_that_is_not_finished_is_open(answer: object) -> None:
    of_user = a_call("delete_user", 1, answer, event_id="")
    of_event = a_call("delete_event", 2, answer)
    assert operations(of_user, of_event) == [
        Operation(DeleteUser("ada"), 1),
        Operation(SetStatus(Status.DELETED), 2),
    ]


def test_history_ends_before_an_event_gets_another_start() -> None:
    reading = a_call("get_registration", 1, NotRegistered("e1", "", "ada"))
    moving = a_call("edit_event", 1.5, None, changes=EventChanges.of(starts_at=START))
    assert operations(reading, moving) == [Operation(Read("ada"), 1)]
    assert operations(reading, replace(moving, begun=3)) == [
        Operation(Read("ada"), 1, 2, HasNone())
    ]


def test_first_operations_are_judged() -> None:
    reading = a_call("get_registration", 1, NotRegistered("e1", "", "ada"))
    calls = [replace(reading, begun=n, ended=n) for n in range(1, 100)]
    assert len(history_of(EVENT, 0, calls).operations) == MOST_OPERATIONS


def test_calls_before_the_creation_are_left_out() -> None:
    """Found by seed 10047: the first operations were all about an event that did not exist yet."""
    reading = a_call("get_registration", -100, NotRegistered("e1", "", "ada"))
    calls = [replace(reading, begun=n - 100, ended=n - 99) for n in range(MOST_OPERATIONS + 1)]
    assert operations(*calls) == []
    never_answered = [replace(one, ended=float("inf")) for one in calls]
    assert history_of(EVENT, 0, never_answered) == History(())


def test_wrong_history_is_rejected_by_both_judges() -> None:
    """Two users get the only seat."""
    both = History(
        [
            CREATION,
            Operation(Register("ada"), 1, 2, Own(None, 1)),
            Operation(Register("bo"), 1, 2, Own(None, 2)),
        ]
    )
    with pytest.raises(AssertionError, match="no order of the history explains"):
        check_history(both)
    with pytest.raises(NotLinearizable):
        find_order(*race_of(both))
