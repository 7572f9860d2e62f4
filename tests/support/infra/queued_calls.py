"""What the consumer of the request queue sends to DynamoDB when it carries out the commands of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from domain.errors import RollcallError
from domain.execution.committer import Committer
from domain.execution.queue_consumer import QueueConsumer
from domain.execution.queueing_executor import ANSWER_LATEST, Queueing
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import UnconfirmedResolver
from domain.models import Event
from domain.queued import QueuedRequest
from storage.dynamodb.request_queue import DynamoDBRequestQueue
from tests.support.crashes.cases import FaultPlan, Operation, ServiceProcess
from tests.support.crashes.workspace_tables import WORKSPACE, WorkspaceTables
from tests.support.dynamodb.requests import WRITES
from tests.support.dynamodb.wire_faults import Fault, Wire
from tests.support.environment import START, ManualClock, ids, run_now, service_on
from tests.support.infra.iam_actions import Need, recorded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONSUMER_SECONDS = 10.0

_case = count(1)


class OpenQueue(DynamoDBRequestQueue):
    """A queue that is always open, and hands over each request as soon as it is put."""

    hand_over: Callable[[QueuedRequest], None]

    def get_event_and_queue(self, event_id: str) -> tuple[Event | None, datetime | None]:
        event, _ = super().get_event_and_queue(event_id)
        return event, START + timedelta(days=1)

    def put_request(self, request: QueuedRequest) -> None:
        super().put_request(request)
        self.hand_over(request)


class QueuedProcess(ServiceProcess):
    """Service of one process whose commands another one carries out, which has the client with faults."""

    def __init__(self, tables: WorkspaceTables, client: DynamoDBClient) -> None:
        clock, number = ManualClock(), next(_case)
        super().__init__(tables, clock, None)
        queue = OpenQueue(self.store._client, self.store._keys.prefix, WORKSPACE)
        queue.hand_over = self._carry_out
        self.service = service_on(
            queue,
            clock=clock,
            new_id=ids(f"request{number}n"),
            queueing=Queueing(queue, lambda: None, ANSWER_LATEST),
        )
        self._later: list[Callable[[], None]] = []
        store = DynamoDBRequestQueue(client, self.store._keys.prefix, WORKSPACE)
        retry = RetryPolicy(clock, lambda: 0.5)
        resolver = UnconfirmedResolver(retry, clock, self._later.append)
        # DynamoDB remembers tokens, so no two processes may give a plan the same id.
        new_id = ids(f"consumer{number}n")
        self._consumer = QueueConsumer(
            store,
            store,
            retry,
            clock,
            Committer(store, retry, clock, new_id, resolver),
            new_id=new_id,
            spawn=run_now,
            log_failure=lambda error: repr(error),
        )
        self.wire = Wire(client, clock)

    def _carry_out(self, request: QueuedRequest) -> None:
        """Carry a request out, and again if it was left: once the faults have ended."""
        requests = [request]
        if self._consumer.consume(request.event_id, requests, self._until()).number:
            return
        self.wire.end_lasting()
        self.wire.arrive()
        while self._later:
            self._later.pop(0)()
        self._consumer.consume(request.event_id, requests, self._until())

    def _until(self) -> float:
        return self.clock.monotonic() + CONSUMER_SECONDS


def needs_of_consumer(
    tables: WorkspaceTables, client: DynamoDBClient, operations: Sequence[Operation]
) -> set[Need]:
    """Return the permissions that the consumer needs for the commands of calls, also after faults."""
    with recorded(client) as needs:
        for operation in operations[1:]:
            _sent_for(tables, client, operation, FaultPlan())
        # Whatever the command, the consumer does the same after a conflict and after a late answer.
        operation = operations[0]
        sent = _sent_for(tables, client, operation, FaultPlan())
        for at in (at for at, name in enumerate(sent) if name in WRITES):
            _sent_for(tables, client, operation, FaultPlan({at: Fault.CONFLICT}))
            _sent_for(tables, client, operation, FaultPlan(lasting=(at, Fault.LATE)))
            # The journal says that it was applied.
            _sent_for(
                tables, client, operation, FaultPlan({at: Fault.LOST, at + 1: Fault.CONFLICT})
            )
    return needs


def _sent_for(
    tables: WorkspaceTables, client: DynamoDBClient, operation: Operation, faults: FaultPlan
) -> list[str]:
    """Make the call, and return the consumer's requests."""
    tables.restore({})
    operation.prepare(ServiceProcess(tables, ManualClock(), None))
    process = QueuedProcess(tables, client)
    for at, fault in faults.at.items():
        process.wire.bring(fault, at)
    if faults.lasting is not None:
        process.wire.bring(faults.lasting[1], faults.lasting[0], lasting=True)
    try:
        with suppress(RollcallError):
            operation.call(process)
        process.finish()
    finally:
        process.wire.cut()
    tables.forget_scans()
    return process.wire.sent
