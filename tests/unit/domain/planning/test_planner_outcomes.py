"""`seating.plan`: what each command answers, writes into the history, and has people told, to the letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import (
    ApplyFix,
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    Create,
    Edit,
    FillFreeSeats,
    FinishDeletion,
    LeaveOutcome,
    Register,
    RegisterOutcome,
    Remove,
    RemoveAttendees,
    SetStatus,
    StartDeletion,
    Unregister,
)
from domain.enums import Audience, Cause, ChangeKind, Deletion, EventStatus, NotificationKind
from domain.errors import AlreadyRegistered, NotRegistered, RollcallError, UnknownEvent
from domain.inputs import EventChanges
from domain.models import (
    Actor,
    Change,
    Event,
    EventSummary,
    JournalEntry,
    Notification,
    WaitlistEntry,
)
from domain.planning import planner
from domain.planning.plan import (
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from tests.support.builders import a_user
from tests.support.environment import START
from tests.support.planning import (
    FIRST,
    LATER,
    SEATED,
    SECOND,
    SITS,
    WAITING,
    event,
    planned,
    row,
)

BOSS = Actor("boss")


def change(kind: ChangeKind, **values: Any) -> Change:
    """Return a change of the history; what is not given is None."""
    names = ("user_id", "actor_id", "ticket", "cause", "status", "reason", "fields")
    return Change(kind=kind, **dict.fromkeys(names) | values)


def entry_of(plan: Plan) -> JournalEntry:
    """Return the entry that a plan writes, having seen that it fits the event."""
    entry = next(action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert plan.event is not None
    assert (entry.event_id, entry.version, entry.plan_id) == ("e1", plan.event.version, "p")
    assert (entry.at, plan.event.version) == (LATER, 4)
    assert entry.about == (EventSummary.of(plan.event) if entry.notifications else None)
    return entry


def told(plan: Plan) -> tuple[tuple[Change, ...], tuple[Notification, ...]]:
    entry = entry_of(plan)
    return entry.changes, entry.notifications


def outcome(plan: Plan) -> object:
    """Return a plan's only outcome, having seen that its event is the one that the plan leaves."""
    (only,) = plan.outcomes
    assert not isinstance(only, RollcallError)
    assert only.event == plan.event
    return replace(only, event=event())


def test_a_seat_is_taken_by_the_one_who_registers() -> None:
    plan = planned(Register("new"), at=event(capacity=2, waitlist_count=0, waitlist_by_block={}))
    new = row("new", 4).model_copy(update={"registered_at": LATER, "seated_at": LATER})
    assert outcome(plan) == RegisterOutcome(event(), new, None)
    registered = change(ChangeKind.REGISTERED, user_id="new", actor_id="new", ticket=4)
    assert told(plan) == ((registered,), ())


def test_a_place_in_line_is_told_with_its_position() -> None:
    plan = planned(Register("new"))
    new = row("new", 4, WAITING).model_copy(update={"registered_at": LATER})
    assert outcome(plan) == RegisterOutcome(event(), new, 3)
    waits = change(ChangeKind.WAITLISTED, user_id="new", actor_id="new", ticket=4)
    assert told(plan) == ((waits,), ())


def test_who_leaves_a_seat_and_who_gets_it_are_told() -> None:
    plan = planned(Unregister("sits"))
    assert outcome(plan) == LeaveOutcome(event(), SITS, ("first",))
    left = change(
        ChangeKind.LEFT, user_id="sits", actor_id="sits", ticket=1, cause=Cause.OWN, status=SEATED
    )
    promoted = change(ChangeKind.PROMOTED, user_id="first", ticket=2, cause=Cause.SEAT_FREED)
    notification = Notification(kind=NotificationKind.PROMOTED, user_id="first", ticket=2)
    assert told(plan) == ((left, promoted), (notification,))


def test_who_leaves_the_line_leaves_its_place() -> None:
    plan = planned(Unregister("first", Cause.USER_DELETED))
    assert outcome(plan) == LeaveOutcome(event(), FIRST, ())
    left = change(
        ChangeKind.LEFT,
        user_id="first",
        actor_id="first",
        ticket=2,
        cause=Cause.USER_DELETED,
        status=WAITING,
    )
    assert told(plan) == ((left,), ())


def test_a_cascade_takes_out_the_registration_that_it_found_and_no_later_one() -> None:
    """R7.1: a user who was created anew has another ticket."""
    assert isinstance(outcome(planned(Unregister("sits", Cause.USER_DELETED, 1))), LeaveOutcome)
    (refusal,) = planned(Unregister("sits", Cause.USER_DELETED, 9)).outcomes
    assert isinstance(refusal, NotRegistered)
    assert (refusal.event_id, refusal.title, refusal.user_id) == ("e1", "Supper", "sits")


def test_a_removal_names_the_organizer_and_the_reason_and_both_people_are_told() -> None:
    plan = planned(Remove("sits", BOSS, "no show"))
    assert outcome(plan) == LeaveOutcome(event(), SITS, ("first",))
    left = change(
        ChangeKind.LEFT,
        user_id="sits",
        actor_id="boss",
        ticket=1,
        cause=Cause.REMOVED,
        status=SEATED,
        reason="no show",
    )
    promoted = change(ChangeKind.PROMOTED, user_id="first", ticket=2, cause=Cause.SEAT_FREED)
    notifications = (
        Notification(kind=NotificationKind.PROMOTED, user_id="first", ticket=2),
        Notification(kind=NotificationKind.REMOVED, user_id="sits", ticket=1, reason="no show"),
    )
    assert told(plan) == ((left, promoted), notifications)


def test_an_edit_tells_old_and_new_and_a_move_is_told_to_everyone() -> None:
    plan = planned(Edit(EventChanges.of(title="Lunch", location="Garden", capacity=2), BOSS))
    assert outcome(plan) == ChangeOutcome(event(), promoted=("first",), is_moved=True)
    edited = change(
        ChangeKind.EDITED,
        actor_id="boss",
        fields={
            "title": ("Supper", "Lunch"),
            "location": ("Kitchen", "Garden"),
            "capacity": ("1", "2"),
        },
    )
    promoted = change(
        ChangeKind.PROMOTED, user_id="first", ticket=2, cause=Cause.CAPACITY_INCREASED
    )
    notifications = (
        Notification(kind=NotificationKind.MOVED, user_id=None, before=EventSummary.of(event())),
        Notification(kind=NotificationKind.PROMOTED, user_id="first", ticket=2),
    )
    assert told(plan) == ((edited, promoted), notifications)
    assert plan.event is not None
    assert plan.event.updated_at == LATER


def test_an_edit_to_what_is_so_already_changes_nothing() -> None:
    plan = planned(Edit(EventChanges.of(title="Supper", capacity=1), None))
    assert plan.outcomes == (ChangeOutcome(event(), changed=False),)
    assert plan.actions == ()


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "time_zone", "location"])
def test_each_of_time_and_place_is_a_move(field: str) -> None:
    values = {
        "starts_at": START + timedelta(days=3),
        "ends_at": START + timedelta(days=2, hours=3),
        "time_zone": "Europe/Lisbon",
        "location": "Garden",
    }
    _, notifications = told(planned(Edit(EventChanges.of(**{field: values[field]}), None)))
    assert [notification.kind for notification in notifications] == [NotificationKind.MOVED]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(EventStatus.CLOSED, ChangeKind.CLOSED), (EventStatus.CANCELED, ChangeKind.CANCELED)],
)
def test_a_new_status_is_told_once(status: EventStatus, kind: ChangeKind) -> None:
    plan = planned(SetStatus(status, BOSS), SetStatus(status, BOSS))
    assert plan.event is not None
    assert (plan.event.status, plan.event.updated_at) == (status, LATER)
    assert plan.outcomes == (ChangeOutcome(plan.event), ChangeOutcome(plan.event, changed=False))
    notification = {
        EventStatus.CANCELED: Notification(kind=NotificationKind.CANCELED),
        EventStatus.CLOSED: Notification(
            kind=NotificationKind.CLOSED, audience=Audience.WAITLISTED
        ),
    }
    notifications = (notification[status],)
    assert told(plan) == ((change(kind, actor_id="boss"),), notifications)


def test_reopening_is_told() -> None:
    plan = planned(SetStatus(EventStatus.OPEN, None), at=event(status=EventStatus.CLOSED))
    assert outcome(plan) == ChangeOutcome(event(), notifies=False)
    assert told(plan) == ((change(ChangeKind.REOPENED),), ())


OVER = event().over_at


@pytest.mark.parametrize("now", [OVER, OVER + timedelta(seconds=1)])
@pytest.mark.parametrize(
    "command",
    [
        SetStatus(EventStatus.CANCELED, None),
        Edit(EventChanges.of(location="Garden"), None),
        Remove("sits", None),
        Unregister("sits"),
    ],
)
def test_of_an_event_that_is_over_nobody_is_told(command: Command, now: Any) -> None:
    plan = planned(command, now=now)
    entry = next(action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert entry.changes
    assert (entry.notifications, entry.about) == ((), None)
    if not isinstance(command, Unregister):
        (done,) = plan.outcomes
        assert isinstance(done, ChangeOutcome | LeaveOutcome)
        assert not done.notifies


def test_in_a_canceled_event_seats_move_on_and_nobody_is_told() -> None:
    _, notifications = told(planned(Unregister("sits"), at=event(status=EventStatus.CANCELED)))
    assert notifications == ()


def test_a_raise_that_is_wanted_goes_on_and_says_whom_it_seats() -> None:
    raising = event(capacity_target=3, operation_id="op")
    plan = planned(ContinueCapacityIncrease("op"), at=raising)
    assert outcome(plan) == ChangeOutcome(event(), promoted=("first", "second"))
    assert plan.event is not None
    assert (plan.event.capacity, plan.event.capacity_target, plan.event.operation_id) == (
        *(3, None),
        None,
    )


@pytest.mark.parametrize(
    "at",
    [
        event(capacity_target=3, operation_id="another"),
        event(),
        event(operation_id="op"),
    ],
)
def test_a_raise_that_is_wanted_no_more_changes_nothing(at: Event) -> None:
    plan = planned(ContinueCapacityIncrease("op"), at=at)
    assert plan.outcomes == (ChangeOutcome(at, changed=False),)
    assert plan.actions == ()


def test_a_raise_that_goes_on_has_a_commit_of_its_own() -> None:
    """It takes as many seats as a commit holds: others who came before in the batch would cost some."""
    plan = planned(
        Register("new"),
        ContinueCapacityIncrease("op"),
        at=event(capacity_target=3, operation_id="op"),
    )
    assert len(plan.outcomes) == 1


def test_nobody_with_a_seat_is_evicted_before_the_line() -> None:
    """R7.5: the seat would be free while somebody waits."""
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    with pytest.raises(InconsistentSnapshot):
        planned(RemoveAttendees(("sits",)), at=marked)


def test_an_event_that_is_not_there_can_not_be_mended() -> None:
    with pytest.raises(InconsistentSnapshot, match="e1 does not exist"):
        planner.plan(Snapshot(None), [ApplyFix(3)], event_id="e1", now=LATER, plan_id="p")


def test_who_comes_and_goes_in_one_commit_leaves_no_row() -> None:
    plan = planned(Register("new"), Unregister("new"))
    assert not [action for action in plan.actions if isinstance(action, PutRegistration)]
    assert [one.kind for one in entry_of(plan).changes] == [
        ChangeKind.WAITLISTED,
        ChangeKind.LEFT,
    ]


def test_a_deletion_is_marked_with_its_operation_and_ends_a_raise() -> None:
    plan = planned(StartDeletion(BOSS), at=event(capacity_target=9, operation_id="raise"))
    assert outcome(plan) == ChangeOutcome(event())
    assert plan.event is not None
    assert (plan.event.deletion, plan.event.operation_id, plan.event.capacity_target) == (
        *(Deletion.IN_PROGRESS, "p"),
        None,
    )
    assert told(plan) == ((change(ChangeKind.DELETED, actor_id="boss"),), ())


def test_who_is_evicted_is_told_and_nobody_is_promoted() -> None:
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    plan = planned(RemoveAttendees(("first", "second", "sits", "nobody")), at=marked)
    assert outcome(plan) == ChangeOutcome(event())
    changes, notifications = told(plan)
    assert [(one.kind, one.user_id, one.actor_id, one.cause) for one in changes] == [
        (ChangeKind.LEFT, user_id, None, Cause.EVENT_DELETED)
        for user_id in ("first", "second", "sits")
    ]
    assert notifications == tuple(
        Notification(kind=NotificationKind.DELETED, user_id=one.user_id, ticket=one.ticket)
        for one in (FIRST, SECOND, SITS)
    )


def test_an_eviction_gives_no_seat_away_that_is_free_as_in_no_sound_event() -> None:
    marked = event(capacity=3, deletion=Deletion.IN_PROGRESS, operation_id="op")
    plan = planned(RemoveAttendees(("first",)), at=marked)
    assert [one.kind for one in told(plan)[0]] == [ChangeKind.LEFT]


def test_who_is_evicted_from_a_canceled_event_was_told_already() -> None:
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op", status=EventStatus.CANCELED)
    assert entry_of(planned(RemoveAttendees(("first",)), at=marked)).notifications == ()


def test_an_eviction_of_nobody_changes_nothing() -> None:
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    assert planned(RemoveAttendees(("nobody",)), at=marked).outcomes == (
        ChangeOutcome(marked, changed=False),
    )


def test_a_buried_event_keeps_its_id_and_no_operation() -> None:
    empty = event(
        deletion=Deletion.IN_PROGRESS,
        operation_id="op",
        registered_count=0,
        waitlist_count=0,
        waitlist_by_block={},
    )
    plan = planned(FinishDeletion(), at=empty)
    assert outcome(plan) == ChangeOutcome(event())
    assert plan.event is not None
    assert (plan.event.deletion, plan.event.operation_id) == (Deletion.DONE, None)
    assert told(plan) == ((), ())


@pytest.mark.parametrize("left", [{"registered_count": 0}, {"waitlist_count": 0}])
def test_an_event_that_is_not_empty_is_not_buried(left: dict[str, int]) -> None:
    """R7.2: an index page that is empty proves nothing; the counts do."""
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op", **left)
    with pytest.raises(InconsistentSnapshot):
        planned(FinishDeletion(), at=marked)


def test_a_mend_writes_what_it_is_told_and_the_history_says_each() -> None:
    lost, found = WaitlistEntry(7, "lost", START), WaitlistEntry(8, "found", START)
    turned = SITS.model_copy(update={"ticket": 9})
    mend = ApplyFix(
        3,
        {"registered_count": 5, "capacity": 1},
        registrations=((SITS, turned), (FIRST, None)),
        add=(found,),
        drop=(lost,),
    )
    plan = planned(mend)
    assert outcome(plan) == ChangeOutcome(event())
    assert plan.actions[1:-1] == (
        PutRegistration(turned, SITS),
        DeleteRegistration(FIRST),
        PutWaitlistEntry("e1", found),
        DeleteWaitlistEntry("e1", lost),
    )
    mended = ChangeKind.REPAIRED
    left = change(ChangeKind.LEFT, user_id="first", ticket=2, cause=Cause.REPAIR, status=WAITING)
    assert told(plan) == (
        (
            change(mended, fields={"registered_count": ("1", "5")}),
            change(mended, user_id="sits", ticket=1, fields={"ticket": ("1", "9")}),
            left,
            change(
                mended,
                user_id="found",
                ticket=8,
                fields={"waitlist_entry": (None, "on the waitlist")},
            ),
            change(
                mended,
                user_id="lost",
                ticket=7,
                fields={"waitlist_entry": ("on the waitlist", None)},
            ),
        ),
        (),
    )


def test_a_mend_of_another_version_changes_nothing() -> None:
    plan = planned(ApplyFix(2, {"registered_count": 5}))
    assert plan.outcomes == (ChangeOutcome(event(), changed=False),)
    assert plan.actions == ()


def test_a_mend_jumps_over_versions_that_are_taken() -> None:
    plan = planned(ApplyFix(3, min_version=20))
    assert plan.event is not None
    assert plan.event.version == 21


def test_a_mend_has_a_commit_of_its_own() -> None:
    """What it read is of one version: nothing may stand before it, and nothing after it."""
    assert len(planned(ApplyFix(3), Register("new")).outcomes) == 1
    assert len(planned(Register("new"), ApplyFix(3)).outcomes) == 1


def test_free_seats_go_to_the_line_in_order_as_far_as_one_commit_goes() -> None:
    plan = planned(FillFreeSeats(), at=event(capacity=3))
    assert outcome(plan) == ChangeOutcome(event(), promoted=("first", "second"))
    promoted = ChangeKind.PROMOTED
    assert told(plan) == (
        tuple(
            change(promoted, user_id=one.user_id, ticket=one.ticket, cause=Cause.REPAIR)
            for one in (FIRST, SECOND)
        ),
        tuple(
            Notification(kind=NotificationKind.PROMOTED, user_id=one.user_id, ticket=one.ticket)
            for one in (FIRST, SECOND)
        ),
    )


@pytest.mark.parametrize(
    "at", [event(), event(capacity=3, waitlist_count=0, waitlist_by_block={}, registered_count=1)]
)
def test_with_no_free_seat_or_nobody_waiting_none_is_given(at: Event) -> None:
    assert planned(FillFreeSeats(), at=at).outcomes == (ChangeOutcome(at, changed=False),)


def told_position(*commands: Command, snapshot: Snapshot | None = None) -> int | None:
    """Return the position that the last command, a second registration, is refused with."""
    if snapshot is None:
        plan = planned(*commands)
    else:
        plan = planner.plan(snapshot, commands, event_id="e1", now=LATER, plan_id="p")
    refusal = plan.outcomes[-1]
    assert isinstance(refusal, AlreadyRegistered)
    assert refusal.status is WAITING
    return refusal.position


def test_a_position_is_told_as_the_commands_before_leave_it() -> None:
    assert told_position(Register("second")) == 2
    assert told_position(Unregister("first"), Register("second")) == 1
    assert told_position(Unregister("sits"), Register("second")) == 1
    assert told_position(Register("new"), Register("newer"), Register("new")) == 3
    assert told_position(Register("new"), Unregister("first"), Register("new")) == 2
    assert told_position(Unregister("second"), Register("first")) == 1


def test_a_position_counts_those_whom_nobody_read() -> None:
    """No seat can come free: the head of the line is not needed."""
    unread = Snapshot(
        event(),
        {user_id: a_user(user_id) for user_id in ("new", "newer")},
        {one.user_id: one for one in (SITS, FIRST, SECOND)},
    )
    assert told_position(Register("new"), Register("new"), snapshot=unread) == 3
    left = (Unregister("first"), Register("new"), Register("newer"), Register("newer"))
    assert told_position(*left, snapshot=unread) == 3


def test_a_position_that_nobody_counted_is_not_guessed() -> None:
    with pytest.raises(InconsistentSnapshot):
        planner.plan(
            Snapshot(event(), {"first": a_user("first")}, {"first": FIRST}),
            [Register("first")],
            event_id="e1",
            now=LATER,
            plan_id="p",
        )


def test_who_waits_where_the_count_says_nobody_does_is_inconsistent() -> None:
    nobody = event(waitlist_count=0, waitlist_by_block={})
    with pytest.raises(InconsistentSnapshot):
        planner.plan(
            Snapshot(nobody, {}, {"first": FIRST}),
            [Unregister("first")],
            event_id="e1",
            now=LATER,
            plan_id="p",
        )


@pytest.mark.parametrize(
    "command", [RemoveAttendees(("first",)), FinishDeletion(), FillFreeSeats(), StartDeletion(None)]
)
def test_what_is_done_to_an_event_that_is_not_there_is_refused(command: Command) -> None:
    plan = planner.plan(Snapshot(None), [command], event_id="e1", now=LATER, plan_id="p")
    (refusal,) = plan.outcomes
    assert isinstance(refusal, UnknownEvent)
    assert refusal.event_id == "e1"


def test_only_an_event_under_deletion_is_emptied() -> None:
    (refusal,) = planned(RemoveAttendees(("first",))).outcomes
    assert isinstance(refusal, UnknownEvent)


def test_who_is_not_in_the_event_is_skipped_by_an_eviction_and_the_next_one_goes() -> None:
    marked = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    changes, _ = told(planned(RemoveAttendees(("nobody", "first")), at=marked))
    assert [one.user_id for one in changes] == ["first"]


def test_who_was_not_there_is_refused_by_name() -> None:
    (refusal,) = planned(Unregister("nobody")).outcomes
    assert isinstance(refusal, NotRegistered)
    assert (refusal.event_id, refusal.title, refusal.user_id) == ("e1", "Supper", "nobody")


@pytest.mark.parametrize(("budget", "seats"), [(4, 1), (5, 1), (6, 2)])
def test_free_seats_are_given_as_far_as_the_budget_goes(budget: int, seats: int) -> None:
    head = (WaitlistEntry.of(FIRST), WaitlistEntry.of(SECOND))
    snapshot = Snapshot(event(capacity=9), {}, {"first": FIRST, "second": SECOND}, head)
    plan = planner.plan(
        snapshot, [FillFreeSeats()], event_id="e1", now=LATER, plan_id="p", budget=budget
    )
    (given,) = plan.outcomes
    assert isinstance(given, ChangeOutcome)
    assert len(given.promoted) == seats


def test_a_field_that_was_or_becomes_nothing_is_told_so() -> None:
    until = START + timedelta(days=2, hours=3)
    changes, _ = told(planned(Edit(EventChanges.of(ends_at=until), None)))
    assert changes[0].fields == {"ends_at": (None, str(until))}


def test_a_fence_moves_the_version_and_nothing_else() -> None:
    plan = planner.fence(event(), now=LATER, plan_id="p")
    assert plan.outcomes == ()
    assert plan.event == event(version=4)
    assert told(plan) == ((), ())


def test_a_new_event_names_who_made_it() -> None:
    new = event(version=0, registered_count=0, waitlist_count=0, waitlist_by_block={})
    plan = planner.plan(
        Snapshot(None), [Create(new, "maker")], event_id="e1", now=LATER, plan_id="p"
    )
    assert plan.event == new.model_copy(update={"version": 1})
    (entry,) = (action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert entry.changes == (change(ChangeKind.CREATED, actor_id="maker"),)


def test_who_is_promoted_sits_since_then_and_is_registered_since_before() -> None:
    """R4.2: the ticket and the time of the registration stay."""
    plan = planned(Unregister("sits"))
    assert [
        action.registration for action in plan.actions if isinstance(action, PutRegistration)
    ] == [row("first", 2).model_copy(update={"seated_at": LATER})]
