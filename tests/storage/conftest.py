"""The stores that the contract holds for: each test runs on every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest

from domain.ports import Outbox, Store
from storage import schema
from storage.dynamodb import DynamoDBStore
from storage.sqlite import SQLiteStore
from tests.storage.moto import dynamodb_client

_fresh = count(1)


class WholeStore(Store, Outbox, Protocol):
    """Both protocols, as each store implements them."""


OpenWorkspace = Callable[[str], WholeStore]
"""Opens the store of one workspace, all on the same tables."""


@pytest.fixture(params=["sqlite", "dynamodb"])
def open_workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenWorkspace]:
    """Give empty tables. DynamoDB is moto, in process: for one thread at a time."""
    with ExitStack() as stack:
        yield (_on_a_file if request.param == "sqlite" else _on_moto)(stack, tmp_path)


@pytest.fixture
def store(open_workspace: OpenWorkspace) -> WholeStore:
    """Give an empty store."""
    return open_workspace("T1")


def _on_a_file(stack: ExitStack, folder: Path) -> OpenWorkspace:
    def opened(workspace_id: str) -> WholeStore:
        store = SQLiteStore(folder / "rollcall.sqlite", workspace_id)
        stack.callback(store.close)
        return store

    return opened


def _on_moto(stack: ExitStack, folder: Path) -> OpenWorkspace:
    client = dynamodb_client()
    prefix = f"contract{next(_fresh)}-"
    for name in schema.create_tables(client, prefix):
        stack.callback(client.delete_table, TableName=name)
    return lambda workspace_id: DynamoDBStore(client, prefix, workspace_id)
