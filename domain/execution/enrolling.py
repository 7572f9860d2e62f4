"""Occurrences of series: making those that are due, and honoring the registrations for all of a series (R13).

Each step is one commit. Any process can take the next one at any time, also after a crash: what is done is in
the occurrence, in the same commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from domain.commands import ChangeOutcome, Enroll, FinishEnrolling, RunSchedule
from domain.enums import RegistrationStatus
from domain.errors import UnknownEvent
from domain.execution.executor import Executor
from domain.execution.retry import RetryPolicy
from domain.models import Event, Occurrence, Registration, occurrence_id
from domain.planning.plan import MAX_ENROLLED_PER_COMMIT
from domain.ports import Clock, Store


class Enrolling:
    """Makes occurrences, and registers in them whoever registered for all of the series."""

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
