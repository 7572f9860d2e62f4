"""The working copy: an event and its registrations as the commands so far leave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime

from domain.commands import Outcome
from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    Deletion,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)
from domain.errors import NotOrganizer, RollcallError, UnknownEvent, UnknownUser
from domain.models import (
    Actor,
    Change,
    Event,
    EventSummary,
    ExportJob,
    FixedRegistration,
    JournalEntry,
    Notification,
    Registration,
    User,
    WaitlistEntry,
    block_of,
)
from domain.planning.event_values import changed_values, repaired_values
from domain.planning.plan import (
    Action,
    CheckRegistration,
    CheckUser,
    CreateUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.planning.schedule import passed_due_at, stored_due_time
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from domain.planning.waitlist import WorkingWaitlist
from domain.questions import question_id

_COPIED = (
    *("changed", "costs", "checked_users", "created_users", "new_organizers"),
    *("changes", "notifications", "exports", "guards"),
)


MAX_RECENT_REQUESTS = 8
"""Requests of organizers that an event recognizes: more than one organizer has open in Slack at a time."""


class WorkingCopy:
    """State of one plan. The functions of `planning` change it; `to_plan` compares it to the snapshot."""

    def __init__(
        self, snapshot: Snapshot, event_id: str, now: datetime, plan_id: str, budget: int
    ) -> None:
        self.snapshot = snapshot
        self.event_id = event_id
        self.now = now
        self.plan_id = plan_id
        self.budget = budget
        self.event = snapshot.event
        count = snapshot.event.waitlist_count if snapshot.event else 0
        head = list(snapshot.waitlist_head)
        self.waitlist = WorkingWaitlist(event_id, head, unread=count - len(head))
        # Registrations by user id. None: deleted.
        self.changed: dict[str, Registration | None] = {}
        self.costs: dict[str, int] = {}  # actions, by user id
        self.checked_users: set[str] = set()  # must still exist when the plan is committed
        self.created_users: dict[str, User] = {}  # must not exist then
        self.new_organizers: set[str] = set()  # must not be in deletion then
        self.fixes: tuple[Action, ...] = ()
        self.fixed: tuple[FixedRegistration, ...] = ()
        self.min_version = 0
        self.ends_batch = False  # later commands need data that was not read
        self.changes: list[Change] = []
        self.notifications: list[Notification] = []
        self._question_ids = 0  # made so far
        self.exports: list[str] = []  # ids of the users who get the list of attendees
        self.guards: list[
            Registration
        ] = []  # for the series: must still exist when the plan is committed
        self.made: WorkingCopy | None = (
            None  # an occurrence of this series that the same commit creates
        )

    def copied(self) -> WorkingCopy:
        """Return a copy that changes independently of this one."""
        other = copy(self)
        other.waitlist = self.waitlist.copied()
        for name in _COPIED:
            setattr(other, name, copy(getattr(self, name)))
        return other

    @property
    def cost(self) -> int:
        """The number of actions so far, with one each for the event and the journal entry."""
        checks = len(self.checked_users | self.new_organizers | self.created_users.keys())
        more = len(self.fixes) + len(self.exports) + len(self.guards)
        made = 0 if self.made is None else self.made.cost
        return 2 + checks + more + made + sum(self.costs.values())

    # The event

    @property
    def version(self) -> int:
        """The event version that the plan's commit makes."""
        stored = self.snapshot.event
        return 1 + (0 if stored is None else max(stored.version, self.min_version))

    @property
    def current(self) -> Event:
        """The event, whatever its state; raises `InconsistentSnapshot` if there is none."""
        if self.event is None:
            raise InconsistentSnapshot(f"{self.event_id} does not exist")
        return self.event

    def existing_event(self) -> Event:
        """Return the event; raise `UnknownEvent` if there is none or it is being deleted."""
        if self.event is None or self.event.deletion is not None:
            raise UnknownEvent(self.event_id)
        return self.event

    def event_organized_by(self, actor: Actor | None) -> Event:
        """Return the event; raise `UnknownEvent`, or `NotOrganizer` if the actor may not change it (R8.9)."""
        event = self.existing_event()
        if actor is not None and not actor.is_admin and not event.is_organizer(actor.user_id):
            raise NotOrganizer(self.event_id, actor.user_id)
        return event

    def event_in_deletion(self) -> Event:
        """Return the event; raise `UnknownEvent` unless its deletion has started and not finished."""
        if self.event is None or self.event.deletion is not Deletion.IN_PROGRESS:
            raise UnknownEvent(self.event_id)
        return self.event

    def update_event(self, **values: object) -> Event:
        """Set fields of the event and return it."""
        self.event = self.current.model_copy(update=values)
        return self.event

    def new_question_id(self) -> str:
        """Return an id that no other plan makes, nor this one again."""
        self._question_ids += 1
        return question_id(f"{self.plan_id} {self._question_ids}")

    def remember_request(self, request_id: str) -> None:
        """Keep the id of a request that must not run twice (R8.13)."""
        requests = (*self.current.recent_requests, request_id)
        self.update_event(recent_requests=requests[-MAX_RECENT_REQUESTS:])

    def check_organizer(self, user_id: str) -> None:
        """Require that a user who becomes an organizer is not being deleted, now and at the commit (R2.9).

        Raises `UnknownUser`.
        """
        if user_id in self.snapshot.users_in_deletion:
            raise UnknownUser(user_id)
        self.new_organizers.add(user_id)

    def create_user(self, user_id: str) -> None:
        """Create a user who is not stored, without a name (R1.6)."""
        self.created_users[user_id] = User(
            user_id=user_id,
            name=user_id,
            created_at=self.now,
            updated_at=self.now,
            revision=self.plan_id,
            time_zone=None,
        )

    # Registrations

    def registration(self, user_id: str) -> Registration | None:
        """Return a user's registration, or None."""
        return (
            self.changed[user_id]
            if user_id in self.changed
            else self.snapshot.registrations.get(user_id)
        )

    def set_registration(self, user_id: str, registration: Registration | None) -> None:
        """Write a user's registration, or delete it (None)."""
        self.changed[user_id] = registration
        self.costs[user_id] = sum(1 for _ in self._registration_actions(user_id))

    def count_waitlisted(self, ticket: int, by: int) -> None:
        """Change the event's waitlist counts for a ticket that joins (1) or leaves (-1) the waitlist."""
        event = self.current
        block = block_of(ticket)
        blocks = {**event.waitlist_by_block, block: event.waitlist_by_block.get(block, 0) + by}
        if blocks[block] < 0:
            raise InconsistentSnapshot(
                f"block {block} of the waitlist of {self.event_id} would count below 0"
            )
        self.update_event(
            waitlist_count=event.waitlist_count + by,
            waitlist_by_block={number: count for number, count in blocks.items() if count},
        )

    def position(self, registration: Registration) -> int | None:
        """Return a registration's position on the waitlist, or None if it has a seat."""
        if registration.status is RegistrationStatus.REGISTERED:
            return None
        stored_before = None
        in_block = self.snapshot.entries_before.get(registration.ticket)
        if self.snapshot.event is not None and in_block is not None:
            blocks = self.snapshot.event.entries_before_block(block_of(registration.ticket))
            stored_before = blocks + in_block
        return self.waitlist.position(WaitlistEntry.of(registration), stored_before)

    # History and notifications

    def record(
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
        channel_id: str | None = None,
        note: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """Add a change to the history."""
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
                channel_id=channel_id,
                note=note,
                event_id=event_id,
            )
        )

    def notify(
        self,
        kind: NotificationKind,
        registration: Registration,
        reason: str | None = None,
        *,
        actor_id: str | None = None,
        text: str | None = None,
    ) -> bool:
        """Notify a registration's user, unless the event is canceled or over. Return whether it does."""
        if self.is_canceled_or_over():
            return False
        user_id, ticket = registration.user_id, registration.ticket
        self.notifications.append(
            Notification(
                kind=kind,
                user_id=user_id,
                ticket=ticket,
                reason=reason,
                actor_id=actor_id,
                text=text,
            )
        )
        return True

    def notify_user(self, kind: NotificationKind, user_id: str) -> None:
        """Notify a user who has no registration, unless the event is canceled or over."""
        if not self.is_canceled_or_over():
            self.notifications.append(Notification(kind=kind, user_id=user_id))

    def notify_organizers(self, registration: Registration) -> None:
        """Notify the other organizers that an attendee's account was deactivated (R8.14)."""
        if self.is_canceled_or_over():
            return
        for user_id in self.current.organizer_ids:
            if user_id != registration.user_id:
                self.notifications.append(
                    Notification(
                        kind=NotificationKind.DEACTIVATED,
                        user_id=user_id,
                        about_user_id=registration.user_id,
                    )
                )

    def notify_audience(
        self,
        kind: NotificationKind,
        audience: Audience = Audience.EVERYONE,
        before: EventSummary | None = None,
        *,
        actor_id: str | None = None,
        reason: str | None = None,
        note: str | None = None,
        text: str | None = None,
    ) -> bool:
        """Notify an audience, unless the event is over. Return whether it does."""
        if self.current.is_over(self.now):
            return False
        self.notifications.append(
            Notification(
                kind=kind,
                audience=audience,
                before=before,
                actor_id=actor_id,
                reason=reason,
                note=note,
                text=text,
            )
        )
        return True

    def is_canceled_or_over(self) -> bool:
        """Return whether the event's changes concern nobody anymore."""
        event = self.current
        return event.status is EventStatus.CANCELED or event.is_over(self.now)

    # The plan

    def to_plan(
        self, outcomes: Sequence[Outcome | RollcallError], *, even_if_unchanged: bool = False
    ) -> Plan:
        """Return the difference to what is stored, as one write."""
        if self.event is self.snapshot.event and not even_if_unchanged:
            return Plan(self.plan_id, self.event_id, self.event, tuple(outcomes))
        stored = self.snapshot.event
        event = self.update_event(version=self.version, committed_at=self.now)
        due_at = stored_due_time(event)
        if due_at != event.next_due_at and not even_if_unchanged:
            passed = passed_due_at(event, self.now, due_at)
            event = self.update_event(next_due_at=due_at, last_due_at=passed)
        actions: list[Action] = [PutEvent(event, None if stored is None else stored.version)]
        # A row that refers to a user is written after that user: SQLite checks each statement.
        actions += [CreateUser(user) for user in self.created_users.values()]
        for user_id in self.changed:
            actions += self._registration_actions(user_id)
        actions += self._user_checks()
        actions += map(CheckRegistration, self.guards)
        actions += [*self.fixes, PutJournalEntry(self._journal_entry(event))]
        actions += [
            PutJournalEntry(self._export_job(event, number, user_id))
            for number, user_id in enumerate(self.exports)
        ]
        if self.made is not None:
            actions += self.made.to_plan(()).actions
        final = (
            outcome if isinstance(outcome, RollcallError) else replace(outcome, event=event)
            for outcome in outcomes
        )
        return Plan(self.plan_id, self.event_id, event, tuple(final), tuple(actions))

    def _journal_entry(self, event: Event) -> JournalEntry:
        return JournalEntry(
            event_id=self.event_id,
            version=event.version,
            plan_id=self.plan_id,
            at=self.now,
            changes=tuple(self.changes),
            notifications=tuple(self.notifications),
            about=EventSummary.of(event) if self.notifications else None,
            event_values=self._event_values(event),
            fixed=self.fixed,
            previous_at=self._previous_at(),
        )

    def _previous_at(self) -> datetime | None:
        """Return when the version before the plan's was committed. A repair may leave versions out."""
        stored = self.snapshot.event
        is_next = stored is not None and stored.version + 1 == self.version
        return stored.committed_at if stored is not None and is_next else None

    def _event_values(self, event: Event) -> dict[str, str]:
        is_repair = any(change.kind is ChangeKind.REPAIRED for change in self.changes)
        return repaired_values(event) if is_repair else changed_values(self.snapshot.event, event)

    def _export_job(self, event: Event, number: int, user_id: str) -> JournalEntry:
        return JournalEntry(
            event_id=ExportJob(self.event_id, event.version, number).job_id,
            version=1,
            plan_id=self.plan_id,
            at=self.now,
            notifications=(Notification(kind=NotificationKind.EXPORT, user_id=user_id),),
            about=EventSummary.of(event),
        )

    def _user_checks(self) -> Iterator[CheckUser]:
        for user_id in sorted(
            (self.checked_users | self.new_organizers) - self.created_users.keys()
        ):
            # Organizers need not be users: an API client names whom it likes.
            exists = user_id in self.checked_users or user_id in self.snapshot.users
            yield CheckUser(user_id, may_be_missing=not exists)

    def _registration_actions(self, user_id: str) -> Iterator[Action]:
        before, after = self.snapshot.registrations.get(user_id), self.changed[user_id]
        if before == after:
            return
        if before is not None and after is None:
            yield DeleteRegistration(before)
        if after is not None:
            yield PutRegistration(after, replaces=before)
        old_entry, new_entry = _waitlist_entry(before), _waitlist_entry(after)
        if old_entry == new_entry:  # other answers leave it as it is
            return
        if old_entry is not None:
            yield DeleteWaitlistEntry(self.event_id, old_entry)
        if new_entry is not None:
            yield PutWaitlistEntry(self.event_id, new_entry)


def _waitlist_entry(registration: Registration | None) -> WaitlistEntry | None:
    if registration is None or registration.status is not RegistrationStatus.WAITLISTED:
        return None
    return WaitlistEntry.of(registration)
