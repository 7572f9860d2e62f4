"""What takes more than one commit: raises by many, deletions. In steps that keep R7.5, and always finished (R7.4)."""

from __future__ import annotations

from collections.abc import Callable

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
from domain.errors import Busy, NotConfirmed, NotRegistered, UnknownEvent
from domain.execution.executor import Executor
from domain.execution.retry import RetryPolicy
from domain.models import Registration
from domain.planning.plan import MAX_MOVES
from domain.ports import AnswerLost, Clock, Conflict, Spawn, Store

Work = Callable[[float], bool]
"""Does what it can until a moment on the clock's `monotonic`; returns whether all of it is done."""

DEACTIVATED = "deactivated."
"""How the mark of a user begins whom Slack has deactivated: the reason outlives a crash with the mark."""


def deletion_cause(mark: str) -> Cause:
    """Return why the user with this mark is deleted."""
    return Cause.USER_DEACTIVATED if mark.startswith(DEACTIVATED) else Cause.USER_DELETED


BACKGROUND_SECONDS = 60.0
"""Seconds that work goes on in the background, before it is left to the sweep."""


class LongOperations:
    """Carries operations on from wherever they stand: each can be begun again, by anybody, at any time."""

    def __init__(
        self, store: Store, executor: Executor, retry: RetryPolicy, clock: Clock, spawn: Spawn
    ) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock
        self._spawn = spawn

    def finish_or_continue(self, work: Work) -> bool:
        """Return whether the work was done in time; if not, it goes on in the background."""
        try:
            if work(self._retry.deadline()):
                return True
        except (Busy, NotConfirmed):
            pass
        self.later(work)
        return False

    def later(self, work: Work) -> None:
        """Do the work in the background; what is left after a minute, the sweep finishes."""

        def run() -> None:
            for _ in self._retry.pauses(self._clock.monotonic() + BACKGROUND_SECONDS):
                try:
                    if work(self._retry.deadline()):
                        return
                except (Busy, NotConfirmed):
                    continue

        self._spawn(run)

    def finish_unfinished(self) -> int:
        """Finish what a crash interrupted; return how many operations that were.

        One that fails keeps none of the others: the first such error is raised at the end.
        """
        finished = 0
        failed: Exception | None = None
        works = [
            *map(self._event_work, self._retry.read_all_pages(self._store.list_unfinished_events)),
            *map(self._user_work, self._retry.read_all_pages(self._store.list_unfinished_users)),
        ]
        for work in works:
            try:
                finished += work(self._retry.deadline())
            except (Busy, NotConfirmed):
                continue  # the next sweep
            except Exception as error:  # noqa: BLE001  # raised once the others are finished
                failed = failed or error
        if failed is not None:
            raise failed
        return finished

    def run_due_events(self) -> int:
        """Do what the clock asks of events by now (R8.15); return of how many.

        One that fails keeps none of the others: the first such error is raised at the end.
        """
        done = 0
        failed: Exception | None = None
        for due in self._retry.read_all_pages(self._store.list_due_events):
            if due.due_at > self._clock.now():
                break
            try:
                done += self._keep_time(due.event_id)
            except Exception as error:  # noqa: BLE001  # raised once the others are done
                failed = failed or error
        if failed is not None:
            raise failed
        return done

    def _keep_time(self, event_id: str) -> bool:
        try:
            outcome = self._executor.go_through(event_id, RunSchedule(), self._retry.deadline())
        except (Busy, NotConfirmed, UnknownEvent):
            return False  # the next sweep, if it is still due
        return isinstance(outcome, ChangeOutcome) and outcome.changed

    def _event_work(self, event_id: str) -> Work:
        def work(deadline: float) -> bool:
            event = self._retry.reading(lambda: self._store.get_event(event_id))
            if event is None or event.operation_id is None:
                return False
            if event.deletion is Deletion.MARKED:
                return self.finish_event_deletion(event_id, deadline)
            return self.continue_capacity_increase(event_id, event.operation_id, deadline)

        return work

    def _user_work(self, user_id: str) -> Work:
        def work(deadline: float) -> bool:
            user = self._retry.reading(lambda: self._store.get_user(user_id))
            if user is None or user.deletion is None:
                return False
            return self.finish_user_deletion(user_id, user.deletion, deadline)

        return work

    # Raises

    def continue_capacity_increase(self, event_id: str, operation_id: str, deadline: float) -> bool:
        """Take a raise on to its target, unless it is wanted no more."""
        while self._clock.monotonic() < deadline:
            try:
                outcome = self._executor.go_through(
                    event_id, ContinueCapacityIncrease(operation_id), deadline
                )
            except UnknownEvent:
                return True
            if outcome.event.operation_id != operation_id:
                return True
            if isinstance(outcome, ChangeOutcome) and not outcome.promoted:
                return False  # nobody to seat, though some are counted: not as fast as it goes
        return False

    # Deletion of events

    def finish_event_deletion(self, event_id: str, deadline: float) -> bool:
        """Empty and bury an event that is marked for deletion; one that is not there is done."""
        for _ in self._retry.pauses(deadline):
            while (command := self._next_step(event_id)) is not None:
                try:
                    outcome = self._executor.go_through(event_id, command, deadline)
                except UnknownEvent:
                    return True
                if isinstance(command, FinishDeletion):
                    return True
                if isinstance(outcome, ChangeOutcome) and not outcome.changed:
                    break  # the roster's index still lists who has gone: a little later
            else:
                if not self._is_marked(event_id):
                    return True
        return False

    def _next_step(self, event_id: str) -> Command | None:
        """Return what is to be done next: the line first, and the end only by the counts (R7.2)."""
        event = self._retry.reading(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not Deletion.MARKED:
            return None
        most = MAX_MOVES
        if event.waitlist_count:
            line = self._retry.reading(lambda: self._store.get_waitlist(event_id, limit=most))
            return RemoveAttendees(tuple(waiting.user_id for waiting in line)) if line else None
        if event.registered_count:
            roster = self._retry.reading(lambda: self._store.list_roster(event_id, limit=most))
            return (
                RemoveAttendees(tuple(row.user_id for row in roster.items))
                if roster.items
                else None
            )
        return FinishDeletion()

    def _is_marked(self, event_id: str) -> bool:
        event = self._retry.reading(lambda: self._store.get_event(event_id))
        return event is not None and event.deletion is Deletion.MARKED

    # Deletion of users

    def finish_user_deletion(self, user_id: str, mark: str, deadline: float) -> bool:
        """Take a marked user out of every event, then delete the row, if the mark is still this one."""
        for _ in self._retry.pauses(deadline):
            # The mark keeps new registrations out: a query that finds none is final.
            rows = self._retry.reading(lambda: self._store.get_registrations_of(user_id))
            if rows and not self._is_marked_user(user_id, mark):
                return True  # somebody else finished, and these are of a user created anew
            for row in rows:
                self._take_out(row, deletion_cause(mark), deadline)
            if not rows and self._delete_row(user_id, mark):
                return True
        return False

    def _take_out(self, row: Registration, cause: Cause, deadline: float) -> None:
        # By its ticket: should the user come back meanwhile, the next one is not ours to take.
        command = Unregister(row.user_id, cause, row.ticket)
        try:
            self._executor.go_through(row.event_id, command, deadline)
        except NotRegistered:
            pass
        except UnknownEvent:
            # It is being deleted itself; once it is gone, so is the registration.
            if self.finish_event_deletion(row.event_id, deadline) and self._is_stored(row):
                raise LookupError(
                    f"the registration of {row.user_id} in {row.event_id} has no event; check --repair"
                ) from None

    def _is_stored(self, row: Registration) -> bool:
        rows = self._retry.reading(
            lambda: self._store.get_rows(row.event_id, registrations_of=[row.user_id], users=())
        )
        return row.user_id in rows.registrations

    def _is_marked_user(self, user_id: str, mark: str) -> bool:
        stored = self._retry.reading(lambda: self._store.get_user(user_id))
        return stored is not None and stored.deletion == mark

    def _delete_row(self, user_id: str, mark: str) -> bool:
        try:
            self._store.delete_user(user_id, mark)
        except (AnswerLost, Conflict):
            return not self._is_marked_user(user_id, mark)
        return True
