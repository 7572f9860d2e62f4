"""Both stores, empty, for the contract that they keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.dynamodb import DynamoDBStore
from storage.sqlite import SQLiteStore
from tests.stores import empty_moto, empty_sqlite

AnyStore = SQLiteStore | DynamoDBStore


@pytest.fixture(params=["sqlite", "moto"])
def store(request: pytest.FixtureRequest) -> Iterator[AnyStore]:
    with empty_sqlite() if request.param == "sqlite" else empty_moto() as store:
        yield store


def another_workspace(store: AnyStore) -> AnyStore:
    """Return the same tables, as another workspace's process sees them."""
    if isinstance(store, SQLiteStore):
        other = SQLiteStore.__new__(SQLiteStore)
        other._file, other._workspace = store._file, "T2"
        return other
    return DynamoDBStore(store._client, store._prefix, "T2")
