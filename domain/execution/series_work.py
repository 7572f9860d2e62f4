"""Occurrences of series (R13): makes those that are due, honors who registered for all of it, and carries changes.

Each step is one commit. Any process can take the next one at any time, also after a crash: what is done is in
the occurrence, in the same commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from domain.commands import (
    ChangeOutcome,
    Edit,
    Enroll,
    FinishCarrying,
    FinishEnrolling,
    RunSchedule,
    SetStatus,
)
from domain.enums import EventStatus, RegistrationStatus
from domain.errors import CapacityBelowRegistered, EventCanceled, Invalid, UnknownEvent
from domain.execution.executor import Executor
from domain.execution.retry import RetryPolicy
from domain.inputs import EventChanges
from domain.models import Actor, Carried, Event, Occurrence, Registration, occurrence_id
from domain.planning.plan import MAX_ENROLLED_PER_COMMIT
from domain.planning.series import edit_of_occurrence
from domain.ports import Clock, Store


class SeriesWork:
    """Makes occurrences, registers in them whoever registered for all of the series, and changes them with it."""

    def __init__(self, store: Store, executor: Executor, retry: RetryPolicy, clock: Clock) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock

    def make_due(self, series_id: str, deadline: float) -> bool:
        """Make the occurrences of a series that are due (R13.2), and open them; return whether that is finished.

        Raises `UnknownEvent`, and `UnknownUser` while an organizer is being deleted.
        """
        while self._clock.monotonic() < deadline:
            outcome = self._executor.execute(series_id, RunSchedule(), deadline)
            series = outcome.event.series
            if series is None:
                return True
            if not (isinstance(outcome, ChangeOutcome) and outcome.changed):
                return all(
                    self.open(occurrence_id(series_id, number), deadline) for number in series.ahead
                )
        return False

    def carry(self, series_id: str, deadline: float) -> bool:
        """Give a change of the series to the occurrences that were made (R13.3); return whether that is finished."""
        while self._clock.monotonic() < deadline:
            event = self._get(series_id)
            carried = event.series.carried if event is not None and event.series else None
            if event is None or carried is None or event.deletion is not None:
                return True
            number = carried.numbers[0]
            made = self._get(occurrence_id(series_id, number))
            if made is not None and made.occurrence is not None and made.deletion is None:
                self._change(made, _command(event, carried, made.occurrence), deadline)
            with suppress(UnknownEvent):
                self._executor.execute(series_id, FinishCarrying(number), deadline)
        return False

    def _change(self, made: Event, command: Edit | SetStatus, deadline: float) -> None:
        """Change an occurrence, unless it takes no changes anymore. A capacity that is too low stays as it is."""
        try:
            self._executor.execute(made.event_id, command, deadline)
        except CapacityBelowRegistered:
            if isinstance(command, Edit):  # pragma: no branch  # nothing else has a capacity
                rest = EventChanges.of(
                    **{
                        name: value
                        for name, value in command.changes.given().items()
                        if name != "capacity"
                    }
                )
                self._change(made, replace(command, changes=rest), deadline)
        except (UnknownEvent, EventCanceled, Invalid):
            pass

    def honor(
        self, series_id: str, deadline: float, informed: frozenset[str] = frozenset()
    ) -> bool:
        """Register in each occurrence that was made whoever registered for all of the series since (R13.4).

        Return whether that is finished. The `informed` users get no messages.
        """
        event = self._get(series_id)
        if event is None or event.series is None or not event.is_unfinished:
            return True
        until = event.next_ticket - 1
        for number in event.series.ahead:
            if not self.open(occurrence_id(series_id, number), deadline, informed):
                return False
        with suppress(UnknownEvent):
            self._executor.execute(series_id, FinishEnrolling(until), deadline)
        return True

    def open(self, event_id: str, deadline: float, informed: frozenset[str] = frozenset()) -> bool:
        """Honor all registrations for the series in one occurrence (R13.4); return whether that is finished."""
        while self._clock.monotonic() < deadline:
            event = self._get(event_id)
            step = None if event is None else self._next_step(event, informed)
            if step is None:
                return True
            try:
                self._executor.execute(event_id, step, deadline)
            except UnknownEvent:
                return True
        return False

    def _get(self, event_id: str) -> Event | None:
        return self._retry.read(lambda: self._store.get_event(event_id))

    def _next_step(self, event: Event, informed: frozenset[str]) -> Enroll | None:
        occurrence = event.occurrence
        if occurrence is None or event.deletion is not None or event.has_started(self._clock.now()):
            return None
        # Before its waitlist: a registration that is made later has a later ticket.
        series = self._get(occurrence.series_id)
        last = 0 if series is None or series.series is None else series.next_ticket - 1
        last = max(last, occurrence.opens_after)
        if occurrence.previous_id is not None and occurrence.honored_first < occurrence.opens_after:
            return self._step(
                occurrence,
                occurrence.honored_first,
                occurrence.opens_after,
                informed,
                goes_first=True,
            )
        if occurrence.honored < last:
            return self._step(occurrence, occurrence.honored, last, informed, goes_first=False)
        return None

    def _step(
        self,
        occurrence: Occurrence,
        after: int,
        last: int,
        informed: frozenset[str],
        *,
        goes_first: bool,
    ) -> Enroll:
        found: list[Registration] = []
        for registration in self._registrations(occurrence, after, last, goes_first=goes_first):
            found.append(registration)
            if len(found) == MAX_ENROLLED_PER_COMMIT:
                last = registration.ticket
                break
        return Enroll(tuple(found), after, last, goes_first, informed)

    def _registrations(
        self, occurrence: Occurrence, after: int, until: int, *, goes_first: bool
    ) -> Iterator[Registration]:
        """Yield the registrations for the series between two tickets, of those who go first or of the others."""
        series_id = occurrence.series_id
        while after < until:
            entries = self._retry.read(
                partial(
                    self._store.get_waitlist,
                    series_id,
                    after=after,
                    until=until,
                    limit=MAX_ENROLLED_PER_COMMIT,
                )
            )
            if not entries:
                return
            after = entries[-1].ticket
            user_ids = [entry.user_id for entry in entries]
            stored = self._registrations_in(series_id, user_ids)
            missed = self._missed(occurrence, user_ids)
            for entry in entries:
                registration = stored.get(entry.user_id)
                is_first = entry.user_id in missed and entry.ticket <= occurrence.opens_after
                if registration is not None and is_first is goes_first:
                    yield registration

    def _missed(self, occurrence: Occurrence, user_ids: Sequence[str]) -> frozenset[str]:
        """Return who of the users missed the occurrence before: they were waitlisted when it started (R13.5)."""
        previous_id = occurrence.previous_id
        if previous_id is None:
            return frozenset()
        stored = self._registrations_in(previous_id, user_ids)
        return frozenset(
            user_id
            for user_id, one in stored.items()
            if one.status is RegistrationStatus.WAITLISTED
        )

    def _registrations_in(
        self, event_id: str, user_ids: Sequence[str]
    ) -> Mapping[str, Registration]:
        rows = self._retry.read(
            lambda: self._store.get_rows(event_id, registrations_of=user_ids, users=())
        )
        return rows.registrations


def _command(event: Event, carried: Carried, made: Occurrence) -> Edit | SetStatus:
    """Return what carries a change of a series to one of its occurrences."""
    if not carried.cancels:
        return edit_of_occurrence(event, carried, made)
    actor = None if carried.actor_id is None else Actor(carried.actor_id, is_admin=True)
    return SetStatus(EventStatus.CANCELED, actor, carried.reason)
