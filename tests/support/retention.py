"""What a store's engine deletes by itself, without waiting for it."""

from __future__ import annotations

from datetime import datetime

from storage.dynamodb.schema import TABLES
from storage.sqlite.store import SQLiteStore
from tests.support.stores import AnyStore


def let_expire(store: AnyStore, now: datetime) -> int:
    """Delete what a store no longer keeps at `now`, and return how many rows that were.

    DynamoDB takes up to a few days. This deletes what its engine would: items whose attribute is a number in the past.
    """
    if isinstance(store, SQLiteStore):
        return store.delete_old_entries(now, limit=1_000)
    deleted = 0
    for table in TABLES:
        name = store._keys.table_name(table)
        for item in store._client.scan(TableName=name)["Items"]:
            expires_at = item.get(table.expires_by or "", {}).get("N")
            if expires_at is not None and int(expires_at) <= now.timestamp():
                key = {part: item[part] for part in table.key.names()}
                store._client.delete_item(TableName=name, Key=key)
                deleted += 1
    return deleted
