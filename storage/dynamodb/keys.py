"""The keys of one workspace's items, and the parts of requests that name a table and a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.dynamodb.items import Item, Items, card_key, to_wire
from storage.dynamodb.schema import (
    CARDS,
    EVENTS,
    JOURNAL,
    REGISTRATIONS,
    REQUESTS,
    USERS,
    WAITLIST,
    Table,
)

Values = Mapping[str, Any]
"""Attributes with plain values, before `to_wire`."""

Address = tuple[Table, Values]
"""An item's table and key."""


class Keys:
    """The keys of one workspace in the tables of one prefix."""

    def __init__(self, prefix: str, workspace_id: str) -> None:
        self.prefix = prefix
        self.items = Items(workspace_id)

    def table_name(self, table: Table) -> str:
        """Return a table's name, with the prefix."""
        return self.prefix + table.name

    def put(self, table: Table, item: Item, **condition: Any) -> dict[str, Any]:
        """Return the arguments that write an item."""
        return {"TableName": self.table_name(table), "Item": item, **condition}

    def at(self, address: Address, **rest: Any) -> dict[str, Any]:
        """Return the arguments that name an item, with the arguments that say what to do with it."""
        table, key = address
        return {"TableName": self.table_name(table), "Key": to_wire(key), **rest}

    def event(self, event_id: str) -> Address:
        """Return the address of an event."""
        return EVENTS, {"event_id": self.items.key(event_id)}

    def user(self, user_id: str) -> Address:
        """Return the address of a user."""
        return USERS, {"user_id": self.items.key(user_id)}

    def registration(self, user_id: str, event_id: str) -> Address:
        """Return the address of a user's registration in an event."""
        key = {"user_id": self.items.key(user_id), "event_id": self.items.key(event_id)}
        return REGISTRATIONS, key

    def waitlist_entry(self, event_id: str, ticket: int) -> Address:
        """Return the address of an entry of an event's waitlist."""
        return WAITLIST, {"event_id": self.items.key(event_id), "ticket": ticket}

    def journal_entry(self, event_id: str, version: int) -> Address:
        """Return the address of the journal entry of a version."""
        return JOURNAL, {"event_id": self.items.key(event_id), "version": version}

    def delivery(self, event_id: str) -> Address:
        """Return the address of an event's delivery row: version 0 of the journal."""
        return self.journal_entry(event_id, 0)

    def card(self, event_id: str, channel_id: str, message_ts: str) -> Address:
        """Return the address of a card."""
        message = card_key(channel_id, message_ts)
        return CARDS, {"event_id": self.items.key(event_id), "message": message}

    def in_queue(self, event_id: str, entry_id: str) -> Address:
        """Return the address of an item in an event's queue."""
        return REQUESTS, {"queue": self.items.key(event_id), "entry_id": entry_id}

    def of_request(self, request_id: str, entry_id: str) -> Address:
        """Return the address of what belongs to one request. No event's id has a slash."""
        return self.in_queue(f"{request_id}/request", entry_id)
