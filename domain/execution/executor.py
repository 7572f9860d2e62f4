"""The executor: run commands against one event, batch by batch, and retry on conflict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from domain.commands import Command, Outcome
from domain.errors import Busy, NotConfirmed, RollcallError
from domain.execution.attempts import Attempts
from domain.execution.batching import CommandQueue, QueuedCommand
from domain.execution.committer import Committer
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed, UnconfirmedResolver
from domain.planning.plan import Plan
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
        self._retry = retry
        self._resolver = resolver
        self._committer = Committer(store, retry, clock, new_id, resolver)
        self._clock = clock
        self._on_commit = on_commit
        self.attempts = Attempts(store, clock, new_id, self._committer)
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
                if self._try(event_id, batch):
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

    def _try(self, event_id: str, batch: Batch) -> bool:
        """Return whether commands were completed; if not, load and plan again."""
        commands = [queued.command for queued in batch]
        deadlines = [queued.deadline for queued in batch]

        def in_doubt(plan: Plan) -> None:
            self._resolve_later(plan, batch[: len(plan.outcomes)])

        try:
            plan = self.attempts.try_cached(event_id, commands, deadlines, in_doubt)
            if plan is None:
                plan = self.attempts.try_read(event_id, commands, deadlines, in_doubt)
        except Unconfirmed:
            return True
        if plan is None:
            return False
        for queued, outcome in zip(batch, plan.outcomes, strict=False):
            _set(queued.result, outcome)
        self.announce(plan)
        return True

    def announce(self, plan: Plan) -> None:
        """Call `on_commit` for each journal that has a new entry."""
        for journal_id in plan.journal_ids:
            self._on_commit(journal_id)

    def _resolve_later(self, plan: Plan, batch: Batch) -> None:
        results: list[Future[object]] = [Future() for _ in batch]

        def resolve() -> bool:
            applied = self._committer.find_out(plan)
            if applied is None:
                return False
            if applied:
                self.announce(plan)
            for result, outcome in zip(results, plan.outcomes, strict=True):
                self._resolver.complete(result, outcome if applied else Busy())
            return True

        for queued, result in zip(batch, results, strict=True):
            queued.result.set_exception(NotConfirmed(result))
        self._resolver.keep_trying(resolve)


def _set(result: Future[Any], outcome: Outcome | RollcallError) -> None:
    if isinstance(outcome, RollcallError):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)
