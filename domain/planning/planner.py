"""The planner: from a snapshot and commands to one atomic write.

`plan` is a pure function. It runs the commands, in order of arrival, on a `WorkingCopy` of the event.
The plan is the difference between the working copy and what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from domain.commands import (
    AddAttendees,
    Announce,
    ApplyFix,
    ChangeAnswers,
    ChangeLeftOut,
    Command,
    ContinueCapacityIncrease,
    Create,
    Edit,
    EditSeries,
    EndSeries,
    Enroll,
    Export,
    FillFreeSeats,
    FinishCarrying,
    FinishDeletion,
    FinishEnrolling,
    FollowChannel,
    Outcome,
    PostCard,
    Register,
    Remove,
    RemoveAttendees,
    RemoveOrganizer,
    RunSchedule,
    SetStatus,
    StartDeletion,
    TakeOver,
    Unregister,
)
from domain.errors import (
    AlreadyRegistered,
    AnswersNeeded,
    EventFull,
    Invalid,
    RegistrationClosed,
    RollcallError,
)
from domain.models import Event
from domain.planning import deletion_and_repair, events, organizers, registrations, series
from domain.planning.plan import ACTIONS_PER_COMMIT, Plan
from domain.planning.snapshot import Snapshot
from domain.planning.working_copy import WorkingCopy


def plan(
    snapshot: Snapshot,
    commands: Sequence[Command],
    *,
    event_id: str,
    now: datetime,
    plan_id: str,
    budget: int = ACTIONS_PER_COMMIT,
) -> Plan:
    """Return one write for as many of the commands, in order, as fit the budget of actions.

    Each of these gets its outcome, or the error that refuses it. A refused command adds nothing but,
    where it needs one, a check of its user. Raises `InconsistentSnapshot`.
    """
    work = WorkingCopy(snapshot, event_id, now, plan_id, budget)
    outcomes: list[Outcome | RollcallError] = []
    for command in commands:
        trial = work.copied()
        outcome: Outcome | RollcallError | None
        try:
            outcome = _run(trial, command)
        except RollcallError as refusal:
            outcome, trial = refusal, _refused(work, command, refusal)
        if outcome is None or trial.cost > budget:
            break
        work = trial
        outcomes.append(outcome)
    if not outcomes:
        raise ValueError(f"a budget of {budget} actions is too small for {commands[0]!r}")
    return work.to_plan(outcomes)


def fence(event: Event, *, now: datetime, plan_id: str) -> Plan:
    """Return a write that changes only the version: no plan for the old version can apply after it."""
    work = WorkingCopy(Snapshot(event), event.event_id, now, plan_id, ACTIONS_PER_COMMIT)
    return work.to_plan((), even_if_unchanged=True)


def _run(work: WorkingCopy, command: Command) -> Outcome | None:
    """Run a command. Return its outcome, or None if it needs a commit of its own; raise its refusal."""
    if work.ends_batch:
        return None
    match command:
        case Create():
            return events.create(work, command)
        case Register():
            return registrations.register(work, command)
        case ChangeAnswers():
            return registrations.change_answers(work, command)
        case AddAttendees():
            return registrations.add_attendees(work, command)
        case Unregister(user_id, cause, ticket):
            return registrations.unregister(work, user_id, cause, ticket)
        case Remove(user_id, actor, reason):
            return registrations.remove(work, user_id, actor, reason)
        case Edit():
            return events.edit(work, command)
        case FollowChannel(channel_id, is_private):
            return events.follow_channel(work, channel_id, is_private=is_private)
        case SetStatus():
            return events.set_status(work, command)
        case Announce():
            return events.announce(work, command)
        case Export(actor, request_id):
            return events.export(work, actor, request_id)
        case PostCard():
            return events.post_card(work, command)
        case RemoveOrganizer():
            return organizers.remove_organizer(work, command)
        case TakeOver(actor):
            return organizers.take_over(work, actor)
        case RunSchedule():
            if work.event is not None and work.event.series is not None:
                return series.make_occurrence(work, work.event.series)
            return events.run_schedule(work)
        case Enroll():
            return series.enroll(work, command)
        case FinishEnrolling():
            return series.finish_enrolling(work, command)
        case EditSeries():
            return series.edit_series(work, command)
        case ChangeLeftOut():
            return series.change_left_out(work, command)
        case EndSeries():
            return series.end_series(work, command)
        case FinishCarrying(number):
            return series.finish_carrying(work, number)
        case ContinueCapacityIncrease(operation_id):
            return events.continue_capacity_increase(work, operation_id)
        case StartDeletion(actor):
            return deletion_and_repair.start_deletion(work, actor)
        case RemoveAttendees(user_ids):
            return deletion_and_repair.remove_attendees(work, user_ids)
        case FinishDeletion():
            return deletion_and_repair.finish_deletion(work)
        case ApplyFix():
            return deletion_and_repair.apply_fix(work, command)
        case FillFreeSeats():
            return deletion_and_repair.fill_seats_within_budget(work)
        case _:
            assert_never(command)


_ABOUT_EXISTING_USERS = (
    *(AlreadyRegistered, RegistrationClosed, EventFull),
    *(AnswersNeeded, Invalid),
)
"""Refusals that say that the user exists: one who does not is refused as unknown first."""


def _refused(work: WorkingCopy, command: Command, refusal: RollcallError) -> WorkingCopy:
    """Return the working copy with what makes the refusal true at one moment.

    A refusal that also follows from the snapshot is true when that was read. Any other is true when
    the plan is committed. The commit then checks the user: a user's deletion may start without a
    change of the event's version (R7.1).
    """
    if (
        not isinstance(command, Register)
        or not isinstance(refusal, _ABOUT_EXISTING_USERS)
        or _snapshot_refuses(work, command, refusal)
    ):
        return work
    checked = work.copied()
    checked.checked_users.add(command.user_id)
    return checked


def _snapshot_refuses(work: WorkingCopy, command: Command, refusal: RollcallError) -> bool:
    fresh = WorkingCopy(work.snapshot, work.event_id, work.now, work.plan_id, work.budget)
    try:
        _run(fresh, command)
    except RollcallError as other:
        return type(other) is type(refusal) and vars(other) == vars(refusal)
    return False
