"""Calls that meet faults at their requests, and checks of what is then answered and stored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

from domain.commands import ChangeOutcome, UnregisterOutcome
from domain.errors import Busy, NotConfirmed, RollcallError
from domain.models import UserDeletion
from domain.ports import Unavailable
from tests.support.crashes.workspace_tables import Stored, WorkspaceState, WorkspaceTables, plain
from tests.support.dynamodb.wire_faults import Fault, ProcessDied, Wire
from tests.support.environment import ManualClock, ids, service_on

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROCESS_DIED = "the process died"

_case = count(1)

_NEW_ID = re.compile(r"process\d+n\d+")
"""An id that a `ServiceProcess` gave."""


class ServiceProcess:
    """Service of one process; a test decides when its background work runs."""

    def __init__(
        self, tables: WorkspaceTables, clock: ManualClock, client: DynamoDBClient | None
    ) -> None:
        self._background: list[Callable[[], None]] = []
        self.store = tables.store(client)
        self.clock = clock
        self.service = service_on(
            self.store,
            clock=clock,
            spawn=self._background.append,
            # DynamoDB remembers tokens, so no two processes may give a plan the same id.
            new_id=ids(f"process{next(_case)}n"),
        )

    def finish(self) -> None:
        """Run the background work."""
        while self._background:
            self._background.pop(0)()

    def forget(self) -> None:
        """Drop the background work, as a process that ends."""
        self._background.clear()


@dataclass(frozen=True)
class Operation:
    """Call, and the workspace in which it is made."""

    name: str
    prepare: Callable[[ServiceProcess], None]
    call: Callable[[ServiceProcess], object]
    is_long: bool = False
    """Whether it takes several commits. A crash may leave a part of it, and R7.5 still holds."""
    fixes: bool = False
    """Whether it repairs data, so R7.5 does not hold before."""
    is_preparatory: bool = False
    """Whether it prepares another call, to which `Busy` then refers (`Service.ensure_user`)."""


@dataclass(frozen=True)
class Expected:
    """Answers and states without faults: of the call, of the same call again, and of the sweep."""

    before: WorkspaceState
    answer: object
    after: WorkspaceState
    again: object
    final: WorkspaceState
    requests: list[str]


@dataclass(frozen=True)
class FaultPlan:
    """Faults by request number, and one that lasts from a request on until the process has answered."""

    at: Mapping[int, Fault] = field(default_factory=dict)
    lasting: tuple[int, Fault] | None = None

    @property
    def is_survivable(self) -> bool:
        """Whether a process answers within its deadline all the same."""
        return (
            len(self.at) == 1 and self.lasting is None and not next(iter(self.at.values())).is_death
        )

    def __str__(self) -> str:
        """Return the faults on one line."""
        lines = [f"request {number}: {fault}" for number, fault in self.at.items()]
        if self.lasting is not None:
            lines.append(f"from request {self.lasting[0]} on: {self.lasting[1]}")
        return "; ".join(lines)


@dataclass
class Reported:
    """Answer of the first call's process, and its later result if the answer was "not confirmed"."""

    answer: object
    later: list[object] = field(default_factory=list)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the answer was "not confirmed"."""
        return isinstance(self.answer, NotConfirmed)


class CrashScenario:
    """Operation in a workspace that is restored before each case."""

    def __init__(
        self, tables: WorkspaceTables, faulty: DynamoDBClient, operation: Operation
    ) -> None:
        self._tables = tables
        self._faulty = faulty
        self.operation = operation
        tables.restore({})
        preparing = self._process()
        operation.prepare(preparing)
        self._stored: Stored = tables.stored()
        self._at_end: Stored | None = None
        self._continued: set[str] = set()
        """The data, `_without_ids`, that earlier cases left and from which the second call and the sweep went right."""

    def _process(self, client: DynamoDBClient | None = None) -> ServiceProcess:
        return ServiceProcess(self._tables, ManualClock(), client)

    @cached_property
    def expected(self) -> Expected:
        """The answers and states without faults."""
        self._tables.restore(self._stored)
        before = self._state(check_invariants=not self.operation.fixes)
        wire, reported = self._first_call(FaultPlan())
        after = self._state()
        again = self._second_call()
        return Expected(
            before, plain(reported.answer), after, again, self._swept(), requests=list(wire.sent)
        )

    def _state(self, *, check_invariants: bool = True) -> WorkspaceState:
        return self._tables.state(check_invariants=check_invariants)

    def _second_call(self) -> object:
        process = self._process()
        answer = plain(_answer(self.operation, process))
        process.finish()
        return answer

    def _swept(self) -> WorkspaceState:
        process = self._process()
        process.service.sweep()
        unfinished = [
            *process.store.list_unfinished_events(limit=10).items,
            *process.store.list_unfinished_users(limit=10).items,
        ]
        assert not unfinished, "the sweep left something unfinished"
        self._at_end = self._tables.stored()
        return self._tables.state(self._at_end)

    def _first_call(
        self, fault_plan: FaultPlan, before: WorkspaceState | None = None
    ) -> tuple[Wire, Reported]:
        """Make the call with these faults; then let delayed requests arrive, unless the process is dead."""
        process = self._process(self._faulty)
        wire = Wire(self._faulty, process.clock)
        try:
            for number, fault in fault_plan.at.items():
                wire.bring(fault, number)
            if fault_plan.lasting is not None:
                wire.bring(fault_plan.lasting[1], fault_plan.lasting[0], lasting=True)
            reported = Reported(_answer(self.operation, process))
            if isinstance(reported.answer, NotConfirmed):
                reported.answer.result.add_done_callback(
                    lambda result: reported.later.append(result.exception() or result.result())
                )
            is_busy = isinstance(reported.answer, Busy) and not self.operation.is_preparatory
            if before is not None and is_busy:
                assert self._state() == before, "busy, but something changed"
            if reported.answer is not PROCESS_DIED:
                wire.end_lasting()
                self._let_arrive(wire)
                with suppress(ProcessDied):
                    process.finish()
        finally:
            wire.cut()
        return wire, reported

    def _let_arrive(self, wire: Wire) -> None:
        """Let the requests in flight arrive. The tables noticed them when they were sent."""
        if wire.in_flight:
            wire.arrive()
            self._tables.forget_scans()

    def call_once(self, fault_plan: FaultPlan) -> Wire:
        """Make the call with these faults, without judging what comes of it."""
        self._tables.restore(self._stored)
        return self._first_call(fault_plan)[0]

    def check(self, fault_plan: FaultPlan) -> Wire:
        """Make the call with these faults, make it again as a person would, and sweep; check all answers.

        Most faults leave the same data as an earlier one did. A new process then does the same, so it does it once.
        """
        before = self.expected.before
        at_end, self._at_end = self._at_end, None
        self._tables.restore(self._stored, at_end)
        try:
            wire, reported = self._first_call(fault_plan, before)
            if fault_plan.is_survivable:
                self._judge_single_fault(reported)
            left = self._state(check_invariants=not self.operation.fixes)
            self._judge(reported, left, wire)
            stored = self._tables.stored()
            start = _without_ids(stored)
            is_whole = not wire.in_flight
            if is_whole and start in self._continued:
                self._at_end = stored
                return wire
            again = self._second_call()
            self._judge_again(again, left)
            self._let_arrive(wire)
            assert self._swept() == self.expected.final
            if is_whole:
                self._continued.add(start)
        except BaseException as error:
            error.add_note(f"{self.operation.name}, {fault_plan}")
            raise
        return wire

    def _judge(self, reported: Reported, left: WorkspaceState, wire: Wire) -> None:
        """Assert that the answer is true."""
        expected, is_long = self.expected, self.operation.is_long
        if not is_long:
            assert left in (expected.before, expected.after), "only a part was done"
        answer = reported.answer
        if reported.is_unconfirmed and not wire.is_dead:
            assert len(reported.later) == 1, "no later result"
            answer = reported.later[0]
        if answer is PROCESS_DIED or isinstance(answer, NotConfirmed | Unavailable):
            return
        if isinstance(answer, Busy):
            is_unchanged = left == expected.before
            assert is_unchanged or self.operation.is_preparatory, "busy, but something changed"
        elif is_long and _is_unfinished(answer):
            assert left == expected.after or wire.is_dead, "called unfinished, but is not"
        elif is_long and _are_fewer(answer, expected.answer):
            pass  # the number of finished operations; the next sweep continues
        else:
            assert reported.is_unconfirmed or plain(answer) == expected.answer
            assert not reported.is_unconfirmed or self._is_possible_result(answer)
            assert is_long or left == expected.after, "called done, but is not"

    def _is_possible_result(self, result: object) -> bool:
        """Return whether an unconfirmed request may end in this result: of the whole call, or of its first commit."""
        if isinstance(result, ChangeOutcome):
            whole = plain(result), plain(result.event), (plain(result.event), True)
            return self.operation.is_long or self.expected.answer in whole
        if isinstance(result, UnregisterOutcome) and isinstance(self.expected.answer, tuple):
            _, values = self.expected.answer
            return bool(plain(result.event) == values.get("series", values.get("event")))
        return plain(result) == self.expected.answer

    def _judge_single_fault(self, reported: Reported) -> None:
        """Assert that the call was answered in spite of one fault; the notification worker retries later."""
        if not isinstance(reported.answer, Unavailable):
            assert plain(reported.answer) == self.expected.answer

    def _judge_again(self, again: object, left: WorkspaceState) -> None:
        expected = self.expected
        if left == expected.before:
            assert again == expected.answer
        elif left == expected.after:
            assert again == expected.again
        else:
            assert type(again) is type(expected.answer) or again == expected.again


def _without_ids(stored: Stored) -> str:
    """Return stored items as text, with new ids numbered: they differ between two runs of the same call."""
    numbers: dict[str, str] = {}
    text = json.dumps(sorted(stored.items()), sort_keys=True)
    return _NEW_ID.sub(lambda found: numbers.setdefault(found[0], f"id {len(numbers)}"), text)


def _are_fewer(number: object, expected: object) -> bool:
    return isinstance(number, int) and isinstance(expected, int) and number < expected


def _is_unfinished(answer: object) -> bool:
    """Return whether the answer says that a long operation goes on in the background."""
    return answer is False or (isinstance(answer, UserDeletion) and not answer.is_done)


def _answer(operation: Operation, process: ServiceProcess) -> object:
    try:
        return operation.call(process)
    except (RollcallError, Unavailable) as error:
        return error
    except ProcessDied:
        return PROCESS_DIED
