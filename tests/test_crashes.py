"""Crash at every call: each operation, each of its requests to DynamoDB, each fault; asked again, and swept.

`pytest -s` prints how many requests and cases each operation has: `make soak` checks all of them,
`make test` a few of each request's faults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests import crash_operations as operations
from tests.crashes import Operation, Stage, Trouble
from tests.storage.dynamodb_local import client_of, local_endpoint
from tests.storage.requests import WRITES
from tests.storage.wire_faults import Fault
from tests.stores import empty_local
from tests.world import World

ALL = [
    *operations.USERS,
    *operations.EVENTS,
    *operations.REGISTRATIONS,
    *operations.SWEEPS,
    *operations.OUTBOX,
]

TAKE_TURNS = [
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

Faults = Callable[[Stage, int], Sequence[Fault]]
"""Gives the faults that are tried at a request."""


@pytest.fixture(params=ALL, ids=lambda operation: operation.name)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    operation: Operation = request.param
    with empty_local() as store:
        world = World(store._client, store._prefix)
        yield Stage(world, client_of(local_endpoint()), operation)


def some(stage: Stage, at: int) -> Sequence[Fault]:
    """Return one of the worst two for a write, and one of the others, in turn."""
    requests = stage.expected.requests
    name = requests[at] if at < len(requests) else ""
    turn = at + len(stage.operation.name)
    others = [fault for fault in TAKE_TURNS if fault.can_meet(name)]
    other = others[turn % len(others)]
    return [(Fault.DIES_AFTER, Fault.LOST)[turn % 2], other] if name in WRITES else [other]


def every(stage: Stage, at: int) -> Sequence[Fault]:
    """Return all that there are."""
    return list(Fault)


def lasting_few(stage: Stage, at: int) -> Sequence[Fault]:
    """Return the worst for a write: whether it applies, nobody is told."""
    requests = stage.expected.requests
    return [Fault.LOST] if at >= len(requests) or requests[at] in WRITES else []


def lasting(stage: Stage, at: int) -> Sequence[Fault]:
    """Return all that a process survives."""
    return [fault for fault in Fault if not fault.is_death]


def at_every_request(
    stage: Stage, faults: Faults, trouble: Callable[[int, Fault], Trouble]
) -> tuple[int, int]:
    """Check faults at each request, until no call makes so many; return how many those and the cases were."""
    cases, at = 0, 0
    while True:
        wires = [stage.check(trouble(at, fault)) for fault in faults(stage, at)]
        cases += sum(bool(wire.met) for wire in wires)
        if wires and not any(at < len(wire.sent) for wire in wires):
            return at, cases
        at += 1


def tell(stage: Stage, counted: tuple[int, int], what: str) -> None:
    """Print what was covered."""
    requests, cases = counted
    assert requests >= len(stage.expected.requests)
    sys.stdout.write(f"\n{stage.operation.name}: {requests} requests, {cases} times {what}\n")


@pytest.mark.parametrize("faults", [some, pytest.param(every, marks=pytest.mark.soak)])
def test_one_request_meets_a_fault(stage: Stage, faults: Faults) -> None:
    """R7.4 and R8.12: whichever request it is."""
    counted = at_every_request(stage, faults, lambda at, fault: Trouble({at: fault}))
    tell(stage, counted, "one fault")


@pytest.mark.parametrize("faults", [lasting_few, pytest.param(lasting, marks=pytest.mark.soak)])
def test_all_requests_from_one_on_meet_a_fault(stage: Stage, faults: Faults) -> None:
    """R8.12: until the process has answered; what it answers then is true."""
    counted = at_every_request(stage, faults, lambda at, fault: Trouble(lasting=(at, fault)))
    tell(stage, counted, "a fault that lasts")
