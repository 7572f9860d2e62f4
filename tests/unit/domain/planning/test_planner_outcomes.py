"""The planner: the outcome, history and notifications of each command."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import (
    AddAttendees,
    ApplyFix,
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    Create,
    Edit,
    FillFreeSeats,
    FinishDeletion,
    FollowChannel,
    Register,
    RegisterOutcome,
    Remove,
    RemoveAttendees,
    SetStatus,
    StartDeletion,
    Unregister,
    UnregisterOutcome,
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
    WAITLISTED,
    event,
    planned,
    row,
)

BOSS = Actor("boss")


def change(kind: ChangeKind, **values: Any) -> Change:
    """Return a change of the history. Fields that are not given are None."""
    names = ("user_id", "actor_id", "ticket", "cause", "status", "reason", "fields")
    return Change(kind=kind, **dict.fromkeys(names) | values)


def entry_of(plan: Plan) -> JournalEntry:
    """Return the journal entry of a plan, after checks that it fits the event."""
    entry = next(action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert plan.event is not None
    assert (entry.event_id, entry.version, entry.plan_id) == ("e1", plan.event.version, "p")
    assert (entry.at, plan.event.version) == (LATER, 4)
    assert entry.about == (EventSummary.of(plan.event) if entry.notifications else None)
    return entry


def recorded(plan: Plan) -> tuple[tuple[Change, ...], tuple[Notification, ...]]:
    entry = entry_of(plan)
    return entry.changes, entry.notifications


def outcome(plan: Plan) -> object:
    """Return a plan's only outcome, after a check that it has the plan's event."""
    (only,) = plan.outcomes
    assert not isinstance(only, RollcallError)
    assert only.event == plan.event
    return replace(only, event=event())


def test_register_with_a_free_seat_is_registered() -> None:
    plan = planned(Register("new"), at=event(capacity=2, waitlist_count=0, waitlist_by_block={}))
    new = row("new", 4).model_copy(
        update={
            "registered_at": LATER,
            "registered_version": 4,
            "seated_at": LATER,
            "seated_version": 4,
        }
    )
    assert outcome(plan) == RegisterOutcome(event(), new, None)
    registered = change(ChangeKind.REGISTERED, user_id="new", actor_id="new", ticket=4)
    assert recorded(plan) == ((registered,), ())


def test_register_for_a_full_event_is_waitlisted_with_a_position() -> None:
    plan = planned(Register("new"))
    new = row("new", 4, WAITLISTED).model_copy(
        update={"registered_at": LATER, "registered_version": 4}
    )
    assert outcome(plan) == RegisterOutcome(event(), new, 3)
    waitlisted = change(ChangeKind.WAITLISTED, user_id="new", actor_id="new", ticket=4)
    assert recorded(plan) == ((waitlisted,), ())


def test_leave_promotes_and_notifies_the_first_on_the_waitlist() -> None:
    plan = planned(Unregister("sits"))
    assert outcome(plan) == UnregisterOutcome(event(), SITS, ("first",), can_return=True)
    left = change(
        ChangeKind.UNREGISTERED,
        user_id="sits",
        actor_id="sits",
        ticket=1,
        cause=Cause.OWN,
        status=SEATED,
    )
    promoted = change(ChangeKind.PROMOTED, user_id="first", ticket=2, cause=Cause.SEAT_FREED)
    notification = Notification(kind=NotificationKind.PROMOTED, user_id="first", ticket=2)
    assert recorded(plan) == ((left, promoted), (notification,))


def test_leave_of_a_waitlisted_user_promotes_no_one() -> None:
    plan = planned(Unregister("first", Cause.USER_DELETED))
    assert outcome(plan) == UnregisterOutcome(event(), FIRST, (), can_return=True)
    left = change(
        ChangeKind.UNREGISTERED,
        user_id="first",
        actor_id="first",
        ticket=2,
        cause=Cause.USER_DELETED,
        status=WAITLISTED,
    )
    assert recorded(plan) == ((left,), ())


def test_unregister_with_a_ticket_deletes_only_that_registration() -> None:
    """R7.1: a user created again has another ticket."""
    assert isinstance(
        outcome(planned(Unregister("sits", Cause.USER_DELETED, 1))), UnregisterOutcome
    )
    (refusal,) = planned(Unregister("sits", Cause.USER_DELETED, 9)).outcomes
    assert isinstance(refusal, NotRegistered)
    assert (refusal.event_id, refusal.title, refusal.user_id) == ("e1", "Supper", "sits")


def test_remove_records_organizer_and_reason_and_notifies_both_users() -> None:
    plan = planned(Remove("sits", BOSS, "no show"))
    assert outcome(plan) == UnregisterOutcome(event(), SITS, ("first",))
    left = change(
        ChangeKind.UNREGISTERED,
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
    assert recorded(plan) == ((left, promoted), notifications)


def test_edit_records_old_and_new_values_and_a_move_notifies_everyone() -> None:
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
        Notification(kind=NotificationKind.MOVED, before=EventSummary.of(event()), actor_id="boss"),
        Notification(kind=NotificationKind.PROMOTED, user_id="first", ticket=2),
    )
    assert recorded(plan) == ((edited, promoted), notifications)
    assert plan.event is not None
    assert plan.event.updated_at == LATER


def test_edit_to_the_same_values_changes_nothing() -> None:
    plan = planned(Edit(EventChanges.of(title="Supper", capacity=1), None))
    assert plan.outcomes == (ChangeOutcome(event(), changed=False),)
    assert plan.actions == ()


@pytest.mark.parametrize("listed", [True, False])
def test_event_follows_the_privacy_of_its_channel(listed: bool) -> None:
    before = event(listed=not listed, listing_channel="C1")
    plan = planned(FollowChannel("C1", is_private=not listed), at=before)
    assert plan.event is not None
    assert plan.event.listed is listed
    changes, notifications = recorded(plan)
    fields = {"listed": (str(not listed), str(listed))}
    assert changes == (change(ChangeKind.EDITED, fields=fields),)
    assert notifications == ()


@pytest.mark.parametrize(
    "values",
    [
        {"listing_channel": None},
        {"listing_channel": "C2"},
        {"listing_channel": "C1", "listed": False},
        {"listing_channel": "C1", "status": EventStatus.CANCELED},
    ],
    ids=["an organizer chose", "another channel", "as it is", "canceled"],
)
def test_event_that_does_not_follow_a_channel_stays_as_it_is(values: dict[str, Any]) -> None:
    plan = planned(FollowChannel("C1", is_private=True), at=event(**values))
    assert plan.actions == ()


@pytest.mark.parametrize("listed", [True, False])
def test_choice_to_list_ends_following(listed: bool) -> None:
    """Also in the same commit, and a choice of what already holds."""
    choice = Edit(EventChanges.of(listed=listed), BOSS)
    follow = FollowChannel("C1", is_private=listed)
    plan = planned(choice, follow, at=event(listed=True, listing_channel="C1"))
    assert plan.event is not None
    assert (plan.event.listed, plan.event.listing_channel) == (listed, None)


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "time_zone", "location"])
def test_edit_of_time_or_location_is_a_move(field: str) -> None:
    values = {
        "starts_at": START + timedelta(days=3),
        "ends_at": START + timedelta(days=2, hours=3),
        "time_zone": "Europe/Lisbon",
        "location": "Garden",
    }
    _, notifications = recorded(planned(Edit(EventChanges.of(**{field: values[field]}), None)))
    assert [notification.kind for notification in notifications] == [NotificationKind.MOVED]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(EventStatus.CLOSED, ChangeKind.CLOSED), (EventStatus.CANCELED, ChangeKind.CANCELED)],
)
def test_new_status_notifies_once(status: EventStatus, kind: ChangeKind) -> None:
    plan = planned(SetStatus(status, BOSS), SetStatus(status, BOSS))
    assert plan.event is not None
    assert (plan.event.status, plan.event.updated_at) == (status, LATER)
    assert plan.outcomes == (ChangeOutcome(plan.event), ChangeOutcome(plan.event, changed=False))
    notification = {
        EventStatus.CANCELED: Notification(kind=NotificationKind.CANCELED, actor_id="boss"),
        EventStatus.CLOSED: Notification(
            kind=NotificationKind.CLOSED, audience=Audience.WAITLISTED
        ),
    }
    notifications = (notification[status],)
    assert recorded(plan) == ((change(kind, actor_id="boss"),), notifications)


@pytest.mark.parametrize("status", [EventStatus.CANCELED, EventStatus.CLOSED])
def test_only_a_cancellation_has_a_reason(status: EventStatus) -> None:
    """R8.8."""
    ((changed,), (notification,)) = recorded(planned(SetStatus(status, BOSS, "No heating")))
    reason = "No heating" if status is EventStatus.CANCELED else None
    assert (changed.reason, notification.reason) == (reason, reason)


def test_note_goes_with_a_move() -> None:
    plan = planned(Edit(EventChanges.of(location="Garden"), BOSS, "Bring a coat"))
    ((changed,), (notification,)) = recorded(plan)
    assert (changed.note, notification.note) == ("Bring a coat", "Bring a coat")


def test_note_without_a_move_is_dropped() -> None:
    plan = planned(Edit(EventChanges.of(title="Lunch"), BOSS, "Bring a coat"))
    ((changed,), notifications) = recorded(plan)
    assert (changed.note, notifications) == (None, ())


def added(user_id: str, actor_id: str | None) -> Notification:
    return Notification(kind=NotificationKind.ORGANIZER_ADDED, user_id=user_id, actor_id=actor_id)


def test_new_organizers_are_notified_except_the_one_who_made_them() -> None:
    changes = EventChanges.of(co_organizer_ids=["vice", "new", "chief"])
    before = event(co_organizer_ids=("vice",))
    _, notifications = recorded(planned(Edit(changes, Actor("chief", is_admin=True)), at=before))
    assert notifications == (added("new", "chief"),)


def test_first_organizer_of_an_event_without_one_is_notified() -> None:
    """R2.9: a program names co-organizers of an event that nobody organizes."""
    before = event(organizer_id=None)
    edit = Edit(EventChanges.of(co_organizer_ids=["first", "second"]), None)
    _, notifications = recorded(planned(edit, at=before))
    assert notifications == (added("first", None), added("second", None))


def test_co_organizers_of_a_new_event_are_notified() -> None:
    new = event(co_organizer_ids=("vice",), version=0)
    create = Create(new, "boss")
    plan = planner.plan(Snapshot(None), [create], event_id="e1", now=LATER, plan_id="p")
    entry = next(action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert entry.notifications == (added("vice", "boss"),)


def test_reopening_is_recorded_and_notifies_no_one() -> None:
    plan = planned(SetStatus(EventStatus.OPEN, None), at=event(status=EventStatus.CLOSED))
    assert outcome(plan) == ChangeOutcome(event(), notifies=False)
    assert recorded(plan) == ((change(ChangeKind.REOPENED),), ())


OVER = event().over_at


@pytest.mark.parametrize("now", [OVER, OVER + timedelta(seconds=1)])
@pytest.mark.parametrize(
    "command",
    [
        SetStatus(EventStatus.CANCELED, None),
        Edit(EventChanges.of(location="Garden"), None),
        Edit(EventChanges.of(co_organizer_ids=["vice"]), None),
        Remove("sits", None),
        Unregister("sits", Cause.USER_DELETED),
    ],
)
def test_change_of_an_event_that_is_over_notifies_no_one(command: Command, now: Any) -> None:
    plan = planned(command, now=now)
    entry = next(action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert entry.changes
    assert (entry.notifications, entry.about) == ((), None)
    if not isinstance(command, Unregister):
        (done,) = plan.outcomes
        assert isinstance(done, ChangeOutcome | UnregisterOutcome)
        assert not done.notifies


def test_promotion_in_a_canceled_event_notifies_no_one() -> None:
    _, notifications = recorded(planned(Unregister("sits"), at=event(status=EventStatus.CANCELED)))
    assert notifications == ()


def test_continued_capacity_increase_returns_who_was_promoted() -> None:
    increasing = event(capacity_target=3, operation_id="op")
    plan = planned(ContinueCapacityIncrease("op"), at=increasing)
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
def test_replaced_capacity_increase_changes_nothing(at: Event) -> None:
    plan = planned(ContinueCapacityIncrease("op"), at=at)
    assert plan.outcomes == (ChangeOutcome(at, changed=False),)
    assert plan.actions == ()


def test_continued_capacity_increase_has_its_own_commit() -> None:
    """It promotes as many as a commit holds; earlier commands would take some of that."""
    plan = planned(
        Register("new"),
        ContinueCapacityIncrease("op"),
        at=event(capacity_target=3, operation_id="op"),
    )
    assert len(plan.outcomes) == 1


def test_addition_has_its_own_commit() -> None:
    """Whether it fits follows from the snapshot; earlier commands would take some of the room."""
    add = AddAttendees(("newer",), None)
    assert len(planned(Register("new"), add).outcomes) == 1
    assert len(planned(add, Register("new")).outcomes) == 2


def test_addition_after_a_refusal_shares_its_commit() -> None:
    """A refusal changes nothing."""
    assert len(planned(Register("sits"), AddAttendees(("new",), None)).outcomes) == 2


def test_remove_of_registered_users_before_the_waitlist_is_inconsistent() -> None:
    """R7.5: a seat would be free while users are waitlisted."""
    in_deletion = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    with pytest.raises(InconsistentSnapshot):
        planned(RemoveAttendees(("sits",)), at=in_deletion)


def test_fix_of_a_missing_event_is_inconsistent() -> None:
    with pytest.raises(InconsistentSnapshot, match="e1 does not exist"):
        planner.plan(Snapshot(None), [ApplyFix(3)], event_id="e1", now=LATER, plan_id="p")


def test_register_and_leave_in_one_commit_write_no_registration() -> None:
    plan = planned(Register("new"), Unregister("new"))
    assert not [action for action in plan.actions if isinstance(action, PutRegistration)]
    assert [one.kind for one in entry_of(plan).changes] == [
        ChangeKind.WAITLISTED,
        ChangeKind.UNREGISTERED,
    ]


def test_start_of_a_deletion_replaces_a_capacity_increase() -> None:
    plan = planned(StartDeletion(BOSS), at=event(capacity_target=9, operation_id="increase"))
    assert outcome(plan) == ChangeOutcome(event())
    assert plan.event is not None
    assert (plan.event.deletion, plan.event.operation_id, plan.event.capacity_target) == (
        *(Deletion.IN_PROGRESS, "p"),
        None,
    )
    assert recorded(plan) == ((change(ChangeKind.DELETED, actor_id="boss"),), ())


def test_removed_attendees_are_notified_and_no_one_is_promoted() -> None:
    in_deletion = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    plan = planned(RemoveAttendees(("first", "second", "sits", "unknown")), at=in_deletion)
    assert outcome(plan) == ChangeOutcome(event())
    changes, notifications = recorded(plan)
    assert [(one.kind, one.user_id, one.actor_id, one.cause) for one in changes] == [
        (ChangeKind.UNREGISTERED, user_id, None, Cause.EVENT_DELETED)
        for user_id in ("first", "second", "sits")
    ]
    assert notifications == tuple(
        Notification(kind=NotificationKind.DELETED, user_id=one.user_id, ticket=one.ticket)
        for one in (FIRST, SECOND, SITS)
    )


def test_removing_attendees_does_not_fill_a_free_seat() -> None:
    in_deletion = event(capacity=3, deletion=Deletion.IN_PROGRESS, operation_id="op")
    plan = planned(RemoveAttendees(("first",)), at=in_deletion)
    assert [one.kind for one in recorded(plan)[0]] == [ChangeKind.UNREGISTERED]


def test_removed_attendees_of_a_canceled_event_are_not_notified_again() -> None:
    in_deletion = event(
        deletion=Deletion.IN_PROGRESS, operation_id="op", status=EventStatus.CANCELED
    )
    assert entry_of(planned(RemoveAttendees(("first",)), at=in_deletion)).notifications == ()


def test_removing_no_attendees_changes_nothing() -> None:
    in_deletion = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    assert planned(RemoveAttendees(("unknown",)), at=in_deletion).outcomes == (
        ChangeOutcome(in_deletion, changed=False),
    )


def test_tombstone_has_no_operation() -> None:
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
    assert recorded(plan) == ((), ())


@pytest.mark.parametrize("left", [{"registered_count": 0}, {"waitlist_count": 0}])
def test_finish_deletion_of_an_event_with_attendees_is_inconsistent(left: dict[str, int]) -> None:
    """R7.2: an empty page of an index proves nothing; the counts do."""
    in_deletion = event(deletion=Deletion.IN_PROGRESS, operation_id="op", **left)
    with pytest.raises(InconsistentSnapshot):
        planned(FinishDeletion(), at=in_deletion)


def test_fix_writes_and_records_each_part() -> None:
    lost, found = WaitlistEntry(7, "lost", START), WaitlistEntry(8, "found", START)
    turned = SITS.model_copy(update={"ticket": 9})
    fix = ApplyFix(
        3,
        {"registered_count": 5, "capacity": 1},
        registrations=((SITS, turned), (FIRST, None)),
        add=(found,),
        drop=(lost,),
    )
    plan = planned(fix)
    assert outcome(plan) == ChangeOutcome(event())
    assert plan.actions[1:-1] == (
        PutRegistration(turned, SITS),
        DeleteRegistration(FIRST),
        PutWaitlistEntry("e1", found),
        DeleteWaitlistEntry("e1", lost),
    )
    repaired = ChangeKind.REPAIRED
    left = change(
        ChangeKind.UNREGISTERED, user_id="first", ticket=2, cause=Cause.REPAIR, status=WAITLISTED
    )
    assert recorded(plan) == (
        (
            change(repaired, fields={"registered_count": ("1", "5")}),
            change(repaired, user_id="sits", ticket=1, fields={"ticket": ("1", "9")}),
            left,
            change(
                repaired,
                user_id="found",
                ticket=8,
                fields={"waitlist_entry": (None, "on the waitlist")},
            ),
            change(
                repaired,
                user_id="lost",
                ticket=7,
                fields={"waitlist_entry": ("on the waitlist", None)},
            ),
        ),
        (),
    )


def test_fix_for_another_version_changes_nothing() -> None:
    plan = planned(ApplyFix(2, {"registered_count": 5}))
    assert plan.outcomes == (ChangeOutcome(event(), changed=False),)
    assert plan.actions == ()


def test_fix_raises_the_version_above_the_journal() -> None:
    plan = planned(ApplyFix(3, min_version=20))
    assert plan.event is not None
    assert plan.event.version == 21


def test_fix_has_its_own_commit() -> None:
    """It was made for one version, so no other command may share its commit."""
    assert len(planned(ApplyFix(3), Register("new")).outcomes) == 1
    assert len(planned(Register("new"), ApplyFix(3)).outcomes) == 1


def test_fill_free_seats_promotes_in_order() -> None:
    plan = planned(FillFreeSeats(), at=event(capacity=3))
    assert outcome(plan) == ChangeOutcome(event(), promoted=("first", "second"))
    promoted = ChangeKind.PROMOTED
    assert recorded(plan) == (
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
def test_fill_free_seats_without_a_free_seat_or_waitlist_changes_nothing(at: Event) -> None:
    assert planned(FillFreeSeats(), at=at).outcomes == (ChangeOutcome(at, changed=False),)


def refused_position(*commands: Command, snapshot: Snapshot | None = None) -> int | None:
    """Return the position in the refusal of the last command, a second registration."""
    if snapshot is None:
        plan = planned(*commands)
    else:
        plan = planner.plan(snapshot, commands, event_id="e1", now=LATER, plan_id="p")
    refusal = plan.outcomes[-1]
    assert isinstance(refusal, AlreadyRegistered)
    assert refusal.status is WAITLISTED
    return refusal.position


def test_position_follows_earlier_commands_of_the_batch() -> None:
    assert refused_position(Register("second")) == 2
    assert refused_position(Unregister("first"), Register("second")) == 1
    assert refused_position(Unregister("sits"), Register("second")) == 1
    assert refused_position(Register("new"), Register("newer"), Register("new")) == 3
    assert refused_position(Register("new"), Unregister("first"), Register("new")) == 2
    assert refused_position(Unregister("second"), Register("first")) == 1


def test_position_counts_entries_that_were_not_read() -> None:
    """No seat can become free, so the head of the waitlist is not needed."""
    unread = Snapshot(
        event(),
        {user_id: a_user(user_id) for user_id in ("new", "newer")},
        {one.user_id: one for one in (SITS, FIRST, SECOND)},
    )
    assert refused_position(Register("new"), Register("new"), snapshot=unread) == 3
    left = (Unregister("first"), Register("new"), Register("newer"), Register("newer"))
    assert refused_position(*left, snapshot=unread) == 3


def test_position_without_a_count_is_inconsistent() -> None:
    with pytest.raises(InconsistentSnapshot):
        planner.plan(
            Snapshot(event(), {"first": a_user("first")}, {"first": FIRST}),
            [Register("first")],
            event_id="e1",
            now=LATER,
            plan_id="p",
        )


def test_waitlisted_user_of_an_empty_waitlist_is_inconsistent() -> None:
    unwaitlisted = event(waitlist_count=0, waitlist_by_block={})
    with pytest.raises(InconsistentSnapshot):
        planner.plan(
            Snapshot(unwaitlisted, {}, {"first": FIRST}),
            [Unregister("first")],
            event_id="e1",
            now=LATER,
            plan_id="p",
        )


@pytest.mark.parametrize(
    "command", [RemoveAttendees(("first",)), FinishDeletion(), FillFreeSeats(), StartDeletion(None)]
)
def test_command_for_a_missing_event_is_refused(command: Command) -> None:
    plan = planner.plan(Snapshot(None), [command], event_id="e1", now=LATER, plan_id="p")
    (refusal,) = plan.outcomes
    assert isinstance(refusal, UnknownEvent)
    assert refusal.event_id == "e1"


def test_remove_attendees_of_an_event_not_in_deletion_is_refused() -> None:
    (refusal,) = planned(RemoveAttendees(("first",))).outcomes
    assert isinstance(refusal, UnknownEvent)


def test_remove_attendees_skips_users_without_a_registration() -> None:
    in_deletion = event(deletion=Deletion.IN_PROGRESS, operation_id="op")
    changes, _ = recorded(planned(RemoveAttendees(("unknown", "first")), at=in_deletion))
    assert [one.user_id for one in changes] == ["first"]


def test_unregister_without_a_registration_is_refused() -> None:
    (refusal,) = planned(Unregister("unknown")).outcomes
    assert isinstance(refusal, NotRegistered)
    assert (refusal.event_id, refusal.title, refusal.user_id) == ("e1", "Supper", "unknown")


@pytest.mark.parametrize(("budget", "seats"), [(4, 1), (5, 1), (6, 2)])
def test_fill_free_seats_stays_within_the_budget(budget: int, seats: int) -> None:
    head = (WaitlistEntry.of(FIRST), WaitlistEntry.of(SECOND))
    snapshot = Snapshot(event(capacity=9), {}, {"first": FIRST, "second": SECOND}, head)
    plan = planner.plan(
        snapshot, [FillFreeSeats()], event_id="e1", now=LATER, plan_id="p", budget=budget
    )
    (given,) = plan.outcomes
    assert isinstance(given, ChangeOutcome)
    assert len(given.promoted) == seats


def test_edit_of_an_empty_field_records_none() -> None:
    until = START + timedelta(days=2, hours=3)
    changes, _ = recorded(planned(Edit(EventChanges.of(ends_at=until), None)))
    assert changes[0].fields == {"ends_at": (None, str(until))}


def test_fence_changes_only_the_version_and_its_time() -> None:
    plan = planner.fence(event(), now=LATER, plan_id="p")
    assert plan.outcomes == ()
    assert plan.event == event(version=4, committed_at=LATER)
    assert recorded(plan) == ((), ())


def test_create_records_its_actor() -> None:
    new = event(version=0, registered_count=0, waitlist_count=0, waitlist_by_block={})
    plan = planner.plan(
        Snapshot(None), [Create(new, "maker")], event_id="e1", now=LATER, plan_id="p"
    )
    made = {"version": 1, "next_due_at": new.starts_at, "committed_at": LATER}
    assert plan.event == new.model_copy(update=made)
    (entry,) = (action.entry for action in plan.actions if isinstance(action, PutJournalEntry))
    assert entry.changes == (change(ChangeKind.CREATED, actor_id="maker"),)


def test_promoted_registration_keeps_ticket_and_registration_time() -> None:
    """R4.2: only the seat's time and version are new."""
    plan = planned(Unregister("sits"))
    assert [
        action.registration for action in plan.actions if isinstance(action, PutRegistration)
    ] == [row("first", 2).model_copy(update={"seated_at": LATER, "seated_version": 4})]
