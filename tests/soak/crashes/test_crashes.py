"""Crash tests: each operation meets faults at each of its requests to DynamoDB, is called again, and swept.

Faults that leave the same data share the second call and the sweep (tests/support/crashes/cases.py).

`make soak` checks all cases, `make test` a few faults of each request. The sums below pytest's report
say how many cases each operation has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count as count_from
from itertools import product

import pytest

from domain.execution.committer import Committer
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Conflict
from tests.support.counting import Count
from tests.support.crashes import operations
from tests.support.crashes.cases import CrashScenario, FaultPlan
from tests.support.crashes.workspace_tables import WorkspaceTables
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.dynamodb.requests import WRITES
from tests.support.dynamodb.wire_faults import Fault
from tests.support.stores import empty_local

ALL = [
    *operations.USERS,
    *operations.EVENTS,
    *operations.ORGANIZERS,
    *operations.REGISTRATIONS,
    *operations.SWEEPS,
    *operations.SERIES,
    *operations.REPAIRS,
    *operations.OUTBOX,
]

ROTATED_FAULTS = [
    Fault.THROTTLED,
    Fault.FAILED,
    Fault.DIES_BEFORE,
    Fault.UNCONNECTED,
    Fault.CONFLICT,
    Fault.CLOSED,
    Fault.FAILED_APPLIED,
    Fault.DIES_LATE,
    Fault.LATE,
]

Faults = Callable[[CrashScenario, int], Sequence[Fault]]
"""Chooses the faults to try at a request."""


@contextmanager
def scenario_of(name: str) -> Iterator[CrashScenario]:
    """Yield the scenario of an operation, with a separate client for the faults."""
    operation = next(operation for operation in ALL if operation.name == name)
    with empty_local() as store:
        tables, client = WorkspaceTables(store._client, store._prefix), client_of(local_endpoint())
        with tables.watching(client):
            yield CrashScenario(tables, client, operation)


@pytest.fixture(scope="module", params=[operation.name for operation in ALL])
def scenario(request: pytest.FixtureRequest) -> Iterator[CrashScenario]:
    with scenario_of(request.param) as scenario:
        yield scenario


def few_faults(scenario: CrashScenario, at: int) -> Sequence[Fault]:
    """Return one fault: for a write one of the worst two or one of the others, in turn."""
    name, number = name_of(scenario, at), at + len(scenario.operation.name)
    others = [fault for fault in ROTATED_FAULTS if fault.can_meet(name)]
    other = others[number % len(others)]
    if name in WRITES:
        return [(Fault.DIES_AFTER, Fault.LOST, other)[number % 3]]
    # A long operation has many reads: take every sixth, and of a repair's hundred every fortieth.
    every_nth = 40 if scenario.operation.fixes else 6 if scenario.operation.is_long else 1
    return [] if name and number % every_nth else [other]


def all_faults(scenario: CrashScenario, at: int) -> Sequence[Fault]:
    """Return every fault that the request can meet; for a read of a long operation one of them, in turn.

    A repair has about a hundred reads, and a crash at any of them leaves what the write before it left: take every
    fourth, and each that follows a write.
    """
    name = name_of(scenario, at)
    possible = [fault for fault in Fault if fault.can_meet(name)]
    if name in WRITES or not scenario.operation.is_long:
        return possible
    is_alike = scenario.operation.fixes and at % 4 and name_of(scenario, at - 1) not in WRITES
    return [] if name and is_alike else [possible[at % len(possible)]]


def lasting_faults(scenario: CrashScenario, at: int) -> Sequence[Fault]:
    """Return every fault that a process survives for a write; for a read, whose faults are alike, one in turn.

    For a write of a long operation, return two in turn. For a repair, which has many requests, return only the worst
    fault for a write: the process can't know whether it was applied.
    """
    if scenario.operation.fixes:
        return [Fault.LOST] if name_of(scenario, at) in {"", *WRITES} else []
    survived = [fault for fault in Fault if not fault.is_death]
    if name_of(scenario, at) in WRITES:
        return survived if not scenario.operation.is_long else (survived * 2)[at * 2 % 8 :][:2]
    return [fault for fault in survived if fault.can_meet("GetItem")][at % 5 :][:1]


def name_of(scenario: CrashScenario, at: int) -> str:
    """Return the name of a request, or an empty string after the last one.

    Up to its first fault, each call sends the same requests.
    """
    requests = scenario.expected.requests
    return requests[at] if at < len(requests) else ""


def report(count: Count, scenario: CrashScenario, cases: int, what: str) -> None:
    """Count the cases: in total, by kind, and by operation."""
    count("cases of crashes and faults", cases)
    count(f"cases of {what}", cases)
    count(f"cases at {scenario.operation.name}", cases)


def check_every_request(
    scenario: CrashScenario, faults: Faults, fault_plan: Callable[[int, Fault], FaultPlan]
) -> tuple[int, int]:
    """Check the faults of each request until no call sends that many; return the number of requests and of cases."""
    cases, at = 0, 0
    while True:
        wires = [scenario.check(fault_plan(at, fault)) for fault in faults(scenario, at)]
        cases += sum(bool(wire.met) for wire in wires)
        if wires and not any(at < len(wire.sent) for wire in wires):
            return at, cases
        at += 1


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(few_faults, marks=pytest.mark.short),
        pytest.param(all_faults, marks=pytest.mark.soak),
    ],
)
def test_one_request_meets_a_fault(scenario: CrashScenario, faults: Faults, count: Count) -> None:
    """R7.4 and R8.12, whichever request it is."""
    requests, cases = check_every_request(
        scenario, faults, lambda at, fault: FaultPlan({at: fault})
    )
    assert requests >= len(scenario.expected.requests)
    count("crash points, each a request of an operation", requests)
    report(count, scenario, cases, "one fault")


@pytest.mark.soak
def test_all_requests_from_one_on_meet_a_fault(scenario: CrashScenario, count: Count) -> None:
    """R8.12: the fault lasts until the process has answered, and the answer is true."""
    requests, cases = check_every_request(
        scenario, lasting_faults, lambda at, fault: FaultPlan(lasting=(at, fault))
    )
    assert requests >= len(scenario.expected.requests)
    report(count, scenario, cases, "a fault that lasts")


def writes_of(scenario: CrashScenario) -> list[int]:
    """Return which of an operation's requests write; none for a repair, which has too many."""
    if scenario.operation.fixes:
        return []
    return [at for at, name in enumerate(scenario.expected.requests) if name in WRITES]


SECOND_FAULTS = (Fault.DIES_BEFORE, Fault.DIES_AFTER, Fault.THROTTLED, Fault.LATE)


@pytest.mark.soak
def test_later_request_meets_a_second_fault(scenario: CrashScenario, count: Count) -> None:
    """A write's answer is lost or late, or the write conflicts; then every other later request meets a second fault.

    The second faults take turns, so all operations together have every pair of faults.
    """
    firsts = (
        [Fault.LOST] if scenario.operation.is_long else [Fault.LOST, Fault.LATE, Fault.CONFLICT]
    )
    cases = 0
    for at, (number, first) in product(writes_of(scenario), enumerate(firsts)):
        for later in count_from(at + 1 + number % 2, 2):
            second = SECOND_FAULTS[(later // 2 + number) % len(SECOND_FAULTS)]
            if later >= len(scenario.check(FaultPlan({at: first, later: second})).sent):
                break
            cases += 1
    report(count, scenario, cases, "two faults")


SILENCES = (Fault.THROTTLED, Fault.CONFLICT, Fault.UNCONNECTED, Fault.FAILED)


@pytest.mark.soak
def test_nothing_gets_through_after_a_write_without_answer(
    scenario: CrashScenario, count: Count
) -> None:
    """The write was applied, or arrives once the process, which could not find out, has answered.

    The lasting faults take turns, so all operations together have every pair of faults.
    """
    cases = 0
    for number, at in enumerate(writes_of(scenario)):
        shift = number + len(scenario.operation.name)
        for offset, first in enumerate((Fault.LATE, Fault.LOST)):
            for silence in (SILENCES[(shift + offset) % 4], SILENCES[(shift + offset + 2) % 4]):
                scenario.check(FaultPlan({at: first}, lasting=(at + 1, silence)))
                cases += 1
    report(count, scenario, cases, "a fault, then silence")


@pytest.mark.parametrize(
    ("believed", "fault"),
    [(True, Fault.CLOSED), (False, Fault.LOST)],
    ids=["done", "not done"],
)
def test_service_that_guesses_a_lost_answer_is_caught(
    monkeypatch: pytest.MonkeyPatch, believed: bool, fault: Fault
) -> None:
    """Negative control: these tests fail if an answer is not true."""

    def guess(committer: Committer, plan: Plan, *_: object, **__: object) -> bool:
        try:
            committer._store.commit(plan)
        except AnswerLost:
            return believed
        except Conflict:
            return False
        return True

    with scenario_of("register on the waitlist") as scenario:
        commit = scenario.expected.requests.index("TransactWriteItems")
        scenario.check(FaultPlan({commit: fault}))
        monkeypatch.setattr(Committer, "commit", guess)
        with pytest.raises(AssertionError):
            scenario.check(FaultPlan({commit: fault}))
