"""Faults on a client's connection to DynamoDB, at its n-th request, with botocore and the real engine."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from tests.support.dynamodb.injected_answers import canceled, refused
from tests.support.dynamodb.requests import WRITES
from tests.support.environment import ManualClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

URL = {"endpoint_url": "the engine"}

CONNECTING = timedelta(seconds=0.5)
READING = timedelta(seconds=0.8)
"""The timeouts of the product's client, for a connection and for an answer."""


class ProcessDied(BaseException):
    """The process has died. Its code must not catch this."""


class Fault(StrEnum):
    """A fault that a request can meet."""

    DIES_BEFORE = "the process dies before it is sent"
    DIES_AFTER = "the process dies when it is applied"
    DIES_LATE = "the process dies, it arrives when another has answered"
    LOST = "it is applied, the answer is lost"
    LATE = "no answer comes, it arrives when the process has answered"
    THROTTLED = "it is throttled"
    CONFLICT = "it meets a transaction"
    FAILED = "it fails with a 500"
    FAILED_APPLIED = "it fails with a 500, and applies"
    UNCONNECTED = "no connection can be made"
    CLOSED = "the connection is closed, nothing arrives"

    @property
    def is_death(self) -> bool:
        """Whether the fault ends the process."""
        return self in {Fault.DIES_BEFORE, Fault.DIES_AFTER, Fault.DIES_LATE}

    def can_meet(self, operation: str) -> bool:
        """Return whether a request of this name can meet this fault, and not only a similar one."""
        is_write = operation in WRITES
        match self:
            case Fault.CONFLICT:
                return is_write
            case Fault.DIES_AFTER | Fault.DIES_LATE | Fault.LATE | Fault.FAILED_APPLIED:
                # It makes no difference whether a read was carried out.
                return is_write
            case _:
                return True


class Wire:
    """One process's connection. It counts requests and applies a fault to one of them, or to all from there on."""

    def __init__(self, client: DynamoDBClient, clock: ManualClock) -> None:
        self._session: Any = client._endpoint.http_session  # type: ignore[attr-defined]
        self._clock = clock
        self._faults: dict[int, Fault] = {}
        self._lasting: tuple[int, Fault] | None = None
        self.in_flight: list[Any] = []
        """The requests that have not arrived yet, in order."""
        self.is_dead = False
        self.sent: list[str] = []
        """The names of all requests, in order."""
        self.met: list[Fault] = []
        """The faults that requests met."""
        events: Any = client.meta.events
        self._events = events
        self._events.register_first("before-send.dynamodb", self._before_send, unique_id="wire")

    def bring(self, fault: Fault, at: int, *, lasting: bool = False) -> None:
        """Apply the fault to request `at`, counted from 0. A lasting fault hits every later request that it can."""
        if lasting:
            self._lasting = (at, fault)
        else:
            self._faults[at] = fault

    def end_lasting(self) -> None:
        """Stop the lasting fault."""
        self._lasting = None

    def arrive(self) -> None:
        """Let the requests in flight arrive, in order, and drop their answers."""
        while self.in_flight:
            self._session.send(self.in_flight.pop(0))

    def cut(self) -> None:
        """Restore the client."""
        self._events.unregister("before-send.dynamodb", self._before_send, unique_id="wire")

    def _before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if self.is_dead:
            raise ProcessDied
        operation = event_name.rpartition(".")[2]
        fault = self._fault_at(len(self.sent))
        self.sent.append(operation)
        if fault is None or not fault.can_meet(operation):
            return None
        self.met.append(fault)
        return self._carry_out(fault, operation, request)

    def _fault_at(self, number: int) -> Fault | None:
        if self._lasting is not None and number >= self._lasting[0]:
            return self._lasting[1]
        return self._faults.get(number)

    def _carry_out(self, fault: Fault, operation: str, request: Any) -> AWSResponse:
        if fault in {Fault.DIES_AFTER, Fault.LOST, Fault.FAILED_APPLIED}:
            self._session.send(request)
        if fault in {Fault.DIES_LATE, Fault.LATE}:
            self.in_flight.append(request)
        self.is_dead = fault.is_death
        match fault:
            case Fault.DIES_BEFORE | Fault.DIES_AFTER | Fault.DIES_LATE:
                raise ProcessDied
            case Fault.LOST | Fault.LATE:
                self._clock.advance(READING)
                raise ReadTimeoutError(**URL)
            case Fault.UNCONNECTED:
                self._clock.advance(CONNECTING)
                raise ConnectTimeoutError(**URL)
            case Fault.CLOSED:
                raise ConnectionClosedError(**URL)
            case Fault.FAILED | Fault.FAILED_APPLIED:
                return refused("InternalServerError", 500)(request)
            case Fault.THROTTLED if operation == "TransactWriteItems":
                return canceled("None", "ThrottlingError")(request)
            case Fault.THROTTLED:
                return refused("ProvisionedThroughputExceededException")(request)
            case Fault.CONFLICT if operation == "TransactWriteItems":
                return canceled("TransactionConflict", "None")(request)
            case Fault.CONFLICT:
                return refused("TransactionConflictException")(request)
