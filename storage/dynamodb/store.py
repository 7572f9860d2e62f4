"""The store on DynamoDB, request by request.

The client sends each request once. The service retries, because it knows what may be repeated. The
conditions of commits are in `storage.dynamodb.conditions`.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.parsers import JSONParser, ResponseParserFactory
from pydantic_core import from_json

from domain.models import (
    DueEvent,
    Event,
    JournalEntry,
    ListedEvent,
    Page,
    Registration,
    User,
    WaitlistEntry,
)
from domain.planning.plan import Plan
from domain.ports import Rows
from storage.dynamodb.conditions import transact_item
from storage.dynamodb.errors import ConditionFailed, writing
from storage.dynamodb.items import Item, moment, to_wire
from storage.dynamodb.outbox import DynamoDBOutbox
from storage.dynamodb.reader import Listing, Only
from storage.dynamodb.schema import EVENTS, JOURNAL, REGISTRATIONS, USERS, WAITLIST

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


CLIENT = Config(
    # Only legacy mode raises for an answer that fails its checksum when no attempt is left, and
    # only legacy mode never slows the client down. It overrides AWS_RETRY_MODE.
    retries={"mode": "legacy", "total_max_attempts": 1},
    connect_timeout=0.5,
    read_timeout=0.8,
    max_pool_connections=128,  # 64 threads for Slack, 40 for the API, and the bot's own
    # DynamoDB validates each request, too, and the tests send all of them. This is the slower of both.
    parameter_validation=False,
    # Without a name, botocore puts one together for each request, of thirty parts.
    user_agent="rollcall",
)


class _ItemsAsTheyAre(JSONParser):
    """botocore's parser of answers, which leaves items as they are in JSON: `items` converts them.

    botocore looks at each attribute for each of DynamoDB's ten types, which took a third of the time of a long list.
    The result differs only for binary values. Rollcall stores none.
    """

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        try:
            return from_json(body_contents) if body_contents else {}
        except ValueError:  # it is no JSON: then botocore's own way makes an error of it
            return super()._parse_body_as_json(body_contents)  # type: ignore[misc]  # the stubs lack it

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == "AttributeValue":
            return value
        return super()._handle_map(shape, value)  # type: ignore[misc]  # the stubs lack it


class _Parsers(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:
        return (
            _ItemsAsTheyAre() if protocol_name == "json" else super().create_parser(protocol_name)
        )


def new_client(config: Config, **arguments: Any) -> DynamoDBClient:
    """Return a client of DynamoDB with boto3's arguments. It has no other retries and timeouts than its config."""
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", _Parsers())
    return boto3.Session(botocore_session=session).client("dynamodb", config=config, **arguments)


def make_client() -> DynamoDBClient:
    """Return a client that sends each request once and gives up within a second.

    AWS's own variables set the region, the credentials and `AWS_ENDPOINT_URL_DYNAMODB`. `AWS_REGION` sets the
    region, too: AWS's other tools read it, but boto3 does not.
    """
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    return new_client(CLIENT, region_name=region)


def _organized_by(user_id: str) -> Only:
    return Only(
        # An index that was created before it carried organizers tells of none: that event is read.
        "organizer_id = :organizer OR contains(co_organizer_ids, :organizer)"
        " OR attribute_not_exists(organizer_id)",
        {":organizer": user_id},
    )


class DynamoDBStore(DynamoDBOutbox):
    """`domain.ports.Store` and `Outbox` of one workspace on the tables of `storage.dynamodb.schema`."""

    # Events

    def get_event(self, event_id: str) -> Event | None:
        """See `Store.get_event`."""
        item = self._reader.get(self._keys.event(event_id))
        return None if item is None else self._to_event(item)

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """See `Store.get_events`."""
        wanted = [self._keys.event(event_id) for event_id in sorted(set(event_ids))]
        events = (self._to_event(item) for _, item in self._reader.batch_get(wanted))
        return {event.event_id: event for event in events}

    def list_events(
        self,
        *,
        starting_from: datetime | None,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        """See `Store.list_events`."""
        since = None if starting_from is None else moment(starting_from)
        only = None if organizer_id is None else _organized_by(organizer_id)
        workspace_id = self._items.workspace_id
        listing = Listing(("events",), EVENTS, "upcoming", workspace_id, since, only=only)
        return self._reader.page(listing, self._items.to_listed, limit=limit, cursor=cursor)

    def list_series(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[ListedEvent]:
        """See `Store.list_series`."""
        only = None if organizer_id is None else _organized_by(organizer_id)
        listing = Listing(("series",), EVENTS, "upcoming", self._items.series_list, only=only)
        return self._reader.page(listing, self._items.to_listed, limit=limit, cursor=cursor)

    def list_running_events(
        self,
        *,
        since: datetime,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        """See `Store.list_running_events`."""
        ends = moment(since)
        only = Only("starts_at < :before", {":before": ends})
        if organizer_id is not None:
            only &= _organized_by(organizer_id)
        workspace_id = self._items.workspace_id
        listing = Listing(("running events",), EVENTS, "ending", workspace_id, ends, only=only)
        return self._reader.page(listing, self._items.to_listed, limit=limit, cursor=cursor)

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_events`."""
        workspace_id = self._items.workspace_id
        listing = Listing(("unfinished events",), EVENTS, "unfinished", workspace_id)
        return self._reader.page(listing, self._event_id, limit=limit, cursor=cursor)

    def list_due_events(self, *, limit: int, cursor: str | None = None) -> Page[DueEvent]:
        """See `Store.list_due_events`."""
        listing = Listing(("due events",), EVENTS, "due", self._items.workspace_id)
        return self._reader.page(listing, self._items.to_due, limit=limit, cursor=cursor)

    def _event_id(self, item: Item) -> str:
        return self._items.identifier(item["event_id"]["S"])

    # Registrations

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        """See `Store.get_rows`."""
        wanted = [self._keys.registration(id_, event_id) for id_ in sorted(set(registrations_of))]
        wanted += [self._keys.user(user_id) for user_id in sorted(set(users))]
        found = list(self._reader.batch_get(wanted))
        user_items, registration_items = (
            [item for table, item in found if table == self._keys.table_name(of)]
            for of in (USERS, REGISTRATIONS)
        )
        return Rows(
            {user.user_id: user for user in map(self._items.to_user, user_items)},
            {one.user_id: one for one in map(self._items.to_registration, registration_items)},
        )

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int | None
    ) -> tuple[WaitlistEntry, ...]:
        """See `Store.get_waitlist`."""
        condition = "event_id = :event AND ticket > :after"
        values: dict[str, Any] = {":event": self._items.key(event_id), ":after": after}
        if until is not None:
            if until <= after:
                return ()
            # A range key allows one condition. BETWEEN includes both ends.
            condition = "event_id = :event AND ticket BETWEEN :first AND :until"
            values = {":event": values[":event"], ":first": after + 1, ":until": until}
        items, _ = self._reader.query(
            WAITLIST,
            limit=limit,
            in_one_request=limit is None,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_wire(values),
            ConsistentRead=True,
        )
        return tuple(self._items.to_waitlist_entry(item) for item in items)

    def count_entries_before(
        self, event_id: str, entry: WaitlistEntry, *, after: int
    ) -> int | None:
        """See `Store.count_entries_before`. DynamoDB counts, so no item is transferred."""
        matching, examined = self._reader.count(
            WAITLIST,
            KeyConditionExpression="event_id = :event AND ticket BETWEEN :first AND :ticket",
            # Only the entry itself matches, which shows that it is still on the waitlist.
            FilterExpression="user_id = :user",
            ExpressionAttributeValues=to_wire(
                {
                    ":event": self._items.key(event_id),
                    ":first": after + 1,
                    ":ticket": entry.ticket,
                    ":user": self._items.key(entry.user_id),
                }
            ),
            ConsistentRead=True,
        )
        return examined - 1 if matching else None

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        """See `Store.list_roster`."""
        event = self._items.key(event_id)
        listing = Listing(("roster", event_id), REGISTRATIONS, "roster", event)
        return self._reader.page(listing, self._items.to_registration, limit=limit, cursor=cursor)

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        """See `Store.get_last_seated`."""
        items, _ = self._reader.query(
            REGISTRATIONS,
            limit=limit,
            IndexName="roster",
            KeyConditionExpression="seated_in = :event",
            ExpressionAttributeValues=to_wire({":event": self._items.key(event_id)}),
            ScanIndexForward=False,
        )
        return tuple(map(self._items.to_registration, items))

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        """See `Store.get_registrations_of`."""
        items, _ = self._reader.query(
            REGISTRATIONS,
            KeyConditionExpression="user_id = :user",
            ExpressionAttributeValues=to_wire({":user": self._items.key(user_id)}),
            ConsistentRead=True,
        )
        return tuple(self._items.to_registration(item) for item in items)

    def get_events_and_registrations(
        self, event_ids: Collection[str], user_id: str
    ) -> tuple[dict[str, Event], tuple[Registration, ...]]:
        """See `Store.get_events_and_registrations`."""
        registrations = self._beside.start(partial(self.get_registrations_of, user_id))
        return self.get_events(event_ids), registrations()

    def commit(self, plan: Plan) -> None:
        """See `Store.commit`. The plan's id is the idempotency token. DynamoDB keeps it for ten minutes."""
        actions = [transact_item(self._keys, action) for action in plan.actions]
        with writing():
            self._client.transact_write_items(
                TransactItems=actions, ClientRequestToken=plan.plan_id
            )

    # The journal

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        """See `Store.get_journal_entry`."""
        if version == 0:
            return None  # that is the delivery row
        item = self._reader.get(self._keys.journal_entry(event_id, version))
        return None if item is None else self._items.to_journal_entry(item)

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        """See `Store.list_journal`."""
        items, _ = self._reader.query(
            JOURNAL,
            limit=limit,
            KeyConditionExpression="event_id = :event AND version > :after",
            # Version 0 is the delivery row.
            ExpressionAttributeValues=to_wire(
                {":event": self._items.key(event_id), ":after": max(after, 0)}
            ),
            ConsistentRead=True,
        )
        return tuple(self._items.to_journal_entry(item) for item in items)

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        """See `Store.list_history`."""
        event = self._items.key(event_id)
        # Version 0 is the delivery row.
        listing = Listing(("history", event_id), JOURNAL, None, event, since=1, newest_first=True)
        return self._reader.page(listing, self._items.to_journal_entry, limit=limit, cursor=cursor)

    def delete_old_entries(self, now: datetime, *, limit: int) -> int:  # noqa: ARG002  # DynamoDB needs neither
        """See `Store.delete_old_entries`. DynamoDB does it: see `schema.Table.expires_by`."""
        return 0

    # Users

    def get_user(self, user_id: str) -> User | None:
        """See `Store.get_user`."""
        item = self._reader.get(self._keys.user(user_id))
        return None if item is None else self._items.to_user(item)

    def list_users(self, *, limit: int | None, cursor: str | None = None) -> Page[User]:
        """See `Store.list_users`."""
        listing = Listing(("users",), USERS, "members", self._items.workspace_id)
        return self._reader.page(listing, self._items.to_user, limit=limit, cursor=cursor)

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Store.list_unfinished_users`."""
        workspace_id = self._items.workspace_id
        listing = Listing(("unfinished users",), USERS, "unfinished", workspace_id)
        return self._reader.page(
            listing,
            lambda item: self._items.identifier(item["user_id"]["S"]),
            limit=limit,
            cursor=cursor,
        )

    def put_user(self, user: User, *, replaces: str | None) -> None:
        """See `Store.put_user`."""
        # There is no such user, not even one that is being deleted.
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(user_id)"}
        if replaces is not None:
            # No one has written the user since it was read, and no deletion has started.
            condition = {
                "ConditionExpression": "revision = :revision AND attribute_not_exists(deletion_id)",
                "ExpressionAttributeValues": to_wire({":revision": replaces}),
            }
        with writing():
            self._client.put_item(**self._keys.put(USERS, self._items.user(user), **condition))

    def start_user_deletion(self, user_id: str, deletion_id: str, *, revision: str) -> str | None:
        """See `Store.start_user_deletion`."""
        request = self._keys.at(
            self._keys.user(user_id),
            # The first deletion id stays, so two deletions become one.
            UpdateExpression=(
                "SET deletion_id = if_not_exists(deletion_id, :deletion_id), unfinished_in = :workspace"
            ),
            # It is the user that was read. Without this, the update would create a missing user, or
            # delete one that was created again while this request was on its way.
            ConditionExpression="revision = :revision",
            ExpressionAttributeValues=to_wire(
                {
                    ":deletion_id": deletion_id,
                    ":workspace": self._items.workspace_id,
                    ":revision": revision,
                }
            ),
            ReturnValues="ALL_NEW",
        )
        try:
            with writing():
                answer = self._client.update_item(**request)
        except ConditionFailed:
            return None
        return self._items.to_user(answer["Attributes"]).deletion_id

    def delete_user(self, user_id: str, deletion_id: str) -> None:
        """See `Store.delete_user`."""
        request = self._keys.at(
            self._keys.user(user_id),
            # The deletion is this one, so a user that was created again since is kept. `deletion` is an
            # early name.
            ConditionExpression="deletion_id = :deletion_id OR deletion = :deletion_id",
            ExpressionAttributeValues=to_wire({":deletion_id": deletion_id}),
        )
        with writing():
            self._client.delete_item(**request)

    # Everything, in any order

    def scan_events(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[Event]:
        """See `Store.scan_events`."""
        only = None if organizer_id is None else _organized_by(organizer_id)
        return self._reader.scan(EVENTS, self._to_event, limit=limit, cursor=cursor, only=only)

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        """See `Store.scan_registrations`."""
        return self._reader.scan(
            REGISTRATIONS, self._items.to_registration, limit=limit, cursor=cursor
        )

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        """See `Store.find_on_roster`."""
        items, _ = self._reader.query(
            REGISTRATIONS,
            IndexName="roster",
            KeyConditionExpression="seated_in = :event AND ticket = :ticket",
            ExpressionAttributeValues=to_wire(
                {":event": self._items.key(event_id), ":ticket": ticket}
            ),
        )
        return tuple(self._items.to_registration(item) for item in items)

    def scan_waitlist(
        self, *, limit: int, cursor: str | None = None
    ) -> Page[tuple[str, WaitlistEntry]]:
        """See `Store.scan_waitlist`."""
        return self._reader.scan(
            WAITLIST,
            lambda item: (self._event_id(item), self._items.to_waitlist_entry(item)),
            limit=limit,
            cursor=cursor,
        )
