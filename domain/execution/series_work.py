"""Occurrences of series (R13): makes those that are due, honors who registered for all of it, and carries changes.

Each step is one commit. Any process can take the next one at any time, also after a crash: what is done is in
the occurrence, in the same commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from domain.models import Actor, Carried, Event, Occurrence, Registration, Series, occurrence_id
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
                made = self._made(series_id, series)
                return all(self.open(one.event_id, deadline) for one in made if one.is_opening)
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
        for made in self._made(series_id, event.series):
            is_honored = made.occurrence is not None and made.occurrence.honored >= until
            if not is_honored and not self.open(made.event_id, deadline, informed):
                return False
        with suppress(UnknownEvent):
            self._executor.execute(series_id, FinishEnrolling(until), deadline)
        return True

    def open(self, event_id: str, deadline: float, informed: frozenset[str] = frozenset()) -> bool:
        """Honor all registrations for the series in one occurrence (R13.4); return whether that is finished."""
        while self._clock.monotonic() < deadline:
            event = self._get(event_id)
            # Half of the time for the reads, and what a call has for the commit, or it would never come to an end.
            read_until = (self._clock.monotonic() + deadline) / 2
            step = None if event is None else self._next_step(event, informed, read_until)
            if step is None:
                return True
            try:
                self._executor.execute(event_id, step, max(deadline, self._retry.deadline()))
            except UnknownEvent:
                return True
        return False

    def _made(self, series_id: str, series: Series) -> list[Event]:
        """Return the occurrences that had not started when the last one was made, in order.

        They are read together: one after the other, they would take a slow store all the time that there is.
        """
        ids = [occurrence_id(series_id, number) for number in series.ahead]
        found = self._retry.read(lambda: self._store.get_events(ids))
        return [found[event_id] for event_id in ids if event_id in found]

    def _get(self, event_id: str) -> Event | None:
        return self._retry.read(lambda: self._store.get_event(event_id))

    def _next_step(
        self, event: Event, informed: frozenset[str], read_until: float
    ) -> Enroll | None:
        occurrence = event.occurrence
        if occurrence is None or event.deletion is not None or event.has_started(self._clock.now()):
            return None
        # Before its waitlist: a registration that is made later has a later ticket.
        series = self._get(occurrence.series_id)
        last = 0 if series is None or series.series is None else series.next_ticket - 1
        last = max(last, occurrence.opens_after)
        after, goes_first = occurrence.honored, False
        if occurrence.previous_id is not None and occurrence.honored_first < occurrence.opens_after:
            after, last, goes_first = occurrence.honored_first, occurrence.opens_after, True
        if after >= last:
            return None
        found: list[Registration] = []
        for read, registrations in self._pages(occurrence, after, last, goes_first=goes_first):
            found += registrations
            if len(found) >= MAX_ENROLLED_PER_COMMIT:
                found = found[:MAX_ENROLLED_PER_COMMIT]
                last = found[-1].ticket
                break
            if self._clock.monotonic() >= read_until:
                last = read
                break
        return Enroll(tuple(found), after, last, goes_first, informed)

    def _pages(
        self, occurrence: Occurrence, after: int, until: int, *, goes_first: bool
    ) -> Iterator[tuple[int, list[Registration]]]:
        """Yield the registrations for the series between two tickets, of those who go first or of the others.

        They come page by page, each with the ticket up to which they were read.
        """
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
            missed = self._missed(occurrence, [entry.user_id for entry in entries])
            tickets = {
                entry.user_id: entry.ticket
                for entry in entries
                if (entry.user_id in missed and entry.ticket <= occurrence.opens_after)
                is goes_first
            }
            stored = self._registrations_in(series_id, tickets) if tickets else {}
            # Whoever has stopped and registered again since the first read has another ticket, and another turn.
            yield (
                after,
                [
                    stored[user_id]
                    for user_id, ticket in tickets.items()
                    if user_id in stored and stored[user_id].ticket == ticket
                ],
            )

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
        self, event_id: str, user_ids: Collection[str]
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
