"""The planner: the waitlist within a batch, user checks, and inconsistent snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import (
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    Create,
    Edit,
    FillFreeSeats,
    FinishDeletion,
    Register,
    Remove,
    RemoveAttendees,
    SetStatus,
    StartDeletion,
    Unregister,
    UnregisterOutcome,
)
from domain.enums import Cause, Deletion, EventStatus
from domain.errors import AlreadyRegistered, RollcallError, UnknownEvent
from domain.inputs import EventChanges
from domain.models import Event, Registration, WaitlistEntry
from domain.planning import planner
from domain.planning.plan import CheckUser, Plan, PutJournalEntry
from domain.planning.snapshot import InconsistentSnapshot, Snapshot, waitlist_head_needed
from tests.support.builders import a_user
from tests.support.planning import LATER, SITS, WAITLISTED, event, planned, row

WAITLIST = tuple(row(f"w{ticket}", ticket, WAITLISTED) for ticket in (2, 3, 4, 5))
NAMES = ("new", "sits", *(one.user_id for one in WAITLIST))


def planned_with_waitlist(
    *commands: Command, head: int, budget: int = 100, capacity: int = 1
) -> Plan:
    """Plan for one registered and four waitlisted users, with this many entries read as the head."""
    at = event(capacity=capacity, waitlist_count=4, next_ticket=6, waitlist_by_block={0: 4})
    snapshot = Snapshot(
        at,
        {name: a_user(name) for name in NAMES},
        {one.user_id: one for one in (SITS, *WAITLIST)},
        tuple(WaitlistEntry.of(one) for one in WAITLIST[:head]),
        {one.ticket: one.ticket - 2 for one in WAITLIST},
    )
    return planner.plan(snapshot, commands, event_id="e1", now=LATER, plan_id="p", budget=budget)


def refusals(plan: Plan) -> list[RollcallError]:
    return [outcome for outcome in plan.outcomes if isinstance(outcome, RollcallError)]


def unregister(user_id: str) -> Unregister:
    return Unregister(user_id, Cause.OWN)


@pytest.mark.parametrize("head", [0, 1, 4])
def test_second_registration_after_leaves_has_the_right_position(head: int) -> None:
    """R3.4: entries between head and tail are counted, however many were read."""
    commands: list[Command] = [unregister("w3"), Register("new"), Register("new")]
    joined, again = planned_with_waitlist(*commands, head=head).outcomes[1:]
    assert getattr(joined, "position", None) == 4
    assert isinstance(again, AlreadyRegistered)
    assert again.position == 4


@pytest.mark.parametrize(("asks", "position"), [("w2", 1), ("w4", 2), ("w5", 3)])
def test_position_after_leaves_moves_up(asks: str, position: int) -> None:
    """R4.3: users behind one who leaves move up, also within one commit."""
    (refusal,) = refusals(planned_with_waitlist(unregister("w3"), Register(asks), head=1))
    assert isinstance(refusal, AlreadyRegistered)
    assert refusal.position == position


REGISTRATIONS = {one.user_id: one for one in (SITS, row("sits too", 7), *WAITLIST)}
INCREASE, TO_5 = (
    Edit(EventChanges.of(capacity=4), None),
    {"capacity_target": 5, "operation_id": "op"},
)


@pytest.mark.parametrize(
    ("commands", "at", "head"),
    [
        ([unregister("sits")], {}, 1),
        ([unregister("sits"), Remove("sits too", None)], {}, 2),
        (
            [unregister("sits"), unregister("w2"), Remove("w3", None)],
            {},
            3,
        ),  # waitlisted users may leave first
        ([unregister("w2")], {}, 0),
        ([unregister("unknown"), Register("new")], {}, 0),
        ([INCREASE], {}, 3),
        ([unregister("sits"), INCREASE], {}, 4),
        ([Edit(EventChanges.of(title="Brunch"), None)], {}, 0),
        ([INCREASE, unregister("sits")], {"capacity": 9}, 4),  # lowers the capacity
        ([Edit(EventChanges.of(starts_at=LATER), None)], {}, 0),
        ([Edit(EventChanges.of(starts_at=LATER), None)], {"capacity": 9}, 8),
        ([ContinueCapacityIncrease("op")], TO_5, 4),
        ([unregister("sits"), ContinueCapacityIncrease("op")], TO_5, 5),
        ([FillFreeSeats()], {"capacity": 3}, 2),
        ([unregister("sits"), FillFreeSeats()], {"capacity": 3}, 3),
        ([INCREASE], {"waitlist_count": 2}, 2),
        ([Edit(EventChanges.of(capacity=500), None)], {"waitlist_count": 499}, 50),
    ],
)
def test_waitlist_head_needed_covers_seats_that_can_become_free(
    commands: Sequence[Command], at: dict[str, Any], head: int
) -> None:
    """One entry more than fits a commit shows that a capacity increase is unfinished."""
    given = event(**{"waitlist_count": 10} | at)
    assert waitlist_head_needed(given, REGISTRATIONS, commands) == head


def test_fill_free_seats_uses_the_whole_budget() -> None:
    """Each seat takes two actions, event and journal one each."""
    (outcome,) = planned_with_waitlist(FillFreeSeats(), head=4, capacity=5, budget=8).outcomes
    assert getattr(outcome, "promoted", None) == ("w2", "w3", "w4")


def test_position_after_a_promotion_moves_up() -> None:
    (refusal,) = refusals(planned_with_waitlist(unregister("sits"), Register("w4"), head=1))
    assert isinstance(refusal, AlreadyRegistered)
    assert refusal.position == 2


@pytest.mark.parametrize(
    ("commands", "checked"),
    [
        ((unregister("sits"), Register("w4")), ["w4"]),  # moved up
        ((unregister("sits"), Register("w2"), Register("w2")), ["w2"]),  # promoted
        ((SetStatus(EventStatus.CLOSED, None), Register("new")), ["new"]),
        ((unregister("w5"), Register("w4")), []),  # as it was before
        ((Register("w4"),), []),  # a second read of the version verifies it
        ((Register("new"), Register("new")), ["new"]),  # registering checks the user anyway
        ((SetStatus(EventStatus.CLOSED, None), Register("unknown")), []),
    ],
)
def test_refusal_caused_by_the_batch_checks_its_user(
    commands: Sequence[Command], checked: list[str]
) -> None:
    """R7.1: a deletion does not change the event's version, so the commit checks the user."""
    plan = planned_with_waitlist(*commands, head=1)
    checks = [action.user_id for action in plan.actions if isinstance(action, CheckUser)]
    assert checks == checked


@pytest.mark.parametrize(
    ("commands", "checked"),
    [
        ((Register("new"), unregister("new")), ["new"]),
        ((unregister("sits"), Register("sits"), unregister("sits")), ["sits"]),
        ((unregister("sits"),), []),
    ],
)
def test_register_and_leave_in_one_batch_check_the_user(
    commands: Sequence[Command], checked: list[str]
) -> None:
    """R7.1: the outcome would be false if the user's deletion had started."""
    plan = planned_with_waitlist(*commands, head=1)
    assert [action.user_id for action in plan.actions if isinstance(action, CheckUser)] == checked


def test_refusal_unrelated_to_its_user_checks_no_user() -> None:
    """A check of a user who does not exist would fail the commit."""
    plan = planned_with_waitlist(StartDeletion(None), Register("unknown"), head=1)
    assert [type(outcome) for outcome in plan.outcomes] == [ChangeOutcome, UnknownEvent]
    assert not [action for action in plan.actions if isinstance(action, CheckUser)]


@pytest.mark.parametrize(("budget", "answered"), [(6, 2), (7, 3), (8, 4)])
def test_refusal_with_a_user_check_counts_toward_the_budget(budget: int, answered: int) -> None:
    commands = (unregister("sits"), Register("w3"), Register("w4"), Register("w5"))
    plan = planned_with_waitlist(*commands, head=1, budget=budget)
    assert (len(plan.outcomes), len(plan.actions)) == (answered, budget)


def test_command_after_a_creation_waits_for_the_next_commit() -> None:
    """R3.5: nothing was read for an event that did not exist."""
    created = event(registered_count=0, waitlist_count=0, waitlist_by_block={})
    commands: list[Command] = [Create(created, "boss"), Register("new")]
    plan = planner.plan(Snapshot(None), commands, event_id="e1", now=LATER, plan_id="p")
    assert [type(outcome) for outcome in plan.outcomes] == [ChangeOutcome]


def test_promotion_past_entries_that_were_not_read_is_inconsistent() -> None:
    """R3.6: then more of the waitlist must be read."""
    with pytest.raises(InconsistentSnapshot, match="too few entries"):
        planned_with_waitlist(Register("new"), unregister("sits"), head=0)


@pytest.mark.parametrize(("user_id", "promoted"), [("sits", ("w2",)), ("w3", ())])
def test_leave_promotes_into_the_seat_given_up_only(
    user_id: str, promoted: tuple[str, ...]
) -> None:
    """Seats that should not be free are left to a repair: too little of the waitlist was read."""
    outcome = planned_with_waitlist(unregister(user_id), head=1, capacity=3).outcomes[0]
    assert getattr(outcome, "promoted", None) == promoted


def test_large_capacity_increase_waits_for_its_own_commit() -> None:
    """R2.5: earlier commands would cut it short."""
    increase = Edit(EventChanges.of(capacity=9), None)
    short = planned_with_waitlist(unregister("w3"), increase, head=4, budget=7)
    assert len(short.outcomes) == 1
    assert short.event is not None
    assert (short.event.capacity, short.event.capacity_target) == (1, None)
    enough = planned_with_waitlist(unregister("w3"), increase, head=4, budget=10)
    assert [type(one) for one in enough.outcomes] == [UnregisterOutcome, ChangeOutcome]
    alone = planned_with_waitlist(increase, head=4, budget=7)
    assert alone.event is not None
    assert (alone.event.capacity, alone.event.capacity_target) == (3, 9)


@pytest.mark.parametrize("command", [RemoveAttendees(("sits",)), FinishDeletion()])
@pytest.mark.parametrize("at", [event(), event(deletion=Deletion.DONE), None])
def test_deletion_steps_of_an_event_not_in_deletion_are_refused(
    command: Command, at: Event | None
) -> None:
    """R7.2: neither for an active event, nor a tombstone, nor a missing one."""
    plan = planner.plan(Snapshot(at), [command], event_id="e1", now=LATER, plan_id="p")
    (refusal,) = refusals(plan)
    assert isinstance(refusal, UnknownEvent)
    assert refusal.event_id == "e1"
    assert plan.actions == ()


def test_remove_attendees_goes_on_after_a_user_who_left() -> None:
    in_deletion = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    plan = planned(RemoveAttendees(("unknown", "first")), at=in_deletion)
    assert plan.event is not None
    assert plan.event.waitlist_count == 1


def test_unchanged_status_returns_the_event() -> None:
    (outcome,) = planned(SetStatus(EventStatus.OPEN, None)).outcomes
    assert isinstance(outcome, ChangeOutcome)
    assert (outcome.changed, outcome.event) == (False, event())


def test_edit_of_an_unset_deadline_records_none() -> None:
    deadline = LATER + timedelta(hours=1)
    edit = Edit(EventChanges.of(registration_deadline=deadline), None)
    (entry,) = (one.entry for one in planned(edit).actions if isinstance(one, PutJournalEntry))
    (change,) = entry.changes
    assert change.fields == {"registration_deadline": (None, str(deadline))}


IN_DELETION = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
STRANGER = row("stranger", 3, WAITLISTED)


@pytest.mark.parametrize(
    ("at", "rows", "commands", "what"),
    [
        (event(), (WAITLIST[0],), [Register("w2")], "the entries before w2 were not counted"),
        (
            event(waitlist_count=0, waitlist_by_block={}),
            (STRANGER,),
            [unregister("stranger")],
            "stranger is waitlisted, but not on the waitlist of e1",
        ),
        (
            event(waitlist_count=1, waitlist_by_block={7: 1}),
            (STRANGER,),
            [unregister("stranger")],
            "block 0 of the waitlist of e1 would count below 0",
        ),
        (event(), (SITS,), [unregister("sits")], "too few entries of the waitlist of e1 were read"),
        (
            IN_DELETION,
            (SITS,),
            [RemoveAttendees(("sits",))],
            "sits cannot leave e1 before its waitlist is empty",
        ),
        (IN_DELETION, (), [FinishDeletion()], "e1 cannot be deleted before it is empty"),
    ],
)
def test_inconsistent_snapshot_names_the_contradiction(
    at: Event, rows: Sequence[Registration], commands: Sequence[Command], what: str
) -> None:
    """The whole plan is given up, and the message says where to look."""
    users: dict[str, Any] = {name: a_user(name) for name in NAMES}
    snapshot = Snapshot(at, users, {one.user_id: one for one in rows})
    with pytest.raises(InconsistentSnapshot, match=what):
        planner.plan(snapshot, commands, event_id="e1", now=LATER, plan_id="p")
