"""What requests to DynamoDB are made of: the tables' names, and the keys of one workspace in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.dynamodb.items import Item, Items, card_key, to_wire
from storage.dynamodb.schema import CARDS, EVENTS, JOURNAL, REGISTRATIONS, USERS, WAITLIST, Table

Values = Mapping[str, Any]
"""Attributes with plain values, before `to_wire`."""


class Tables:
    """The tables of one prefix, as one workspace sees them."""

    def __init__(self, prefix: str, workspace_id: str) -> None:
        self.prefix = prefix
        self.items = Items(workspace_id)

    def name(self, table: Table) -> str:
        """Return a table's name."""
        return self.prefix + table.name

    def put(self, table: Table, item: Item, **condition: Any) -> dict[str, Any]:
        """Return the arguments that write an item."""
        return {"TableName": self.name(table), "Item": item, **condition}

    def at(self, address: tuple[Table, Values], **rest: Any) -> dict[str, Any]:
        """Return the arguments that name an item, and what is to be done to it."""
        table, key = address
        return {"TableName": self.name(table), "Key": to_wire(key), **rest}

    # Where an item stands: its table and key

    def event(self, event_id: str) -> tuple[Table, Values]:
        """Return where an event stands."""
        return EVENTS, {"event_id": self.items.key(event_id)}

    def user(self, user_id: str) -> tuple[Table, Values]:
        """Return where a user stands."""
        return USERS, {"user_id": self.items.key(user_id)}

    def registration(self, user_id: str, event_id: str) -> tuple[Table, Values]:
        """Return where a user's registration in an event stands."""
        key = {"user_id": self.items.key(user_id), "event_id": self.items.key(event_id)}
        return REGISTRATIONS, key

    def waiting(self, event_id: str, ticket: int) -> tuple[Table, Values]:
        """Return where a place in an event's line stands."""
        return WAITLIST, {"event_id": self.items.key(event_id), "ticket": ticket}

    def entry(self, event_id: str, version: int) -> tuple[Table, Values]:
        """Return where the journal's entry of a version stands."""
        return JOURNAL, {"event_id": self.items.key(event_id), "version": version}

    def delivery(self, event_id: str) -> tuple[Table, Values]:
        """Return where an event's delivery row stands: in the journal, before the first version."""
        return self.entry(event_id, 0)

    def card(self, event_id: str, channel_id: str, message_ts: str) -> tuple[Table, Values]:
        """Return where a card stands."""
        message = card_key(channel_id, message_ts)
        return CARDS, {"event_id": self.items.key(event_id), "message": message}
