"""The IAM permissions that a client's requests to DynamoDB need: actions on tables and indexes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from infra.permissions import PERMISSIONS
from tests.support.dynamodb.injected_answers import refused

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_dynamodb import DynamoDBClient

Need = tuple[str, str]
"""An action and a resource: `events`, or `events/upcoming` for an index, without the prefix."""

OF_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""The actions that a TransactWriteItems needs. It is no action itself."""


def needs_of(operation: str, parameters: Mapping[str, Any]) -> set[Need]:
    """Return the permissions that a request needs."""
    match operation:
        case "TransactWriteItems":
            return {
                (OF_PARTS[kind], _resource(part))
                for item in parameters["TransactItems"]
                for kind, part in item.items()
            }
        case "BatchGetItem" | "BatchWriteItem":
            return {(operation, _bare(name)) for name in parameters["RequestItems"]}
        case _:
            return {(operation, _resource(parameters))}


def _resource(parameters: Mapping[str, Any]) -> str:
    table, index = _bare(parameters["TableName"]), parameters.get("IndexName")
    return table if index is None else f"{table}/{index}"


def _bare(name: str) -> str:
    """Return a table's name in the schema."""
    return name.rpartition("-")[2]


@contextmanager
def recorded(client: DynamoDBClient) -> Iterator[set[Need]]:
    """Collect the permissions that the client's requests need."""
    needs: set[Need] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        needs.update(needs_of(model.name, params))

    events: Any = client.meta.events
    events.register("before-parameter-build.dynamodb", note, unique_id="recording")
    try:
        yield needs
    finally:
        events.unregister("before-parameter-build.dynamodb", note, unique_id="recording")


def permitted(client: DynamoDBClient, function: str) -> DynamoDBClient:
    """Make the client refuse requests without the function's permission, as AWS does. Return it."""
    may = allowed(function)

    def refuse(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        needs = needs_of(event_name.rpartition(".")[2], json.loads(request.body))
        return None if needs <= may else refused("AccessDeniedException")(request)

    events: Any = client.meta.events
    events.register_first("before-send.dynamodb", refuse, unique_id="permitted")
    return client


def allowed(function: str) -> set[Need]:
    """Return the permissions of a function."""
    return {
        need
        for access in PERMISSIONS[function]
        for need in (
            *((action, access.table.name) for action in access.actions),
            *(("Query", f"{access.table.name}/{index}") for index in access.indexes),
        )
    }
