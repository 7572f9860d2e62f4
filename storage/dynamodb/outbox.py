"""The notifier's side of the store: delivery rows and leases, the marks of what is undelivered, and cards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain.models import MAX_UNREACHABLE, Card, DeliveryState, Page, UnreachableRecipient
from storage.cursors import not_ours
from storage.dynamodb.errors import ConditionFailed, delivering
from storage.dynamodb.items import VERSION, from_wire, to_wire
from storage.dynamodb.reader import Queries, Reader
from storage.dynamodb.schema import CARDS, JOURNAL, UNDELIVERED_SHARDS
from storage.dynamodb.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDBOutbox:
    """`domain.ports.Outbox` on the tables of `storage.dynamodb.schema`."""

    def __init__(self, client: DynamoDBClient, prefix: str, workspace_id: str) -> None:
        # The shapes of requests and answers are `schema`'s and `items`', not the client's types.
        self._client: Any = client
        self._prefix = prefix
        self._tables = Tables(self._prefix, workspace_id)
        self._items = self._tables.items
        self._reader = Reader(client, self._tables)

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Outbox.list_undelivered`. One shard after the other."""
        number, after = _shard_of(cursor)
        listing = Queries(
            f"undelivered {number}", JOURNAL, "undelivered", self._items.shard(number)
        )
        page = self._reader.page(
            listing,
            lambda item: self._items.identifier(from_wire(item)["event_id"]),
            limit=limit,
            cursor=after,
        )
        following: str | None = None
        if page.next_cursor is not None:
            following = f"{number}.{page.next_cursor}"
        elif number + 1 < UNDELIVERED_SHARDS:
            following = f"{number + 1}."
        return Page(tuple(dict.fromkeys(page.items)), following)

    def get_undelivered(self, event_id: str) -> tuple[int, ...]:
        """See `Outbox.get_undelivered`."""
        items, _ = self._reader.query(
            JOURNAL,
            IndexName="undelivered",
            KeyConditionExpression="undelivered_in = :shard AND event_id = :event",
            ExpressionAttributeValues=to_wire(
                {":shard": self._items.shard_of(event_id), ":event": self._items.key(event_id)}
            ),
        )
        return tuple(int(from_wire(item)["version"]) for item in items)

    def get_delivery(self, event_id: str) -> DeliveryState:
        """See `Outbox.get_delivery`."""
        item = self._reader.get(self._tables.delivery(event_id))
        return DeliveryState(event_id=event_id) if item is None else self._items.to_delivery(item)

    def take_lease(
        self, event_id: str, *, holder: str, now: datetime, until: datetime
    ) -> DeliveryState | None:
        """See `Outbox.take_lease`."""
        request = self._tables.at(
            self._tables.delivery(event_id),
            # The first lease makes the row: then it is of the newest form.
            UpdateExpression=(
                "SET holder = :holder, leased_until = :until, v = if_not_exists(v, :v),"
                " revision = if_not_exists(revision, :first)"
            ),
            # Nobody ever held it, or who did let go; or the time is up; or it is ours.
            ConditionExpression=(
                "attribute_not_exists(leased_until) OR leased_until <= :now OR holder = :holder"
            ),
            ExpressionAttributeValues=to_wire(
                {":holder": holder, ":until": until, ":now": now, ":v": VERSION, ":first": 0}
            ),
            ReturnValues="ALL_NEW",
        )
        try:
            with delivering():
                answer = self._client.update_item(**request)
        except ConditionFailed:
            return None
        return self._items.to_delivery(answer["Attributes"])

    def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
        """See `Outbox.save_delivery`."""
        saved = delivery.model_copy(update={"revision": delivery.revision + 1})
        request = self._tables.put(
            JOURNAL,
            self._items.delivery(saved),
            # Who lost the lease must not move the cursor of the one who has it, and a request that
            # was on its way for long must not take it back.
            ConditionExpression="holder = :holder AND revision = :revision",
            ExpressionAttributeValues=to_wire(
                {":holder": delivery.holder or "", ":revision": delivery.revision}
            ),
        )
        with delivering():
            self._client.put_item(**request)
        return saved

    def mark_delivered(self, event_id: str, version: int) -> None:
        """See `Outbox.mark_delivered`."""
        request = self._tables.at(
            self._tables.entry(event_id, version),
            UpdateExpression="REMOVE undelivered_in",
            # The entry is there: an update of one that is not would make it.
            ConditionExpression="attribute_exists(event_id)",
        )
        try:
            with delivering():
                self._client.update_item(**request)
        except ConditionFailed:
            return

    def record_unreachable(self, event_id: str, version: int, person: UnreachableRecipient) -> None:
        """See `Outbox.record_unreachable`. What is repeated after a lost answer, reading takes out again."""
        request = self._tables.at(
            self._tables.entry(event_id, version),
            UpdateExpression="SET unreachable = list_append(if_not_exists(unreachable, :none), :one)",
            # The entry is there, and has room: an item holds 400 KB.
            ConditionExpression=(
                "attribute_exists(event_id)"
                " AND (attribute_not_exists(unreachable) OR size(unreachable) < :most)"
            ),
            ExpressionAttributeValues=to_wire(
                {":one": [person.model_dump()], ":none": [], ":most": MAX_UNREACHABLE}
            ),
        )
        try:
            with delivering():
                self._client.update_item(**request)
        except ConditionFailed:
            return

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        """See `Outbox.get_cards`."""
        items, _ = self._reader.query(
            CARDS,
            KeyConditionExpression="event_id = :event",
            ExpressionAttributeValues=to_wire({":event": self._items.key(event_id)}),
            ConsistentRead=True,
        )
        return tuple(self._items.to_card(item) for item in items)

    def put_card(self, card: Card) -> bool:
        """See `Outbox.put_card`."""
        request = self._tables.put(
            CARDS,
            self._items.card(card),
            # There is none yet, or it shows no newer version: a card never goes back.
            ConditionExpression="attribute_not_exists(event_id) OR rendered_version <= :version",
            ExpressionAttributeValues=to_wire({":version": card.rendered_version}),
        )
        try:
            with delivering():
                self._client.put_item(**request)
        except ConditionFailed:
            return False
        return True

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """See `Outbox.delete_card`."""
        with delivering():
            self._client.delete_item(
                **self._tables.at(self._tables.card(event_id, channel_id, message_ts))
            )


def _shard_of(cursor: str | None) -> tuple[int, str | None]:
    """Return the shard that a page is of, and its cursor there; raises `Invalid`."""
    number, _, after = (cursor if cursor is not None else "0.").partition(".")
    if number not in {str(shard) for shard in range(UNDELIVERED_SHARDS)}:
        raise not_ours()
    return int(number), after or None
