"""Previews: what a change of capacity, or unregistering, would do now (R8.4, R8.8)."""

from __future__ import annotations

from dataclasses import replace

from domain.commands import (
    AddAttendees,
    AddOutcome,
    ChangeOutcome,
    Command,
    Edit,
    Outcome,
    expect,
)
from domain.errors import CapacityBelowRegistered, EventOver, RollcallError, UnknownEvent
from domain.execution.loader import load_snapshot
from domain.execution.retry import RetryPolicy
from domain.inputs import EventChanges
from domain.models import Actor, CapacityPreview, Event, UnregisterPreview
from domain.planning import planner
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import Clock, Store
from domain.queries.registrations import RegistrationQueries

MAX_NAMED_USERS = 5
"""The most users that a preview names."""


def _accepted(outcome: Outcome | RollcallError) -> Outcome:
    if isinstance(outcome, RollcallError):
        raise outcome
    return outcome


class Previews:
    """Plans changes without committing them."""

    def __init__(
        self, store: Store, retry: RetryPolicy, clock: Clock, registrations: RegistrationQueries
    ) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock
        self._registrations = registrations

    def preview_capacity(
        self, event_id: str, capacity: int, actor: Actor | None
    ) -> CapacityPreview:
        """Return which users a capacity would promote, or which it would have no seats for."""
        edit = Edit(EventChanges.of(capacity=capacity), actor)
        return self._retry.read_consistently(lambda: self._try_capacity(event_id, capacity, edit))

    def preview_addition(self, event_id: str, command: AddAttendees) -> AddOutcome:
        """Return who would get a seat or a position, and the event as it is. Raises what adding raises."""

        def read() -> AddOutcome | None:
            planned = self._try(event_id, command)
            if planned is None:
                return None
            event, outcome = planned
            return replace(expect(AddOutcome, _accepted(outcome)), event=event)

        return self._retry.read_consistently(read)

    def _try(self, event_id: str, command: Command) -> tuple[Event, Outcome | RollcallError] | None:
        """Return the event and the command's outcome on it, or None if it changed while it was read."""
        snapshot = load_snapshot(self._store, event_id, [command])
        event = snapshot.event
        if event is None:
            raise UnknownEvent(event_id)
        try:
            plan = planner.plan(
                snapshot, [command], event_id=event_id, now=self._clock.now(), plan_id="preview"
            )
        except InconsistentSnapshot:
            if self._registrations.are_unchanged([event]):
                raise
            return None
        return (event, plan.outcomes[0]) if self._registrations.are_unchanged([event]) else None

    def _try_capacity(self, event_id: str, capacity: int, edit: Edit) -> CapacityPreview | None:
        """Return the preview, or None if the event changed while it was read."""
        planned = self._try(event_id, edit)
        if planned is None:
            return None
        event, outcome = planned
        if isinstance(outcome, CapacityBelowRegistered):
            return self._try_capacity_below_registered(event, capacity)
        promoted = expect(ChangeOutcome, _accepted(outcome)).promoted
        count = min(max(0, capacity - event.capacity), event.waitlist_count) if promoted else 0
        return CapacityPreview(event, capacity, promoted, count)

    def _try_capacity_below_registered(self, event: Event, capacity: int) -> CapacityPreview | None:
        """Return the last users that a capacity has no seats for, or None if the event changed."""
        count = event.registered_count - capacity
        last = self._store.get_last_seated(event.event_id, limit=min(count, MAX_NAMED_USERS))
        if not self._registrations.are_unchanged([event]):
            return None
        named = tuple(registration.user_id for registration in last)
        return CapacityPreview(event, capacity, affected=named, affected_count=count)

    def preview_unregister(self, event_id: str, user_id: str) -> UnregisterPreview:
        """Return what the user would lose by unregistering now.

        Raises `UnknownEvent`, `NotRegistered`, `EventOver`.
        """
        registration = self._registrations.get(event_id, user_id)
        event, now = registration.event, self._clock.now()
        if event.is_over(now):
            raise EventOver(event_id, event.title, event.over_at)
        has_waitlisted = event.waitlist_count > 0
        is_open = event.closed_reason(now) is None
        can_return = event.has_waitlist and is_open
        has_seat = registration.position is None
        return UnregisterPreview(
            registration,
            next_gets_seat=has_seat and has_waitlisted and not event.has_started(now),
            position_on_return=event.waitlist_count if can_return and has_waitlisted else None,
            is_open=is_open,
        )
