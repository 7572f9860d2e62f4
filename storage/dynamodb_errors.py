"""What DynamoDB's errors mean for the one who called: not applied, not known, or a bug that passes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # botocore's own: no connection was made
    HTTPClientError,
)

from domain.ports import AnswerLost, Conflict, Unavailable

_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
}
_REJECTED = _THROTTLED | {
    "ConditionalCheckFailedException",
    "ConditionalCheckFailed",
    "TransactionConflictException",
    "TransactionConflict",
}


@contextmanager
def reading() -> Iterator[None]:
    """Raise `Unavailable` for what passes by itself."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _THROTTLED or _status(error) >= 500:
            raise Unavailable(str(error)) from error
        raise
    except (ConnectionError, HTTPClientError) as error:
        raise Unavailable(str(error)) from error


@contextmanager
def writing() -> Iterator[None]:
    """Raise `Conflict` where the write definitely did not apply, `AnswerLost` where that is not known."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _REJECTED or _is_rejected_transaction(error):
            raise Conflict(str(error)) from error
        # In progress: the same token was sent before, and its outcome is still open.
        if _code(error) == "TransactionInProgressException" or _status(error) >= 500:
            raise AnswerLost(str(error)) from error
        raise
    except ConnectionError as error:
        # Nothing was sent: there was no connection to send it over.
        raise Conflict(str(error)) from error
    except HTTPClientError as error:
        raise AnswerLost(str(error)) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_rejected_transaction(error: ClientError) -> bool:
    """Return whether a transaction was cancelled only for reasons that a new plan can meet."""
    if _code(error) != "TransactionCanceledException":
        return False
    response: dict[str, Any] = dict(error.response)
    reasons = [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]
    return all(reason == "None" or reason in _REJECTED for reason in reasons)
