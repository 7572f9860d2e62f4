"""Who sits, who waits, and what is written down of it: the only place that decides.

`plan` is a pure function from what is stored (`Snapshot`) and what is asked (a list of commands, in
order of arrival) to one atomic write (`Plan`). It carries the commands out one after the other on
a copy of the event (`WorkingCopy`), and only at the end looks at the difference to what is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from domain.commands import (
    ApplyFix,
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    Create,
    Edit,
    Export,
    FillFreeSeats,
    FinishDeletion,
    LeaveOutcome,
    Message,
    Outcome,
    Register,
    RegisterOutcome,
    Remove,
    RemoveAttendees,
    RunSchedule,
    SetStatus,
    StartDeletion,
    Unregister,
)
from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    Deletion,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)
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
from domain.inputs import EventChanges, check_times
from domain.models import (
    Actor,
    Change,
    Event,
    EventSummary,
    JournalEntry,
    Notification,
    Registration,
    WaitlistEntry,
    block_of,
)
from domain.planning.plan import (
    Action,
    CheckUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.planning.schedule import next_due_at, registration_closings, reminder_times

ACTIONS_PER_COMMIT = 100
"""The most actions that DynamoDB takes in one transaction."""

MAX_MOVES = (ACTIONS_PER_COMMIT - 2) // 2
"""The most registrations that one commit can move: two actions each, beside event and journal."""

MAX_RECENT_REQUESTS = 8
"""Requests of organizers that an event knows again: more than lie open in one's Slack at a time."""


class InconsistentSnapshot(Exception):
    """The snapshot's parts are not of one moment; read again. If nothing moved, the data is corrupt."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is stored, as far as the commands need it (`users_needed`, `waitlist_head_needed`, `entries_needed`)."""

    event: Event | None
    users: Collection[str] = frozenset()
    """Those who exist, and are not being deleted."""
    registrations: Mapping[str, Registration] = field(default_factory=dict)
    line: tuple[WaitlistEntry, ...] = ()
    """The head of the line."""
    entries_before: Mapping[int, int] = field(default_factory=dict)
    """For a ticket: how many wait before it within its block."""


def users_needed(commands: Sequence[Command]) -> tuple[frozenset[str], frozenset[str]]:
    """Return whose registrations, and which users, a snapshot for these commands must hold."""
    registrations: set[str] = set()
    users: set[str] = set()
    for command in commands:
        match command:
            case Register(user_id):
                registrations.add(user_id)
                users.add(user_id)
            case Unregister(user_id) | Remove(user_id):
                registrations.add(user_id)
            case RemoveAttendees(user_ids):
                registrations.update(user_ids)
    return frozenset(registrations), frozenset(users)


def waitlist_head_needed(
    event: Event, registrations: Mapping[str, Registration], commands: Sequence[Command]
) -> int:
    """Return how much of the line's head a snapshot must hold: none where no seat can come free."""
    freed = waiters = 0
    for command in commands:
        match command:
            case Unregister(user_id) | Remove(user_id) if user_id in registrations:
                if registrations[user_id].status is RegistrationStatus.REGISTERED:
                    freed += 1
                else:
                    waiters += 1
            case Edit(changes) if "capacity" in changes.model_fields_set:
                freed += max(0, changes.capacity - event.capacity)
            case ContinueCapacityIncrease() if event.capacity_target is not None:
                freed += event.capacity_target - event.capacity
            case FillFreeSeats():
                freed += event.free_seats
    return min(freed + waiters, event.waitlist_count, MAX_MOVES + 1) if freed > 0 else 0


def entries_needed(
    registrations: Mapping[str, Registration], commands: Sequence[Command]
) -> frozenset[WaitlistEntry]:
    """Return the places of those who ask for what they wait for already: their position is told."""
    return frozenset(
        WaitlistEntry.of(registrations[command.user_id])
        for command in commands
        if isinstance(command, Register)
        and command.user_id in registrations
        and registrations[command.user_id].status is RegistrationStatus.WAITLISTED
    )


def plan(
    snapshot: Snapshot,
    commands: Sequence[Command],
    *,
    event_id: str,
    now: datetime,
    plan_id: str,
    budget: int = ACTIONS_PER_COMMIT,
) -> Plan:
    """Return the one write that carries out as many of the commands, in order, as fit the budget.

    A command is answered with its outcome, or with the error that refuses it; a refused one adds
    nothing but, where it needs one, a check of its user. Raises `InconsistentSnapshot`.
    """
    room = WorkingCopy(snapshot, event_id, now, plan_id, budget)
    outcomes: list[Outcome | RollcallError] = []
    for command in commands:
        trial = room.copied()
        outcome: Outcome | RollcallError | None
        try:
            outcome = trial.carry_out(command)
        except RollcallError as refusal:
            outcome, trial = refusal, room.refusing(command, refusal)
        if outcome is None or trial.cost > budget:
            break
        room = trial
        outcomes.append(outcome)
    if not outcomes:
        raise ValueError(f"a budget of {budget} actions is too small for {commands[0]!r}")
    return room.to_plan(outcomes)


def fence(event: Event, *, now: datetime, plan_id: str) -> Plan:
    """Return a write that changes nothing but the version: no plan of the version before can apply after it."""
    return WorkingCopy(Snapshot(event), event.event_id, now, plan_id, ACTIONS_PER_COMMIT).to_plan(
        (), even_if_unchanged=True
    )


_COPIED = ("head", "tail", "gone", "stored", "rows", "costs", "checked", "changes", "notifications")


class WorkingCopy:
    """The event and its people as the commands so far leave them."""

    def __init__(
        self, snapshot: Snapshot, event_id: str, now: datetime, plan_id: str, budget: int
    ) -> None:
        self.snapshot = snapshot
        self.event_id = event_id
        self.now = now
        self.plan_id = plan_id
        self.budget = budget
        self.event = snapshot.event
        self.head = list(snapshot.line)
        self.tail: list[WaitlistEntry] = []  # those who joined now
        waiting = snapshot.event.waitlist_count if snapshot.event else 0
        self.between = waiting - len(snapshot.line)  # those who wait behind the head that was read
        self.gone: list[int] = []  # tickets that left the line
        self.stored = dict(snapshot.registrations)
        self.rows: dict[str, Registration | None] = {}  # what differs from `stored`
        self.costs: dict[str, int] = {}
        self.checked: set[str] = set()  # users who must still be there for what they are told
        self.fixes: tuple[Action, ...] = ()
        self.is_fixed = False
        self.above = 0  # the version to go beyond
        self.changes: list[Change] = []
        self.notifications: list[Notification] = []

    def copied(self) -> WorkingCopy:
        """Return a copy that changes independently of this one."""
        twin = copy(self)
        for name in _COPIED:
            setattr(twin, name, copy(getattr(self, name)))
        return twin

    @property
    def cost(self) -> int:
        """The number of actions that the plan takes so far, with the event and the journal entry."""
        return 2 + sum(self.costs.values()) + len(self.checked) + len(self.fixes)

    def refusing(self, command: Command, refusal: RollcallError) -> WorkingCopy:
        """Return the room with this command refused, so that the refusal is true at one moment.

        Either of reading, where what is stored refuses it too, or else of the commit: then the user
        must be there still, who may be deleted meanwhile without the event's knowing (R7.1).
        """
        rests_on_user = isinstance(refusal, AlreadyRegistered | RegistrationClosed | EventFull)
        if (
            not isinstance(command, Register)
            or not rests_on_user
            or self._stored_refuses(command, refusal)
        ):
            return self
        twin = self.copied()
        twin.checked.add(command.user_id)
        return twin

    def _stored_refuses(self, command: Command, refusal: RollcallError) -> bool:
        try:
            WorkingCopy(
                self.snapshot, self.event_id, self.now, self.plan_id, self.budget
            ).carry_out(command)
        except RollcallError as other:
            return type(other) is type(refusal) and vars(other) == vars(refusal)
        return False

    def carry_out(self, command: Command) -> Outcome | None:
        """Return the command's outcome, None if it wants a commit of its own; raises its refusal."""
        if self.is_fixed or (self.snapshot.event is None and self.event is not None):
            return None  # what comes behind a repair, or a creation, was read before it
        match command:
            case Create(event, actor_id):
                return self._create(event, actor_id)
            case Register(user_id):
                return self._register(user_id)
            case Unregister(user_id, cause, ticket):
                return self._unregister(user_id, cause, ticket)
            case Remove(user_id, actor, reason):
                return self._remove(user_id, actor, reason)
            case Edit(changes, actor):
                return self._edit(changes, actor)
            case SetStatus(status, actor):
                return self._set_status(status, actor)
            case Message():
                return self._message(command)
            case Export(actor, request_id):
                return self._export(actor, request_id)
            case RunSchedule():
                return self._keep_time()
            case ContinueCapacityIncrease(operation_id):
                return self._continue_raise(operation_id)
            case StartDeletion(actor):
                return self._mark_deletion(actor)
            case RemoveAttendees(user_ids):
                return self._evict(user_ids)
            case FinishDeletion():
                return self._bury()
            case ApplyFix():
                return self._fix(command)
            case FillFreeSeats():
                return self._seat_waiting()
            case _:
                assert_never(command)

    # Whom it concerns

    def _existing(self) -> Event:
        if self.event is None or self.event.deletion is not None:
            raise UnknownEvent(self.event_id)
        return self.event

    def _organized_by(self, actor: Actor | None) -> Event:
        event = self._existing()
        if actor is not None and not actor.is_admin and not event.organized_by(actor.user_id):
            raise NotOrganizer(self.event_id, actor.user_id)
        return event

    def _under_deletion(self) -> Event:
        if self.event is None or self.event.deletion is not Deletion.MARKED:
            raise UnknownEvent(self.event_id)
        return self.event

    def _row(self, user_id: str) -> Registration | None:
        return self.rows[user_id] if user_id in self.rows else self.stored.get(user_id)

    # Events

    def _create(self, event: Event, actor_id: str | None) -> ChangeOutcome:
        if self.event is not None:
            raise DuplicateEvent(self.event_id)
        _refuse_past(event, {"starts_at", "registration_deadline"}, self.now)
        self.event = event
        self._record(ChangeKind.CREATED, actor_id=actor_id)
        return ChangeOutcome(self._wind_up())

    def _edit(self, changes: EventChanges, actor: Actor | None) -> ChangeOutcome | None:
        before = self._organized_by(actor)
        if before.status is EventStatus.CANCELED:
            raise EventCanceled(self.event_id)
        given = changes.given()
        capacity = given.pop("capacity", None)
        if capacity is not None and capacity < before.registered_count:
            raise CapacityBelowRegistered(self.event_id, capacity, before.registered_count)
        if capacity == (before.capacity_target or before.capacity):
            capacity = None
        given = {name: value for name, value in given.items() if value != getattr(before, name)}
        event = before.model_copy(update=given)
        check_times(event.starts_at, event.ends_at, event.registration_deadline)
        _refuse_past(event, set(given), self.now)
        if not given and capacity is None:
            return ChangeOutcome(before, changed=False)
        busy = bool(self.rows)
        self.event = event.model_copy(update={"updated_at": self.now})
        if given.keys() & _TIMED:
            self._wind_up(None if "starts_at" in given else before.next_due_at)
        self._record(
            ChangeKind.EDITED, actor_id=_id_of(actor), fields=_differences(before, given, capacity)
        )
        is_moved = bool(given.keys() & {"starts_at", "ends_at", "time_zone", "location"})
        if is_moved:
            self._tell_audience(NotificationKind.MOVED, before=EventSummary.of(before))
        promoted = () if capacity is None else self._set_capacity(capacity, self.plan_id)
        if busy and self.event.operation_id == self.plan_id:
            return None  # a long raise gets a whole commit
        told = self.now < self.event.over_at
        return ChangeOutcome(self.event, promoted=promoted, is_moved=is_moved, told=told)

    def _set_status(self, status: EventStatus, actor: Actor | None) -> ChangeOutcome:
        event = self._organized_by(actor)
        if event.status is status:
            return ChangeOutcome(event, changed=False)
        if event.status is EventStatus.CANCELED:
            raise EventCanceled(self.event_id)
        self.event = event.model_copy(update={"status": status, "updated_at": self.now})
        kinds = {
            EventStatus.OPEN: ChangeKind.REOPENED,
            EventStatus.CLOSED: ChangeKind.CLOSED,
            EventStatus.CANCELED: ChangeKind.CANCELED,
        }
        self._record(kinds[status], actor_id=_id_of(actor))
        told = False
        if status is EventStatus.CANCELED:
            told = self._tell_audience(NotificationKind.CANCELED)
            self._wind_up()
        elif status is EventStatus.CLOSED and event.waitlist_count and not self._has_ended(event):
            told = self._tell_audience(NotificationKind.CLOSED, Audience.WAITING)
        return ChangeOutcome(self._now(), told=told)

    def _has_ended(self, event: Event) -> bool:
        """Return whether the clock has ended registration, and those who wait were told so."""
        due = event.next_due_at
        passed = (at for at in registration_closings(event) if at <= self.now)
        return self.now >= event.starts_at or any(due is None or at < due for at in passed)

    # What an organizer says, and the clock

    def _message(self, message: Message) -> ChangeOutcome:
        event = self._organized_by(message.actor)
        if message.request_id in event.recent_requests:
            return ChangeOutcome(event, changed=False)
        self._remember(message.request_id)
        self._record(ChangeKind.MESSAGED, actor_id=_id_of(message.actor))
        # Also once it is over, or canceled: thanks, or where to have the money back.
        self.notifications.append(
            Notification(
                kind=NotificationKind.MESSAGE, audience=message.audience, text=message.text
            )
        )
        return ChangeOutcome(self._now())

    def _export(self, actor: Actor, request_id: str) -> ChangeOutcome:
        event = self._organized_by(actor)
        if request_id in event.recent_requests:
            return ChangeOutcome(event, changed=False)
        self._remember(request_id)
        self._record(ChangeKind.EXPORTED, actor_id=actor.user_id)
        self.notifications.append(Notification(kind=NotificationKind.EXPORT, user_id=actor.user_id))
        return ChangeOutcome(self._now())

    def _remember(self, request_id: str) -> None:
        requests = (*self._now().recent_requests, request_id)
        self._write(recent_requests=requests[-MAX_RECENT_REQUESTS:])

    def _keep_time(self) -> ChangeOutcome:
        """Whatever has come due since the last time is told of once, unless it is too late for it."""
        event = self._existing()
        due = event.next_due_at
        if due is None or due > self.now:
            return ChangeOutcome(event, changed=False)
        self._wind_up()
        if self.now >= event.starts_at:
            return ChangeOutcome(self._now())
        if event.registered_count and any(due <= at <= self.now for at in reminder_times(event)):
            self._record(ChangeKind.REMINDED)
            self._tell_audience(NotificationKind.REMINDER, Audience.REGISTERED)
        is_closed = any(due <= at <= self.now for at in registration_closings(event))
        if is_closed and event.waitlist_count and event.status is EventStatus.OPEN:
            self._tell_audience(NotificationKind.CLOSED, Audience.WAITING)
        return ChangeOutcome(self._now())

    def _wind_up(self, undone: datetime | None = None) -> Event:
        """Set when the clock next asks something of the event, also what it asked at `undone` and nobody did."""
        after = self.now
        if undone is not None and undone <= self.now:
            after = undone - timedelta.resolution
        return self._write(next_due_at=next_due_at(self._now(), after))

    def _continue_raise(self, operation_id: str) -> ChangeOutcome | None:
        event = self._existing()
        if event.capacity_target is None or event.operation_id != operation_id:
            return ChangeOutcome(event, changed=False)
        if self.rows:
            return None
        promoted = self._set_capacity(event.capacity_target, operation_id)
        return ChangeOutcome(event, promoted=promoted)

    def _set_capacity(self, wanted: int, operation_id: str) -> tuple[str, ...]:
        """Seat by seat while someone waits, so that no seat is ever free meanwhile (R2.5)."""
        event = self._write(capacity_target=None, operation_id=None)
        promoted: list[str] = []
        while event.waitlist_count and event.capacity < wanted:
            if self.cost + 2 > self.budget or (not self.head and self.between):
                self._write(capacity_target=wanted, operation_id=operation_id)
                return tuple(promoted)
            self._write(capacity=event.capacity + 1)
            promoted += self._fill(Cause.CAPACITY_INCREASED)
            event = self._now()
        self._write(capacity=wanted)
        return tuple(promoted)

    # Registrations

    def _register(self, user_id: str) -> RegisterOutcome:
        event = self._existing()
        if user_id not in self.snapshot.users:
            raise UnknownUser(user_id)
        row = self._row(user_id)
        if row is not None:
            raise AlreadyRegistered(
                self.event_id, event.title, user_id, row.status, self._position(row)
            )
        because = event.closed_because(self.now)
        if because is not None:
            raise RegistrationClosed(
                self.event_id, event.title, because, event.closed_since(because)
            )
        is_seated = event.waitlist_count == 0 and event.free_seats > 0
        if not is_seated and not event.has_waitlist:
            raise EventFull(self.event_id, event.title, event.capacity, event.registered_count)
        # Also where they leave again in this batch: nobody comes in once their deletion has begun.
        self.checked.add(user_id)
        return self._seat(event, user_id) if is_seated else self._line_up(event, user_id)

    def _seat(self, event: Event, user_id: str) -> RegisterOutcome:
        row = self._new_row(event, user_id, RegistrationStatus.REGISTERED)
        self._set_row(user_id, row)
        self._write(registered_count=event.registered_count + 1, next_ticket=event.next_ticket + 1)
        self._record(ChangeKind.REGISTERED, user_id, user_id, row.ticket)
        return RegisterOutcome(event, row)

    def _line_up(self, event: Event, user_id: str) -> RegisterOutcome:
        row = self._new_row(event, user_id, RegistrationStatus.WAITLISTED)
        self._set_row(user_id, row)
        self.tail.append(WaitlistEntry.of(row))
        self._write(next_ticket=event.next_ticket + 1)
        self._count_waiting(row.ticket, +1)
        self._record(ChangeKind.WAITLISTED, user_id, user_id, row.ticket)
        return RegisterOutcome(event, row, self._now().waitlist_count)

    def _new_row(self, event: Event, user_id: str, status: RegistrationStatus) -> Registration:
        return Registration(
            event_id=self.event_id,
            user_id=user_id,
            status=status,
            ticket=event.next_ticket,
            registered_at=self.now,
            seated_at=self.now if status is RegistrationStatus.REGISTERED else None,
        )

    def _unregister(self, user_id: str, cause: Cause, ticket: int | None) -> LeaveOutcome:
        event, row = self._existing(), self._row(user_id)
        if row is not None and ticket not in (None, row.ticket):
            raise NotRegistered(self.event_id, event.title, user_id)
        is_own = cause is not Cause.USER_DEACTIVATED
        left = self._leave(event, user_id, cause, user_id if is_own else None)
        if not is_own:
            self._tell_organizers(left.registration)
        return left

    def _remove(self, user_id: str, actor: Actor | None, reason: str | None) -> LeaveOutcome:
        event = self._organized_by(actor)
        left = self._leave(event, user_id, Cause.REMOVED, _id_of(actor), reason)
        told = self._tell(NotificationKind.REMOVED, left.registration, reason)
        return replace(left, told=told)

    def _leave(
        self,
        event: Event,
        user_id: str,
        cause: Cause,
        actor_id: str | None,
        reason: str | None = None,
    ) -> LeaveOutcome:
        row = self._row(user_id)
        if row is None:
            raise NotRegistered(self.event_id, event.title, user_id)
        self._set_row(user_id, None)
        if row.status is RegistrationStatus.WAITLISTED:
            self._take_from_line(row)
        else:
            self._write(registered_count=event.registered_count - 1)
        self._record(
            ChangeKind.LEFT, user_id, actor_id, row.ticket, cause, reason, status=row.status
        )
        promoted = () if event.deletion else self._fill(Cause.SEAT_FREED)
        return LeaveOutcome(event, row, promoted)

    def _fill(self, cause: Cause) -> tuple[str, ...]:
        """Give each free seat to the first in line (R4.2), and tell them unless there is nothing to come to."""
        promoted: list[str] = []
        while (event := self._now()).free_seats > 0 and event.waitlist_count > 0:
            promoted += self._promote_next(cause)
        return tuple(promoted)

    def _promote_next(self, cause: Cause) -> tuple[str]:
        waiting = self._first_in_line()
        seated = {"status": RegistrationStatus.REGISTERED, "seated_at": self.now}
        row = self._row_in_line(waiting).model_copy(update=seated)
        self._set_row(waiting.user_id, row)
        self._write(registered_count=self._now().registered_count + 1)
        self._count_waiting(waiting.ticket, -1)
        self._record(ChangeKind.PROMOTED, waiting.user_id, None, waiting.ticket, cause)
        self._tell(NotificationKind.PROMOTED, row)
        return (waiting.user_id,)

    # The line

    def _first_in_line(self) -> WaitlistEntry:
        if self.head:
            waiting = self.head.pop(0)
            self.stored.setdefault(waiting.user_id, self._row_in_line(waiting))
        elif self.between or not self.tail:
            raise InconsistentSnapshot(
                f"the line of {self.event_id} has fewer heads than the event counts"
            )
        else:
            waiting = self.tail.pop(0)
        self.gone.append(waiting.ticket)
        return waiting

    def _row_in_line(self, waiting: WaitlistEntry) -> Registration:
        return Registration(
            event_id=self.event_id,
            user_id=waiting.user_id,
            status=RegistrationStatus.WAITLISTED,
            ticket=waiting.ticket,
            registered_at=waiting.registered_at,
            seated_at=None,
        )

    def _take_from_line(self, row: Registration) -> None:
        waiting = WaitlistEntry.of(row)
        for part in (self.head, self.tail):
            if waiting in part:
                part.remove(waiting)
                break
        else:
            self.between -= 1
        if self.between < 0:
            raise InconsistentSnapshot(f"{row.user_id} waits outside the line of {self.event_id}")
        self.gone.append(row.ticket)
        self._count_waiting(row.ticket, -1)

    def _count_waiting(self, ticket: int, by: int) -> None:
        event = self._now()
        block = block_of(ticket)
        blocks = {**event.waitlist_by_block, block: event.waitlist_by_block.get(block, 0) + by}
        if blocks[block] < 0:
            raise InconsistentSnapshot(
                f"block {block} of the line of {self.event_id} counts below nobody"
            )
        self._write(
            waitlist_count=event.waitlist_count + by,
            waitlist_by_block={number: count for number, count in blocks.items() if count},
        )

    def _position(self, row: Registration) -> int | None:
        if row.status is RegistrationStatus.REGISTERED:
            return None
        waiting = WaitlistEntry.of(row)
        if waiting in self.tail:
            return len(self.head) + self.between + self.tail.index(waiting) + 1
        if self.snapshot.event is None or row.ticket not in self.snapshot.entries_before:
            raise InconsistentSnapshot(f"nobody counted who waits before {row.user_id}")
        stored = self.snapshot.event.entries_before_block(block_of(row.ticket))
        stored += self.snapshot.entries_before[row.ticket]
        return 1 + stored - sum(ticket < row.ticket for ticket in self.gone)

    # Deletion

    def _mark_deletion(self, actor: Actor | None) -> ChangeOutcome:
        event = self._organized_by(actor)
        self._write(deletion=Deletion.MARKED, operation_id=self.plan_id, capacity_target=None)
        self._wind_up()
        self._record(ChangeKind.DELETED, actor_id=_id_of(actor))
        return ChangeOutcome(event)

    def _evict(self, user_ids: Sequence[str]) -> ChangeOutcome | None:
        event = self._under_deletion()
        for user_id in user_ids:
            row = self._row(user_id)
            if row is None:
                continue
            if row.status is RegistrationStatus.REGISTERED and self._now().waitlist_count:
                raise InconsistentSnapshot(
                    f"{row.user_id} was to leave a deleted event before its line"
                )
            self._leave(self._now(), user_id, Cause.EVENT_DELETED, None)
            if event.status is not EventStatus.CANCELED:
                self._tell(NotificationKind.DELETED, row)
        return ChangeOutcome(event, changed=bool(self.rows))

    def _bury(self) -> ChangeOutcome:
        event = self._under_deletion()
        if event.registered_count or event.waitlist_count:
            raise InconsistentSnapshot(f"{self.event_id} was to be buried before it is empty")
        self._write(deletion=Deletion.DONE, operation_id=None)
        return ChangeOutcome(event)

    # Repair

    def _fix(self, mend: ApplyFix) -> ChangeOutcome | None:
        event = self._now()
        if event.version != mend.version:
            return ChangeOutcome(event, changed=False)
        if event is not self.snapshot.event:
            return None
        self.fixes = (
            *(
                DeleteRegistration(stored) if row is None else PutRegistration(row, stored)
                for stored, row in mend.rows
            ),
            *(PutWaitlistEntry(self.event_id, waiting) for waiting in mend.add),
            *(DeleteWaitlistEntry(self.event_id, waiting) for waiting in mend.drop),
        )
        self.is_fixed = True
        self.above = max(event.version, mend.above)
        self._record_fix(event, mend)
        return ChangeOutcome(self._write(**mend.numbers))

    def _record_fix(self, event: Event, mend: ApplyFix) -> None:
        self._record(ChangeKind.REPAIRED, fields=_changed_fields(event, mend.numbers))
        for stored, row in mend.rows:
            user_id, ticket = stored.user_id, stored.ticket
            if row is None:
                cause, status = Cause.REPAIR, stored.status
                self._record(ChangeKind.LEFT, user_id, None, ticket, cause, status=status)
            else:
                fields = _changed_fields(stored, row.model_dump())
                self._record(ChangeKind.REPAIRED, user_id, None, ticket, fields=fields)
        for place in mend.add:
            self._record_place(place, (None, "in line"))
        for place in mend.drop:
            self._record_place(place, ("in line", None))

    def _record_place(self, place: WaitlistEntry, values: tuple[str | None, str | None]) -> None:
        fields = {"place": values}
        self._record(ChangeKind.REPAIRED, place.user_id, None, place.ticket, fields=fields)

    def _seat_waiting(self) -> ChangeOutcome:
        event = self._existing()
        promoted: list[str] = []
        while (
            self._now().free_seats > 0
            and self._now().waitlist_count > 0
            and self.head
            and self.cost + 2 <= self.budget
        ):
            promoted += self._promote_next(Cause.REPAIR)
        return ChangeOutcome(event, changed=bool(promoted), promoted=tuple(promoted))

    # What is written down

    def _now(self) -> Event:
        if self.event is None:
            raise InconsistentSnapshot(f"{self.event_id} does not exist")
        return self.event

    def _write(self, **values: object) -> Event:
        self.event = self._now().model_copy(update=values)
        return self.event

    def _set_row(self, user_id: str, row: Registration | None) -> None:
        self.rows[user_id] = row
        self.costs[user_id] = sum(1 for _ in self._row_actions(user_id))

    def _record(
        self,
        kind: ChangeKind,
        user_id: str | None = None,
        actor_id: str | None = None,
        ticket: int | None = None,
        cause: Cause | None = None,
        reason: str | None = None,
        *,
        status: RegistrationStatus | None = None,
        fields: Mapping[str, tuple[str | None, str | None]] | None = None,
    ) -> None:
        self.changes.append(
            Change(
                kind=kind,
                user_id=user_id,
                actor_id=actor_id,
                ticket=ticket,
                cause=cause,
                status=status,
                reason=reason,
                fields=fields,
            )
        )

    def _tell(self, kind: NotificationKind, row: Registration, reason: str | None = None) -> bool:
        event = self._now()
        if event.status is EventStatus.CANCELED or self.now >= event.over_at:
            return False
        self.notifications.append(
            Notification(kind=kind, user_id=row.user_id, ticket=row.ticket, reason=reason)
        )
        return True

    def _tell_organizers(self, row: Registration) -> None:
        """Who is in Slack no more has given up the place: an organizer may have counted on that person (R8.14)."""
        event = self._now()
        if event.status is EventStatus.CANCELED or self.now >= event.over_at:
            return
        for user_id in event.organizer_ids:
            if user_id != row.user_id:
                self.notifications.append(
                    Notification(
                        kind=NotificationKind.DEACTIVATED,
                        user_id=user_id,
                        about_user_id=row.user_id,
                    )
                )

    def _tell_audience(
        self,
        kind: NotificationKind,
        audience: Audience = Audience.EVERYONE,
        before: EventSummary | None = None,
    ) -> bool:
        if self.now >= self._now().over_at:
            return False
        self.notifications.append(Notification(kind=kind, audience=audience, before=before))
        return True

    def to_plan(
        self, outcomes: Sequence[Outcome | RollcallError], *, even_if_unchanged: bool = False
    ) -> Plan:
        """Return the difference between the room and what is stored, as one write."""
        if self.event is self.snapshot.event and not even_if_unchanged:
            return Plan(self.plan_id, self.event_id, self.event, tuple(outcomes))
        stored = self.snapshot.event
        version = 0 if stored is None else max(stored.version, self.above)
        event = self._write(version=version + 1)
        entry = JournalEntry(
            event_id=self.event_id,
            version=event.version,
            plan_id=self.plan_id,
            at=self.now,
            changes=tuple(self.changes),
            notifications=tuple(self.notifications),
            about=EventSummary.of(event) if self.notifications else None,
        )
        actions: list[Action] = [PutEvent(event, None if stored is None else stored.version)]
        for user_id in self.rows:
            actions += self._row_actions(user_id)
        actions += [CheckUser(user_id) for user_id in sorted(self.checked)]
        actions += [*self.fixes, PutJournalEntry(entry)]
        return Plan(
            self.plan_id,
            self.event_id,
            event,
            tuple(
                outcome if isinstance(outcome, RollcallError) else replace(outcome, event=event)
                for outcome in outcomes
            ),
            tuple(actions),
        )

    def _row_actions(self, user_id: str) -> Iterator[Action]:
        before, after = self.stored.get(user_id), self.rows[user_id]
        if before == after:
            return
        if before is not None:
            if after is None:
                yield DeleteRegistration(before)
            if before.status is RegistrationStatus.WAITLISTED:
                yield DeleteWaitlistEntry(self.event_id, WaitlistEntry.of(before))
        if after is not None:
            yield PutRegistration(after, replaces=before)
            if after.status is RegistrationStatus.WAITLISTED:
                yield PutWaitlistEntry(self.event_id, WaitlistEntry.of(after))


_TIMED = {"starts_at", "time_zone", "reminders", "registration_deadline"}
"""What an event's due times rest on."""


def _id_of(actor: Actor | None) -> str | None:
    return actor.user_id if actor else None


def _refuse_past(event: Event, names: set[str], now: datetime) -> None:
    for name in sorted(names & {"starts_at", "registration_deadline"}):
        moment = getattr(event, name)
        if moment is not None and moment <= now:
            raise Invalid(name, "must be in the future")


def _differences(
    before: Event, given: Mapping[str, object], capacity: int | None
) -> dict[str, tuple[str | None, str | None]]:
    differences = {name: (_text(getattr(before, name)), _text(new)) for name, new in given.items()}
    if capacity is not None:
        differences["capacity"] = (str(before.capacity), str(capacity))
    return differences


def _changed_fields(
    stored: Event | Registration, given: Mapping[str, object]
) -> dict[str, tuple[str | None, str | None]]:
    was = {name: getattr(stored, name) for name in given}
    return {name: (_text(was[name]), _text(new)) for name, new in given.items() if new != was[name]}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
