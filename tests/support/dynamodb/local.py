"""DynamoDB Local, AWS's own engine: one for all threads and processes of the test session."""

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

from botocore.config import Config

from storage.dynamodb import schema
from storage.dynamodb.store import CLIENT, new_client
from tests.support.dynamodb.local_server import LOOPBACK
from tests.support.npm import ROOT, give_up

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ASKED_AT = "ROLLCALL_TEST_DYNAMODB_LOCAL"
"""The environment variable with the port where pytest's workers ask for the engine."""


def offer_engine() -> Callable[[], None]:
    """Let this process and its children request the engine, which starts on demand. Return a function that stops it."""
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
    """Return the engine's URL. Skip the test if it is unavailable. Fail it instead if CI is set."""
    with socket.create_connection((LOOPBACK, int(os.environ[_ASKED_AT]))) as connection:
        said = connection.makefile().read()
    assert said, "the engine's process failed; its output is above"
    answer = json.loads(said)
    if "missing" in answer:
        give_up(f"{answer['missing']}. It needs npm's registry once, and Java 17 or newer.")
    return f"http://{LOOPBACK}:{answer['port']}"


def client_of(endpoint: str) -> DynamoDBClient:
    """Return the product's client with long timeouts, because this machine is slower than AWS."""
    client = new_client(
        CLIENT.merge(Config(connect_timeout=60, read_timeout=60)),
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="invented",
        aws_secret_access_key="invented",
    )
    events: Any = client.meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", _make_token_unique)
    return client


def _make_token_unique(params: dict[str, Any], **_: object) -> dict[str, Any]:
    """Make tokens unique per empty store. Tests count ids from 1, and the engine has one account for all.

    A request without a token gets a random one later.
    """
    if "ClientRequestToken" not in params:
        return params
    whose = f"{os.getpid()} {_emptied} {params['ClientRequestToken']}"
    return params | {"ClientRequestToken": hashlib.sha256(whose.encode()).hexdigest()[:36]}


@cache
def local_client() -> DynamoDBClient:
    """Return this process's client of the engine. Threads may share it."""
    return client_of(local_endpoint())


_emptied = 0
"""The number of times that a test of this process got empty tables."""


def empty_local_tables(prefix: str) -> None:
    """Delete every item of the tables with this prefix, which is much faster than creating tables."""
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
