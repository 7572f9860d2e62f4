"""The planner: each refusal with all its data, and invalid edits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.commands import (
    ChangeOutcome,
    Command,
    Create,
    Edit,
    Register,
    Remove,
    SetStatus,
    Unregister,
)
from domain.enums import Cause, ClosedReason, Deletion, EventStatus
from domain.errors import (
    AlreadyRegistered,
    CapacityBelowRegistered,
    DuplicateEvent,
    EventCanceled,
    EventFull,
    Invalid,
    NotOrganizer,
    NotRegistered,
    RegistrationClosed,
    RollcallError,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import EventChanges
from domain.models import Actor, Event
from domain.planning import planner
from domain.planning.snapshot import Snapshot
from tests.support.environment import START
from tests.support.planning import LATER, SEATED, WAITLISTED, event, planned

STRANGER = Actor("stranger")
CANCELED = event(status=EventStatus.CANCELED)
RENAMED = EventChanges.of(title="Dinner")


@pytest.mark.parametrize(
    ("command", "at", "refusal"),
    [
        (Create(event(), None), event(), DuplicateEvent("e1")),
        (Register("new"), event(deletion=Deletion.IN_PROGRESS), UnknownEvent("e1")),
        (Register("unknown"), event(), UnknownUser("unknown")),
        (Register("sits"), event(), AlreadyRegistered("e1", "Supper", "sits", SEATED, None)),
        (Register("second"), event(), AlreadyRegistered("e1", "Supper", "second", WAITLISTED, 2)),
        (Register("new"), event(has_waitlist=False), EventFull("e1", "Supper", 1, 1)),
        (
            Register("new"),
            event(status=EventStatus.CLOSED),
            RegistrationClosed("e1", "Supper", ClosedReason.CLOSED, None),
        ),
        (
            Register("new"),
            event(registration_deadline=START),
            RegistrationClosed("e1", "Supper", ClosedReason.DEADLINE, START),
        ),
        (Unregister("new", Cause.OWN), event(), NotRegistered("e1", "Supper", "new")),
        (Unregister("sits", Cause.OWN, 9), event(), NotRegistered("e1", "Supper", "sits")),
        (Remove("new", None), event(), NotRegistered("e1", "Supper", "new")),
        (Remove("sits", STRANGER), event(), NotOrganizer("e1", "stranger")),
        (Edit(RENAMED, STRANGER), event(), NotOrganizer("e1", "stranger")),
        (Edit(RENAMED, None), CANCELED, EventCanceled("e1")),
        (SetStatus(EventStatus.OPEN, None), CANCELED, EventCanceled("e1")),
        (
            Edit(EventChanges.of(capacity=2), None),
            event(capacity=5, registered_count=4),
            CapacityBelowRegistered("e1", 2, 4),
        ),
    ],
)
def test_refusal_has_all_its_data(command: Command, at: Event, refusal: RollcallError) -> None:
    plan = planned(command, at=at)
    (outcome,) = plan.outcomes
    assert isinstance(outcome, RollcallError)
    assert (type(outcome), vars(outcome)) == (type(refusal), vars(refusal))
    assert plan.actions == ()


@pytest.mark.parametrize(
    ("stored", "changes", "field"),
    [
        ({}, {"ends_at": START + timedelta(days=1)}, "ends_at"),
        (
            {"ends_at": START + timedelta(days=3)},
            {"starts_at": START + timedelta(days=4)},
            "ends_at",
        ),
        ({}, {"registration_deadline": START + timedelta(days=3)}, "registration_deadline"),
        ({}, {"registration_deadline": LATER}, "registration_deadline"),
        ({}, {"starts_at": LATER}, "starts_at"),
    ],
)
def test_edit_with_times_out_of_order_is_refused(
    stored: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    """R2.6: the end is after the start, the deadline is not, and new times are in the future."""
    (outcome,) = planned(Edit(EventChanges.of(**changes), None), at=event(**stored)).outcomes
    assert isinstance(outcome, Invalid)
    assert outcome.field == field


def test_edit_of_a_running_event_keeps_past_times() -> None:
    """Its title can still change."""
    running = event(starts_at=START, registration_deadline=START - timedelta(days=1))
    plan = planned(Edit(RENAMED, None), at=running)
    assert not isinstance(plan.outcomes[0], RollcallError)
    assert plan.event is not None
    assert plan.event.title == "Dinner"


def test_create_in_the_past_is_refused() -> None:
    plan = planner.plan(
        Snapshot(None),
        [Create(event(starts_at=START), None)],
        event_id="e1",
        now=LATER,
        plan_id="p",
    )
    (outcome,) = plan.outcomes
    assert isinstance(outcome, Invalid)
    assert (outcome.field, outcome.reason) == ("starts_at", "must be in the future")


@pytest.mark.parametrize("capacity", [1, 2])
def test_edit_returns_who_was_promoted(capacity: int) -> None:
    plan = planned(Edit(EventChanges.of(title="Dinner", capacity=capacity), None))
    (outcome,) = plan.outcomes
    assert isinstance(outcome, ChangeOutcome)
    assert outcome.changed
    assert outcome.promoted == (("first",) if capacity == 2 else ())
