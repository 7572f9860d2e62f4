"""Calls of every service method that send DynamoDB every request the method can send.

The changes come from the operations of the crash tests, which apply every fault to them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from domain.commands import RegisterOutcome
from domain.enums import Visibility
from domain.inputs import EventChanges
from domain.models import Actor
from domain.service import Service
from tests.support.builders import a_registration, an_event
from tests.support.crashes import operations
from tests.support.crashes.cases import CrashScenario, FaultPlan, Operation, ServiceProcess
from tests.support.crashes.operations import CROWD, FULL, asking, event_with
from tests.support.crashes.workspace_tables import WorkspaceTables
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.dynamodb.requests import WRITES
from tests.support.dynamodb.wire_faults import Fault
from tests.support.environment import START, ManualClock
from tests.support.infra.iam_actions import Need, recorded
from tests.support.infra.queued_calls import needs_of_consumer
from tests.support.series import series_draft
from tests.support.stores import empty_local

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[3]


CHANGES = (
    Operation(
        # What it stores, the sweep stores, too: the crash tests need no other.
        "register in the events of a series",
        operations.due_series(starts_at=START + timedelta(days=6), days_ahead=14),
        lambda p: p.service.enroll(RegisterOutcome(an_event(event_id="yoga"), a_registration())),
        is_long=True,
    ),
    *operations.USERS,
    *operations.EVENTS,
    *operations.ORGANIZERS,
    *operations.REGISTRATIONS,
    *operations.SWEEPS,
    *operations.SERIES_CHANGES,
    *operations.SERIES,
)

A_SERIES = operations.due_series(days_ahead=14)
FULL_WITH_WAITLIST = event_with(*CROWD, capacity=1)

READS: dict[str, tuple[Callable[[ServiceProcess], None], Callable[[Service], object]]] = {
    "get_user": (FULL, lambda service: service.get_user("ada")),
    "get_users": (FULL, lambda service: service.get_users(["ada", "bob"])),
    "list_users": (FULL, lambda service: service.list_users()),
    "get_event": (FULL, lambda service: service.get_event("e1")),
    "is_over": (FULL, lambda service: service.is_over(service.get_event("e1"))),
    "has_started": (FULL, lambda service: service.has_started(service.get_event("e1"))),
    "closed_reason": (FULL, lambda service: service.closed_reason(service.get_event("e1"))),
    "accepts": (FULL, lambda service: service.accepts(service.get_event("e1"))),
    "get_whole_series": (
        operations.due_series(starts_at=START + timedelta(days=6), days_ahead=14),
        lambda service: service.get_whole_series("yoga", "ada"),
    ),
    "list_organized": (FULL, lambda service: service.list_organized("organizer")),
    "list_events": (FULL, lambda service: service.list_events(upcoming=True)),
    "list_upcoming_for": (FULL, lambda service: service.list_upcoming_for("eve")),
    "get_events_for": (FULL, lambda service: service.get_events_for("eve", ["e1"])),
    "get_events": (FULL, lambda service: service.get_events(["e1"])),
    "get_series": (A_SERIES, lambda service: service.get_series("yoga")),
    "get_series_as_of": (A_SERIES, lambda service: service.get_series_as_of("yoga", 1)),
    "list_series": (A_SERIES, lambda service: service.list_series()),
    "list_occurrences": (A_SERIES, lambda service: service.list_occurrences("yoga")),
    "list_following": (FULL, lambda service: service.list_following()),
    "find_events": (
        FULL,
        lambda service: (service.find_events("e1"), service.find_events("event")),
    ),
    "find_events_to_manage": (
        FULL,
        lambda service: (
            service.find_events_to_manage("e1", Actor("organizer")),
            service.find_events_to_manage("event", Actor("an admin", is_admin=True)),
        ),
    ),
    "warnings_about": (
        FULL,
        lambda service: (
            service.warnings_about(operations.draft(event_id="same")),
            service.warnings_about(series_draft()),
        ),
    ),
    "check_times_of": (FULL, lambda service: service.check_times_of(operations.draft())),
    "find_registration": (FULL, lambda service: service.find_registration("e1", "eve")),
    "get_registration_to_answer": (
        asking(1),
        lambda service: service.get_registration_to_answer("e1", "bob"),
    ),
    "count_answers": (
        asking(5),
        lambda service: service.count_answers("e1", actor=Actor("organizer")),
    ),
    "get_registration": (FULL, lambda service: service.get_registration("e1", "eve")),
    "list_registrations_of": (FULL, lambda service: service.list_registrations_of("eve")),
    "list_registrations_to_come": (FULL, lambda service: service.list_registrations_to_come("eve")),
    "list_past_registrations": (FULL, lambda service: service.list_past_registrations("eve")),
    "find_registrations_of": (FULL, lambda service: service.find_registrations_of("eve", "event")),
    "list_registrations_in": (
        asking(1),
        lambda service: service.list_registrations_in("e1"),
    ),
    "list_going": (
        event_with("ada", "eve", attendees_visible_to=Visibility.ATTENDEES),
        lambda service: service.list_going("e1", actor=Actor("eve")),
    ),
    "preview_capacity": (
        FULL_WITH_WAITLIST,
        lambda service: (
            service.preview_capacity("e1", 3),
            service.edit_event("e1", EventChanges.of(capacity=3)),
            service.preview_capacity("e1", 2),
        ),
    ),
    "preview_addition": (FULL, lambda service: service.preview_addition("e1", ["eve", "new"])),
    "preview_unregister": (FULL, lambda service: service.preview_unregister("e1", "ada")),
    "preview_user_deletion": (FULL, lambda service: service.preview_user_deletion("organizer")),
    "seconds_left": (FULL, lambda service: service.seconds_left()),
    "list_history": (FULL, lambda service: service.list_history("e1")),
    "is_history_cut": (FULL, lambda service: service.is_history_cut("e1")),
    "list_registration_history": (
        FULL,
        lambda service: service.list_registration_history("e1", "eve"),
    ),
}
"""The preparation and the call, by method."""


def methods_used(*paths: str) -> set[str]:
    """Return the methods of the service that the modules call: `service.x` or `self._service.x`."""
    used: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and _name(node.value) in ("service", "_service"):
                used.add(node.attr)
    return used & {name for name in vars(Service) if not name.startswith("_")}


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


class MethodCalls:
    """Calls of the service's methods in one workspace, recorded."""

    def __init__(self, tables: WorkspaceTables, client: DynamoDBClient) -> None:
        self._tables = tables
        self._client = client

    def needs_of(self, method: str) -> set[Need]:
        """Return the permissions that a service method needs, also after late answers and conflicts."""
        if method in READS:
            return self._needs_of_read(*READS[method])
        changes = [operation for operation in CHANGES if _called_by(operation) == method]
        assert changes, f"tests/support/infra/service_calls.py has no call of Service.{method}"
        return {need for change in changes for need in self._needs_of_change(change)}

    def needs_of_consumer(self, methods: Set[str]) -> set[Need]:
        """Return the permissions that the consumer needs for the commands that these methods put into a queue."""
        # Those of registrations are first.
        calls = [one for one in reversed(CHANGES) if _called_by(one) in methods]
        return needs_of_consumer(self._tables, self._client, calls)

    def _needs_of_read(
        self, prepare: Callable[[ServiceProcess], None], call: Callable[[Service], object]
    ) -> set[Need]:
        self._tables.restore({})
        prepare(ServiceProcess(self._tables, ManualClock(), None))
        with recorded(self._client) as needs:
            call(ServiceProcess(self._tables, ManualClock(), self._client).service)
        return needs

    def _needs_of_change(self, operation: Operation) -> set[Need]:
        with recorded(self._client) as needs:
            scenario = CrashScenario(self._tables, self._client, operation)
            sent = scenario.call_once(FaultPlan()).sent
            writes = [at for at, name in enumerate(sent) if name in WRITES]
            # The later commits of a long operation meet the same faults as its first.
            for at in writes[:1] if operation.is_long else writes:
                scenario.call_once(FaultPlan({at: Fault.CONFLICT}))
                # There is no answer until it is "not confirmed". Then it resolves the commit.
                scenario.call_once(FaultPlan(lasting=(at, Fault.LATE)))
        return needs


@contextmanager
def method_calls() -> Iterator[MethodCalls]:
    """Yield the calls, on tables of their own."""
    client = client_of(local_endpoint())
    with empty_local() as store:
        tables = WorkspaceTables(store._client, store._prefix)
        with tables.watching(client):
            yield MethodCalls(tables, client)


class _Called(Exception):
    """Raised with the name of the called method."""


class _Noticing:
    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*_: object, **__: object) -> object:
            raise _Called(name)

        return call


def _called_by(operation: Operation) -> str:
    """Return the service method that an operation calls."""
    try:
        operation.call(cast("ServiceProcess", SimpleNamespace(service=_Noticing())))
    except _Called as called:
        return str(called)
    raise AssertionError(f"{operation.name} calls no method of the service")
