"""The use cases, one method each: what Slack, HTTP and the command line call.

Each method may raise `Busy`: it could not finish in time, and nothing was changed. Methods that change
something may raise `NotConfirmed` instead. An `actor` of None is the operator, or a program that the
operator trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from domain.commands import (
    AddAttendees,
    AddOutcome,
    Announce,
    AnswersOutcome,
    ChangeAnswers,
    ChangeLeftOut,
    ChangeOutcome,
    Command,
    Create,
    Edit,
    EditSeries,
    EndSeries,
    Export,
    FollowChannel,
    Outcome,
    PostCard,
    Register,
    RegisterOutcome,
    Remove,
    SetStatus,
    StartDeletion,
    TakeOver,
    Unregister,
    UnregisterOutcome,
    expect,
)
from domain.enums import ClosedReason, CreationWarning, EventStatus, RegistrationStatus
from domain.errors import (
    Busy,
    DuplicateEvent,
    NotConfirmed,
    SeriesBusy,
    UnknownUser,
)
from domain.execution.deletion_ids import deactivation_id, deletion_id_with, successor_of
from domain.execution.executor import Executor
from domain.execution.long_operations import LongOperations
from domain.execution.queueing_executor import Queueing, QueueingExecutor
from domain.execution.retention import delete_old_entries
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import UnconfirmedResolver
from domain.inputs import (
    Addition,
    AnnouncementDraft,
    AnswersDraft,
    Cancellation,
    CardDraft,
    EventChanges,
    EventDraft,
    MoveNote,
    RecurrenceDraft,
    Removal,
    SeriesDraft,
    UserChanges,
    UserDraft,
)
from domain.models import (
    CREATION_VERSION,
    PAGE_SIZE,
    Actor,
    AnswerTotals,
    CapacityPreview,
    Event,
    EventForUser,
    EventRegistrations,
    JournalEntry,
    Page,
    PastRegistrations,
    RegistrationHistoryEntry,
    RegistrationsToCome,
    SeriesOverview,
    SeriesRegistration,
    UnregisterPreview,
    User,
    UserDeletion,
    UserRegistration,
    WholeSeries,
    occurrence_id,
)
from domain.planning.events import FUTURE_FIELDS, check_future
from domain.planning.questions import check_takes_answers, questions_of
from domain.ports import Clock, NewId, Spawn, Store
from domain.queries.answers import count_answers
from domain.queries.events import EventQueries
from domain.queries.previews import Previews
from domain.queries.registrations import RegistrationQueries
from domain.queries.series import SeriesQueries
from domain.questions import Answers, question_id
from domain.search import FoundEvents, FoundRegistrations, find_registrations
from domain.users import Users

if TYPE_CHECKING:
    from domain.integrity.checker import Checker
    from domain.integrity.violations import FixedViolation, Progress, Violation


class Service:
    """Rollcall for one workspace: the requirements R1 to R7.

    `on_commit` is called after each commit, in the thread that committed: with the event's id, and with
    that of each new job.
    `received_at` returns when the request in progress was received, see `RetryPolicy` (R8.12).
    `queueing` says how commands wait together where processes handle one at a time (R14).
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
        received_at: Callable[[], float | None] = lambda: None,
        queueing: Queueing | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._retry = RetryPolicy(clock, jitter, received_at)
        self._resolver = UnconfirmedResolver(self._retry, clock, spawn)
        self._executor = Executor(
            store,
            self._retry,
            clock,
            new_id=new_id,
            resolver=self._resolver,
            on_commit=on_commit,
        )
        self._queueing_executor = queueing and QueueingExecutor(
            self._executor, queueing, self._retry, clock, new_id
        )
        self._users = Users(store, self._retry, clock, new_id)
        self._events = EventQueries(store, self._retry, clock)
        self._registrations = RegistrationQueries(store, self._retry, self._events, clock)
        self._series = SeriesQueries(store, self._retry, clock)
        self._previews = Previews(store, self._retry, clock, self._registrations)
        self._long_operations = LongOperations(store, self._executor, self._retry, clock, spawn)

    def seconds_left(self) -> float:
        """Return how long the request in progress may still take (R8.12)."""
        return self._retry.seconds_left()

    # Users, as in R1

    def create_user(self, draft: UserDraft) -> User:
        """Create a user; raise `DuplicateUser` (R1.3)."""
        return self._resolver.finish_or_continue(self._users.prepare_creation(draft))

    def ensure_user(self, draft: UserDraft) -> User:
        """Return the user as the draft describes it, created or updated if necessary.

        Raises `UnknownUser` while the user is being deleted. After `Busy`, the user may be created or
        updated all the same: the write's answer may have been lost.
        """
        return self._users.ensure(draft)

    def get_user(self, user_id: str) -> User:
        """Return the user (R1.5); raise `UnknownUser`."""
        return self._users.get(user_id)

    def get_users(self, user_ids: Collection[str]) -> dict[str, User]:
        """Return the users that exist, by id."""
        if not user_ids:
            return {}
        rows = self._retry.read(
            lambda: self._store.get_rows("", registrations_of=(), users=user_ids)
        )
        return {user_id: user for user_id, user in rows.users.items() if user.deletion_id is None}

    def list_users(self, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> Page[User]:
        """List users by name; a page may be short. Raises `Invalid` for a cursor of another list."""
        page = self._retry.read(lambda: self._store.list_users(limit=limit, cursor=cursor))
        return Page(
            tuple(user for user in page.items if user.deletion_id is None), page.next_cursor
        )

    def update_user(self, user_id: str, changes: UserChanges) -> User:
        """Change the given fields (R1.5); raise `UnknownUser`."""
        return self._resolver.finish_or_continue(self._users.prepare_update(user_id, changes))

    def delete_user(self, user_id: str) -> bool:
        """Delete a user and all registrations, and promote into each freed seat (R7.1).

        The user stops being an organizer: the first co-organizer takes each event over, or else the
        workspace's admins are notified (R2.9).

        Return whether that is finished; if not, it continues in the background. Raises `UnknownUser`.
        """
        return self._delete_user(user_id, self._new_id())

    def preview_user_deletion(self, user_id: str) -> UserDeletion:
        """Return what the deletion of a user concerns, or the one that has started.

        Raises `UnknownUser` for someone who is no user and organizes nothing.
        """
        user = self._users.find(user_id)
        organized = self._events.list_to_hand_over(user_id)
        if user is None and not organized:
            raise UnknownUser(user_id)
        deletion_id = user.deletion_id if user is not None else None
        return UserDeletion(
            user_id,
            organized,
            successor_of(deletion_id or ""),
            is_stored=user is not None,
            has_started=deletion_id is not None,
        )

    def delete_previewed_user(
        self, preview: UserDeletion, successor_id: str | None = None
    ) -> UserDeletion:
        """Delete a user as `delete_user` does. What nobody else organizes goes to the successor.

        The successor must be a user when an event is handed over; else the admins are notified. A deletion
        that has started keeps the successor of its start, whom the value returned names. It names no events
        if the deletion was finished by someone else.
        """
        if not preview.is_stored:
            with suppress(UnknownUser):  # being deleted
                self.ensure_user(UserDraft.unnamed(preview.user_id))
        new_deletion_id = deletion_id_with(successor_id, self._new_id())

        def delete() -> UserDeletion:
            try:
                deletion_id, is_done = self._start_and_finish(preview.user_id, new_deletion_id)
            except UnknownUser:
                return replace(preview, organized=(), has_started=True, is_done=True)
            chosen = successor_of(deletion_id)
            return replace(preview, successor_id=chosen, has_started=True, is_done=is_done)

        return self._resolver.finish_or_continue(delete)

    def deactivate_user(self, user_id: str) -> bool:
        """Delete a user whose account was deactivated, and notify the organizers (R8.14)."""
        return self._delete_user(user_id, deactivation_id(self._new_id()))

    def _delete_user(self, user_id: str, new_deletion_id: str) -> bool:
        return self._resolver.finish_or_continue(
            lambda: self._start_and_finish(user_id, new_deletion_id)[1]
        )

    def _start_and_finish(self, user_id: str, new_deletion_id: str) -> tuple[str, bool]:
        """Return the id of the user's deletion, and whether it is finished. Raises `UnknownUser`."""
        deletion_id = self._users.start_deletion(user_id, new_deletion_id)
        is_done = self._long_operations.finish_or_continue(
            lambda deadline: self._long_operations.finish_user_deletion(
                user_id, deletion_id, deadline
            )
        )
        return deletion_id, is_done

    # Events, as in R2

    def create_event(self, draft: EventDraft, *, actor_id: str | None = None) -> Event:
        """Create an event; raise `DuplicateEvent`, and `Invalid` for a time in the past."""
        event = self._new_event(draft)
        command = Create(event, actor_id or draft.organizer_id, draft.card_channel)
        return self._change(event.event_id, command).event

    def _new_event(self, draft: EventDraft) -> Event:
        now = self._clock.now()
        values = draft.model_dump(
            include=EventDraft.model_fields.keys() & Event.model_fields.keys()
        )
        return Event(
            **values
            | {
                "event_id": draft.event_id or self._new_id(),
                "status": EventStatus.OPEN,
                "created_at": now,
                "updated_at": now,
                "version": 0,
                "questions": questions_of(draft.questions, (), lambda: question_id(self._new_id())),
            },
        )

    def create_series(self, draft: SeriesDraft, *, actor_id: str | None = None) -> Event:
        """Create a series (R13), and its first occurrences as far ahead as it wants them.

        Occurrences that can't be created in time follow in the background. Raises `DuplicateEvent`, and `Invalid` for
        a time in the past.
        """
        event = self._new_event(draft).model_copy(update={"series": draft.series})
        created = self._change(event.event_id, Create(event, actor_id or draft.organizer_id)).event
        self._long_operations.finish_or_continue(
            lambda deadline: self._long_operations.series.make_due(event.event_id, deadline)
        )
        return created

    def create_event_once(self, draft: EventDraft) -> tuple[Event, bool]:
        """Create an event, or a series from its draft, unless the same organizer created it already (R8.13).

        Return the event and whether this call created it. Raises what `create_event` raises;
        `DuplicateEvent` only if another organizer has used the id.
        """
        try:
            if isinstance(draft, SeriesDraft):
                return self.create_series(draft), True
            return self.create_event(draft), True
        except DuplicateEvent as duplicate:
            event = self._events.find(duplicate.event_id)
            if event is None or event.organizer_id != draft.organizer_id:
                raise
            return event, False

    def check_times_of(self, draft: EventDraft) -> None:
        """Raise `Invalid` for a time in the past, as the creation would."""
        check_future(draft, FUTURE_FIELDS, self._clock.now())

    def warnings_about(self, draft: EventDraft) -> tuple[CreationWarning, ...]:
        """Return what its organizer should know before an event is created (R12.6)."""
        return self._events.warnings_about(draft)

    def get_event(self, event_id: str, *, actor: Actor | None = None) -> Event:
        """Return the event; raise `UnknownEvent`, and `NotOrganizer` if the actor may not manage it (R8.9)."""
        return self._events.get(event_id, actor)

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """Return the events that exist, by id."""
        return self._events.get_by_id(event_ids)

    def accepts(self, event: Event) -> bool:
        """Return whether a newcomer would get a seat or a waitlist entry now (R3)."""
        return event.accepts(self._clock.now())

    def closed_reason(self, event: Event) -> ClosedReason | None:
        """Return why an event takes no registrations now (R2.6), or None if it takes them."""
        return event.closed_reason(self._clock.now())

    def has_started(self, event: Event) -> bool:
        """Return whether an event has started: from then on no one is promoted (R4.7)."""
        return event.has_started(self._clock.now())

    def is_over(self, event: Event) -> bool:
        """Return whether an event is over: changes of it notify no one."""
        return event.is_over(self._clock.now())

    def list_events(
        self, *, upcoming: bool = False, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[Event]:
        """List events by start: all, or the `upcoming` that are listed and not canceled (R2.8).

        A page may be short. Raises `Invalid` for a cursor of another list.
        """
        if upcoming:
            return self._events.list_upcoming(limit, cursor)
        return self._events.list_all(limit, cursor)

    def edit_series(
        self,
        series_id: str,
        changes: EventChanges,
        *,
        number: int | None = None,
        recurrence: RecurrenceDraft | None = None,
        actor: Actor | None = None,
        note: str | None = None,
    ) -> ChangeOutcome:
        """Change a series, and what it has made from an occurrence on (R13.3). None: only what is not made yet.

        The times are those of that occurrence, or of the next one to be made; later days follow from its day. What
        was changed in one occurrence alone stays. Changes that are not finished in time continue in the background.
        Raises what `edit_event` raises, `NotASeries`, and `SeriesBusy`; `CapacityBelowRegistered` is about one day.
        """
        checked = MoveNote.of(note=note or "").note or None
        command = EditSeries(changes, actor, number, recurrence, checked)
        return self._change_series(series_id, command)

    def change_left_out(
        self,
        series_id: str,
        *,
        leave_out: Collection[date] = (),
        take_back: Collection[date] = (),
        actor: Actor | None = None,
    ) -> ChangeOutcome:
        """Leave days out of a series, or no longer, whatever others leave out (R13.1).

        The days are those for which nothing was made yet. Raises `UnknownEvent`, `NotOrganizer`, `NotASeries`,
        `EventCanceled`, and `Invalid` for another day, or if no day would be left.
        """
        command = ChangeLeftOut(actor, tuple(leave_out), tuple(take_back))
        return self._change(series_id, command)

    def end_series(
        self,
        series_id: str,
        *,
        cancels: bool = False,
        actor: Actor | None = None,
        reason: str | None = None,
    ) -> ChangeOutcome:
        """Make no more occurrences, and cancel those to come if `cancels`, also after it was ended (R13.3).

        Raises what `cancel_event` raises, `NotASeries`, and `SeriesBusy`.
        """
        checked = Cancellation.of(reason=reason or "").reason or None
        return self._change_series(series_id, EndSeries(actor, cancels, checked))

    def _change_series(self, series_id: str, command: EditSeries | EndSeries) -> ChangeOutcome:
        work = self._long_operations.series
        # One change of a series after the other: this one may follow an earlier one whose process died.
        try:
            work.carry(series_id, self._retry.deadline())
        except NotConfirmed:
            raise SeriesBusy from None  # what is not confirmed belongs to the earlier change
        outcome = self._change(series_id, command)
        self._long_operations.finish_or_continue(lambda deadline: work.carry(series_id, deadline))
        return outcome

    def get_series(self, series_id: str, *, actor: Actor | None = None) -> SeriesOverview:
        """Return a series with the occurrences that it made, and the dates that follow (R13).

        Raises `UnknownEvent`, `NotOrganizer`, `NotASeries`.
        """
        return self._events.get_series(series_id, actor)

    def get_series_as_of(
        self, series_id: str, number: int | None = None, *, actor: Actor | None = None
    ) -> Event:
        """Return a series with the times of an occurrence, as a change from it on starts (R13.3).

        None: with those of the next one to be made. Raises `UnknownEvent`, also without that occurrence,
        `NotOrganizer`, `NotASeries`, and `Invalid` if the series has no more days.
        """
        return self._events.get_series_as_of(series_id, number, actor)

    def list_series(self, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> Page[Event]:
        """List the series by the start of their first occurrence; a page may be short (R13)."""
        return self._events.list_series(limit, cursor)

    def get_whole_series(self, series_id: str, user_id: str) -> WholeSeries:
        """Return a series with all that it has made, and what a user has of it, also if it was deleted (R13).

        Raises `UnknownEvent`.
        """
        return self._series.get_for(user_id, series_id)

    def list_occurrences(
        self, series_id: str, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[Event]:
        """List the occurrences that a series has made, by number, also those that are over (R13.2).

        A page may be short, or empty. Raises `UnknownEvent`, and `Invalid` for a cursor of another list.
        """
        return self._events.list_occurrences(series_id, limit, cursor)

    def list_upcoming_for(
        self, user_id: str, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[EventForUser]:
        """List the upcoming events that are listed and not canceled, as one user sees them (R8.2).

        A page may be short, or empty. Raises `Invalid` for a cursor of another list.
        """
        page = self._events.list_upcoming_ids(limit, cursor)
        return Page(self._registrations.list_events_for(user_id, page.items), page.next_cursor)

    def get_events_for(self, user_id: str, event_ids: Sequence[str]) -> tuple[EventForUser, ...]:
        """Return the events that exist, in this order, as one user sees them (R8.2)."""
        return self._registrations.list_events_for(user_id, event_ids)

    def list_organized(
        self, user_id: str, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[Event]:
        """List the events that a user organizes, by start, until one day after they are over (R8.6). Series come first.

        A page may be short, or empty. Raises `Invalid` for a cursor of another list.
        """
        return self._events.list_organized(user_id, limit, cursor)

    def find_events(
        self,
        text: str,
        *,
        or_closed: bool = False,
        before_listed: Callable[[], None] = lambda: None,
    ) -> FoundEvents:
        """Find an event by id, or listed events that take registrations by a part of the title (R8.1).

        An empty text finds all of them. With `or_closed`, events that take none and are not over are found if
        they match exactly, or no other matches. `before_listed` is called before listed events are searched,
        and may refuse that.
        """
        return self._events.find_open(text, before_listed, or_closed=or_closed)

    def find_events_to_manage(self, text: str, actor: Actor) -> FoundEvents:
        """Find an event to manage by id, or events by a part of the title.

        By title: the events that the actor organizes. If none of them matches, an admin finds those that
        are listed. An event that has been over for more than one day is found only by its id.
        """
        return self._events.find_to_manage(text, actor)

    def edit_event(
        self,
        event_id: str,
        changes: EventChanges,
        *,
        actor: Actor | None = None,
        note: str | None = None,
    ) -> ChangeOutcome:
        """Change an event (R2.5 to R2.8). A large capacity increase continues in the background.

        While it does, `event.capacity_target` is set. If time or place change, the attendees are
        notified with the note. Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`,
        `CapacityBelowRegistered`, and `Invalid` for times out of order or past, or a note too long.
        """
        checked = MoveNote.of(note=note or "").note or None
        outcome = self._change(event_id, Edit(changes, actor, checked))
        operation_id = outcome.event.operation_id
        if operation_id is not None and outcome.event.capacity_target is not None:
            self._long_operations.run_in_background(
                lambda deadline: self._long_operations.continue_capacity_increase(
                    event_id, operation_id, deadline
                )
            )
        return outcome

    def follow_channel(self, event_id: str, channel_id: str, *, is_private: bool) -> ChangeOutcome:
        """List an event if its channel is public, else not; an organizer's choice stays (R2.8).

        Raises `UnknownEvent`.
        """
        return self._change(event_id, FollowChannel(channel_id, is_private))

    def list_following(self, *, limit: int = PAGE_SIZE, cursor: str | None = None) -> Page[Event]:
        """List the upcoming events, and series, that are listed or not by the privacy of their channel (R2.8).

        A page may be short, or empty. Series are on the first one.
        """
        return self._events.list_following(limit, cursor)

    def close_event(self, event_id: str, *, actor: Actor | None = None) -> ChangeOutcome:
        """Close registration. Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`."""
        return self._change(event_id, SetStatus(EventStatus.CLOSED, actor))

    def reopen_event(self, event_id: str, *, actor: Actor | None = None) -> ChangeOutcome:
        """Reopen registration. Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`."""
        return self._change(event_id, SetStatus(EventStatus.OPEN, actor))

    def cancel_event(
        self, event_id: str, *, actor: Actor | None = None, reason: str | None = None
    ) -> ChangeOutcome:
        """Cancel the event for good and notify all attendees with the reason.

        Raises `UnknownEvent`, `NotOrganizer`, and `Invalid` for a reason too long.
        """
        checked = Cancellation.of(reason=reason or "").reason or None
        return self._change(event_id, SetStatus(EventStatus.CANCELED, actor, checked))

    def announce(
        self,
        event_id: str,
        draft: AnnouncementDraft,
        *,
        request_id: str,
        actor: Actor | None = None,
    ) -> ChangeOutcome:
        """Send an announcement to attendees, once per request id (R8.8, R8.13).

        Raises `UnknownEvent`, `NotOrganizer`.
        """
        return self._change(event_id, Announce(draft.text, draft.audience, actor, request_id))

    def export(self, event_id: str, *, request_id: str, actor: Actor) -> ChangeOutcome:
        """Send the actor the list of attendees, once per request id (R8.8, R8.13).

        Raises `UnknownEvent`, `NotOrganizer`.
        """
        return self._change(event_id, Export(actor, request_id))

    def post_card(
        self,
        event_id: str,
        channel_id: str,
        *,
        after: str,
        request_id: str,
        actor: Actor | None = None,
    ) -> ChangeOutcome:
        """Have an event's card posted in a channel, once per request id (R9.7, R8.13).

        No card is posted if the channel has one that is newer than the message `after`. Raises
        `UnknownEvent`, `NotOrganizer`, and `Invalid` for a malformed channel id.
        """
        checked = CardDraft.of(channel_id=channel_id).channel_id
        return self._change(event_id, PostCard(checked, after, actor, request_id))

    def take_over_event(self, event_id: str, *, actor: Actor) -> ChangeOutcome:
        """Make a workspace admin the organizer of an event that has none (R2.9).

        Raises `UnknownEvent`, `NotOrganizer` for anybody but an admin, and `AlreadyOrganized`.
        """
        return self._change(event_id, TakeOver(actor))

    def delete_event(self, event_id: str, *, actor: Actor | None = None) -> bool:
        """Delete an event and all its registrations (R7.2). No one can find it from now on.

        Return whether that is finished; if not, it continues in the background. Raises
        `UnknownEvent`, `NotOrganizer`.
        """
        self._change(event_id, StartDeletion(actor))
        return self._long_operations.finish_or_continue(
            lambda deadline: self._long_operations.finish_event_deletion(event_id, deadline)
        )

    # Registrations (R3 to R6)

    def register(
        self,
        event_id: str,
        user_id: str,
        answers: Answers | None = None,
        *,
        asked: frozenset[str] | None = None,
    ) -> RegisterOutcome:
        """Register a user for a seat, or add the user to the waitlist, with their answers (R3, R12.3).

        Without `answers`, the user has not been asked. `asked` has the fingerprints of the questions that they were
        asked; None: an answer to any other question is refused. Raises `UnknownEvent`, `UnknownUser`,
        `AlreadyRegistered`, `RegistrationClosed`, `EventFull`; `AnswersNeeded` if the event has questions that they
        were not asked; and `Invalid` for an answer that is wrong or missing, with the question's id.
        """
        given = None if answers is None else AnswersDraft.of(answers=answers).answers
        return expect(RegisterOutcome, self._execute(event_id, Register(user_id, given, asked)))

    def register_ensuring_user(
        self,
        event_id: str,
        draft: UserDraft,
        answers: Answers | None = None,
        *,
        asked: frozenset[str] | None = None,
    ) -> RegisterOutcome:
        """Run `ensure_user`, then `register`; raise what they raise.

        A user that this process has seen stored like this is not read: the commit checks that the
        user exists. If it does not, both are run.
        """
        if draft.user_id is not None and self._users.is_cached(draft):
            with suppress(UnknownUser):  # deleted since
                return self.register(event_id, draft.user_id, answers, asked=asked)
        return self.register(event_id, self.ensure_user(draft).user_id, answers, asked=asked)

    def enroll(self, outcome: RegisterOutcome) -> SeriesRegistration:
        """Register whoever just registered for all of a series in the occurrences that were made (R13.4).

        Return what came of it, as far as it can be read. What is not finished in time continues in the background, and
        the user then gets a message for each occurrence.
        """
        series_id, user_id = outcome.event.event_id, outcome.registration.user_id
        enrolling, informed = self._long_operations.series, frozenset({user_id})
        is_finished = self._long_operations.finish_or_continue(
            lambda deadline: enrolling.honor(series_id, deadline, informed),
            in_background=lambda deadline: enrolling.honor(series_id, deadline),
        )
        occurrences: tuple[EventForUser, ...] = ()
        with suppress(Busy):  # it is done, and only the reply knows less
            occurrences = self._occurrences_for(outcome.event, user_id)
        to_come = (
            one
            for one in occurrences
            if not one.event.has_started(self._clock.now())
            and one.event.status is not EventStatus.CANCELED
        )
        return SeriesRegistration(outcome.event, tuple(to_come), is_finished)

    def stop_series(self, series_id: str, user_id: str) -> SeriesRegistration:
        """End a registration for all of a series; return the occurrences that the user still is registered in (R13.4).

        Raises what `unregister` raises.
        """
        # Before anything changes: "busy" must mean that nothing did.
        occurrences = self._occurrences_for(self.get_event(series_id), user_id)
        outcome = self.unregister(series_id, user_id)
        kept = tuple(
            one
            for one in occurrences
            if one.registration is not None
            and not one.is_over
            and one.event.status is not EventStatus.CANCELED
        )
        return SeriesRegistration(outcome.event, kept, is_finished=True)

    def _occurrences_for(self, event: Event, user_id: str) -> tuple[EventForUser, ...]:
        """Return the occurrences of a series that had not started when the last one was made, as a user sees them."""
        numbers = event.series.ahead if event.series else ()
        ids = [occurrence_id(event.event_id, number) for number in numbers]
        return self._registrations.list_events_for(user_id, ids)

    def change_answers(
        self,
        event_id: str,
        user_id: str,
        answers: Answers,
        *,
        asked: frozenset[str] | None = None,
        with_position: bool = False,
    ) -> AnswersOutcome:
        """Replace a user's answers, until the event starts (R12.3). See `register` for `asked`.

        Raises `UnknownEvent`, `NotRegistered`, `AnswersNeeded`, `RegistrationClosed` if the event has started or is
        canceled, and `Invalid` for an answer that is wrong or missing, with the question's id.
        """
        given = AnswersDraft.of(answers=answers).answers
        command = ChangeAnswers(user_id, given, asked, with_position)
        return expect(AnswersOutcome, self._execute(event_id, command))

    def add_attendees(
        self,
        event_id: str,
        user_ids: Sequence[str],
        *,
        actor: Actor | None = None,
        request_id: str | None = None,
        creates_users: bool = False,
    ) -> AddOutcome:
        """Register users for an organizer, all of them or none, in this order, and notify them (R12.4).

        With a request id, those who are registered already are left out, and a repetition adds nobody. Raises
        `UnknownEvent`, `NotOrganizer`, `UnknownUser`, `AlreadyRegistered`, `RegistrationClosed`, `TooFewSeats`,
        `TooManyToAdd`, and `Invalid` for no users, a user twice, or more than `MAX_ADDED`.
        """
        command = self._addition(user_ids, actor, request_id, creates_users=creates_users)
        return expect(AddOutcome, self._execute(event_id, command))

    def preview_addition(
        self, event_id: str, user_ids: Sequence[str], *, actor: Actor | None = None
    ) -> AddOutcome:
        """Return who would get a seat or a position, and who is in already. Raises what adding them would."""
        command = self._addition(user_ids, actor, "preview", creates_users=True)
        return self._previews.preview_addition(event_id, command)

    @staticmethod
    def _addition(
        user_ids: Sequence[str],
        actor: Actor | None,
        request_id: str | None,
        *,
        creates_users: bool,
    ) -> AddAttendees:
        checked = Addition.of(user_ids=user_ids).user_ids
        return AddAttendees(checked, actor, request_id, creates_users)

    def unregister(self, event_id: str, user_id: str) -> UnregisterOutcome:
        """Delete a registration and promote into a freed seat (R4).

        Raises `UnknownEvent`, `NotRegistered`, `EventOver`.
        """
        return expect(UnregisterOutcome, self._execute(event_id, Unregister(user_id)))

    def remove(
        self,
        event_id: str,
        user_id: str,
        *,
        actor: Actor | None = None,
        reason: str | None = None,
    ) -> UnregisterOutcome:
        """Delete a user's registration for an organizer and notify the user with the reason (R4.6).

        Raises `UnknownEvent`, `NotOrganizer`, `NotRegistered`, and `Invalid` for a reason too long.
        """
        checked = Removal.of(reason=reason or "").reason or None
        return expect(UnregisterOutcome, self._execute(event_id, Remove(user_id, actor, checked)))

    def get_registration_to_answer(self, event_id: str, user_id: str) -> UserRegistration:
        """Return a user's registration for an event that has not started, and so takes other answers (R12.3).

        Raises `UnknownEvent`, `NotRegistered`, `RegistrationClosed`.
        """
        found = self._registrations.get(event_id, user_id)
        check_takes_answers(found.event, self._clock.now())
        return found

    def get_registration(self, event_id: str, user_id: str) -> UserRegistration:
        """Return a user's registration with its position; raise `UnknownEvent`, `NotRegistered`."""
        return self._registrations.get(event_id, user_id)

    def find_registration(self, event_id: str, user_id: str) -> UserRegistration | None:
        """Return a user's registration with its position, or None."""
        return self._registrations.find(event_id, user_id)

    def list_registrations_of(
        self, user_id: str, *, status: RegistrationStatus | None = None
    ) -> tuple[UserRegistration, ...]:
        """Return a user's registrations with their events (R5).

        What is to come is first, soonest first; then what is past, latest first.
        """
        return self._registrations.list_by_user(user_id, status)

    def list_registrations_to_come(
        self, user_id: str, *, status: RegistrationStatus | None = None
    ) -> RegistrationsToCome:
        """Return a user's registrations for events that are not over, soonest first (R5.5)."""
        return self._registrations.list_to_come(user_id, status)

    def list_past_registrations(
        self,
        user_id: str,
        *,
        status: RegistrationStatus | None = None,
        first: int = 0,
        limit: int = PAGE_SIZE,
    ) -> PastRegistrations:
        """Return a user's registrations for events that are over, the latest first (R5.5).

        Those from number `first` on. If there are fewer, those from the first one on.
        """
        return self._registrations.list_past(user_id, status, first, limit)

    def find_registrations_of(self, user_id: str, text: str) -> FoundRegistrations:
        """Find registrations of a user by an event's id or a part of its title (R8.1).

        Only those for events that are not over: one can't leave the others (R4.7). An empty text
        finds all of them but those for canceled events; otherwise these are found if they match exactly, or
        no other matches.
        """
        own = self.list_registrations_to_come(user_id).items
        canceled = [one for one in own if one.event.status is EventStatus.CANCELED]
        found = find_registrations(text, (one for one in own if one not in canceled))
        if not text or found.is_exact:
            return found
        ended = find_registrations(text, canceled)
        return ended if ended.is_exact or (ended.matches and not found.matches) else found

    def list_registrations_in(
        self,
        event_id: str,
        *,
        status: RegistrationStatus | None = None,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
        actor: Actor | None = None,
    ) -> EventRegistrations:
        """List the registered users, then the waitlist, in order of tickets (R6).

        A page is true at one moment, except that registered users come from an index that may lag a
        little. Raises `UnknownEvent`, `NotOrganizer`, and `Invalid` for a cursor of another list.
        """
        if actor is not None:
            self.get_event(event_id, actor=actor)
        return self._registrations.list_by_event(event_id, status, limit, cursor)

    def count_answers(self, event_id: str, *, actor: Actor | None = None) -> AnswerTotals:
        """Count the answers of those with a seat, of the first some thousands (R12.3).

        Raises `UnknownEvent`, `NotOrganizer`.
        """
        event = self.get_event(event_id, actor=actor)
        return self._retry.read(lambda: count_answers(self._store, event))

    def list_going(
        self, event_id: str, *, actor: Actor, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> EventRegistrations:
        """List who has a seat, in order of tickets, if the actor may see that (R12.1).

        The waitlist is left out, except for its length: `event.waitlist_count`. Raises
        `UnknownEvent`, `AttendeesHidden`, and `Invalid` for a cursor of another list.
        """
        return self._registrations.list_going(event_id, actor, limit, cursor)

    def preview_capacity(
        self, event_id: str, capacity: int, *, actor: Actor | None = None
    ) -> CapacityPreview:
        """Return which users a capacity would promote, or which it would have no seats for.

        Raises what `edit_event` would raise, except for `CapacityBelowRegistered`.
        """
        return self._previews.preview_capacity(event_id, capacity, actor)

    def preview_unregister(self, event_id: str, user_id: str) -> UnregisterPreview:
        """Return what the user would lose by unregistering now (R8.4).

        Raises `UnknownEvent`, `NotRegistered`, `EventOver`.
        """
        return self._previews.preview_unregister(event_id, user_id)

    # History and integrity (R7.4, R8.10)

    def list_history(
        self,
        event_id: str,
        *,
        limit: int = PAGE_SIZE,
        cursor: str | None = None,
        actor: Actor | None = None,
    ) -> Page[JournalEntry]:
        """List an event's history, newest first. Raises `UnknownEvent`, `NotOrganizer`."""
        self.get_event(event_id, actor=actor)
        return self._retry.read(
            lambda: self._store.list_history(event_id, limit=limit, cursor=cursor)
        )

    def list_registration_history(
        self, event_id: str, user_id: str, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[RegistrationHistoryEntry]:
        """List what changed a user's registration or position, newest first.

        A page covers `limit` entries of the event's history, so it may be short, or empty. Raises
        `UnknownEvent`, and `Invalid` for a cursor of another list.
        """
        return self._registrations.list_history(event_id, user_id, limit, cursor)

    def is_history_cut(self, event_id: str) -> bool:
        """Return whether the beginning of an event's history is no longer kept (R7.8)."""
        first = self._retry.read(lambda: self._store.get_journal_entry(event_id, CREATION_VERSION))
        return first is None

    def sweep(self, before_each: Callable[[], None] = lambda: None) -> int:
        """Run due schedules (R8.15) and finish interrupted operations (R7.4); return how many.

        Also delete what is no longer kept (R7.8). `before_each` is called before each event, operation and
        step. An error in one does not stop the others. Background work that found no thread gets one now.
        """
        self._resolver.ensure_running()
        self._long_operations.ensure_running()
        try:
            done = self._long_operations.run_due_events(before_each)
        finally:
            try:
                finished = self._long_operations.finish_unfinished(before_each)
            finally:
                delete_old_entries(self._store, self._clock, before_each)
        return done + finished

    def finish_unfinished(self) -> int:
        """Finish interrupted capacity increases and deletions (R7.4); return how many."""
        return self._long_operations.finish_unfinished()

    def check(self, on_progress: Callable[[Progress], None]) -> Iterator[Violation]:
        """Read everything and yield each violation of R7.5, also while others write (R7.6).

        `on_progress` is called after each page. Raises `Unavailable`.
        """
        return self._checker(on_progress).check_all()

    def repair(self, on_progress: Callable[[Progress], None]) -> Iterator[FixedViolation]:
        """Fix what a check finds, from the registrations; yield each violation that was fixed (R7.6).

        An interrupted repair can be run again. Raises `Unavailable`.
        """
        from domain.integrity.repairer import Repairer  # see `_checker`

        checker = self._checker(on_progress)
        repairer = Repairer(
            self._store, self._executor, self._retry, self._clock, self._new_id, checker
        )
        return repairer.repair_all()

    def _checker(self, on_progress: Callable[[Progress], None]) -> Checker:
        # Only the command line needs it: imported here, it does not slow the start of a function.
        from domain.integrity.checker import Checker

        return Checker(self._store, self._retry, self._clock, on_progress)

    # Commands

    def _execute(self, event_id: str, command: Command) -> Outcome:
        executor = self._queueing_executor or self._executor
        return executor.execute(event_id, command, self._retry.deadline())

    def _change(self, event_id: str, command: Command) -> ChangeOutcome:
        return expect(ChangeOutcome, self._execute(event_id, command))
