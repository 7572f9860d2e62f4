"""The use cases, one method each. Slack, HTTP and the command line call these, and nothing below.

Each method may raise `Busy`: it could not be done in time, and nothing was changed. Those that
change something may raise `NotConfirmed` instead. An `actor` of None is the operator or a program
that the operator trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from domain import search
from domain.commands import (
    ChangeOutcome,
    Command,
    Create,
    Edit,
    Export,
    LeaveOutcome,
    Message,
    Register,
    RegisterOutcome,
    Remove,
    SetStatus,
    StartDeletion,
    Unregister,
)
from domain.enums import EventStatus, RegistrationStatus
from domain.errors import (
    CapacityBelowRegistered,
    DuplicateEvent,
    NotOrganizer,
    NotRegistered,
    RollcallError,
    UnknownEvent,
    UnknownUser,
)
from domain.execution.executor import Executor
from domain.execution.loader import load_snapshot
from domain.execution.long_operations import DEACTIVATION_PREFIX, LongOperations
from domain.execution.retry import LONG_PAGE_SIZE, PAGE_SIZE, REQUEST_SECONDS, RetryPolicy
from domain.execution.unconfirmed import UnconfirmedResolver
from domain.inputs import (
    EventChanges,
    EventDraft,
    MessageDraft,
    Removal,
    UserChanges,
    UserDraft,
    is_identifier,
)
from domain.models import (
    Actor,
    CapacityPreview,
    Event,
    EventRegistrations,
    JournalEntry,
    LeavePreview,
    ListedEvent,
    Page,
    RegistrationMove,
    User,
    UserRegistration,
)
from domain.planning import planner
from domain.ports import Clock, NewId, Spawn, Store
from domain.queries import Queries
from domain.search import FoundEvents, FoundRegistrations
from domain.users import Users

if TYPE_CHECKING:
    from domain.integrity.checker import Check
    from domain.integrity.violations import FixedViolation, Progress, Violation

T = TypeVar("T")

PAST = timedelta(days=1)
"""For how long after its start an organizer finds an event by its title."""


class Service:
    """Rollcall for one workspace: everything that the requirements R1 to R7 promise.

    `on_commit` is called with the event's id after each commit, in the thread that committed.
    `seconds` says how long a request that begins now is tried (R8.12).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        new_id: NewId,
        jitter: Callable[[], float],
        spawn: Spawn,
        on_commit: Callable[[str], None],
        seconds: Callable[[], float] = lambda: REQUEST_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._retry = RetryPolicy(clock, jitter, seconds)
        self._resolver = UnconfirmedResolver(self._retry, spawn)
        self._executor = Executor(
            store,
            self._retry,
            clock,
            new_id=new_id,
            resolver=self._resolver,
            on_commit=on_commit,
        )
        self._users = Users(store, self._retry, clock, new_id)
        self._queries = Queries(store, self._retry)
        self._long_operations = LongOperations(store, self._executor, self._retry, clock, spawn)

    # Users, as R1 has them

    def create_user(self, draft: UserDraft) -> User:
        """Create a user; raises `DuplicateUser`, which leaves the stored one as it is (R1.3)."""
        return self._resolver.finish_or_continue(self._users.creation(draft))

    def ensure_user(self, draft: UserDraft) -> User:
        """Return the user as the draft has it: created on first contact, updated if something changed.

        Raises `UnknownUser` while the user is being deleted. `Busy` says here that what the person
        wants was not begun; where an answer was lost, the user may be there, or have the new name.
        """
        return self._users.ensure(draft)

    def get_user(self, user_id: str) -> User:
        """Return the user (R1.5); raises `UnknownUser`."""
        return self._users.get(user_id)

    def get_users(self, user_ids: Collection[str]) -> dict[str, User]:
        """Return those of the users that exist, by id."""
        if not user_ids:
            return {}
        rows = self._retry.read(
            lambda: self._store.get_rows("", registrations_of=(), users=user_ids)
        )
        return {user_id: user for user_id, user in rows.users.items() if user.deletion is None}

    def list_users(self, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> Page[User]:
        """List users by name; a page may be short. Raises `Invalid` for a cursor of no such list."""
        page = self._retry.read(lambda: self._store.list_users(limit=limit, cursor=cursor))
        return Page(tuple(u for u in page.items if u.deletion is None), page.next_cursor)

    def update_user(self, user_id: str, changes: UserChanges) -> User:
        """Set what the changes give (R1.5); raises `UnknownUser`."""
        return self._resolver.finish_or_continue(self._users.update(user_id, changes))

    def delete_user(self, user_id: str) -> bool:
        """Delete a user with all registrations, giving each seat to the next in line (R7.1).

        Return whether it is done; if not, it goes on by itself. Raises `UnknownUser`.
        """
        return self._delete_user(user_id, self._new_id())

    def deactivate_user(self, user_id: str) -> bool:
        """Delete a user whose account is gone, as `delete_user` does; organizers are told (R8.14)."""
        return self._delete_user(user_id, f"{DEACTIVATION_PREFIX}{self._new_id()}")

    def _delete_user(self, user_id: str, new_mark: str) -> bool:
        def delete() -> bool:
            mark = self._users.mark(user_id, new_mark)
            return self._long_operations.finish_or_continue(
                lambda deadline: self._long_operations.finish_user_deletion(user_id, mark, deadline)
            )

        return self._resolver.finish_or_continue(delete)

    # Events, as R2 has them

    def create_event(self, draft: EventDraft, *, actor_id: str | None = None) -> Event:
        """Create an event, with nobody in it; raises `DuplicateEvent`, and `Invalid` for a past time."""
        now = self._clock.now()
        values = draft.model_dump(exclude={"event_id"})
        event = Event(
            event_id=draft.event_id or self._new_id(),
            status=EventStatus.OPEN,
            created_at=now,
            updated_at=now,
            version=0,
            **values,
        )
        command = Create(event, actor_id or draft.organizer_id)
        return self._change(event.event_id, command).event

    def create_event_once(self, draft: EventDraft) -> tuple[Event, bool]:
        """Create an event under the id that its form minted; return whether this call did it (R8.13).

        Raises `DuplicateEvent` if the id is another organizer's, and as `create_event` does.
        """
        try:
            return self.create_event(draft), True
        except DuplicateEvent as duplicate:
            event = self._event_with_id(duplicate.event_id)
            if event is None or event.organizer_id != draft.organizer_id:
                raise
            return event, False

    def get_event(self, event_id: str, *, actor: Actor | None = None) -> Event:
        """Return the event; raises `UnknownEvent`, and `NotOrganizer` for an actor who is none (R8.9)."""
        event = self._retry.read(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not None:
            raise UnknownEvent(event_id)
        if actor is not None and not actor.is_admin and not event.is_organizer(actor.user_id):
            raise NotOrganizer(event_id, actor.user_id)
        return event

    def is_over(self, event: Event) -> bool:
        """Return whether an event is over: nobody is told any more of what happens to it."""
        return self._clock.now() >= event.over_at

    def list_events(
        self, *, coming: bool = False, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[Event]:
        """List events by start: all, or those `coming` that are listed and not canceled (R2.8).

        A page may be short. Raises `Invalid` for a cursor of no such list.
        """
        since = self._clock.now() if coming else None
        page = self._retry.read(
            lambda: self._store.list_events(starting_from=since, limit=limit, cursor=cursor)
        )
        wanted = [
            listed.event_id
            for listed in page.items
            if not coming or (listed.listed and listed.status is not EventStatus.CANCELED)
        ]
        events = self._retry.read(lambda: self._store.get_events(wanted)) if wanted else {}
        return Page(
            tuple(
                events[event_id]
                for event_id in wanted
                if event_id in events and events[event_id].deletion is None
            ),
            page.next_cursor,
        )

    def list_organized(
        self, user_id: str, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[Event]:
        """List the events of which a user is an organizer, by start, up to a day after it.

        A page may be short, or empty. Raises `Invalid` for a cursor of no such list.
        """
        since = self._clock.now() - PAST
        page = self._retry.read(
            lambda: self._store.list_events(starting_from=since, limit=limit, cursor=cursor)
        )
        wanted = [listed.event_id for listed in page.items]
        events = self._retry.read(lambda: self._store.get_events(wanted)) if wanted else {}
        found = (events[event_id] for event_id in wanted if event_id in events)
        organized = (e for e in found if e.deletion is None and e.is_organizer(user_id))
        return Page(tuple(organized), page.next_cursor)

    def find_events(self, text: str) -> FoundEvents:
        """Find events by id, listed or not, or by a part of the title (R8.1); all for no text.

        By title: the listed ones that take registrations now.
        """
        event = self._event_with_id(text)
        if event is not None:
            return FoundEvents((ListedEvent.of(event),))
        return search.find(text, self._open_events())

    def find_events_to_manage(self, text: str, user_id: str) -> FoundEvents:
        """Find the events that a person means to manage: by id, or by a part of the title.

        First those that the person organizes, listed or not, open or closed; else any that is
        listed. What began more than `PAST` ago is found by its id alone.
        """
        event = self._event_with_id(text)
        if event is not None:
            return FoundEvents((ListedEvent.of(event),))
        since = self._clock.now() - PAST
        coming = tuple(
            self._retry.read_all_pages(
                lambda **page: self._store.list_events(starting_from=since, **page),
                limit=LONG_PAGE_SIZE,
            )
        )
        fitting = search.find(text, coming).fitting
        events = self._retry.read(
            lambda: self._store.get_events([listed.event_id for listed in fitting])
        )
        organized = tuple(
            listed
            for listed in fitting
            if listed.event_id in events and events[listed.event_id].is_organizer(user_id)
        )
        if organized:
            return FoundEvents(organized)
        return search.find(text, (listed for listed in coming if listed.listed))

    def _event_with_id(self, text: str) -> Event | None:
        try:
            return self.get_event(text) if is_identifier(text) else None
        except UnknownEvent:
            return None

    def _open_events(self) -> Iterator[ListedEvent]:
        now = self._clock.now()
        for event in self._retry.read_all_pages(
            lambda **page: self._store.list_events(starting_from=now, **page), limit=LONG_PAGE_SIZE
        ):
            if event.listed and event.status is EventStatus.OPEN and event.closes_at > now:
                yield event

    def edit_event(
        self, event_id: str, changes: EventChanges, *, actor: Actor | None = None
    ) -> ChangeOutcome:
        """Change an event (R2.5 to R2.8). A raise that one commit can't hold goes on by itself.

        While it does, `event.capacity_target` is set. Raises `UnknownEvent`, `NotOrganizer`,
        `EventCanceled`, `CapacityBelowRegistered`, and `Invalid` for times out of order or past.
        """
        changed = self._change(event_id, Edit(changes, actor))
        operation_id = changed.event.operation_id
        if operation_id is not None and changed.event.capacity_target is not None:
            self._long_operations.run_in_background(
                lambda deadline: self._long_operations.continue_capacity_increase(
                    event_id, operation_id, deadline
                )
            )
        return changed

    def close_event(self, event_id: str, *, actor: Actor | None = None) -> ChangeOutcome:
        """Take no more registrations. Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`."""
        return self._change(event_id, SetStatus(EventStatus.CLOSED, actor))

    def reopen_event(self, event_id: str, *, actor: Actor | None = None) -> ChangeOutcome:
        """Take registrations again. Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`."""
        return self._change(event_id, SetStatus(EventStatus.OPEN, actor))

    def cancel_event(self, event_id: str, *, actor: Actor | None = None) -> ChangeOutcome:
        """Call the event off, for good; everyone in it is told. Raises `UnknownEvent`, `NotOrganizer`."""
        return self._change(event_id, SetStatus(EventStatus.CANCELED, actor))

    def message(
        self, event_id: str, draft: MessageDraft, *, request_id: str, actor: Actor | None = None
    ) -> ChangeOutcome:
        """Tell an event's people what an organizer has to say; once for each request id (R8.8, R8.13).

        Raises `UnknownEvent`, `NotOrganizer`.
        """
        return self._change(event_id, Message(draft.text, draft.audience, actor, request_id))

    def export(self, event_id: str, *, request_id: str, actor: Actor) -> ChangeOutcome:
        """Have the actor sent a list of everyone in the event; once for each request id (R8.8, R8.13).

        Raises `UnknownEvent`, `NotOrganizer`.
        """
        return self._change(event_id, Export(actor, request_id))

    def delete_event(self, event_id: str, *, actor: Actor | None = None) -> bool:
        """Delete an event with all its registrations (R7.2); nobody finds it from now on.

        Return whether it is done; if not, it goes on by itself. Raises `UnknownEvent`, `NotOrganizer`.
        """
        self._change(event_id, StartDeletion(actor))
        return self._long_operations.finish_or_continue(
            lambda deadline: self._long_operations.finish_event_deletion(event_id, deadline)
        )

    # Registrations: R3 to R6

    def register(self, event_id: str, user_id: str) -> RegisterOutcome:
        """Give a user a seat, or a place in line (R3).

        Raises `UnknownEvent`, `UnknownUser`, `AlreadyRegistered`, `RegistrationClosed`, `EventFull`.
        """
        return _expected(RegisterOutcome, self._go(event_id, Register(user_id)))

    def register_ensuring_user(self, event_id: str, draft: UserDraft) -> RegisterOutcome:
        """`ensure_user`, then `register`; raises what they raise.

        Nothing is read or written of somebody whom this process has seen stored as the draft has it: the
        commit finds out whether the user is still there. Where not, it is ensured and tried anew.
        """
        if draft.user_id is not None and self._users.is_cached(draft):
            with suppress(UnknownUser):  # deleted since
                return self.register(event_id, draft.user_id)
        return self.register(event_id, self.ensure_user(draft).user_id)

    def unregister(self, event_id: str, user_id: str) -> LeaveOutcome:
        """Take a user out; a seat goes to the next in line (R4). Raises `UnknownEvent`, `NotRegistered`."""
        return _expected(LeaveOutcome, self._go(event_id, Unregister(user_id)))

    def remove(
        self,
        event_id: str,
        user_id: str,
        *,
        actor: Actor | None = None,
        reason: str | None = None,
    ) -> LeaveOutcome:
        """Take a user out in an organizer's name; the user is told, with the reason (R4.6).

        Raises `UnknownEvent`, `NotOrganizer`, `NotRegistered`, and `Invalid` for a reason too long.
        """
        why = Removal.of(reason=reason or "").reason or None
        return _expected(LeaveOutcome, self._go(event_id, Remove(user_id, actor, why)))

    def get_registration(self, event_id: str, user_id: str) -> UserRegistration:
        """Return a user's registration with its position; raises `UnknownEvent`, `NotRegistered`."""
        own = self._queries.of_user_in(event_id, user_id)
        if own is None:
            raise NotRegistered(event_id, self.get_event(event_id).title, user_id)
        return own

    def find_registration(self, event_id: str, user_id: str) -> UserRegistration | None:
        """Return a user's registration with its position, None for who is not in the event."""
        return self._queries.of_user_in(event_id, user_id)

    def list_registrations_of(
        self, user_id: str, *, status: RegistrationStatus | None = None
    ) -> tuple[UserRegistration, ...]:
        """Return a user's registrations with their events, by start (R5); none for an unknown user."""
        return self._queries.of_user(user_id, status)

    def find_registrations_of(self, user_id: str, text: str) -> FoundRegistrations:
        """Find among a user's registrations by an event's id or a part of its title (R8.1); all for no text."""
        return search.find_registrations(text, self.list_registrations_of(user_id))

    def list_registrations_in(
        self,
        event_id: str,
        *,
        status: RegistrationStatus | None = None,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
        actor: Actor | None = None,
    ) -> EventRegistrations:
        """List who has a seat, then who waits, in order of tickets (R6). A page holds up to `limit`.

        A page is of one moment; but who has a seat comes from an index that may lag a little. Raises `UnknownEvent`,
        `NotOrganizer`, and `Invalid` for a cursor of no such list.
        """
        if actor is not None:
            self.get_event(event_id, actor=actor)
        return self._queries.of_event(event_id, status, limit, cursor)

    def preview_capacity(
        self, event_id: str, capacity: int, *, actor: Actor | None = None
    ) -> CapacityPreview:
        """Return whom a capacity would give a seat, or whom it has too many.

        Raises what setting it would (`edit_event`), but for `CapacityBelowRegistered`: that is told.
        """
        edit = Edit(EventChanges.of(capacity=capacity), actor)

        def read() -> CapacityPreview | None:
            snapshot = load_snapshot(self._store, event_id, [edit])
            plan = planner.plan(
                snapshot, [edit], event_id=event_id, now=self._clock.now(), plan_id="preview"
            )
            outcome = plan.outcomes[0]
            if isinstance(outcome, CapacityBelowRegistered) and snapshot.event is not None:
                return self._queries.too_many(snapshot.event, capacity)
            if isinstance(outcome, RollcallError):
                raise outcome
            if snapshot.event is None or not self._queries.unmoved([snapshot.event]):
                return None
            event = snapshot.event
            count = min(max(0, capacity - event.capacity), event.waitlist_count)
            return CapacityPreview(
                event, capacity, _expected(ChangeOutcome, outcome).promoted, count
            )

        return self._retry.read_consistently(read)

    def preview_leave(self, event_id: str, user_id: str) -> LeavePreview:
        """Return what leaving would cost now (R8.4); raises `UnknownEvent`, `NotRegistered`."""
        own = self.get_registration(event_id, user_id)
        event = own.event
        someone_waits = event.waitlist_count > 0
        can_return = event.has_waitlist and event.closed_reason(self._clock.now()) is None
        return LeavePreview(
            own,
            next_gets_seat=own.position is None and someone_waits,
            position_on_return=event.waitlist_count if can_return and someone_waits else None,
        )

    # History and integrity: R7.4, R8.10

    def list_history(
        self,
        event_id: str,
        *,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
        actor: Actor | None = None,
    ) -> Page[JournalEntry]:
        """List what happened to an event, newest first. Raises `UnknownEvent`, `NotOrganizer`."""
        self.get_event(event_id, actor=actor)
        return self._retry.read(
            lambda: self._store.list_history(event_id, limit=limit, cursor=cursor)
        )

    def list_own_history(
        self, event_id: str, user_id: str, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[RegistrationMove]:
        """List what moved a user's place in an event, newest first, out of `limit` entries of its history.

        A page may be short, or empty. Raises `UnknownEvent`, and `Invalid` for a cursor of no such list.
        """
        return self._queries.own_history(event_id, user_id, limit, cursor)

    def sweep(self) -> int:
        """Do what the clock asks of events by now (R8.15), and finish what is unfinished (R7.4).

        Return how many things that were. What fails in the one keeps nothing of the other.
        """
        try:
            done = self._long_operations.run_due_events()
        finally:
            finished = self.finish_unfinished()
        return done + finished

    def finish_unfinished(self) -> int:
        """Finish what a crash interrupted: raises in steps and deletions (R7.4). Return how many."""
        return self._long_operations.finish_unfinished()

    def check(self, on_progress: Callable[[Progress], None]) -> Iterator[Violation]:
        """Read everything and yield each breach of R7.5, also while others write (R7.6).

        `on_progress` is called after each page. Raises `Unavailable`.
        """
        return self._checking(on_progress).everything()

    def repair(self, on_progress: Callable[[Progress], None]) -> Iterator[FixedViolation]:
        """Mend what a check finds, from the registrations; yield each thing that was mended (R7.6).

        One that was cut off can be run again. Raises `Unavailable`.
        """
        from domain.integrity.repairer import Repair  # as in `_checking`

        check = self._checking(on_progress)
        repair = Repair(self._store, self._executor, self._retry, self._clock, self._new_id, check)
        return repair.everything()

    def _checking(self, on_progress: Callable[[Progress], None]) -> Check:
        from domain.integrity.checker import (
            Check,  # the command line's: no function's start waits for it
        )

        return Check(self._store, self._retry, self._clock, on_progress)

    # How it is done

    def _go(self, event_id: str, command: Command) -> object:
        return self._executor.execute(event_id, command, self._retry.deadline())

    def _change(self, event_id: str, command: Command) -> ChangeOutcome:
        return _expected(ChangeOutcome, self._go(event_id, command))


def _expected(kind: type[T], outcome: object) -> T:
    if not isinstance(outcome, kind):
        raise TypeError(f"expected {kind.__name__}, got {outcome!r}")
    return outcome
