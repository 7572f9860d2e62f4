"""The consumer of the request queue: carries out what is queued for one event, in order, batch by batch (R14).

Each commit also writes the results of its requests, so a consumer that takes over from one that died knows which
requests were carried out, and how. A commit waits only for the commit before it: its rows are read and planned
meanwhile, on the event that the other leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import TypeVar

from domain.commands import AddAttendees, Command, Register
from domain.errors import Busy, OperatorNeeded, OutcomeUnknown, RequestFailed, RollcallError
from domain.execution.background import Work
from domain.execution.committer import Committer
from domain.execution.executor import BATCH_SIZE
from domain.execution.loader import load_rows
from domain.execution.queueing_executor import OPEN_SECONDS
from domain.execution.request_codec import (
    InDoubt,
    UnreadableRequest,
    decode_command,
    encode_results,
)
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed
from domain.models import Event
from domain.planning import planner
from domain.planning.plan import (
    ACTIONS_PER_COMMIT,
    CheckUser,
    Plan,
    PutBatchResults,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from domain.ports import (
    AnswerLost,
    Clock,
    Conflict,
    NewId,
    RequestQueue,
    Spawn,
    Store,
    Unavailable,
)
from domain.queued import SLOTS, BatchResults, QueuedRequest, RequestResult

T = TypeVar("T")

OLDEST = timedelta(minutes=10)
"""The age from which a request is not carried out anymore.

`GIVEN_UP_AFTER` is later than that by more than a commit takes, and more than two clocks differ.
"""

CLOCKS_APART = timedelta(minutes=1)
"""The most that the clocks of two functions may be apart."""

GIVEN_UP_AFTER = timedelta(minutes=15)
"""The age at which a request without a result gets one that says so."""

MOST_REFUSED = 10
"""Refusals in a row, over some seconds, after which a plan itself is at fault: what it rests on is damaged."""


_TEMPORARY = (Unavailable, Conflict, AnswerLost)
"""Errors after which the consumer begins again where it was."""

_FORESEEN = (OperatorNeeded, Unconfirmed)
"""Errors that end an invocation: what is left comes again."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    request: QueuedRequest
    command: Command
    in_doubt: InDoubt | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A plan for the first requests that are left. `results` are theirs once it holds."""

    plan: Plan
    snapshot: Snapshot
    results: tuple[RequestResult, ...]

    @property
    def leaves(self) -> Event | None:
        """The event as the plan leaves it."""
        return self.plan.event if self.plan.actions else self.snapshot.event


@dataclass(frozen=True, slots=True)
class Consumed:
    """How many requests have results, the first ones, and what kept the store from taking the others, if it did."""

    number: int
    fault: Exception | None


class QueueConsumer:
    """Carries out queued requests. One consumer at a time has the requests of an event.

    `log_failure` logs an unforeseen failure and returns its reference. Its commits are delivered by whoever reads the
    journal's stream.
    """

    def __init__(
        self,
        store: Store,
        queue: RequestQueue,
        retry: RetryPolicy,
        clock: Clock,
        committer: Committer,
        *,
        new_id: NewId,
        spawn: Spawn,
        log_failure: Callable[[Exception], str],
    ) -> None:
        self.store = store
        self.queue = queue
        self.retry = retry
        self.clock = clock
        self.committer = committer
        self.new_id = new_id
        self.spawn = spawn
        self.log_failure = log_failure

    def consume(self, event_id: str, requests: Sequence[QueuedRequest], until: float) -> Consumed:
        """Carry out an event's requests, until a time on the clock's `monotonic`.

        Those that have no result are handed to a consumer again, in order.
        """
        fault: Exception | None = None
        run = _Run(self, event_id, requests, until)
        try:
            while run.left and self.clock.monotonic() < until and run.makes_progress():
                pass
            run.finish_writing(0)
        except _FORESEEN as error:
            fault = error
        return Consumed(run.written(), fault or run.fault)


class _Run:
    """The requests of one invocation. `left` are those that were not carried out yet."""

    def __init__(
        self,
        consumer: QueueConsumer,
        event_id: str,
        requests: Sequence[QueuedRequest],
        until: float,
    ) -> None:
        self._consumer = consumer
        self._event_id = event_id
        self._until = until
        self.left = list(requests)
        self.fault: Exception | None = None
        """The last error after which it began again."""
        self._done: list[tuple[int, Work[None] | None]] = []
        """How many requests were carried out together, in order, and what writes their results if they are not
        written yet."""
        self._one_by_one = 0
        """How many of the next requests are planned alone: one of them can't be planned."""
        self._next_slot = 0
        self._reopens_at = consumer.clock.monotonic()
        self._refused = 0
        """How often in a row a commit was refused although nobody else had changed the event."""
        self._is_fenced = False
        """Whether no plan of an earlier consumer can apply any more: this one has changed the event since."""

    def makes_progress(self) -> bool:
        """Carry out what is left. Return whether some of it was before the time was over."""
        before = len(self.left)
        for _ in self._consumer.retry.pauses(self._until):
            try:
                self._go_on()
            except _TEMPORARY as error:
                self.fault = error
            if len(self.left) < before:
                return True
        return False

    def written(self) -> int:
        """Return how many requests have results: the first ones."""
        written = 0
        for number, writing in self._done:
            if writing is not None and not writing.is_successful():
                break
            written += number
        return written

    def finish_writing(self, most: int) -> None:
        """Wait until at most so many commits have results that are still being written."""
        writing = [work for _, work in self._done if work is not None]
        for work in writing[: len(writing) - most]:
            work.wait()

    def _go_on(self) -> None:
        """Carry out what is left. Raises `Conflict` if another process changes the event: begin again."""
        self._skip_known()
        prepared: _Prepared | None = None
        while self.left and self._consumer.clock.monotonic() < self._until:
            if self._consumer.clock.monotonic() >= self._reopens_at:
                self._keep_open()
            prepared = prepared or self._prepare()
            if prepared is not None:
                prepared = self._carry_out(prepared)

    def _keep_open(self) -> None:
        """Keep the queue open: whoever presses now must not overtake those who wait in it."""
        consumer = self._consumer
        self._reopens_at = consumer.clock.monotonic() + OPEN_SECONDS / 2
        with suppress(*_TEMPORARY):
            until = consumer.clock.now() + timedelta(seconds=OPEN_SECONDS)
            consumer.queue.open_queue(self._event_id, until)

    def _skip_known(self) -> None:
        """Skip requests that were carried out already: an earlier consumer died, or its answer was lost.

        All before the last one that was carried out were, too. So if the first was not, none was.
        """
        first = self.left[0].request_id
        state = self._consumer.queue.get_queue_state(self._event_id, [first])
        last = max(state.batches, key=lambda batch: batch.version, default=None)
        self._next_slot = 0 if last is None else (last.slot + 1) % SLOTS
        committed = {one.request_id: one for batch in state.batches for one in batch.results}
        if first not in state.results and first not in committed:
            return
        ids = [request.request_id for request in self.left]
        written = self._consumer.queue.get_queue_state(self._event_id, ids).results
        missing = [committed[id_] for id_ in ids if id_ in committed and id_ not in written]
        if missing:
            self._consumer.queue.put_results(missing)
        known = written.keys() | committed.keys()
        self._complete(sum(1 for _ in takewhile(known.__contains__, ids)))

    # Planning

    def _prepare(self) -> _Prepared | None:
        """Return a plan on what is stored, or None if it did not come to one."""
        batch = self._batch(self.left)
        if not batch:
            return None
        first = batch[0]
        if first.in_doubt is not None and self._was_applied(first.in_doubt):
            outcome = first.in_doubt.outcome
            self._end_without_plan(replace(outcome, request_id=first.request.request_id))
            return None
        return self._plan_or_end(batch, self._consumer.store.get_event(self._event_id))

    def _prepare_after(self, prepared: _Prepared) -> _Prepared | None:
        """Return a plan for what comes next, on the event that a plan leaves that is being committed.

        Return None if what comes next needs more than that plan tells: it must be read after the commit.
        """
        following = self.left[len(prepared.results) :]
        if self._one_by_one or not following:
            return None
        added = added_users(prepared.plan)
        batch = self._batch(following)
        if added is None or not batch or not all(_only_adds(one, added) for one in batch):
            return None
        try:
            return self._planned(batch, prepared.leaves)
        except Exception:  # noqa: BLE001  # it is planned again after the commit, and fails there if it must
            return None

    def _batch(self, requests: Sequence[QueuedRequest]) -> list[_Decoded]:
        """Return the commands of the first requests, as many as one plan may hold.

        A request that is too old, or that can't be read, ends the batch. If it is the first that is left, it gets
        its result. A request with a plan in doubt is a batch of its own. So is an addition: its outcome is large.
        """
        batch: list[_Decoded] = []
        for request in requests[: 1 if self._one_by_one else BATCH_SIZE]:
            try:
                decoded = self._decoded(request)
            except (Busy, OutcomeUnknown, UnreadableRequest) as error:
                if request is self.left[0]:
                    self._fence(self._consumer.store.get_event(self._event_id))
                    self._end_with(request, error)
                return batch
            if decoded.in_doubt is None and not isinstance(decoded.command, AddAttendees):
                batch.append(decoded)
                continue
            return batch or [decoded]
        return batch

    def _decoded(self, request: QueuedRequest) -> _Decoded:
        command, in_doubt = decode_command(request.command)
        if self._consumer.clock.now() - request.received_at > OLDEST:
            # The plan may have applied, so nobody may say that nothing was changed.
            raise Busy if in_doubt is None else OutcomeUnknown
        return _Decoded(request, command, in_doubt)

    def _plan_or_end(self, batch: Sequence[_Decoded], event: Event | None) -> _Prepared | None:
        """Return a plan for a batch, or None: it is planned again. If it can't be planned, that is one by one.

        One that can't be planned alone has failed: that is its result.
        """
        try:
            prepared = self._planned(batch, event)
        except (*_TEMPORARY, *_FORESEEN):
            raise
        except Exception as error:  # whatever the planner raises, it concerns these requests only
            if isinstance(error, InconsistentSnapshot) and self._has_changed(event):
                raise Conflict from error
            if len(batch) > 1:
                self._one_by_one = len(batch)
            else:
                self._end_with(batch[0].request, error)
            return None
        is_refused = not prepared.plan.actions
        if is_refused and self._may_depend_on_time(event, batch) and self._fence(event):
            return None
        return prepared

    def _may_depend_on_time(self, event: Event | None, batch: Sequence[_Decoded]) -> bool:
        """Return whether an earlier consumer, on the same event, may have planned what is refused now."""
        if event is None:
            return False
        since = min(one.request.received_at for one in batch) - CLOCKS_APART
        times = (event.registration_deadline, event.starts_at, event.over_at)
        return any(since <= one <= self._consumer.clock.now() for one in times if one is not None)

    def _fence(self, event: Event | None) -> bool:
        """Have no plan of an earlier consumer apply any more. Return whether that changed the event.

        It may have died with a commit on its way. A commit of this one would exclude that; a refusal does not change
        the event, so its request could still be carried out. A deleted event takes no plan that was made before.
        Raises what `Store.commit` does.
        """
        if self._is_fenced or event is None or event.deletion is not None:
            return False
        self._commit_fence(event)
        return True

    def _commit_fence(self, event: Event) -> None:
        now, plan_id = self._consumer.clock.now(), self._consumer.new_id()
        self._consumer.store.commit(planner.fence(event, now=now, plan_id=plan_id))
        self._is_fenced = True

    def _planned(self, batch: Sequence[_Decoded], event: Event | None) -> _Prepared:
        consumer = self._consumer
        commands = [decoded.command for decoded in batch]
        now = consumer.clock.now()
        snapshot = load_rows(consumer.store, event, self._event_id, commands)
        plan = planner.plan(
            snapshot,
            commands,
            event_id=self._event_id,
            now=now,
            plan_id=consumer.new_id(),
            budget=ACTIONS_PER_COMMIT - 1,  # the results take one
        )
        ids = [decoded.request.request_id for decoded in batch[: len(plan.outcomes)]]
        return _Prepared(plan, snapshot, encode_results(ids, plan.outcomes, now))

    def _has_changed(self, event: Event | None) -> bool:
        again = self._consumer.store.get_event(self._event_id)
        return (again and again.version) != (event and event.version)

    def _was_applied(self, in_doubt: InDoubt) -> bool:
        """Return whether a plan applied; if not, it never will, or only if nothing else does."""
        consumer = self._consumer
        # The event first: one commit writes it and its entry, so an entry that is read after it is final.
        event = consumer.store.get_event(self._event_id)
        if event is None:
            return False
        if event.version < in_doubt.version:
            # It could still apply. Once the version is another, it can't any more.
            self._commit_fence(event)
            return False
        entry = consumer.store.get_journal_entry(self._event_id, in_doubt.version)
        return entry is not None and entry.plan_id == in_doubt.plan_id

    # Carrying out

    def _carry_out(self, prepared: _Prepared) -> _Prepared | None:
        """Commit a plan and complete its requests. Return the plan for the next, if there is one already.

        Raises `Conflict` if it did not apply: another process has changed the event.
        """
        self.finish_writing(SLOTS - 1)  # those of the slot that this commit takes
        commit = self._start(lambda: self._commit(prepared))
        following = self._prepare_after(prepared)
        try:
            commit.wait()
        except Exception as error:  # by the committer's contract, nothing was written
            if not self._is_at_fault(prepared, error):
                raise
            self._take_apart(prepared, error)
            return None
        self._refused = 0
        if not prepared.plan.actions:
            self._complete(len(prepared.results))
            return following
        self._is_fenced = True
        self._next_slot = (self._next_slot + 1) % SLOTS
        self._complete(
            len(prepared.results), self._start(lambda: self._write_results(prepared.results))
        )
        return following

    def _is_at_fault(self, prepared: _Prepared, error: Exception) -> bool:
        """Return whether a plan itself is at fault: nobody foresaw its error, or it is refused again and again."""
        if not isinstance(error, (*_FORESEEN, *_TEMPORARY)):
            return True
        if not isinstance(error, Conflict) or self._has_changed(prepared.snapshot.event):
            return False
        self._refused += 1
        return self._refused >= MOST_REFUSED

    def _take_apart(self, prepared: _Prepared, error: Exception) -> None:
        """Plan the requests of a plan that can't be committed one by one.

        One that can't be committed alone has failed. If the store only refused it, the answer is "busy", as
        without a queue.
        """
        self._refused = 0
        if len(prepared.results) > 1:
            self._one_by_one = len(prepared.results)
        else:
            self._end_with(self.left[0], Busy() if isinstance(error, Conflict) else error)

    def _write_results(self, results: Sequence[RequestResult]) -> None:
        for _ in self._consumer.retry.pauses(self._until):
            try:
                self._consumer.queue.put_results(results)
            except _TEMPORARY:
                continue
            return
        raise Unconfirmed

    def _commit(self, prepared: _Prepared) -> None:
        plan, event = prepared.plan, prepared.snapshot.event
        if not plan.actions:
            version = None if event is None else event.version
            self._consumer.queue.put_refusals(self._event_id, version, prepared.results)
            return
        if plan.event is None:
            raise ValueError(f"plan {plan.plan_id} writes nothing")
        batch = BatchResults(self._event_id, self._next_slot, plan.event.version, prepared.results)
        with_results = replace(plan, actions=(*plan.actions, PutBatchResults(batch)))
        if not self._consumer.committer.commit(with_results, self._until):
            raise Conflict

    def _complete(self, number: int, writing: Work[None] | None = None) -> None:
        del self.left[:number]
        self._done.append((number, writing))
        self._one_by_one = max(0, self._one_by_one - number)

    def _end_with(self, request: QueuedRequest, error: Exception) -> None:
        """Give the first request that is left a result that no plan gives. It is never carried out."""
        refusal = _refusal(error) or RequestFailed(self._consumer.log_failure(error))
        now = self._consumer.clock.now()
        self._end_without_plan(*encode_results([request.request_id], [refusal], now))

    def _end_without_plan(self, result: RequestResult) -> None:
        self._consumer.queue.put_results([result])
        self._complete(1)

    def _start(self, work: Callable[[], T]) -> Work[T]:
        return Work(work, self._consumer.spawn, self._consumer.clock)


def _refusal(error: Exception) -> RollcallError | None:
    return error if isinstance(error, RollcallError) else None


_ADDING = (PutEvent, PutRegistration, PutWaitlistEntry, CheckUser, PutJournalEntry)


def added_users(plan: Plan) -> frozenset[str] | None:
    """Return the users whom a plan adds; None if it does more than add.

    New attendees come after all others, so such a plan changes nobody else's registration or position.
    """
    if not all(isinstance(action, _ADDING) for action in plan.actions):
        return None
    puts = [action for action in plan.actions if isinstance(action, PutRegistration)]
    if any(put.replaces is not None for put in puts):
        return None
    return frozenset(put.registration.user_id for put in puts)


def _only_adds(decoded: _Decoded, added: frozenset[str]) -> bool:
    command = decoded.command
    return (
        isinstance(command, Register) and command.user_id not in added and decoded.in_doubt is None
    )
