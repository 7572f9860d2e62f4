"""The executor of a process that can't batch: commands that would meet others' go through the event's queue (R14).

A Lambda function handles one request at a time, so presses for one event meet at its version. One that has met others
twice opens the event's queue for everybody. One consumer then carries out what is queued, batch by batch, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from domain.commands import AddAttendees, Command, Outcome
from domain.errors import Busy, OperatorNeeded, OutcomeUnknown, Queued, RollcallError
from domain.execution.executor import Executor
from domain.execution.request_codec import (
    InDoubt,
    decode_result,
    encode_command,
    encode_results,
)
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import Unconfirmed
from domain.models import Event
from domain.planning.plan import MAX_REGISTRATIONS_PER_COMMIT, Plan
from domain.ports import AnswerLost, Clock, Conflict, NewId, RequestQueue, Unavailable
from domain.queued import AwaitedReply, QueuedRequest

OPEN_SECONDS = 3.0
"""How long a queue stays open. Whoever uses it with less than half of that left opens it again."""

CONFLICTS = 2
"""How often a command meets another before it opens the queue. Two people who press at once need no queue: the one
who comes second tries again at once, and does not wait until the consumer starts."""

POLL_SECONDS = 0.08
POLL_SPREAD = 0.3
"""Pause between two looks for a result, and the part of it by which it varies."""

REPLY_LATER_AFTER = 1.6
"""Seconds after its receipt when a press is told to wait. The reply must reach Slack within three (R8.12)."""

ANSWER_LATEST = 20.0
"""Seconds after its receipt when a request in HTTP is given up on: no later reply to it is possible (R11)."""


class _QueueOpen(Exception):
    """The event's queue is open, so nothing was tried."""


@dataclass(frozen=True, slots=True)
class Queueing:
    """How commands wait in queues.

    `reply_address` returns where a later reply to the request in progress goes, or None if nobody can get one.
    A process waits for the result of a queued command until so many seconds after its receipt. Where few functions
    run at the same time, that must be 0: those that wait would keep others from starting.
    """

    queue: RequestQueue
    reply_address: Callable[[], str | None]
    wait_seconds: float


class QueueingExecutor:
    """Runs one command at a time: directly, or through the event's queue while that is open."""

    def __init__(
        self,
        executor: Executor,
        queueing: Queueing,
        retry: RetryPolicy,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._executor = executor
        self._queue = queueing.queue
        self._queueing = queueing
        self._retry = retry
        self._clock = clock
        self._new_id = new_id

    def execute(self, event_id: str, command: Command, deadline: float) -> Outcome:
        """Return the command's outcome; raise its refusal, `Busy`, `Queued` or `OutcomeUnknown`."""
        received_at = self._clock.monotonic() - self._retry.seconds_since_receipt()
        can_wait = not _is_large(command)
        conflicts, asks_queue = 0, can_wait
        in_doubt: list[Plan] = []
        for _ in self._retry.pauses(deadline):
            read = partial(self._read, event_id) if asks_queue else None
            try:
                plan = self._try(
                    event_id, command, deadline, in_doubt.append, read, is_first=conflicts == 0
                )
            except Unavailable:
                continue
            except _QueueOpen:
                conflicts = CONFLICTS
            except Unconfirmed:
                return self._resolve(event_id, command, in_doubt[0], received_at, deadline)
            else:
                if plan is not None:
                    self._executor.announce(plan)
                    return _returned(plan.outcomes[0])
                conflicts += 1
                if conflicts == CONFLICTS and can_wait:
                    self._open(event_id)
            if conflicts >= CONFLICTS and can_wait:
                request = self._request(event_id, encode_command(command), received_at)
                if self._put_request(request, deadline):
                    return _returned(self._result(request, received_at, deadline))
                asks_queue = False
        raise Busy

    def _try(
        self,
        event_id: str,
        command: Command,
        deadline: float,
        in_doubt: Callable[[Plan], None],
        read_event: Callable[[], Event | None] | None,
        *,
        is_first: bool,
    ) -> Plan | None:
        """Return the plan that holds, or None if it met another. Raises `_QueueOpen`, and what `Attempts` do."""
        commands, deadlines, attempts = [command], [deadline], self._executor.attempts
        if is_first:
            plan = attempts.try_cached(event_id, commands, deadlines, in_doubt)
            if plan is not None:
                return plan
        return attempts.try_read(event_id, commands, deadlines, in_doubt, read_event)

    def _read(self, event_id: str) -> Event | None:
        """Return the event; raise `_QueueOpen`."""
        event, open_until = self._queue.get_event_and_queue(event_id)
        if open_until is None:
            return event
        seconds = (open_until - self._clock.now()).total_seconds()
        if seconds <= 0:
            return event
        if seconds < OPEN_SECONDS / 2:
            self._open(event_id)
        if event is not None:
            # Each press in a function that has seen the event before would meet the consumer's commits once more.
            self._executor.attempts.leave_to_others(event)
        raise _QueueOpen

    def _open(self, event_id: str) -> None:
        until = self._clock.now() + timedelta(seconds=OPEN_SECONDS)
        with suppress(AnswerLost, Conflict):  # whoever meets another next opens it
            self._queue.open_queue(event_id, until)

    def _resolve(
        self, event_id: str, command: Command, plan: Plan, received_at: float, deadline: float
    ) -> Outcome:
        """Have the consumer find out whether a plan applied, and carry out the command if it did not.

        A function is frozen after its answer, so it can't find out itself.
        """
        if plan.event is None:
            raise ValueError(f"plan {plan.plan_id} writes nothing")
        (result,) = encode_results([""], plan.outcomes, self._clock.now())
        in_doubt = InDoubt(plan.plan_id, plan.event.version, result)
        request = self._request(event_id, encode_command(command, in_doubt), received_at)
        try:
            is_put = self._put_request(request, deadline)
        except OperatorNeeded:  # it says that nothing was changed, and the plan may have applied
            is_put = False
        if not is_put:
            raise OutcomeUnknown
        return _returned(self._result(request, received_at, deadline))

    def _request(self, event_id: str, command: str, received_at: float) -> QueuedRequest:
        age = timedelta(seconds=self._clock.monotonic() - received_at)
        return QueuedRequest(self._new_id(), event_id, self._clock.now() - age, command)

    def _put_request(self, request: QueuedRequest, deadline: float) -> bool:
        """Return whether a request may be queued. One that may be is written again: that changes nothing.

        Raises `OperatorNeeded` if it was not queued.
        """
        was_sent = False
        for _ in self._retry.pauses(deadline):
            try:
                self._queue.put_request(request)
            except AnswerLost:
                was_sent = True
            except Conflict:
                if not was_sent:
                    return False
            except OperatorNeeded:
                if not was_sent:
                    raise
            else:
                return True
        return True

    def _put_reply(self, reply: AwaitedReply, deadline: float) -> bool:
        """Return whether a reply is awaited."""
        for _ in self._retry.pauses(deadline):
            with suppress(AnswerLost, Conflict, OperatorNeeded):
                self._queue.put_awaited_reply(reply)
                return True
        return False

    def _result(
        self, request: QueuedRequest, received_at: float, deadline: float
    ) -> Outcome | RollcallError:
        """Return the outcome or refusal of a request in the queue, or that its reply comes later."""
        until = received_at + self._queueing.wait_seconds
        has_waited = self._clock.monotonic() < until
        result = self._wait_for_result(request.request_id, until)
        if result is not None:
            return result
        address = self._queueing.reply_address()
        if address is None:
            return OutcomeUnknown()
        reply = AwaitedReply(request.request_id, request.event_id, self._clock.now(), address)
        # The stream has this and the result. Whoever gets the later record of the two finds both.
        return Queued(has_waited) if self._put_reply(reply, deadline) else OutcomeUnknown()

    def _wait_for_result(self, request_id: str, until: float) -> Outcome | RollcallError | None:
        """Return the result of a request, or None if there is none by then."""
        while self._clock.monotonic() < until:
            spread = 1 + POLL_SPREAD * (2 * self._retry.shortened(1.0) - 1)
            self._clock.sleep(POLL_SECONDS * spread)
            try:
                result = self._queue.get_result(request_id)
            except Unavailable:
                continue
            if result is not None:
                return decode_result(result)
        return None


def _is_large(command: Command) -> bool:
    """Return whether a command takes a whole commit, which in the queue also holds its result."""
    return (
        isinstance(command, AddAttendees) and len(command.user_ids) >= MAX_REGISTRATIONS_PER_COMMIT
    )


def _returned(outcome: Outcome | RollcallError) -> Outcome:
    if isinstance(outcome, RollcallError):
        raise outcome
    return outcome
