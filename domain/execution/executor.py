"""The executor: run commands against one event. Load, plan, commit, and retry on conflict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from domain.commands import Command, Outcome, Register
from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.batching import CommandQueue, QueuedCommand
from domain.execution.cache import EventCache
from domain.execution.committer import Committer
from domain.execution.loader import load_snapshot
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed, UnconfirmedResolver
from domain.models import Event
from domain.planning import planner
from domain.planning.plan import Plan
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from domain.ports import Clock, NewId, Store, Unavailable

BATCH_SIZE = 50
"""The most commands loaded together: a registration reads two items, and one batch read takes 100."""

Batch = Sequence[QueuedCommand[Command, Outcome]]


class Executor:
    """Runs commands, batch by batch, and gives each its outcome or its refusal."""

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
        self.command_queue: CommandQueue[Command, Outcome] = CommandQueue(
            self._run_batch, clock, batch_size=BATCH_SIZE
        )

    def execute(self, event_id: str, command: Command, deadline: float) -> Outcome:
        """Return the command's outcome; raise its refusal, `Busy` or `NotConfirmed`."""
        self._resolver.refuse_if_full()
        return self.command_queue.submit(event_id, command, deadline)

    def _run_batch(self, event_id: str, batch: Batch) -> None:
        """Complete as many of the commands as one plan holds, and those whose deadline has passed.

        The first command's caller does this, so its deadline ends it. Those behind it go on without it.
        """
        leader = batch[0]
        for _ in self._retry.pauses(leader.deadline):
            batch = self._without_expired(batch)
            if leader not in batch:
                return
            try:
                if self._try_cached(event_id, batch) or self._try(event_id, batch):
                    return
            except Unavailable:
                continue
        leader.result.set_exception(Busy())

    def _without_expired(self, batch: Batch) -> Batch:
        now = self._clock.monotonic()
        for queued in batch:
            if queued.deadline <= now:
                queued.result.set_exception(Busy())
        return [queued for queued in batch if not queued.result.done()]

    def _try_cached(self, event_id: str, batch: Batch) -> bool:
        """Return whether a single registration was completed with one request, without a read.

        It is planned on the cached event, as if the user had no registration. The conditions of the
        commit verify that. A plan that would refuse it is not tried.
        """
        command = batch[0].command
        event = self._event_cache.get_if_likely_current(event_id)
        if len(batch) > 1 or not isinstance(command, Register) or event is None:
            return False
        snapshot = Snapshot(event, users={command.user_id})
        plan = self._plan(snapshot, [command], event_id, self._clock.now())
        return bool(plan.actions) and self._commit(plan, snapshot, batch)

    def _try(self, event_id: str, batch: Batch) -> bool:
        """Return whether commands were completed; if not, load and plan again."""
        commands = [queued.command for queued in batch]
        # Before the reads: if the event is closed by this time, it was closed when its users were read.
        now = self._clock.now()
        snapshot = load_snapshot(self._store, event_id, commands)
        if snapshot.event is not None:
            self._event_cache.remember_read(snapshot.event)
        try:
            plan = self._plan(snapshot, commands, event_id, now)
        except InconsistentSnapshot:
            if self._is_unchanged(event_id, snapshot.event):
                raise
            return False
        return self._commit(plan, snapshot, batch)

    def _plan(
        self, snapshot: Snapshot, commands: Sequence[Command], event_id: str, now: datetime
    ) -> Plan:
        return planner.plan(snapshot, commands, event_id=event_id, now=now, plan_id=self._new_id())

    def _commit(self, plan: Plan, snapshot: Snapshot, batch: Batch) -> bool:
        """Commit the plan and complete its commands; return False if it did not apply."""
        planned = batch[: len(plan.outcomes)]
        if not plan.actions:
            # A refusal must be true at one moment: that of the version that was read.
            if not self._is_unchanged(plan.event_id, snapshot.event):
                return False
            _complete(planned, plan)
            return True
        try:
            if not self._committer.commit(plan, min(queued.deadline for queued in planned)):
                return False
        except Unconfirmed:
            self._resolve_later(plan, planned)
            return True
        except Exception:
            raise  # a definite failure, by the store's contract: nothing was written
        except BaseException:
            self._resolve_later(plan, planned)
            raise
        if plan.event is not None:  # pragma: no branch  # a plan with actions has one
            self._event_cache.remember_commit(plan.event)
        _complete(planned, plan)
        self._announce(plan)
        return True

    def _announce(self, plan: Plan) -> None:
        for journal_id in plan.journal_ids:
            self._on_commit(journal_id)

    def _resolve_later(self, plan: Plan, batch: Batch) -> None:
        results: list[Future[object]] = [Future() for _ in batch]

        def resolve() -> bool:
            applied = self._committer.find_out(plan)
            if applied is None:
                return False
            if applied:
                self._announce(plan)
            for result, outcome in zip(results, plan.outcomes, strict=True):
                self._resolver.complete(result, outcome if applied else Busy())
            return True

        for queued, result in zip(batch, results, strict=True):
            queued.result.set_exception(NotConfirmed(result))
        self._resolver.keep_trying(resolve)

    def _is_unchanged(self, event_id: str, event: Event | None) -> bool:
        again = self._store.get_event(event_id)
        return (again and again.version) == (event and event.version)


def _complete(batch: Batch, plan: Plan) -> None:
    for queued, outcome in zip(batch, plan.outcomes, strict=True):
        _set(queued.result, outcome)


def _set(result: Future[Any], outcome: Outcome | RollcallError) -> None:
    if isinstance(outcome, RollcallError):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)
