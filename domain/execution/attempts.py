"""One attempt at running commands: load, plan and commit. `Executor` repeats it, and completes the commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from domain.commands import Command, Register
from domain.execution.cache import EventCache
from domain.execution.committer import Committer
from domain.execution.loader import load_rows
from domain.execution.unconfirmed import Unconfirmed
from domain.models import Event
from domain.planning import planner
from domain.planning.plan import Plan
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from domain.ports import Clock, NewId, Store


class Attempts:
    """Attempts at commands on one event each. They share a cache of events.

    Each returns the plan that holds: it applied, or it changes nothing and is true. Its outcomes are those of
    the first commands. It returns None if the plan did not apply, and never will.

    Raises `Unavailable` if something can't be read, and `Unconfirmed` if it is not known whether the plan
    applied. Before that, and if the thread is being ended, `in_doubt` gets the plan. `deadlines` are those of
    the commands, on the clock's `monotonic`.
    """

    def __init__(self, store: Store, clock: Clock, new_id: NewId, committer: Committer) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._committer = committer
        self._event_cache = EventCache()

    def try_cached(
        self,
        event_id: str,
        commands: Sequence[Command],
        deadlines: Sequence[float],
        in_doubt: Callable[[Plan], None],
    ) -> Plan | None:
        """Try a single registration with one request, without a read.

        It is planned on the cached event, as if the user had no registration. The conditions of the
        commit verify that. A plan that would refuse it is not tried.
        """
        command = commands[0]
        event = self._event_cache.get_if_likely_current(event_id)
        if len(commands) > 1 or not isinstance(command, Register) or event is None:
            return None
        snapshot = Snapshot(event, users={command.user_id})
        plan = self._plan(snapshot, [command], event_id, self._clock.now())
        return self._commit(plan, snapshot, deadlines, in_doubt) if plan.actions else None

    def try_read(
        self,
        event_id: str,
        commands: Sequence[Command],
        deadlines: Sequence[float],
        in_doubt: Callable[[Plan], None],
        read_event: Callable[[], Event | None] | None = None,
    ) -> Plan | None:
        """Try commands on what is stored. `read_event` may read the event in another way than the store's."""
        # Before the reads: if the event is closed by this time, it was closed when its users were read.
        now = self._clock.now()
        event = self._store.get_event(event_id) if read_event is None else read_event()
        snapshot = load_rows(self._store, event, event_id, commands)
        if event is not None:
            self._event_cache.remember_read(event)
        try:
            plan = self._plan(snapshot, commands, event_id, now)
        except InconsistentSnapshot:
            if self._is_unchanged(event_id, event):
                raise
            return None
        return self._commit(plan, snapshot, deadlines, in_doubt)

    def leave_to_others(self, event: Event) -> None:
        """Have `try_cached` try nothing for an event until it was read again: others write it."""
        self._event_cache.leave_to_others(event)

    def _plan(
        self, snapshot: Snapshot, commands: Sequence[Command], event_id: str, now: datetime
    ) -> Plan:
        return planner.plan(snapshot, commands, event_id=event_id, now=now, plan_id=self._new_id())

    def _commit(
        self,
        plan: Plan,
        snapshot: Snapshot,
        deadlines: Sequence[float],
        in_doubt: Callable[[Plan], None],
    ) -> Plan | None:
        if not plan.actions:
            # A refusal must be true at one moment: that of the version that was read.
            return plan if self._is_unchanged(plan.event_id, snapshot.event) else None
        try:
            if not self._committer.commit(plan, min(deadlines[: len(plan.outcomes)])):
                return None
        except Unconfirmed:
            in_doubt(plan)
            raise
        except Exception:  # a definite failure, by the store's contract: nothing was written
            raise
        except BaseException:
            in_doubt(plan)
            raise
        if plan.event is not None:  # pragma: no branch  # a plan with actions has one
            self._event_cache.remember_commit(plan.event)
        return plan

    def _is_unchanged(self, event_id: str, event: Event | None) -> bool:
        again = self._store.get_event(event_id)
        return (again and again.version) == (event and event.version)
