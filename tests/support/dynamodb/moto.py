"""DynamoDB in this process: moto, started once, for one thread at a time."""

from __future__ import annotations

import atexit
import os
from functools import cache
from typing import TYPE_CHECKING

from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from storage.dynamodb.store import make_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "eu-central-1"


@cache
def dynamodb_client() -> DynamoDBClient:
    """Return a client of the mock, with invented credentials."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="invented",
        AWS_SECRET_ACCESS_KEY="invented",
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
    )
    mock = mock_aws()
    mock.start()
    atexit.register(mock.stop)
    return make_client()


def empty_tables(prefix: str) -> None:
    """Delete the items of the tables with this prefix, which is much faster than creating tables."""
    for name, table in dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables.items():
        if name.startswith(prefix):
            table.items.clear()
            if table.stream_shard is not None:
                table.stream_shard.items.clear()
