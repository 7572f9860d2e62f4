"""Plans for an event that has started, is over, or is moved to a later start (R4.7)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.commands import (
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    Edit,
    FillFreeSeats,
    Remove,
    Unregister,
    UnregisterOutcome,
)
from domain.enums import Cause
from domain.errors import EventOver, NotRegistered
from domain.inputs import EventChanges
from domain.models import Event, WaitlistEntry
from domain.planning import planner
from domain.planning.snapshot import Snapshot, waitlist_head_needed
from tests.support.environment import (
    START,
    ManualClock,
    new_event,
    new_users,
    service_on,
)
from tests.support.invariants import assert_invariants
from tests.support.memory_store import MemoryStore
from tests.support.planning import FIRST, SECOND, event, planned

STARTS = START + timedelta(days=2)
ENDS = STARTS + timedelta(hours=2)
DURING = STARTS + timedelta(hours=1)


def running(**values: object) -> Event:
    return event(**{"starts_at": STARTS, "ends_at": ENDS, **values})


@pytest.mark.parametrize(
    "command",
    [
        Unregister("sits"),
        Remove("sits", None),
        Unregister("sits", Cause.USER_DELETED),
        Unregister("sits", Cause.USER_DEACTIVATED),
        Unregister("sits", Cause.REPAIR),
    ],
    ids=lambda command: getattr(command, "cause", "removed"),
)
@pytest.mark.parametrize(
    ("now", "promoted"),
    [(STARTS - timedelta.resolution, ("first",)), (STARTS, ()), (DURING, ())],
    ids=["before", "start", "during"],
)
def test_seat_given_up_from_the_start_on_stays_free(
    command: Command, now: datetime, promoted: tuple[str, ...]
) -> None:
    plan = planned(command, at=running(), now=now)
    (outcome,) = plan.outcomes
    assert isinstance(outcome, UnregisterOutcome)
    assert outcome.promoted == promoted
    assert outcome.event.free_seats == 1 - len(promoted)
    assert outcome.event.waitlist_count == 2 - len(promoted)


@pytest.mark.parametrize(
    ("command", "at"),
    [
        (Edit(EventChanges.of(capacity=3), None), running()),
        (
            ContinueCapacityIncrease("op"),
            running(capacity_target=3, operation_id="op"),
        ),
        (FillFreeSeats(), running(capacity=3)),
    ],
    ids=["increase", "continued increase", "repair"],
)
def test_free_seats_promote_no_one_from_the_start_on(command: Command, at: Event) -> None:
    plan = planned(command, at=at, now=STARTS)
    (outcome,) = plan.outcomes
    assert isinstance(outcome, ChangeOutcome)
    assert outcome.promoted == ()
    assert outcome.event.waitlist_count == 2
    assert (outcome.event.capacity, outcome.event.capacity_target) == (3, None)
    assert outcome.event.operation_id is None


@pytest.mark.parametrize("user_id", ["sits", "first"])
def test_no_one_leaves_an_event_that_is_over(user_id: str) -> None:
    plan = planned(Unregister(user_id), at=running(), now=ENDS)
    (refusal,) = plan.outcomes
    assert isinstance(refusal, EventOver)
    assert (refusal.event_id, refusal.title, refusal.since) == ("e1", "Supper", ENDS)
    assert plan.actions == ()


def test_event_without_an_end_is_over_at_its_start() -> None:
    (refusal,) = planned(Unregister("sits"), at=running(ends_at=None), now=STARTS).outcomes
    assert isinstance(refusal, EventOver)


def test_user_without_a_registration_has_none_to_leave() -> None:
    (refusal,) = planned(Unregister("new"), at=running(), now=ENDS).outcomes
    assert isinstance(refusal, NotRegistered)


@pytest.mark.parametrize(
    "command",
    [
        Remove("sits", None),
        *(Unregister("sits", cause) for cause in Cause if cause is not Cause.OWN),
    ],
    ids=lambda command: getattr(command, "cause", "remove"),
)
def test_deletions_and_organizers_remove_from_an_event_that_is_over(command: Command) -> None:
    (outcome,) = planned(command, at=running(), now=ENDS).outcomes
    assert isinstance(outcome, UnregisterOutcome)
    assert outcome.promoted == ()


# An event that has started is moved to a later start.


@pytest.mark.parametrize("capacity", [None, 1, 2, 3], ids=lambda seats: f"capacity {seats}")
def test_moved_event_gives_the_seats_that_stayed_free(capacity: int | None) -> None:
    given = {"starts_at": STARTS + timedelta(days=7), "ends_at": None}
    changes = given if capacity is None else given | {"capacity": capacity}
    at = running(registered_count=0, capacity=2)
    plan = planned(Edit(EventChanges.of(**changes), None), at=at, now=DURING)
    (outcome,) = plan.outcomes
    assert isinstance(outcome, ChangeOutcome)
    assert outcome.event.capacity == (capacity or 2)
    assert outcome.promoted == ("first", "second")[: capacity or 2]
    assert outcome.is_moved


def test_moved_event_is_filled_in_steps_if_a_commit_is_too_small() -> None:
    """No one waits for a seat that is free, so the seats that are not given yet don't exist yet."""
    at = running(registered_count=0, capacity=2)
    move = Edit(EventChanges.of(starts_at=STARTS + timedelta(days=7), ends_at=None), None)
    snapshot = Snapshot(
        at,
        registrations={"first": FIRST, "second": SECOND},
        waitlist_head=(WaitlistEntry.of(FIRST), WaitlistEntry.of(SECOND)),
    )
    plan = planner.plan(snapshot, [move], event_id="e1", now=DURING, plan_id="p", budget=4)
    (outcome,) = plan.outcomes
    assert isinstance(outcome, ChangeOutcome)
    assert outcome.promoted == ("first",)
    assert (outcome.event.capacity, outcome.event.capacity_target) == (1, 2)
    assert outcome.event.operation_id == "p"


def test_move_reads_the_waitlist_for_the_free_seats() -> None:
    move = Edit(EventChanges.of(starts_at=STARTS + timedelta(days=7)), None)
    assert waitlist_head_needed(event(), {}, [move]) == 0
    assert waitlist_head_needed(event(registered_count=0), {}, [move]) == 1


def test_event_that_goes_on_later_fills_up_and_goes_on_promoting() -> None:
    store, clock = MemoryStore(), ManualClock()
    service = service_on(store, clock=clock)
    names = [f"u{number:03}" for number in range(130)]
    new_users(service, *names)
    new_event(service, capacity=60, starts_at=STARTS, ends_at=ENDS)
    for name in names:
        service.register("e1", name)
    clock.advance(DURING - START)
    for name in names[:55]:
        service.unregister("e1", name)
    found = assert_invariants(store)
    assert (len(found.seated("e1")), len(found.waitlisted("e1"))) == (5, 70)
    assert list(service.check(lambda _: None)) == []
    later = clock.now() + timedelta(days=7)
    service.edit_event("e1", EventChanges.of(starts_at=later, ends_at=None))
    found = assert_invariants(store)
    assert found.seated("e1") == names[55:115]
    assert service.unregister("e1", names[55]).promoted == (names[115],)
    assert store.events["e1"].capacity == 60


def test_processes_that_disagree_about_the_start_leave_seats_free() -> None:
    """For the other one the event has started. A seat that is given up promotes one user, not more."""
    at = running(capacity=60, registered_count=1)
    (outcome,) = planned(Unregister("sits"), at=at, now=STARTS - timedelta(seconds=1)).outcomes
    assert isinstance(outcome, UnregisterOutcome)
    assert outcome.promoted == ("first",)
