"""AWS's own engine on this machine, one for the whole test session, for threads and processes alike."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from storage.dynamodb import schema
from storage.dynamodb.store import CLIENT
from tests.support.dynamodb.local_server import LOOPBACK, ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ASKED_AT = "ROLLCALL_TEST_DYNAMODB_LOCAL"
"""The environment's variable that tells pytest's workers where to ask for the engine."""


def offer_engine() -> Callable[[], None]:
    """Let this process and its children ask for an engine, which then starts; return what ends it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.dynamodb.local_server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    os.environ[_ASKED_AT] = server.stdout.readline().strip()
    server.stdout.close()

    def end() -> None:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()

    return end


@cache
def local_endpoint() -> str:
    """Return the engine's URL. Where it can't be had, the test is skipped; with CI set, it fails."""
    with socket.create_connection((LOOPBACK, int(os.environ[_ASKED_AT]))) as connection:
        said = connection.makefile().read()
    assert said, "the engine's process broke down; it says above why"
    answer = json.loads(said)
    if "missing" in answer:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"{answer['missing']}. It needs npm's registry once, and Java 17 or newer.")
    return f"http://{LOOPBACK}:{answer['port']}"


def client_of(endpoint: str) -> DynamoDBClient:
    """Return the product's client, but one that waits: this machine is slower than AWS."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="invented",
        aws_secret_access_key="invented",
        config=CLIENT.merge(Config(connect_timeout=60, read_timeout=60)),
    )
    events: Any = client.meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", _make_token_unique)
    return client


def _make_token_unique(params: dict[str, Any], **_: object) -> dict[str, Any]:
    """Give each empty store tokens of its own: tests count their ids from one, the engine knows one account."""
    whose = f"{os.getpid()} {_emptied} {params['ClientRequestToken']}"
    return params | {"ClientRequestToken": hashlib.sha256(whose.encode()).hexdigest()[:36]}


@cache
def local_client() -> DynamoDBClient:
    """Return this process's client of the engine, good for any number of threads."""
    return client_of(local_endpoint())


_emptied = 0
"""How often a test of this process was given tables with nothing in them."""


def empty_local_tables(prefix: str) -> None:
    """Delete every item of the tables whose names begin so: much faster than making the tables anew."""
    global _emptied  # tokens count by it
    _emptied += 1
    client = local_client()
    for table in schema.TABLES:
        name, keys = prefix + table.name, table.key.names()
        for page in client.get_paginator("scan").paginate(
            TableName=name,
            ProjectionExpression=", ".join(keys),
            ConsistentRead=True,
        ):
            items = page["Items"]
            for some in (items[at : at + 25] for at in range(0, len(items), 25)):
                client.batch_write_item(
                    RequestItems={name: [{"DeleteRequest": {"Key": key}} for key in some]}
                )
