"""Operations that take more than one commit: deletions and large capacity increases.

Each step keeps R7.5. The sweep finishes an interrupted operation (R7.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from domain.commands import (
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    FinishDeletion,
    RemoveAttendees,
    RunSchedule,
    Unregister,
)
from domain.enums import Cause, Deletion
from domain.errors import Busy, NotConfirmed, NotRegistered, UnknownEvent, UnknownUser
from domain.execution.background import BackgroundQueue
from domain.execution.deletion_ids import cause_of
from domain.execution.executor import Executor
from domain.execution.organizers import OrganizerRemoval
from domain.execution.retry import RetryPolicy
from domain.execution.series_work import SeriesWork
from domain.models import Event, Registration
from domain.planning.plan import MAX_REGISTRATIONS_PER_COMMIT
from domain.ports import AnswerLost, Clock, Conflict, Spawn, Store

T = TypeVar("T")

Work = Callable[[float], bool]
"""Works until a deadline, on the clock's `monotonic`. Returns whether the operation is finished."""

BACKGROUND_SECONDS = 60.0
"""Seconds that an operation runs in the background. The sweep finishes what is left."""


BACKGROUND_THREADS = 4
"""Operations that run in the background at the same time."""


class LongOperations:
    """Continues operations from any state. Any process can start each again at any time."""

    def __init__(
        self, store: Store, executor: Executor, retry: RetryPolicy, clock: Clock, spawn: Spawn
    ) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock
        self._background = BackgroundQueue(spawn, BACKGROUND_THREADS)
        self._organizers = OrganizerRemoval(store, executor, retry, clock)
        self.series = SeriesWork(store, executor, retry, clock)

    def finish_or_continue(self, work: Work, in_background: Work | None = None) -> bool:
        """Return whether the work was finished in time; if not, it continues in the background.

        `in_background` is the work as it is done there, if that differs.
        """
        try:
            if work(self._retry.deadline()):
                return True
        except (Busy, NotConfirmed):
            pass
        self.run_in_background(in_background or work)
        return False

    def run_in_background(self, work: Work) -> None:
        """Work in the background for up to `BACKGROUND_SECONDS`, once a thread is free."""

        def run() -> None:
            for _ in self._retry.pauses(self._clock.monotonic() + BACKGROUND_SECONDS):
                try:
                    if work(self._retry.deadline()):
                        return
                except (Busy, NotConfirmed):
                    continue

        self._background.submit(run)

    def ensure_running(self) -> None:
        """Start operations that found no thread."""
        self._background.ensure_running()

    def finish_unfinished(self, before_each: Callable[[], None] = lambda: None) -> int:
        """Finish interrupted operations; return how many. `before_each` is called before each of them.

        An error of one does not stop the others. The first error is raised at the end.
        """
        works = [
            *map(self._event_work, self._retry.read_all_pages(self._store.list_unfinished_events)),
            *map(self._user_work, self._retry.read_all_pages(self._store.list_unfinished_users)),
        ]
        return _count_done(works, self._finish, before_each)

    def _finish(self, work: Work) -> bool:
        try:
            return work(self._retry.deadline())
        except (Busy, NotConfirmed):
            return False  # left to the next sweep

    def run_due_events(self, before_each: Callable[[], None] = lambda: None) -> int:
        """Run the schedule of each event that is due (R8.15); return how many events changed.

        `before_each` is called before each of them. An error of one does not stop the others. The first
        error is raised at the end.
        """
        return _count_done(self._due_events(), self._run_schedule, before_each)

    def _due_events(self) -> Iterable[str]:
        for due in self._retry.read_all_pages(self._store.list_due_events):
            if due.due_at > self._clock.now():
                return
            yield due.event_id

    def _run_schedule(self, event_id: str) -> bool:
        deadline = self._retry.deadline()
        try:
            outcome = self._executor.execute(event_id, RunSchedule(), deadline)
            if outcome.event.series is not None:
                self.series.make_due(event_id, deadline)
        except (Busy, NotConfirmed, UnknownEvent, UnknownUser):
            return False  # left to the next sweep
        return isinstance(outcome, ChangeOutcome) and outcome.changed

    def _event_work(self, event_id: str) -> Work:
        def work(deadline: float) -> bool:
            event = self._get_event(event_id)
            if event is None or not event.is_unfinished:
                return False
            if event.deletion is Deletion.IN_PROGRESS:
                return self.finish_event_deletion(event_id, deadline)
            if event.series is not None:
                is_carried = self.series.carry(event_id, deadline)
                return self.series.honor(event_id, deadline) and is_carried
            if event.is_opening and not self.series.open(event_id, deadline):
                return False
            if event.operation_id is None:
                return True
            return self.continue_capacity_increase(event_id, event.operation_id, deadline)

        return work

    def _user_work(self, user_id: str) -> Work:
        def work(deadline: float) -> bool:
            user = self._retry.read(lambda: self._store.get_user(user_id))
            if user is None or user.deletion_id is None:
                return False
            return self.finish_user_deletion(user_id, user.deletion_id, deadline)

        return work

    def _get_event(self, event_id: str) -> Event | None:
        return self._retry.read(lambda: self._store.get_event(event_id))

    # Capacity increases

    def continue_capacity_increase(self, event_id: str, operation_id: str, deadline: float) -> bool:
        """Increase the capacity to its target, unless a later request replaced it."""
        while self._clock.monotonic() < deadline:
            command = ContinueCapacityIncrease(operation_id)
            try:
                outcome = self._executor.execute(event_id, command, deadline)
            except UnknownEvent:
                return True
            if outcome.event.operation_id != operation_id:
                return True
            if isinstance(outcome, ChangeOutcome) and not outcome.promoted:
                # Users are counted but none is waitlisted: don't repeat without a pause.
                return False
        return False

    # Deletion of events

    def finish_event_deletion(self, event_id: str, deadline: float) -> bool:
        """Remove all attendees of an event that is being deleted, then leave a tombstone.

        Return True if there is no such event.
        """
        for _ in self._retry.pauses(deadline):
            while (command := self._next_deletion_step(event_id)) is not None:
                try:
                    outcome = self._executor.execute(event_id, command, deadline)
                except UnknownEvent:
                    return True
                if isinstance(command, FinishDeletion):
                    return True
                if isinstance(outcome, ChangeOutcome) and not outcome.changed:
                    break  # the roster's index still lists users who left: try again after a pause
            else:
                if not self._is_in_deletion(event_id):
                    return True
        return False

    def _next_deletion_step(self, event_id: str) -> Command | None:
        """Return the next step: the waitlist, the roster, and the end once both counts are 0 (R7.2)."""
        event = self._get_event(event_id)
        if event is None or event.deletion is not Deletion.IN_PROGRESS:
            return None
        if event.waitlist_count:
            entries = self._retry.read(
                lambda: self._store.get_waitlist(event_id, limit=MAX_REGISTRATIONS_PER_COMMIT)
            )
            return RemoveAttendees(tuple(one.user_id for one in entries)) if entries else None
        if event.registered_count:
            roster = self._retry.read(
                lambda: self._store.list_roster(event_id, limit=MAX_REGISTRATIONS_PER_COMMIT)
            )
            user_ids = tuple(registration.user_id for registration in roster.items)
            return RemoveAttendees(user_ids) if user_ids else None
        return FinishDeletion()

    def _is_in_deletion(self, event_id: str) -> bool:
        event = self._get_event(event_id)
        return event is not None and event.deletion is Deletion.IN_PROGRESS

    # Deletion of users

    def finish_user_deletion(self, user_id: str, deletion_id: str, deadline: float) -> bool:
        """Delete all registrations of a user that is being deleted, then the user.

        Between them, the user stops being an organizer (R2.9). Return True if the user has another
        deletion id or none: then someone else finished.
        """
        cause = cause_of(deletion_id)
        for _ in self._retry.pauses(deadline):
            # The deletion id keeps new registrations out: a query that finds none is final.
            registrations = self._retry.read(lambda: self._store.get_registrations_of(user_id))
            if registrations and not self._is_user_in_deletion(user_id, deletion_id):
                return True
            for registration in registrations:
                self._unregister(registration, cause, deadline)
            if registrations or not self._organizers.finish(user_id, deletion_id, deadline):
                continue
            if self._delete_user(user_id, deletion_id):
                self._organizers.forget(deletion_id)
                return True
        return False

    def _unregister(self, registration: Registration, cause: Cause, deadline: float) -> None:
        # With its ticket: if the user is created again meanwhile, a new registration stays.
        event_id, user_id = registration.event_id, registration.user_id
        command = Unregister(user_id, cause, registration.ticket)
        try:
            self._executor.execute(event_id, command, deadline)
        except NotRegistered:
            pass
        except UnknownEvent:
            # The event is being deleted too, and its deletion removes the registration.
            if self.finish_event_deletion(event_id, deadline) and self._is_stored(registration):
                raise LookupError(
                    f"the registration of {user_id} in {event_id} has no event; run check --repair"
                ) from None

    def _is_stored(self, registration: Registration) -> bool:
        event_id, user_id = registration.event_id, registration.user_id
        rows = self._retry.read(
            lambda: self._store.get_rows(event_id, registrations_of=[user_id], users=())
        )
        return user_id in rows.registrations

    def _is_user_in_deletion(self, user_id: str, deletion_id: str) -> bool:
        stored = self._retry.read(lambda: self._store.get_user(user_id))
        return stored is not None and stored.deletion_id == deletion_id

    def _delete_user(self, user_id: str, deletion_id: str) -> bool:
        try:
            self._store.delete_user(user_id, deletion_id)
        except (AnswerLost, Conflict):
            return not self._is_user_in_deletion(user_id, deletion_id)
        return True


def _count_done(
    items: Iterable[T], do: Callable[[T], bool], before_each: Callable[[], None]
) -> int:
    """Return for how many items `do` returned True. Raise its first error after the last item."""
    done = 0
    failed: Exception | None = None
    for item in items:
        before_each()
        try:
            done += do(item)
        except Exception as error:  # noqa: BLE001  # raised after the other items
            failed = failed or error
    if failed is not None:
        raise failed
    return done
