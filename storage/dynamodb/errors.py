"""DynamoDB's errors by what they mean to the caller: not applied, unknown, or a bug that passes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    ChecksumError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)

from domain.ports import AnswerLost, Conflict, Unavailable


class ConditionFailed(Conflict):
    """A write of one item did not apply because its condition doesn't hold, not because of throttling.

    `item` is the stored item, if the request asked for it.
    """

    def __init__(self, message: str, item: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.item = item


_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
}
_REJECTED = _THROTTLED | {
    "ConditionalCheckFailed",
    "TransactionConflictException",
    "TransactionConflict",
}

# There was no connection to send anything over.
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError)

# The request may have been sent. TLS can also fail on the way back. Only the checksum shows that an
# answer was cut off, because botocore ignores the length.
_MAYBE_SENT = (HTTPClientError, SSLError, ProxyConnectionError, ChecksumError)


@contextmanager
def reading() -> Iterator[None]:
    """Raise `Unavailable` for temporary errors of a read."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _THROTTLED or _status(error) >= 500:
            raise Unavailable(str(error)) from error
        raise
    except (*_NEVER_SENT, *_MAYBE_SENT) as error:
        raise Unavailable(str(error)) from error


@contextmanager
def writing() -> Iterator[None]:
    """Raise `Conflict` if a write definitely did not apply, and `AnswerLost` if it may have."""
    try:
        yield
    except ClientError as error:
        if _code(error) == "ConditionalCheckFailedException":
            response: dict[str, Any] = dict(error.response)
            raise ConditionFailed(str(error), response.get("Item", {})) from error
        if _code(error) in _REJECTED or _is_rejected_transaction(error):
            raise Conflict(str(error)) from error
        # "In progress" means that the same token was sent before and its outcome is still open.
        if _code(error) == "TransactionInProgressException" or _status(error) >= 500:
            raise AnswerLost(str(error)) from error
        raise
    except _NEVER_SENT as error:
        raise Conflict(str(error)) from error
    except _MAYBE_SENT as error:
        raise AnswerLost(str(error)) from error


@contextmanager
def delivering() -> Iterator[None]:
    """Raise `ConditionFailed`, or `Unavailable` for temporary errors: the outbox can repeat its writes."""
    try:
        with writing():
            yield
    except ConditionFailed:
        raise
    except (AnswerLost, Conflict) as error:
        raise Unavailable(str(error)) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_rejected_transaction(error: ClientError) -> bool:
    """Return whether a transaction was canceled only for reasons that a new plan can avoid."""
    if _code(error) != "TransactionCanceledException":
        return False
    response: dict[str, Any] = dict(error.response)
    reasons = [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]
    return all(reason == "None" or reason in _REJECTED for reason in reasons)
