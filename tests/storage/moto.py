"""DynamoDB in this process: moto, started once, for one thread at a time."""

from __future__ import annotations

import atexit
import os
from functools import cache
from typing import TYPE_CHECKING

from moto import mock_aws

from storage.dynamodb import make_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@cache
def dynamodb_client() -> DynamoDBClient:
    """Return a client of the mock, with invented credentials."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="invented",
        AWS_SECRET_ACCESS_KEY="invented",
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_REGION="eu-central-1",
    )
    mock = mock_aws()
    mock.start()
    atexit.register(mock.stop)
    return make_client()
