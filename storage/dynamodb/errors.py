"""DynamoDB's errors by what they mean to the caller: not applied, unknown, for the operator, or a bug.

`tests/contract/dynamodb/test_error_codes.py` has the meaning of every code that AWS documents for these calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any

from botocore.exceptions import (
    ChecksumError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from domain.errors import OperatorNeeded
from domain.ports import AnswerLost, Conflict, Unavailable


class ConditionFailed(Conflict):
    """A write of one item did not apply because its condition doesn't hold, not because of throttling.

    `item` is the stored item, if the request asked for it.
    """

    def __init__(self, message: str, item: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.item = item


class TransactionRefused(Conflict):
    """A transaction did not apply because conditions don't hold: those of the actions at `positions`."""

    def __init__(self, message: str, positions: Set[int]) -> None:
        super().__init__(message)
        self.positions = positions


class Meaning(Enum):
    """The meaning of an error code for its request."""

    REJECTED = auto()
    """It did not apply, and may succeed in a moment."""
    UNKNOWN = auto()
    """It may have applied, or may still apply."""
    OPERATOR = auto()
    """It did not apply, and will not until the operator acts."""
    BUG = auto()
    """It did not apply, and never will: Rollcall sent something wrong."""


_CODES: Mapping[Meaning, Set[str]] = {
    Meaning.REJECTED: {
        "ConditionalCheckFailed",
        "ConditionalCheckFailedException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflict",
        "TransactionConflictException",
    },
    Meaning.UNKNOWN: {
        "RequestAbortedException",
        "RequestTimeout",
        "RequestTimeoutException",
        # The same token was sent before, and its outcome is still open.
        "TransactionInProgressException",
    },
    Meaning.OPERATOR: {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException",
        "LimitExceededException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "ResourceInUseException",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    },
}
"""The meaning of each code. Codes that are not listed are bugs, unless their status is 500 or above."""

_MEANING_OF = {code: meaning for meaning, codes in _CODES.items() for code in codes}

_ADVICE: Mapping[str, str] = {
    "ItemCollectionSizeLimitExceeded": "An item collection has reached DynamoDB's limit of 10 GB.",
    "LimitExceededException": "Raise the account's quota for DynamoDB.",
    "ResourceInUseException": "A table is being created, changed or deleted. Check its state.",
    "ResourceNotFoundException": (
        "A table or index does not exist, or is being deleted. Check AWS_DEFAULT_REGION and"
        " ROLLCALL_TABLE_PREFIX; `rollcall tables create` creates what is missing."
    ),
    "RequestExpired": "Set this machine's clock: it is wrong by minutes.",
}
_PERMISSIONS = "Check the credentials, and what they may do."

# There was no connection to send anything over, or nothing to sign the request with yet.
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, CredentialRetrievalError)

# The request may have been sent. TLS can also fail on the way back. Only the checksum shows that an
# answer was cut off, because botocore ignores the length.
_MAYBE_SENT = (HTTPClientError, SSLError, ProxyConnectionError, ChecksumError, ResponseParserError)

_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError)


@contextmanager
def reading() -> Iterator[None]:
    """Raise `Unavailable` for temporary errors of a read, and `OperatorNeeded`."""
    try:
        yield
    except ClientError as error:
        match _meaning(error):
            case Meaning.REJECTED | Meaning.UNKNOWN:
                raise Unavailable(str(error)) from error
            case Meaning.OPERATOR:
                raise _operator_needed(error) from error
        raise
    except _NO_CREDENTIALS as error:
        raise OperatorNeeded(f"{_PERMISSIONS} ({error})") from error
    except (*_NEVER_SENT, *_MAYBE_SENT) as error:
        raise Unavailable(str(error)) from error


@contextmanager
def writing() -> Iterator[None]:
    """Raise `Conflict` if a write definitely did not apply, and `AnswerLost` if it may have.

    Raise `OperatorNeeded` if no write applies until the operator acts.
    """
    try:
        yield
    except ClientError as error:
        if _code(error) == "ConditionalCheckFailedException":
            response: dict[str, Any] = dict(error.response)
            raise ConditionFailed(str(error), response.get("Item", {})) from error
        match _meaning(error):
            case Meaning.REJECTED:
                positions = _failed_conditions(error)
                if positions:
                    raise TransactionRefused(str(error), positions) from error
                raise Conflict(str(error)) from error
            case Meaning.UNKNOWN:
                raise AnswerLost(str(error)) from error
            case Meaning.OPERATOR:
                raise _operator_needed(error) from error
        raise
    except _NO_CREDENTIALS as error:
        raise OperatorNeeded(f"{_PERMISSIONS} ({error})") from error
    except _NEVER_SENT as error:
        raise Conflict(str(error)) from error
    except _MAYBE_SENT as error:
        raise AnswerLost(str(error)) from error


@contextmanager
def delivering() -> Iterator[None]:
    """Raise `ConditionFailed` or `TransactionRefused`, or `Unavailable` for temporary errors.

    The outbox can repeat its writes.
    """
    try:
        with writing():
            yield
    except (ConditionFailed, TransactionRefused):
        raise
    except (AnswerLost, Conflict) as error:
        raise Unavailable(str(error)) from error


def _meaning(error: ClientError) -> Meaning:
    code = _code(error)
    if code == "TransactionCanceledException":
        return _meaning_of_cancellation(error)
    if code not in _MEANING_OF and _status(error) >= 500:
        return Meaning.UNKNOWN
    return _MEANING_OF.get(code, Meaning.BUG)


def _meaning_of_cancellation(error: ClientError) -> Meaning:
    """Return what a transaction's reasons mean together: a new plan must avoid all of them."""
    meanings = {_MEANING_OF.get(reason, Meaning.BUG) for reason in _reasons(error)}
    if meanings <= {Meaning.REJECTED}:
        return Meaning.REJECTED
    return Meaning.BUG if Meaning.BUG in meanings else Meaning.OPERATOR


def _failed_conditions(error: ClientError) -> Set[int]:
    """Return the positions of a canceled transaction's actions whose conditions don't hold."""
    response: dict[str, Any] = dict(error.response)
    reasons = response.get("CancellationReasons", [])
    return {at for at, one in enumerate(reasons) if one.get("Code") == "ConditionalCheckFailed"}


def _operator_needed(error: ClientError) -> OperatorNeeded:
    codes = [code.removesuffix("Exception") for code in (_code(error), *_reasons(error))]
    advice = next(
        (text for code, text in _ADVICE.items() if code.removesuffix("Exception") in codes),
        _PERMISSIONS,
    )
    return OperatorNeeded(f"DynamoDB takes no requests. {advice} ({error})")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _reasons(error: ClientError) -> list[str]:
    """Return why the actions of a canceled transaction failed."""
    response: dict[str, Any] = dict(error.response)
    reasons = (reason.get("Code", "None") for reason in response.get("CancellationReasons", []))
    return [reason for reason in reasons if reason != "None"]
