"""The meaning of every error code that AWS documents for the calls that Rollcall makes."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import ClientError

from domain.errors import OperatorNeeded
from domain.ports import AnswerLost, Conflict, Unavailable
from infra.permissions import PERMISSIONS
from storage.dynamodb.errors import reading, writing

REJECTED = (Unavailable, Conflict)
UNKNOWN = (Unavailable, AnswerLost)
OPERATOR = (OperatorNeeded, OperatorNeeded)
BUG = (ClientError, ClientError)

DOCUMENTED = {
    # DynamoDB's own, with botocore's model of each call.
    "ConditionalCheckFailedException": (400, REJECTED),
    "IdempotentParameterMismatchException": (400, BUG),
    "InternalServerError": (500, UNKNOWN),
    "ItemCollectionSizeLimitExceededException": (400, OPERATOR),
    "LimitExceededException": (400, OPERATOR),
    "ProvisionedThroughputExceededException": (400, REJECTED),
    "ReplicatedWriteConflictException": (400, REJECTED),
    "RequestLimitExceeded": (400, REJECTED),
    "ResourceInUseException": (400, OPERATOR),
    "ResourceNotFoundException": (400, OPERATOR),
    "ThrottlingException": (400, REJECTED),
    "TransactionConflictException": (400, REJECTED),
    "TransactionInProgressException": (400, UNKNOWN),
    # The errors that every call of AWS has.
    "AccessDeniedException": (400, OPERATOR),
    "ExpiredTokenException": (403, OPERATOR),
    "IncompleteSignature": (403, OPERATOR),
    "InternalFailure": (500, UNKNOWN),
    "InvalidClientTokenId": (403, OPERATOR),
    "InvalidSignatureException": (400, OPERATOR),
    "MalformedHttpRequestException": (400, BUG),
    "MissingAuthenticationToken": (400, OPERATOR),
    "NotAuthorized": (401, OPERATOR),
    "OptInRequired": (403, OPERATOR),
    "RequestAbortedException": (400, UNKNOWN),
    "RequestEntityTooLargeException": (413, BUG),
    "RequestExpired": (400, OPERATOR),
    "RequestTimeout": (400, UNKNOWN),
    "RequestTimeoutException": (408, UNKNOWN),
    "ServiceUnavailable": (503, UNKNOWN),
    "UnknownOperationException": (404, BUG),
    "UnrecognizedClientException": (403, OPERATOR),
    "ValidationError": (400, BUG),
    "ValidationException": (400, BUG),
    # Nobody has heard of it: its status decides.
    "Unheard": (400, BUG),
    "UnheardFailure": (502, UNKNOWN),
}

REASONS = {
    "None": REJECTED,
    "ConditionalCheckFailed": REJECTED,
    "ItemCollectionSizeLimitExceeded": OPERATOR,
    "ProvisionedThroughputExceeded": REJECTED,
    "ThrottlingError": REJECTED,
    "TransactionConflict": REJECTED,
    "ValidationError": BUG,
}
"""The reasons of TransactionCanceledException, as the reference of TransactWriteItems lists them."""


def answer(code: str, status: int = 400, *reasons: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "told by DynamoDB"},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
            **(
                {"CancellationReasons": [{"Code": reason} for reason in reasons]} if reasons else {}
            ),
        },
        "TransactWriteItems",
    )


@pytest.mark.parametrize("code", DOCUMENTED)
def test_code_means_this_for_a_read_and_a_write(code: str) -> None:
    status, (of_read, of_write) = DOCUMENTED[code]
    with pytest.raises(of_read), reading():
        raise answer(code, status)
    with pytest.raises(of_write), writing():
        raise answer(code, status)


@pytest.mark.parametrize("reason", REASONS)
def test_reason_of_a_canceled_transaction_means_this(reason: str) -> None:
    with pytest.raises(REASONS[reason][1]), writing():
        raise answer("TransactionCanceledException", 400, "None", reason)


def test_no_code_of_botocores_model_is_missing_here() -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    permitted = {
        action for accesses in PERMISSIONS.values() for one in accesses for action in one.actions
    }
    # Permissions name a transaction by its actions, and tables are created by hand.
    called = permitted & set(model.operation_names) | {"TransactWriteItems", "CreateTable"}
    documented = {
        shape.name for name in called for shape in model.operation_model(name).error_shapes
    }
    assert documented <= DOCUMENTED.keys() | {"TransactionCanceledException"}


def test_operator_reads_what_to_do() -> None:
    with pytest.raises(OperatorNeeded) as needed, writing():
        raise answer("ResourceNotFoundException")
    assert "rollcall tables create" in needed.value.fault
    assert "told by DynamoDB" in needed.value.fault
    with pytest.raises(OperatorNeeded, match="credentials"), reading():
        raise answer("AccessDeniedException")
