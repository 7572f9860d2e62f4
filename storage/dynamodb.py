"""Rollcall's tables of one workspace in DynamoDB: the only condition expressions in the project.

One request at a time is sent once: the client does not retry, because the service does, and knows
what may be repeated.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

import boto3
from botocore.config import Config

from domain.errors import Invalid
from domain.models import (
    Card,
    Delivery,
    Event,
    JournalEntry,
    ListedEvent,
    Page,
    Registration,
    User,
    Waiting,
)
from domain.ports import Conflict, Rows, Unavailable
from domain.seating import (
    Action,
    CheckUser,
    DeleteRegistration,
    DeleteWaiting,
    Plan,
    PutEntry,
    PutEvent,
    PutRegistration,
    PutWaiting,
)
from storage.dynamodb_errors import reading, writing
from storage.items import Item, Items, card_key, from_wire, moment, to_wire
from storage.schema import (
    CARDS,
    DEFAULT_PREFIX,
    EVENTS,
    JOURNAL,
    REGISTRATIONS,
    UNDELIVERED_SHARDS,
    USERS,
    WAITLIST,
    Table,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

BATCH_GET = 100
"""The most items of one BatchGetItem."""

DRAINS = 8
"""How often unprocessed keys are asked for again before the read counts as failed."""


def make_client() -> DynamoDBClient:
    """Return a client that sends each request once and gives up within a second.

    Region, credentials and `AWS_ENDPOINT_URL_DYNAMODB` are AWS's own variables.
    """
    return boto3.client(
        "dynamodb",
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=0.5,
            read_timeout=0.8,
            max_pool_connections=64,
        ),
    )


class DynamoDBStore:
    """`domain.ports.Store` and `Outbox` on the tables of `storage.schema`."""

    def __init__(self, client: DynamoDBClient, prefix: str, workspace_id: str) -> None:
        # The tables' and items' shapes are `schema`'s and `items`', not the client's types.
        self._client: Any = client
        self._prefix = prefix or DEFAULT_PREFIX
        self._items = Items(workspace_id)

    def _name(self, table: Table) -> str:
        return self._prefix + table.name

    # Reading

    def _get(self, table: Table, key: Mapping[str, Any]) -> Item | None:
        with reading():
            answer = self._client.get_item(
                TableName=self._name(table), Key=to_wire(key), ConsistentRead=True
            )
        item: Item | None = answer.get("Item")
        return item

    def _batch_get(self, wanted: Sequence[tuple[Table, Mapping[str, Any]]]) -> Iterator[Item]:
        """Yield the items that exist, in as few requests as it takes."""
        for first in range(0, len(wanted), BATCH_GET):
            request: dict[str, Any] = {}
            for table, key in wanted[first : first + BATCH_GET]:
                keys = request.setdefault(self._name(table), {"ConsistentRead": True, "Keys": []})
                keys["Keys"].append(to_wire(key))
            for _ in range(DRAINS):
                with reading():
                    answer = self._client.batch_get_item(RequestItems=request)
                for items in answer["Responses"].values():
                    yield from items
                request = answer.get("UnprocessedKeys") or {}
                if not request:
                    break
            else:
                raise Unavailable(f"keys left unprocessed {DRAINS} times")

    def _query(self, table: Table, limit: int, **arguments: Any) -> tuple[list[Item], Item | None]:
        """Return up to `limit` items, over as many of DynamoDB's own pages as that takes."""
        return self._pages(self._client.query, table, limit, arguments)

    def _pages(
        self, read: Callable[..., Any], table: Table, limit: int, arguments: dict[str, Any]
    ) -> tuple[list[Item], Item | None]:
        items: list[Item] = []
        while True:
            with reading():
                answer = read(TableName=self._name(table), Limit=limit - len(items), **arguments)
            items += answer["Items"]
            last: Item | None = answer.get("LastEvaluatedKey")
            if last is None or len(items) >= limit:
                return items, last
            arguments = {**arguments, "ExclusiveStartKey": last}

    def _list(
        self,
        name: str,
        table: Table,
        index: str | None,
        condition: str,
        values: Mapping[str, Any],
        to_item: Callable[[Item], T],
        *,
        limit: int,
        cursor: str | None,
        names: Mapping[str, str] | None = None,
        descending: bool = False,
    ) -> Page[T]:
        """Return one page of an index, or of a table's items of one hash key."""
        arguments: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_wire(values),
            "ScanIndexForward": not descending,
        }
        if names:
            arguments["ExpressionAttributeNames"] = dict(names)
        if index is not None:
            arguments["IndexName"] = index
        if cursor is not None:
            arguments["ExclusiveStartKey"] = self._from_cursor(name, table, index, cursor)
        items, last = self._query(table, limit, **arguments)
        return Page(tuple(to_item(item) for item in items), self._to_cursor(name, last))

    def _scan(
        self, table: Table, to_item: Callable[[Item], T], *, limit: int, cursor: str | None
    ) -> Page[T]:
        """Return one page of all items of the workspace; it may be short. For `check` only."""
        arguments: dict[str, Any] = {
            "ConsistentRead": True,
            "FilterExpression": "begins_with(#key, :workspace)",
            "ExpressionAttributeNames": {"#key": table.key.hash},
            "ExpressionAttributeValues": to_wire({":workspace": self._items.key("")}),
        }
        name = f"all {table.name}"
        if cursor is not None:
            arguments["ExclusiveStartKey"] = self._from_cursor(name, table, None, cursor)
        with reading():
            answer = self._client.scan(TableName=self._name(table), Limit=limit, **arguments)
        last = self._to_cursor(name, answer.get("LastEvaluatedKey"))
        return Page(tuple(to_item(item) for item in answer["Items"]), last)

    def _to_cursor(self, name: str, last: Item | None) -> str | None:
        if last is None:
            return None
        text = json.dumps([self._items.workspace_id, name, from_wire(last)])
        return base64.urlsafe_b64encode(text.encode()).decode()

    def _from_cursor(self, name: str, table: Table, index: str | None, cursor: str) -> Item:
        """Return the key at which a page of this list ended; raises `Invalid`."""
        refusal = Invalid("cursor", "must be one that this list gave out")
        keys = set(table.key.names())
        for one in table.indexes:
            if one.name == index:
                keys |= set(one.key.names())
        try:
            given = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
            workspace_id, of, last = given
            numbers = all(isinstance(last[key], int if _is_number(key) else str) for key in keys)
        except (ValueError, TypeError, KeyError):
            raise refusal from None
        if [workspace_id, of] != [self._items.workspace_id, name] or not numbers:
            raise refusal
        return to_wire({key: last[key] for key in keys})

    # Events

    def _event_key(self, event_id: str) -> dict[str, Any]:
        return {"event_id": self._items.key(event_id)}

    def get_event(self, event_id: str) -> Event | None:
        """See `Store.get_event`."""
        item = self._get(EVENTS, self._event_key(event_id))
        return None if item is None else self._items.to_event(item)

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """See `Store.get_events`."""
        wanted = [(EVENTS, self._event_key(event_id)) for event_id in sorted(set(event_ids))]
        events = (self._items.to_event(item) for item in self._batch_get(wanted))
        return {event.event_id: event for event in events}

    def list_events(
        self, *, starting_from: datetime | None, limit: int, cursor: str | None = None
    ) -> Page[ListedEvent]:
        """See `Store.list_events`."""
        condition, values = "upcoming_in = :workspace", {":workspace": self._items.workspace_id}
        if starting_from is not None:
            condition += " AND starts_at >= :from"
            values[":from"] = moment(starting_from)
        return self._list(
            "events",
            EVENTS,
            "upcoming",
            condition,
            values,
            self._items.to_listed,
            limit=limit,
            cursor=cursor,
        )

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_events`."""
        return self._list(
            "unfinished events",
            EVENTS,
            "unfinished",
            "unfinished_in = :workspace",
            {":workspace": self._items.workspace_id},
            self._event_id,
            limit=limit,
            cursor=cursor,
        )

    def _event_id(self, item: Item) -> str:
        return self._items.identifier(from_wire(item)["event_id"])

    # Registrations

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        """See `Store.get_rows`."""
        wanted: list[tuple[Table, Mapping[str, Any]]] = [
            (REGISTRATIONS, {"user_id": self._items.key(user_id)} | self._event_key(event_id))
            for user_id in sorted(set(registrations_of))
        ]
        wanted += [(USERS, {"user_id": self._items.key(user_id)}) for user_id in sorted(set(users))]
        people: dict[str, User] = {}
        rows: dict[str, Registration] = {}
        for item in self._batch_get(wanted):
            if "event_id" in item:
                row = self._items.to_registration(item)
                rows[row.user_id] = row
            else:
                user = self._items.to_user(item)
                people[user.user_id] = user
        return Rows(people, rows)

    def get_line(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> tuple[Waiting, ...]:
        """See `Store.get_line`."""
        condition = "event_id = :event AND ticket > :after"
        values: dict[str, Any] = {":event": self._items.key(event_id), ":after": after}
        if until is not None:
            # A range key takes one condition; BETWEEN counts both its ends.
            condition = "event_id = :event AND ticket BETWEEN :first AND :until"
            values = {":event": values[":event"], ":first": after + 1, ":until": until}
            if until <= after:
                return ()
        items, _ = self._query(
            WAITLIST,
            limit,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_wire(values),
            ConsistentRead=True,
        )
        return tuple(self._items.to_waiting(item) for item in items)

    def list_roster(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Registration]:
        """See `Store.list_roster`."""
        return self._list(
            f"roster of {event_id}",
            REGISTRATIONS,
            "roster",
            "seated_in = :event",
            {":event": self._items.key(event_id)},
            self._items.to_registration,
            limit=limit,
            cursor=cursor,
        )

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        """See `Store.get_registrations_of`."""
        rows: list[Registration] = []
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "user_id = :user",
            "ExpressionAttributeValues": to_wire({":user": self._items.key(user_id)}),
            "ConsistentRead": True,
        }
        while True:
            items, last = self._query(REGISTRATIONS, 1_000, **arguments)
            rows += (self._items.to_registration(item) for item in items)
            if last is None:
                return tuple(rows)
            arguments["ExclusiveStartKey"] = last

    # Committing

    def commit(self, plan: Plan) -> None:
        """See `Store.commit`. The plan's id is DynamoDB's idempotency token (kept for ten minutes)."""
        with writing():
            self._client.transact_write_items(
                TransactItems=[self._action(action) for action in plan.actions],
                ClientRequestToken=plan.plan_id,
            )

    def _action(self, action: Action) -> dict[str, Any]:
        match action:
            case PutEvent(event, replaces):
                return {"Put": self._put_event(event, replaces)}
            case PutRegistration(row, replaces):
                return {"Put": self._put_registration(row, replaces)}
            case DeleteRegistration(row):
                return {
                    "Delete": self._keyed(
                        REGISTRATIONS,
                        {"user_id": self._items.key(row.user_id)} | self._event_key(row.event_id),
                        **_stored_as(row),
                    )
                }
            case PutWaiting(event_id, waiting):
                # A ticket is given once: its place can't be taken.
                return {
                    "Put": self._put(
                        WAITLIST,
                        self._items.waiting(event_id, waiting),
                        ConditionExpression="attribute_not_exists(event_id)",
                    )
                }
            case DeleteWaiting(event_id, waiting):
                # The place is this user's, and is there: nobody is promoted twice.
                return {
                    "Delete": self._keyed(
                        WAITLIST,
                        {**self._event_key(event_id), "ticket": waiting.ticket},
                        ConditionExpression="user_id = :user",
                        ExpressionAttributeValues=to_wire(
                            {":user": self._items.key(waiting.user_id)}
                        ),
                    )
                }
            case CheckUser(user_id):
                # The user exists, and nobody has begun to delete it (R7.1).
                return {
                    "ConditionCheck": self._keyed(
                        USERS,
                        {"user_id": self._items.key(user_id)},
                        ConditionExpression=(
                            "attribute_exists(user_id) AND attribute_not_exists(deletion)"
                        ),
                    )
                }
            case PutEntry(entry):
                # Each version has one entry: it tells whose commit made it.
                return {
                    "Put": self._put(
                        JOURNAL,
                        self._items.entry(entry),
                        ConditionExpression="attribute_not_exists(event_id)",
                    )
                }
            case _:
                assert_never(action)

    def _put_event(self, event: Event, replaces: int | None) -> dict[str, Any]:
        item = self._items.event(event)
        if replaces is None:
            return self._put(EVENTS, item, ConditionExpression="attribute_not_exists(event_id)")
        # The one condition on which R3, R4 and R7 rest: nothing of the event has changed since it
        # was read, because every change moves the version.
        return self._put(
            EVENTS,
            item,
            ConditionExpression="version = :version",
            ExpressionAttributeValues=to_wire({":version": replaces}),
        )

    def _put_registration(self, row: Registration, replaces: Registration | None) -> dict[str, Any]:
        item = self._items.registration(row)
        if replaces is None:
            # One registration per user and event.
            return self._put(
                REGISTRATIONS, item, ConditionExpression="attribute_not_exists(user_id)"
            )
        return self._put(REGISTRATIONS, item, **_stored_as(replaces))

    def _put(self, table: Table, item: Item, **condition: Any) -> dict[str, Any]:
        return {"TableName": self._name(table), "Item": item, **condition}

    def _keyed(self, table: Table, key: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
        return {"TableName": self._name(table), "Key": to_wire(key), **rest}

    # The journal

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        """See `Store.get_journal_entry`."""
        item = self._get(JOURNAL, {**self._event_key(event_id), "version": version})
        return None if item is None or version == 0 else self._items.to_entry(item)

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        """See `Store.list_journal`."""
        items, _ = self._query(
            JOURNAL,
            limit,
            KeyConditionExpression="event_id = :event AND version > :after",
            ExpressionAttributeValues=to_wire(
                {":event": self._items.key(event_id), ":after": max(after, 0)}
            ),
            ConsistentRead=True,
        )
        return tuple(self._items.to_entry(item) for item in items)

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        """See `Store.list_history`."""
        return self._list(
            f"history of {event_id}",
            JOURNAL,
            None,
            "event_id = :event AND version > :zero",
            {":event": self._items.key(event_id), ":zero": 0},
            self._items.to_entry,
            limit=limit,
            cursor=cursor,
            descending=True,
        )

    # Users

    def _user_key(self, user_id: str) -> dict[str, Any]:
        return {"user_id": self._items.key(user_id)}

    def get_user(self, user_id: str) -> User | None:
        """See `Store.get_user`."""
        item = self._get(USERS, self._user_key(user_id))
        return None if item is None else self._items.to_user(item)

    def list_users(self, *, limit: int, cursor: str | None = None) -> Page[User]:
        """See `Store.list_users`."""
        return self._list(
            "users",
            USERS,
            "members",
            "member_of = :workspace",
            {":workspace": self._items.workspace_id},
            self._items.to_user,
            limit=limit,
            cursor=cursor,
        )

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_users`."""
        return self._list(
            "unfinished users",
            USERS,
            "unfinished",
            "unfinished_in = :workspace",
            {":workspace": self._items.workspace_id},
            lambda item: self._items.identifier(from_wire(item)["user_id"]),
            limit=limit,
            cursor=cursor,
        )

    def put_user(self, user: User, *, replaces: str | None) -> None:
        """See `Store.put_user`."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(user_id)"}
        if replaces is not None:
            # Nobody has written since, and nobody has begun to delete the user.
            condition = {
                "ConditionExpression": "revision = :revision AND attribute_not_exists(deletion)",
                "ExpressionAttributeValues": to_wire({":revision": replaces}),
            }
        with writing():
            self._client.put_item(**self._put(USERS, self._items.user(user), **condition))

    def mark_user(self, user_id: str, mark: str) -> str | None:
        """See `Store.mark_user`."""
        try:
            with writing():
                answer = self._client.update_item(
                    **self._keyed(
                        USERS,
                        self._user_key(user_id),
                        # The first mark stays: two deletions are one.
                        UpdateExpression=(
                            "SET deletion = if_not_exists(deletion, :mark),"
                            " unfinished_in = :workspace"
                        ),
                        ConditionExpression="attribute_exists(user_id)",
                        ExpressionAttributeValues=to_wire(
                            {":mark": mark, ":workspace": self._items.workspace_id}
                        ),
                        ReturnValues="ALL_NEW",
                    )
                )
        except Conflict:
            if self.get_user(user_id) is None:
                return None
            raise
        return self._items.to_user(answer["Attributes"]).deletion

    def delete_user(self, user_id: str, mark: str) -> None:
        """See `Store.delete_user`."""
        with writing():
            self._client.delete_item(
                **self._keyed(
                    USERS,
                    self._user_key(user_id),
                    # Ours, and not a user's who was created anew since.
                    ConditionExpression="deletion = :mark",
                    ExpressionAttributeValues=to_wire({":mark": mark}),
                )
            )

    # For `check` only

    def scan_events(self, *, limit: int, cursor: str | None = None) -> Page[Event]:
        """See `Store.scan_events`."""
        return self._scan(EVENTS, self._items.to_event, limit=limit, cursor=cursor)

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        """See `Store.scan_registrations`."""
        return self._scan(REGISTRATIONS, self._items.to_registration, limit=limit, cursor=cursor)

    def scan_waiting(self, *, limit: int, cursor: str | None = None) -> Page[tuple[str, Waiting]]:
        """See `Store.scan_waiting`."""
        return self._scan(
            WAITLIST,
            lambda item: (self._event_id(item), self._items.to_waiting(item)),
            limit=limit,
            cursor=cursor,
        )

    # The outbox

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Outbox.list_undelivered`. One shard after the other."""
        number, after = _shard_of(cursor)
        page = self._list(
            f"undelivered {number}",
            JOURNAL,
            "undelivered",
            "undelivered_in = :shard",
            {":shard": self._items.shard(number)},
            self._event_id,
            limit=limit,
            cursor=after,
        )
        if page.next_cursor is not None:
            following: str | None = f"{number}.{page.next_cursor}"
        else:
            following = f"{number + 1}." if number + 1 < UNDELIVERED_SHARDS else None
        return Page(tuple(dict.fromkeys(page.items)), following)

    def _delivery_key(self, event_id: str) -> dict[str, Any]:
        return {**self._event_key(event_id), "version": 0}

    def get_delivery(self, event_id: str) -> Delivery:
        """See `Outbox.get_delivery`."""
        item = self._get(JOURNAL, self._delivery_key(event_id))
        return Delivery(event_id=event_id) if item is None else self._items.to_delivery(item)

    def take_lease(
        self, event_id: str, *, holder: str, now: datetime, until: datetime
    ) -> Delivery | None:
        """See `Outbox.take_lease`."""
        try:
            with writing():
                answer = self._client.update_item(
                    **self._keyed(
                        JOURNAL,
                        self._delivery_key(event_id),
                        UpdateExpression="SET holder = :holder, leased_until = :until",
                        # Nobody holds it, or not any more, or we do.
                        ConditionExpression=(
                            "attribute_not_exists(leased_until) OR leased_until <= :now"
                            " OR holder = :holder"
                        ),
                        ExpressionAttributeValues=to_wire(
                            {":holder": holder, ":until": until, ":now": now}
                        ),
                        ReturnValues="ALL_NEW",
                    )
                )
        except Conflict:
            return None
        return self._items.to_delivery(answer["Attributes"])

    def save_delivery(self, delivery: Delivery) -> None:
        """See `Outbox.save_delivery`."""
        with writing():
            self._client.put_item(
                **self._put(
                    JOURNAL,
                    self._items.delivery(delivery),
                    # Who lost the lease must not move the cursor of the one who has it.
                    ConditionExpression="holder = :holder",
                    ExpressionAttributeValues=to_wire({":holder": delivery.holder or ""}),
                )
            )

    def mark_delivered(self, event_id: str, version: int) -> None:
        """See `Outbox.mark_delivered`."""
        try:
            with writing():
                self._client.update_item(
                    **self._keyed(
                        JOURNAL,
                        {**self._event_key(event_id), "version": version},
                        UpdateExpression="REMOVE undelivered_in",
                        # An update of what is not there would make it.
                        ConditionExpression="attribute_exists(event_id)",
                    )
                )
        except Conflict:
            if self._get(JOURNAL, {**self._event_key(event_id), "version": version}) is not None:
                raise

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        """See `Outbox.get_cards`."""
        items, _ = self._query(
            CARDS,
            1_000,
            KeyConditionExpression="event_id = :event",
            ExpressionAttributeValues=to_wire({":event": self._items.key(event_id)}),
            ConsistentRead=True,
        )
        return tuple(self._items.to_card(item) for item in items)

    def put_card(self, card: Card) -> None:
        """See `Outbox.put_card`."""
        try:
            with writing():
                self._client.put_item(
                    **self._put(
                        CARDS,
                        self._items.card(card),
                        # A card never goes back to an older version.
                        ConditionExpression=(
                            "attribute_not_exists(event_id) OR rendered_version < :version"
                        ),
                        ExpressionAttributeValues=to_wire({":version": card.rendered_version}),
                    )
                )
        except Conflict:
            if not any(
                _is_same_message(stored, card) and stored.rendered_version >= card.rendered_version
                for stored in self.get_cards(card.event_id)
            ):
                raise

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """See `Outbox.delete_card`."""
        key = {**self._event_key(event_id), "message": card_key(channel_id, message_ts)}
        with writing():
            self._client.delete_item(**self._keyed(CARDS, key))


def _stored_as(row: Registration) -> dict[str, Any]:
    """Return the condition that a registration is stored as it was read: its place and its status."""
    return {
        "ConditionExpression": "ticket = :ticket AND #status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_wire({":ticket": row.ticket, ":status": row.status}),
    }


def _is_number(key: str) -> bool:
    return key in ("ticket", "version")


def _is_same_message(one: Card, other: Card) -> bool:
    return (one.channel_id, one.message_ts) == (other.channel_id, other.message_ts)


def _shard_of(cursor: str | None) -> tuple[int, str | None]:
    number, _, after = (cursor or "0.").partition(".")
    if not number.isdecimal() or int(number) >= UNDELIVERED_SHARDS:
        raise Invalid("cursor", "must be one that this list gave out")
    return int(number), after or None
