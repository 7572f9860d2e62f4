"""Errors and lost answers, injected into real requests to DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    ChecksumError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from tests.support.dynamodb.moto import dynamodb_client


def answering(**body: Any) -> Callable[..., AWSResponse]:
    """Answer with success without carrying out the request."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(json.dumps(body).encode()))

    return answer


class _Raw:
    """The body of an injected answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def refused(code: str, status: int = 400, **more: Any) -> Callable[..., AWSResponse]:
    """Answer with a DynamoDB error. Moto may still carry out the request."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(body))

    return answer


def canceled(*reasons: str) -> Callable[..., AWSResponse]:
    """Answer that a transaction was canceled, with the reason of each action."""
    return refused(
        "TransactionCanceledException",
        Message="canceled",
        CancellationReasons=[{"Code": reason} for reason in reasons],
    )


def failing(error: Exception) -> Callable[..., AWSResponse]:
    """Fail as botocore does if there is no answer."""

    def answer(**_: Any) -> AWSResponse:
        raise error

    return answer


@contextmanager
def injected(answer: Callable[..., AWSResponse], times: int = 1) -> Iterator[list[str]]:
    """Answer the next requests with `answer`. Give the names of all requests that were sent."""
    sent: list[str] = []

    def before_send(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        sent.append(event_name.rpartition(".")[2])
        return answer(request=request) if len(sent) <= times else None

    events: Any = dynamodb_client().meta.events
    events.register_first("before-send.dynamodb", before_send, unique_id="injected")
    try:
        yield sent
    finally:
        events.unregister("before-send.dynamodb", before_send, unique_id="injected")


URL = {"endpoint_url": "nowhere"}

REJECTIONS = {
    "condition": canceled("ConditionalCheckFailed", "None"),
    "conflict": canceled("None", "TransactionConflict"),
    "throttled in part": canceled("ThrottlingError"),
    "throttled": refused("ThrottlingException"),
    "table throttled": refused("ProvisionedThroughputExceededException"),
    "account throttled": refused("RequestLimitExceeded"),
    "no connection": failing(ConnectTimeoutError(**URL)),
    "no endpoint": failing(EndpointConnectionError(**URL)),
}
LOSSES = {
    "500": refused("InternalServerError", 500),
    "503": refused("ServiceUnavailable", 503),
    "in progress": refused("TransactionInProgressException"),
    "no answer": failing(ReadTimeoutError(**URL)),
    "closed": failing(ConnectionClosedError(**URL)),
    "TLS": failing(SSLError(**URL, error=OSError("perhaps the answer"))),
    "cut off": failing(
        ChecksumError(checksum_type="crc32", expected_checksum="1", actual_checksum="2")
    ),
}
BUGS = {
    "reason": canceled("ValidationError"),
    "request": refused("ValidationException"),
}
FOR_THE_OPERATOR = {
    "denied": refused("AccessDeniedException"),
    "no table": refused("ResourceNotFoundException"),
    "no credentials": failing(NoCredentialsError()),
    "collection too large": canceled("None", "ItemCollectionSizeLimitExceeded"),
}
