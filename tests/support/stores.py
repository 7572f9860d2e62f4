"""Empty stores on which to run the same test: `memory` is a dictionary, the others are real."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from domain.ports import Store
from storage.dynamodb import schema
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.outbox import SQLiteOutbox
from storage.sqlite.store import SQLiteStore
from tests.support.dynamodb.local import empty_local_tables, local_client
from tests.support.dynamodb.moto import dynamodb_client, empty_tables
from tests.support.memory_store import MemoryStore

Kind = Literal["memory", "sqlite", "moto", "local"]

_fresh = count(1)

_unused: list[str] = []
"""Prefixes of moto's tables that an earlier test created, and that are empty again."""

_unused_locally: list[str] = []
"""The same in DynamoDB Local."""


@contextmanager
def empty_store(kind: Kind) -> Iterator[Store]:
    """Yield an empty store; `moto` and `local` are DynamoDB.

    moto runs in this process, for one thread at a time; DynamoDB Local is AWS's own engine.
    """
    match kind:
        case "memory":
            yield MemoryStore()
        case "sqlite":
            with empty_sqlite() as store:
                yield store
        case "moto":
            with empty_moto() as store:
                yield store
        case "local":
            with empty_local() as store:
                yield store


@contextmanager
def empty_sqlite() -> Iterator[SQLiteStore]:
    """Yield a SQLite store on a file of its own."""
    with TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "rollcall.sqlite", "T1")
        try:
            yield store
        finally:
            store.close()


@contextmanager
def empty_moto() -> Iterator[DynamoDBStore]:
    """Yield a DynamoDB store on tables of its own, because moto slows down as tables fill."""
    client = dynamodb_client()
    if not _unused:
        _unused.append(f"test{next(_fresh)}-")
        schema.create_tables(client, _unused[0])
    prefix = _unused.pop()
    try:
        yield DynamoDBStore(client, prefix, "T1")
    finally:
        empty_tables(prefix)
        _unused.append(prefix)


@contextmanager
def empty_local(*, is_reused: bool = True) -> Iterator[DynamoDBStore]:
    """Yield a DynamoDB store on DynamoDB Local, on tables of its own.

    The tables are emptied and used again, unless `is_reused` says that they hold too much for that.
    """
    client = local_client()
    if not _unused_locally:
        # All processes of the session share one engine.
        _unused_locally.append(f"test{os.getpid()}-{next(_fresh)}-")
        schema.create_tables(client, _unused_locally[0])
    prefix = _unused_locally.pop()
    try:
        yield DynamoDBStore(client, prefix, "T1")
    finally:
        if is_reused:
            empty_local_tables(prefix)
            _unused_locally.append(prefix)


@contextmanager
def without_foreign_keys(store: Store) -> Iterator[None]:
    """Switch off SQLite's foreign keys, a guard that DynamoDB does not have."""
    connections = store._file._idle if isinstance(store, SQLiteStore) else []
    for connection in connections:
        connection.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        for connection in connections:
            connection.execute("PRAGMA foreign_keys = ON")


AnyStore = SQLiteStore | DynamoDBStore
STORES: dict[str, Callable[[], AbstractContextManager[AnyStore]]] = {
    "sqlite": empty_sqlite,
    "moto": empty_moto,
    "local": empty_local,
}


def another_workspace(store: AnyStore, workspace_id: str = "T2") -> AnyStore:
    """Return a store of another workspace on the same tables."""
    if isinstance(store, SQLiteStore):
        other = SQLiteStore.__new__(SQLiteStore)
        SQLiteOutbox.__init__(other, store._file, workspace_id)
        return other
    return DynamoDBStore(store._client, store._prefix, workspace_id)
