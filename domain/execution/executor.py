"""The way of every change to an event: through its turnstile, then load, plan, commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from domain.commands import Command, Outcome, Register
from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.batching import CommandQueue, Entry
from domain.execution.cache import EventCache
from domain.execution.committer import Committer
from domain.execution.loader import load_snapshot
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import LaterResult, Unconfirmed, UnconfirmedResolver
from domain.models import Event
from domain.planning import planner
from domain.planning.plan import Plan
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from domain.ports import Clock, NewId, Store, Unavailable

BATCH = 50
"""Commands that are read for at once: a registration reads two items, and one batch read takes 100."""

Result = Outcome | RollcallError


class Executor:
    """Carries commands out, many at once, each answered with its outcome or its refusal."""

    def __init__(
        self,
        store: Store,
        retry: RetryPolicy,
        clock: Clock,
        *,
        new_id: NewId,
        resolver: UnconfirmedResolver,
        on_commit: Callable[[str], None],
    ) -> None:
        self._store = store
        self._retry = retry
        self._resolver = resolver
        self._committer = Committer(store, retry, clock, new_id, resolver)
        self._clock = clock
        self._new_id = new_id
        self._on_commit = on_commit
        self._event_cache = EventCache()
        self.command_queue: CommandQueue[Command, Result] = CommandQueue(
            self._serve, clock, batch_size=BATCH
        )

    def go_through(self, event_id: str, command: Command, deadline: float) -> Outcome:
        """Return the command's outcome; raises its refusal, `Busy` or `NotConfirmed`."""
        result = self.command_queue.go_through(event_id, command, deadline)
        if isinstance(result, RollcallError):
            raise result
        return result

    def _serve(self, event_id: str, entries: Sequence[Entry[Command, Result]]) -> None:
        """Settle as many of the entries as one plan takes, and those whose deadline has passed."""
        for _ in self._retry.pauses(max(entry.deadline for entry in entries)):
            entries = self._without_expired(entries)
            if not entries:
                return
            try:
                if self._serve_once(event_id, entries):
                    return
            except Unavailable:
                continue
        for entry in entries:
            entry.settle(Busy())

    def _serve_once(self, event_id: str, entries: Sequence[Entry[Command, Result]]) -> bool:
        """Return whether entries were settled; if not, all must be read and planned anew."""
        commands = [entry.command for entry in entries]
        if self._serve_unread(event_id, entries):
            return True
        # Before the reads: an event that is closed by then was so when its people were looked at.
        now = self._clock.now()
        snapshot = load_snapshot(self._store, event_id, commands)
        if snapshot.event is not None:
            self._event_cache.remember_read(snapshot.event)
        try:
            plan = self._plan(snapshot, commands, event_id, now)
        except InconsistentSnapshot:
            if self._still_at(event_id, snapshot.event):
                raise
            return False
        return self._carry_out(plan, snapshot, entries)

    def _serve_unread(self, event_id: str, entries: Sequence[Entry[Command, Result]]) -> bool:
        """Return whether a lone registration was settled by one request, with nothing read before.

        It is planned on the event as this process last knew it, for somebody who is new to it; the
        commit's conditions tell whether all that is so. What would be refused is not tried.
        """
        command = entries[0].command
        event = self._event_cache.get_if_likely_current(event_id)
        if len(entries) > 1 or not isinstance(command, Register) or event is None:
            return False
        snapshot = Snapshot(event, users={command.user_id})
        plan = self._plan(snapshot, [command], event_id, self._clock.now())
        return bool(plan.actions) and self._carry_out(plan, snapshot, entries)

    def _plan(
        self, snapshot: Snapshot, commands: Sequence[Command], event_id: str, now: datetime
    ) -> Plan:
        return planner.plan(snapshot, commands, event_id=event_id, now=now, plan_id=self._new_id())

    def _without_expired(
        self, entries: Sequence[Entry[Command, Result]]
    ) -> Sequence[Entry[Command, Result]]:
        now = self._clock.monotonic()
        for entry in entries:
            if entry.deadline <= now:
                entry.settle(Busy())
        return [entry for entry in entries if not entry.is_settled]

    def _carry_out(
        self, plan: Plan, snapshot: Snapshot, entries: Sequence[Entry[Command, Result]]
    ) -> bool:
        """Commit the plan and settle its entries; False if it did not apply and must be made anew."""
        taken = entries[: len(plan.outcomes)]
        if plan.actions:
            try:
                applied = self._committer.commit(plan, min(entry.deadline for entry in taken))
            except Unconfirmed:
                self._resolve_later(plan, taken)
                return True
            except Exception:
                raise  # a definite failure, by the store's promise: nothing was written
            except BaseException:
                self._resolve_later(plan, taken)
                raise
        else:
            # A refusal must be true at one moment: everything was read at this version.
            applied = self._still_at(plan.event_id, snapshot.event)
        if applied:
            if plan.actions and plan.event is not None:
                self._event_cache.remember_commit(plan.event)
            for entry, outcome in zip(taken, plan.outcomes, strict=True):
                entry.settle(outcome)
            if plan.actions:
                self._on_commit(plan.event_id)
        return applied

    def _resolve_later(self, plan: Plan, entries: Sequence[Entry[Command, Result]]) -> None:
        later_results = [LaterResult() for _ in entries]

        def resolve() -> None:
            applied = self._committer.resolve(plan)
            for later_result, outcome in zip(later_results, plan.outcomes, strict=True):
                later_result.settle(outcome if applied else Busy())
            if applied:
                self._on_commit(plan.event_id)

        for entry, later_result in zip(entries, later_results, strict=True):
            entry.settle(NotConfirmed(later_result.when_known))
        self._resolver.spawn(resolve)

    def _still_at(self, event_id: str, event: Event | None) -> bool:
        again = self._store.get_event(event_id)
        return (again and again.version) == (event and event.version)
