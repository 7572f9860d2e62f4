"""`seating.plan`: the line while a batch moves it, what refusals name, and what cannot be of one moment."""

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
    LeaveOutcome,
    Register,
    Remove,
    RemoveAttendees,
    SetStatus,
    StartDeletion,
    Unregister,
)
from domain.enums import Cause, Deletion, EventStatus
from domain.errors import AlreadyRegistered, RollcallError, UnknownEvent
from domain.inputs import EventChanges
from domain.models import Event, Registration, WaitlistEntry
from domain.planning import planner
from domain.planning.plan import CheckUser, Plan, PutJournalEntry
from domain.planning.snapshot import InconsistentSnapshot, Snapshot, waitlist_head_needed
from tests.support.builders import a_user
from tests.support.planning import LATER, SITS, WAITING, event, planned, row

LINE = tuple(row(f"w{ticket}", ticket, WAITING) for ticket in (2, 3, 4, 5))
NAMES = ("new", "sits", *(one.user_id for one in LINE))


def planned_in_line(*commands: Command, heads: int, budget: int = 100, capacity: int = 1) -> Plan:
    """Plan for one who sits and four who wait, of whom this many were read as the line's head."""
    at = event(capacity=capacity, waitlist_count=4, next_ticket=6, waitlist_by_block={0: 4})
    snapshot = Snapshot(
        at,
        {name: a_user(name) for name in NAMES},
        {one.user_id: one for one in (SITS, *LINE)},
        tuple(WaitlistEntry.of(one) for one in LINE[:heads]),
        {one.ticket: one.ticket - 2 for one in LINE},
    )
    return planner.plan(snapshot, commands, event_id="e1", now=LATER, plan_id="p", budget=budget)


def refusals(plan: Plan) -> list[RollcallError]:
    return [outcome for outcome in plan.outcomes if isinstance(outcome, RollcallError)]


def unregister(user_id: str) -> Unregister:
    return Unregister(user_id, Cause.OWN)


@pytest.mark.parametrize("heads", [0, 1, 4])
def test_who_joins_behind_some_who_leave_is_told_the_position_again(heads: int) -> None:
    """R3.4: however much of the line was read, those between head and newcomer are counted."""
    commands: list[Command] = [unregister("w3"), Register("new"), Register("new")]
    joined, again = planned_in_line(*commands, heads=heads).outcomes[1:]
    assert getattr(joined, "position", None) == 4
    assert isinstance(again, AlreadyRegistered)
    assert again.position == 4


@pytest.mark.parametrize(("asks", "position"), [("w2", 1), ("w4", 2), ("w5", 3)])
def test_who_waits_already_is_told_the_position_that_those_who_left_made(
    asks: str, position: int
) -> None:
    """R4.3: those behind one who leaves move up, also within one commit; those before do not."""
    (refusal,) = refusals(planned_in_line(unregister("w3"), Register(asks), heads=1))
    assert isinstance(refusal, AlreadyRegistered)
    assert refusal.position == position


ROWS = {one.user_id: one for one in (SITS, row("sits too", 7), *LINE)}
RAISE, TO_5 = Edit(EventChanges.of(capacity=4), None), {"capacity_target": 5, "operation_id": "op"}


@pytest.mark.parametrize(
    ("commands", "at", "heads"),
    [
        ([unregister("sits")], {}, 1),
        ([unregister("sits"), Remove("sits too", None)], {}, 2),
        ([unregister("sits"), unregister("w2"), Remove("w3", None)], {}, 3),  # they go first
        ([unregister("w2")], {}, 0),
        ([unregister("nobody"), Register("new")], {}, 0),
        ([RAISE], {}, 3),
        ([unregister("sits"), RAISE], {}, 4),
        ([Edit(EventChanges.of(title="Brunch"), None)], {}, 0),
        ([RAISE, unregister("sits")], {"capacity": 9}, 1),  # which lowers it here
        ([ContinueCapacityIncrease("op")], TO_5, 4),
        ([unregister("sits"), ContinueCapacityIncrease("op")], TO_5, 5),
        ([FillFreeSeats()], {"capacity": 3}, 2),
        ([unregister("sits"), FillFreeSeats()], {"capacity": 3}, 3),
        ([RAISE], {"waitlist_count": 2}, 2),
        ([Edit(EventChanges.of(capacity=500), None)], {"waitlist_count": 499}, 50),
    ],
)
def test_the_line_is_read_as_far_as_seats_can_come_free_and_no_further(
    commands: Sequence[Command], at: dict[str, Any], heads: int
) -> None:
    """One seat more than fit one commit shows that the raise goes on; a read of nobody is spared."""
    given = event(**{"waitlist_count": 10} | at)
    assert waitlist_head_needed(given, ROWS, commands) == heads


def test_seats_are_given_up_to_the_last_action_of_the_budget() -> None:
    """Two actions each, beside event and journal: what fits exactly, fits."""
    (outcome,) = planned_in_line(FillFreeSeats(), heads=4, capacity=5, budget=8).outcomes
    assert getattr(outcome, "promoted", None) == ("w2", "w3", "w4")


def test_who_asks_again_after_a_promotion_has_moved_up() -> None:
    (refusal,) = refusals(planned_in_line(unregister("sits"), Register("w4"), heads=1))
    assert isinstance(refusal, AlreadyRegistered)
    assert refusal.position == 2


@pytest.mark.parametrize(
    ("commands", "checked"),
    [
        ((unregister("sits"), Register("w4")), ["w4"]),  # moved up
        ((unregister("sits"), Register("w2"), Register("w2")), ["w2"]),  # sits now
        ((SetStatus(EventStatus.CLOSED, None), Register("new")), ["new"]),
        ((unregister("w5"), Register("w4")), []),  # as it was before
        ((Register("w4"),), []),  # a second look covers for it
        ((Register("new"), Register("new")), ["new"]),  # who joins is checked as it is
        ((SetStatus(EventStatus.CLOSED, None), Register("nobody")), []),
    ],
)
def test_who_is_refused_for_what_the_batch_changed_must_be_there_still(
    commands: Sequence[Command], checked: list[str]
) -> None:
    """R7.1: a deletion does not move the event's version, so that the user is checked in the commit."""
    plan = planned_in_line(*commands, heads=1)
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
def test_who_comes_in_must_be_there_even_if_they_leave_in_the_same_batch(
    commands: Sequence[Command], checked: list[str]
) -> None:
    """R7.1: they are told that they came in, and that was not so if their deletion had begun."""
    plan = planned_in_line(*commands, heads=1)
    assert [action.user_id for action in plan.actions if isinstance(action, CheckUser)] == checked


def test_a_refusal_that_has_nothing_to_do_with_its_user_checks_none() -> None:
    """Of somebody who is not there, no check in the commit would hold."""
    plan = planned_in_line(StartDeletion(None), Register("nobody"), heads=1)
    assert [type(outcome) for outcome in plan.outcomes] == [ChangeOutcome, UnknownEvent]
    assert not [action for action in plan.actions if isinstance(action, CheckUser)]


@pytest.mark.parametrize(("budget", "answered"), [(6, 2), (7, 3), (8, 4)])
def test_a_refusal_that_needs_a_check_takes_its_part_of_the_budget(
    budget: int, answered: int
) -> None:
    commands = (unregister("sits"), Register("w3"), Register("w4"), Register("w5"))
    plan = planned_in_line(*commands, heads=1, budget=budget)
    assert (len(plan.outcomes), len(plan.actions)) == (answered, budget)


def test_what_comes_behind_a_creation_waits_for_the_next_commit() -> None:
    """R3.5: of an event that was not there, nothing was read that could refuse or seat somebody."""
    created = event(registered_count=0, waitlist_count=0, waitlist_by_block={})
    commands: list[Command] = [Create(created, "boss"), Register("new")]
    plan = planner.plan(Snapshot(None), commands, event_id="e1", now=LATER, plan_id="p")
    assert [type(outcome) for outcome in plan.outcomes] == [ChangeOutcome]


def test_a_newcomer_is_not_promoted_ahead_of_those_who_were_not_read() -> None:
    """R3.6: then more of the line must be read."""
    with pytest.raises(InconsistentSnapshot, match="too few entries"):
        planned_in_line(Register("new"), unregister("sits"), heads=0)


def test_every_seat_that_is_free_goes_to_the_line_and_each_is_named() -> None:
    """A leave finds more seats free than its own, as no sound event has: they are given, too."""
    outcome = planned_in_line(unregister("sits"), heads=4, capacity=3).outcomes[0]
    assert getattr(outcome, "promoted", None) == ("w2", "w3", "w4")


def test_a_long_raise_gets_a_whole_commit() -> None:
    """R2.5: one that would be cut short behind other commands waits for the next commit."""
    raised = Edit(EventChanges.of(capacity=9), None)
    short = planned_in_line(unregister("w3"), raised, heads=4, budget=7)
    assert len(short.outcomes) == 1
    assert short.event is not None
    assert (short.event.capacity, short.event.capacity_target) == (1, None)
    enough = planned_in_line(unregister("w3"), raised, heads=4, budget=10)
    assert [type(one) for one in enough.outcomes] == [LeaveOutcome, ChangeOutcome]
    alone = planned_in_line(raised, heads=4, budget=7)
    assert alone.event is not None
    assert (alone.event.capacity, alone.event.capacity_target) == (3, 9)


@pytest.mark.parametrize("command", [RemoveAttendees(("sits",)), FinishDeletion()])
@pytest.mark.parametrize("at", [event(), event(deletion=Deletion.DONE), None])
def test_only_what_is_marked_for_deletion_is_emptied_and_buried(
    command: Command, at: Event | None
) -> None:
    """R7.2: not an event that lives, nor one that was buried, nor one that never was."""
    plan = planner.plan(Snapshot(at), [command], event_id="e1", now=LATER, plan_id="p")
    (refusal,) = refusals(plan)
    assert isinstance(refusal, UnknownEvent)
    assert refusal.event_id == "e1"
    assert plan.actions == ()


def test_who_left_meanwhile_does_not_keep_the_others_of_an_eviction() -> None:
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    plan = planned(RemoveAttendees(("nobody", "first")), at=marked)
    assert plan.event is not None
    assert plan.event.waitlist_count == 1


def test_a_status_that_is_so_already_is_answered_with_the_event() -> None:
    (outcome,) = planned(SetStatus(EventStatus.OPEN, None)).outcomes
    assert isinstance(outcome, ChangeOutcome)
    assert (outcome.changed, outcome.event) == (False, event())


def test_a_detail_that_was_not_there_is_nothing_in_the_history_not_the_word_none() -> None:
    deadline = LATER + timedelta(hours=1)
    edit = Edit(EventChanges.of(registration_deadline=deadline), None)
    (entry,) = (one.entry for one in planned(edit).actions if isinstance(one, PutJournalEntry))
    (change,) = entry.changes
    assert change.fields == {"registration_deadline": (None, str(deadline))}


MARKED = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
STRANGER = row("stranger", 3, WAITING)


@pytest.mark.parametrize(
    ("at", "rows", "commands", "what"),
    [
        (event(), (LINE[0],), [Register("w2")], "the entries before w2 were not counted"),
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
            MARKED,
            (SITS,),
            [RemoveAttendees(("sits",))],
            "sits cannot leave e1 before its waitlist is empty",
        ),
        (MARKED, (), [FinishDeletion()], "e1 cannot be deleted before it is empty"),
    ],
)
def test_what_cannot_be_of_one_moment_is_named(
    at: Event, rows: Sequence[Registration], commands: Sequence[Command], what: str
) -> None:
    """The whole plan is given up, and the message says where to look."""
    users: dict[str, Any] = {name: a_user(name) for name in NAMES}
    snapshot = Snapshot(at, users, {one.user_id: one for one in rows})
    with pytest.raises(InconsistentSnapshot, match=what):
        planner.plan(snapshot, commands, event_id="e1", now=LATER, plan_id="p")
