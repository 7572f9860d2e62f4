"""The use cases, one method each. Slack, HTTP and the command line call these, and nothing below.

Each method may raise `Busy`: it could not be done in time, and nothing was changed. Those that
change an event may raise `NotConfirmed` instead. An `actor` of None is the operator or a program
that the operator trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from domain import finding, seating
from domain.committing import Committer
from domain.door import Door
from domain.errors import (
    Busy,
    DuplicateEvent,
    DuplicateUser,
    Invalid,
    NotConfirmed,
    NotOrganizer,
    NotRegistered,
    RollcallError,
    UnknownEvent,
    UnknownUser,
)
from domain.finding import Found
from domain.integrity import Breach, Integrity, Progress
from domain.models import (
    Actor,
    CapacityPreview,
    Cause,
    Deletion,
    Event,
    EventChanges,
    EventDraft,
    EventRegistrations,
    EventStatus,
    JournalEntry,
    LeavePreview,
    ListedEvent,
    OwnRegistration,
    Page,
    Place,
    Registration,
    RegistrationStatus,
    User,
    UserChanges,
    UserDraft,
    block_of,
    is_identifier,
)
from domain.ports import AnswerLost, Clock, Conflict, NewId, Spawn, Store, Unavailable
from domain.seating import (
    Bury,
    Changed,
    Command,
    ContinueRaise,
    Create,
    Edit,
    Evict,
    Left,
    MarkDeletion,
    Placed,
    Register,
    Remove,
    SetStatus,
    Unregister,
)

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a request may take, of the 3 that Slack allows (R8.12)."""

PAGE = 50
"""A page's length where the caller names none."""


class Service:
    """Rollcall for one workspace: everything that the requirements R1 to R7 promise.

    `on_commit` is called with the event's id after each commit, in the thread that committed.
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
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._spawn = spawn
        self._committer = Committer(store, clock, new_id, jitter)
        self._door = Door(
            store, self._committer, clock, new_id=new_id, spawn=spawn, on_commit=on_commit
        )
        self._integrity = Integrity(store, self._door, self._committer, clock, new_id)

    # Users, as R1 has them

    def create_user(self, draft: UserDraft) -> User:
        """Create a user; raises `DuplicateUser`, which leaves the stored one as it is (R1.3)."""
        now = self._clock.now()
        user = User(
            user_id=draft.user_id or self._new_id(),
            name=draft.name,
            time_zone=draft.time_zone,
            created_at=now,
            updated_at=now,
            revision=self._new_id(),
        )
        if not self._put_user(user, replaces=None):
            raise DuplicateUser(user.user_id)
        return user

    def ensure_user(self, draft: UserDraft) -> User:
        """Return the user as the draft has it: created on first contact, updated if something changed.

        Raises `UnknownUser` while the user is being deleted.
        """
        if draft.user_id is None:
            raise ValueError("ensure_user needs the user's own id")
        stored = self._reading(lambda: self._store.get_user(draft.user_id or ""))
        if stored is None:
            try:
                return self.create_user(draft)
            except DuplicateUser:
                return self.get_user(draft.user_id)
        if stored.deletion is not None:
            raise UnknownUser(stored.user_id)
        given = draft.model_dump(include=draft.model_fields_set - {"user_id"})
        if all(getattr(stored, name) == value for name, value in given.items()):
            return stored
        return self.update_user(stored.user_id, UserChanges.of(**given))

    def get_user(self, user_id: str) -> User:
        """Return the user (R1.5); raises `UnknownUser`."""
        user = self._reading(lambda: self._store.get_user(user_id))
        if user is None or user.deletion is not None:
            raise UnknownUser(user_id)
        return user

    def list_users(self, *, limit: int = PAGE, cursor: str | None = None) -> Page[User]:
        """List users by name; a page may be short. Raises `Invalid` for a cursor of no such list."""
        page = self._reading(lambda: self._store.list_users(limit=limit, cursor=cursor))
        return Page(tuple(u for u in page.items if u.deletion is None), page.next_cursor)

    def update_user(self, user_id: str, changes: UserChanges) -> User:
        """Set what the changes give (R1.5); raises `UnknownUser`."""
        for _ in self._attempts():
            stored = self.get_user(user_id)
            update = {"updated_at": self._clock.now(), "revision": self._new_id()}
            user = stored.model_copy(update=changes.given() | update)
            if self._put_user(user, replaces=stored.revision):
                return user
        raise Busy

    def delete_user(self, user_id: str) -> bool:
        """Delete a user with all registrations, giving each seat to the next in line (R7.1).

        Return whether it is done; if not, it goes on by itself. Raises `UnknownUser`.
        """
        mark = self._mark_user(user_id)
        return self._in_time_or_later(lambda deadline: self._empty_user(user_id, mark, deadline))

    def _put_user(self, user: User, *, replaces: str | None) -> bool:
        """Return whether the write applied; when not, another user or revision is stored."""
        for _ in self._attempts():
            try:
                self._store.put_user(user, replaces=replaces)
                return True
            except AnswerLost:
                continue
            except Conflict:
                stored = self._reading(lambda: self._store.get_user(user.user_id))
                if (stored and stored.revision) == user.revision:
                    return True
                if (stored and stored.revision) != replaces or (stored and stored.deletion):
                    return False
        raise Busy

    def _mark_user(self, user_id: str) -> str:
        mark = self._new_id()
        for _ in self._attempts():
            try:
                held = self._store.mark_user(user_id, mark)
            except (AnswerLost, Conflict):
                continue
            if held is None:
                raise UnknownUser(user_id)
            return held
        raise Busy

    def _empty_user(self, user_id: str, mark: str, deadline: float) -> bool:
        for _ in self._committer.pauses(deadline):
            # The mark keeps new registrations out: a query that finds none is final.
            rows = self._reading(lambda: self._store.get_registrations_of(user_id))
            for row in rows:
                self._take_out(row, deadline)
            if not rows and self._delete_user_row(user_id, mark):
                return True
        return False

    def _take_out(self, row: Registration, deadline: float) -> None:
        command = Unregister(row.user_id, Cause.USER_DELETED)
        try:
            self._door.go_through(row.event_id, command, deadline)
        except NotRegistered:
            pass
        except UnknownEvent:
            if self._empty_event(row.event_id, deadline) and self._is_stored(row):
                raise LookupError(
                    f"the registration of {row.user_id} in {row.event_id} has no event; check --repair"
                ) from None

    def _is_stored(self, row: Registration) -> bool:
        rows = self._reading(
            lambda: self._store.get_rows(row.event_id, registrations_of=[row.user_id], users=())
        )
        return row.user_id in rows.registrations

    def _delete_user_row(self, user_id: str, mark: str) -> bool:
        try:
            self._store.delete_user(user_id, mark)
        except (AnswerLost, Conflict):
            stored = self._reading(lambda: self._store.get_user(user_id))
            return stored is None or stored.deletion != mark
        return True

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

        Raises `DuplicateEvent` if the id is another organiser's, and as `create_event` does.
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
        event = self._reading(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not None:
            raise UnknownEvent(event_id)
        if actor is not None and not actor.is_admin and not event.organized_by(actor.user_id):
            raise NotOrganizer(event_id, actor.user_id)
        return event

    def list_events(
        self, *, coming: bool = False, limit: int = PAGE, cursor: str | None = None
    ) -> Page[Event]:
        """List events by start: all, or those `coming` that are listed and not cancelled (R2.8).

        A page may be short. Raises `Invalid` for a cursor of no such list.
        """
        since = self._clock.now() if coming else None
        page = self._reading(
            lambda: self._store.list_events(starting_from=since, limit=limit, cursor=cursor)
        )
        wanted = [
            listed.event_id
            for listed in page.items
            if not coming or (listed.listed and listed.status is not EventStatus.CANCELLED)
        ]
        events = self._reading(lambda: self._store.get_events(wanted)) if wanted else {}
        return Page(
            tuple(
                events[event_id]
                for event_id in wanted
                if event_id in events and events[event_id].deletion is None
            ),
            page.next_cursor,
        )

    def find_events(self, text: str) -> Found:
        """Find events by id, listed or not, or by a part of the title (R8.1); all for no text.

        By title: the listed ones that take registrations now.
        """
        event = self._event_with_id(text)
        if event is not None:
            return Found((ListedEvent.of(event),))
        return finding.find(text, self._open_events())

    def _event_with_id(self, text: str) -> Event | None:
        try:
            return self.get_event(text) if is_identifier(text) else None
        except UnknownEvent:
            return None

    def _open_events(self) -> Iterator[ListedEvent]:
        now = self._clock.now()
        cursor: str | None = None
        while True:
            page = self._reading(
                lambda after=cursor: self._store.list_events(  # type: ignore[misc]
                    starting_from=now, limit=500, cursor=after
                )
            )
            for event in page.items:
                if event.listed and event.status is EventStatus.OPEN and event.closes_at > now:
                    yield event
            cursor = page.next_cursor
            if cursor is None:
                return

    def edit_event(
        self, event_id: str, changes: EventChanges, *, actor: Actor | None = None
    ) -> Changed:
        """Change an event (R2.5 to R2.8). A raise that one commit can't hold goes on by itself.

        While it does, `event.capacity_target` is set. Raises `UnknownEvent`, `NotOrganizer`,
        `EventCancelled`, `CapacityBelowRegistered`, and `Invalid` for times out of order or past.
        """
        changed = self._change(event_id, Edit(changes, actor))
        operation_id = changed.event.operation_id
        if operation_id is not None and changed.event.capacity_target is not None:
            self._later(lambda deadline: self._raise_on(event_id, operation_id, deadline))
        return changed

    def close_event(self, event_id: str, *, actor: Actor | None = None) -> Changed:
        """Take no more registrations. Raises `UnknownEvent`, `NotOrganizer`, `EventCancelled`."""
        return self._change(event_id, SetStatus(EventStatus.CLOSED, actor))

    def reopen_event(self, event_id: str, *, actor: Actor | None = None) -> Changed:
        """Take registrations again. Raises `UnknownEvent`, `NotOrganizer`, `EventCancelled`."""
        return self._change(event_id, SetStatus(EventStatus.OPEN, actor))

    def cancel_event(self, event_id: str, *, actor: Actor | None = None) -> Changed:
        """Call the event off, for good; everyone in it is told. Raises `UnknownEvent`, `NotOrganizer`."""
        return self._change(event_id, SetStatus(EventStatus.CANCELLED, actor))

    def delete_event(self, event_id: str, *, actor: Actor | None = None) -> bool:
        """Delete an event with all its registrations (R7.2); nobody finds it from now on.

        Return whether it is done; if not, it goes on by itself. Raises `UnknownEvent`, `NotOrganizer`.
        """
        self._change(event_id, MarkDeletion(actor))
        return self._in_time_or_later(lambda deadline: self._empty_event(event_id, deadline))

    def _raise_on(self, event_id: str, operation_id: str, deadline: float) -> bool:
        while self._clock.monotonic() < deadline:
            try:
                outcome = self._door.go_through(event_id, ContinueRaise(operation_id), deadline)
            except UnknownEvent:
                return True
            if outcome.event.operation_id != operation_id:
                return True
        return False

    def _empty_event(self, event_id: str, deadline: float) -> bool:
        """Empty and bury an event marked for deletion, and one that is not there is done."""
        for _ in self._committer.pauses(deadline):
            while (command := self._next_of_deletion(event_id)) is not None:
                try:
                    outcome = self._door.go_through(event_id, command, deadline)
                except UnknownEvent:
                    return True
                if isinstance(command, Bury):
                    return True
                if isinstance(outcome, Changed) and not outcome.changed:
                    break  # the roster's index still lists who has gone: a little later
            else:
                if self._is_gone(event_id):
                    return True
        return False

    def _next_of_deletion(self, event_id: str) -> Command | None:
        event = self._reading(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not Deletion.MARKED:
            return None
        if event.waitlist_count:
            line = self._reading(lambda: self._store.get_line(event_id, limit=seating.MOST_MOVES))
            return Evict(tuple(waiting.user_id for waiting in line)) if line else None
        if event.registered_count:
            roster = self._reading(
                lambda: self._store.list_roster(event_id, limit=seating.MOST_MOVES)
            )
            return Evict(tuple(row.user_id for row in roster.items)) if roster.items else None
        return Bury()

    def _is_gone(self, event_id: str) -> bool:
        event = self._reading(lambda: self._store.get_event(event_id))
        return event is None or event.deletion is not Deletion.MARKED

    # Registrations: R3 to R6

    def register(self, event_id: str, user_id: str) -> Placed:
        """Give a user a seat, or a place in line (R3).

        Raises `UnknownEvent`, `UnknownUser`, `AlreadyRegistered`, `RegistrationClosed`, `EventFull`.
        """
        return _expected(Placed, self._go(event_id, Register(user_id)))

    def unregister(self, event_id: str, user_id: str) -> Left:
        """Take a user out; a seat goes to the next in line (R4). Raises `UnknownEvent`, `NotRegistered`."""
        return _expected(Left, self._go(event_id, Unregister(user_id)))

    def remove(
        self,
        event_id: str,
        user_id: str,
        *,
        actor: Actor | None = None,
        reason: str | None = None,
    ) -> Left:
        """Take a user out in an organiser's name; the user is told (R4.6).

        Raises `UnknownEvent`, `NotOrganizer`, `NotRegistered`.
        """
        return _expected(Left, self._go(event_id, Remove(user_id, actor, reason)))

    def get_registration(self, event_id: str, user_id: str) -> OwnRegistration:
        """Return a user's registration with its position; raises `UnknownEvent`, `NotRegistered`."""
        own = self._at_one_moment(
            lambda: self._own(
                tuple(
                    self._store.get_rows(
                        event_id, registrations_of=[user_id], users=()
                    ).registrations.values()
                )
            )
        )
        if own:
            return own[0]
        raise NotRegistered(event_id, self.get_event(event_id).title, user_id)

    def list_registrations_of(
        self, user_id: str, *, status: RegistrationStatus | None = None
    ) -> tuple[OwnRegistration, ...]:
        """Return a user's registrations with their events, by start (R5); none for an unknown user."""
        own = self._at_one_moment(
            lambda: self._own(
                tuple(
                    row
                    for row in self._store.get_registrations_of(user_id)
                    if status is None or row.status is status
                )
            )
        )
        return tuple(sorted(own, key=lambda one: (one.event.starts_at, one.event.event_id)))

    def find_registrations_of(self, user_id: str, text: str) -> tuple[OwnRegistration, ...]:
        """Return a user's registrations whose event has this id, or the text in its title; all for no text."""
        own = self.list_registrations_of(user_id)
        named = tuple(one for one in own if one.event.event_id == text)
        fitting = finding.find(text, (ListedEvent.of(one.event) for one in own)).fitting
        return named or tuple(
            one for one in own if one.event.event_id in {event.event_id for event in fitting}
        )

    def _own(self, rows: Sequence[Registration]) -> tuple[OwnRegistration, ...] | None:
        """Return the registrations with events and positions; None if something moved meanwhile."""
        events = self._store.get_events([row.event_id for row in rows]) if rows else {}
        own: list[OwnRegistration] = []
        for row in rows:
            event = events.get(row.event_id)
            if event is None or event.deletion is not None:
                continue
            position = None
            if row.status is RegistrationStatus.WAITLISTED:
                before = self._door.waiting_before(row.event_id, frozenset({row.ticket}))
                if row.ticket not in before:
                    return None
                position = 1 + event.waiting_before_block(block_of(row.ticket)) + before[row.ticket]
            own.append(OwnRegistration(row, event, position))
        counted = [one.event for one in own if one.position is not None]
        return tuple(own) if self._unmoved(counted) else None

    def _unmoved(self, events: Sequence[Event]) -> bool:
        if not events:
            return True
        again = self._store.get_events([event.event_id for event in events])
        return all(
            event.event_id in again and again[event.event_id].version == event.version
            for event in events
        )

    def list_registrations_in(
        self,
        event_id: str,
        *,
        status: RegistrationStatus | None = None,
        limit: int = PAGE,
        cursor: str | None = None,
        actor: Actor | None = None,
    ) -> EventRegistrations:
        """List who has a seat, then who waits, in order of tickets (R6). A page holds up to `limit`.

        Who has a seat comes from an index that may lag by a moment. Raises `UnknownEvent`,
        `NotOrganizer`, and `Invalid` for a cursor of no such list.
        """
        event = self.get_event(event_id, actor=actor)
        part, _, after = (cursor or "seats:").partition(":")
        if part not in ("seats", "line"):
            raise Invalid("cursor", "must be one that this list gave out")
        registered: tuple[Registration, ...] = ()
        if part == "seats" and status is not RegistrationStatus.WAITLISTED:
            page = self._reading(
                lambda: self._store.list_roster(event_id, limit=limit, cursor=after or None)
            )
            registered = page.items
            if page.next_cursor is not None:
                return EventRegistrations(event, registered, (), f"seats:{page.next_cursor}")
            after = ""
        if status is RegistrationStatus.REGISTERED:
            return EventRegistrations(event, registered, (), None)
        room = limit - len(registered)
        if not room:
            more = "line:0" if event.waitlist_count else None
            return EventRegistrations(event, registered, (), more)
        event, places, further = self._line(event_id, _ticket(after), room)
        return EventRegistrations(
            event, registered, places, f"line:{places[-1].waiting.ticket}" if further else None
        )

    def _line(self, event_id: str, after: int, limit: int) -> tuple[Event, tuple[Place, ...], bool]:
        """Return the event, up to `limit` places behind a ticket, and whether more follow."""

        def read() -> tuple[Event, tuple[Place, ...], bool] | None:
            event = self.get_event(event_id)
            line = self._store.get_line(event_id, after=after, limit=limit + 1)
            first = 1
            if line and after:
                before = self._door.waiting_before(event_id, frozenset({line[0].ticket}))
                first += before.get(line[0].ticket, 0)
                first += event.waiting_before_block(block_of(line[0].ticket))
            places = tuple(Place(first + n, waiting) for n, waiting in enumerate(line[:limit]))
            return (event, places, len(line) > limit) if self._unmoved([event]) else None

        return self._at_one_moment(read)

    def preview_capacity(
        self, event_id: str, capacity: int, *, actor: Actor | None = None
    ) -> CapacityPreview:
        """Return whom a capacity would give a seat; raises what setting it would (`edit_event`)."""
        edit = Edit(EventChanges.of(capacity=capacity), actor)

        def read() -> CapacityPreview | None:
            snapshot = self._door.load(event_id, [edit])
            plan = seating.plan(
                snapshot, [edit], event_id=event_id, now=self._clock.now(), plan_id="preview"
            )
            outcome = plan.outcomes[0]
            if isinstance(outcome, RollcallError):
                raise outcome
            if snapshot.event is None or not self._unmoved([snapshot.event]):
                return None
            event = snapshot.event
            count = min(max(0, capacity - event.capacity), event.waitlist_count)
            return CapacityPreview(event, capacity, _expected(Changed, outcome).promoted, count)

        return self._at_one_moment(read)

    def preview_leave(self, event_id: str, user_id: str) -> LeavePreview:
        """Return what leaving would cost now (R8.4); raises `UnknownEvent`, `NotRegistered`."""
        own = self.get_registration(event_id, user_id)
        event = own.event
        someone_waits = event.waitlist_count > 0
        can_return = event.has_waitlist and event.closed_because(self._clock.now()) is None
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
        limit: int = PAGE,
        cursor: str | None = None,
        actor: Actor | None = None,
    ) -> Page[JournalEntry]:
        """List what happened to an event, newest first. Raises `UnknownEvent`, `NotOrganizer`."""
        self.get_event(event_id, actor=actor)
        return self._reading(lambda: self._store.list_history(event_id, limit=limit, cursor=cursor))

    def finish_unfinished(self) -> int:
        """Finish what a crash interrupted: raises in steps and deletions (R7.4). Return how many."""
        finished = 0
        for event_id in self._all_pages(self._store.list_unfinished_events):
            finished += self._finish_event(event_id)
        for user_id in self._all_pages(self._store.list_unfinished_users):
            user = self._reading(lambda user_id=user_id: self._store.get_user(user_id))  # type: ignore[misc]
            if user is not None and user.deletion is not None:
                finished += self._empty_user(user_id, user.deletion, self._deadline())
        return finished

    def check(self, on_progress: Callable[[Progress], None]) -> Iterator[Breach]:
        """Read everything and yield each breach of R7.5, also while others write (R7.6)."""
        return self._integrity.check(on_progress)

    def repair(self, on_progress: Callable[[Progress], None]) -> Iterator[Breach]:
        """Mend what a check finds, from the registrations; yield each breach that was mended (R7.6)."""
        return self._integrity.repair(on_progress)

    def _finish_event(self, event_id: str) -> bool:
        event = self._reading(lambda: self._store.get_event(event_id))
        if event is None or event.operation_id is None:
            return False
        if event.deletion is Deletion.MARKED:
            return self._empty_event(event_id, self._deadline())
        return self._raise_on(event_id, event.operation_id, self._deadline())

    def _all_pages(self, read: Callable[..., Page[str]]) -> Iterator[str]:
        cursor: str | None = None
        while True:
            page = self._reading(lambda after=cursor: read(limit=PAGE, cursor=after))  # type: ignore[misc]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    # How it is done

    def _deadline(self) -> float:
        return self._clock.monotonic() + PATIENCE

    def _attempts(self) -> Iterator[None]:
        return self._committer.pauses(self._deadline())

    def _go(self, event_id: str, command: Command) -> object:
        return self._door.go_through(event_id, command, self._deadline())

    def _change(self, event_id: str, command: Command) -> Changed:
        return _expected(Changed, self._go(event_id, command))

    def _reading(self, read: Callable[[], T]) -> T:
        for _ in self._attempts():
            try:
                return read()
            except Unavailable:
                continue
        raise Busy

    def _at_one_moment(self, read: Callable[[], T | None]) -> T:
        """Return what `read` gives once nothing moves while it reads (until then it gives None)."""
        for _ in self._attempts():
            try:
                result = read()
            except (Unavailable, seating.Inconsistent):
                continue
            if result is not None:
                return result
        raise Busy

    def _in_time_or_later(self, work: Callable[[float], bool]) -> bool:
        """Return whether the work was done in time; if not, it goes on in the background."""
        try:
            if work(self._deadline()):
                return True
        except (Busy, NotConfirmed):
            pass
        self._later(work)
        return False

    def _later(self, work: Callable[[float], bool]) -> None:
        """Do the work in the background, for a minute; what is left then, the sweep finishes."""

        def run() -> None:
            for _ in self._committer.pauses(self._clock.monotonic() + 60):
                try:
                    if work(self._deadline()):
                        return
                except (Busy, NotConfirmed):
                    continue

        self._spawn(run)


def _expected(kind: type[T], outcome: object) -> T:
    if not isinstance(outcome, kind):
        raise TypeError(f"expected {kind.__name__}, got {outcome!r}")
    return outcome


def _ticket(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid("cursor", "must be one that this list gave out")
    return int(text or 0)
