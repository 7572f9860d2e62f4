"""The stores, empty, for the contract that they keep: DynamoDB mocked, and AWS's own engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.stores import empty_local, empty_moto, empty_sqlite

AnyStore = SQLiteStore | DynamoDBStore


STORES: dict[str, Callable[[], AbstractContextManager[AnyStore]]] = {
    "sqlite": empty_sqlite,
    "moto": empty_moto,
    "local": empty_local,
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[AnyStore]:
    with STORES[request.param]() as store:
        yield store


def another_workspace(store: AnyStore) -> AnyStore:
    """Return the same tables, as another workspace's process sees them."""
    if isinstance(store, SQLiteStore):
        other = SQLiteStore.__new__(SQLiteStore)
        other._file, other._workspace = store._file, "T2"
        return other
    return DynamoDBStore(store._client, store._prefix, "T2")
