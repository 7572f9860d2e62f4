"""The worker's side of the DynamoDB store: undelivered entries, delivery rows with their leases, and cards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain import cursors
from domain.models import (
    MAX_UNREACHABLE,
    Card,
    DeliveryState,
    JournalEntry,
    Page,
    UnreachableRecipient,
)
from storage.dynamodb.errors import ConditionFailed, delivering
from storage.dynamodb.items import VERSION, to_wire
from storage.dynamodb.keys import Keys
from storage.dynamodb.reader import DynamoDBReader, Listing
from storage.dynamodb.schema import CARDS, JOURNAL, UNDELIVERED_SHARDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDBOutbox:
    """`domain.ports.Outbox` of one workspace on the tables of `storage.dynamodb.schema`."""

    def __init__(self, client: DynamoDBClient, prefix: str, workspace_id: str) -> None:
        # `schema` and `items` define the shapes of requests and answers, not the client's types.
        self._client: Any = client
        self._prefix = prefix
        self._keys = Keys(prefix, workspace_id)
        self._items = self._keys.items
        self._reader = DynamoDBReader(client, self._keys)

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Outbox.list_undelivered`. Read one shard after the other."""
        list_id = (self._items.workspace_id, "undelivered")
        number, after = _position(list_id, cursor)
        listing = Listing(
            ("undelivered", str(number)), JOURNAL, "undelivered", self._items.shard(number)
        )
        page = self._reader.page(
            listing,
            lambda item: self._items.identifier(item["event_id"]["S"]),
            limit=limit,
            cursor=after or None,
        )
        next_cursor: str | None = None
        if page.next_cursor is not None:
            next_cursor = cursors.encode(list_id, (number, page.next_cursor))
        elif number + 1 < UNDELIVERED_SHARDS:
            next_cursor = cursors.encode(list_id, (number + 1, ""))
        return Page(tuple(dict.fromkeys(page.items)), next_cursor)

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
        return tuple(int(item["version"]["N"]) for item in items)

    def get_delivery(self, event_id: str) -> DeliveryState:
        """See `Outbox.get_delivery`."""
        item = self._reader.get(self._keys.delivery(event_id))
        return DeliveryState(event_id=event_id) if item is None else self._items.to_delivery(item)

    def take_lease(
        self, event_id: str, *, holder: str, until: datetime, expired: int | None = None
    ) -> DeliveryState:
        """See `Outbox.take_lease`. One request, also if another process holds the lease."""
        # No one holds the lease, or it is this holder's.
        condition = "attribute_not_exists(leased_until) OR holder = :holder"
        if expired is not None:
            # The other holder has not renewed it since the caller saw the row.
            condition += " OR revision = :expired"
        request = self._keys.at(
            self._keys.delivery(event_id),
            # The first lease creates the row, in the newest form.
            UpdateExpression=(
                "SET holder = :holder, leased_until = :until, v = if_not_exists(v, :v),"
                # Of two processes that saw the lease expire, the second finds another revision.
                " revision = if_not_exists(revision, :none) + :one"
            ),
            ConditionExpression=condition,
            ExpressionAttributeValues=to_wire(
                {
                    ":holder": holder,
                    ":until": until,
                    ":expired": expired,
                    ":v": VERSION,
                    ":none": 0,
                    ":one": 1,
                }
            ),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        try:
            with delivering():
                answer = self._client.update_item(**request)
        except ConditionFailed as error:
            return self._items.to_delivery(error.item)
        return self._items.to_delivery(answer["Attributes"])

    def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
        """See `Outbox.save_delivery`."""
        saved = delivery.model_copy(update={"revision": delivery.revision + 1})
        request = self._keys.put(
            JOURNAL,
            self._items.delivery(saved),
            # A worker that lost the lease must not move the cursor of the one that holds it, and a
            # late request must not move the cursor back.
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
        request = self._keys.at(
            self._keys.journal_entry(event_id, version),
            # From now on it may expire. Entries of an earlier version don't say when: what is no number
            # never expires.
            UpdateExpression="SET expires_at = if_not_exists(kept_until, :never) REMOVE undelivered_in",
            # The entry exists. Without this, the update would create one.
            ConditionExpression="attribute_exists(event_id)",
            ExpressionAttributeValues=to_wire({":never": "never"}),
        )
        try:
            with delivering():
                self._client.update_item(**request)
        except ConditionFailed:
            return

    def add_job(self, entry: JournalEntry) -> None:
        """See `Outbox.add_job`."""
        with delivering():
            self._client.put_item(**self._keys.put(JOURNAL, self._items.journal_entry(entry)))

    def delete_job(self, job_id: str) -> None:
        """See `Outbox.delete_job`. Without its entry, a job is not done again, whatever is left of it."""
        for address in (self._keys.journal_entry(job_id, 1), self._keys.delivery(job_id)):
            with delivering():
                self._client.delete_item(**self._keys.at(address))

    def record_unreachable(
        self, event_id: str, version: int, recipient: UnreachableRecipient
    ) -> None:
        """See `Outbox.record_unreachable`. `Items.to_journal_entry` drops what a repeated request adds."""
        request = self._keys.at(
            self._keys.journal_entry(event_id, version),
            UpdateExpression="SET unreachable = list_append(if_not_exists(unreachable, :none), :one)",
            # The entry exists and has room: an item is limited to 400 KB.
            ConditionExpression=(
                "attribute_exists(event_id)"
                " AND (attribute_not_exists(unreachable) OR size(unreachable) < :most)"
            ),
            ExpressionAttributeValues=to_wire(
                {":one": [recipient.model_dump()], ":none": [], ":most": MAX_UNREACHABLE}
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
        condition: dict[str, Any] = {
            # There is no such card yet, or it shows no newer version: a card never goes back.
            "ConditionExpression": "attribute_not_exists(event_id) OR rendered_version <= :version",
            "ExpressionAttributeValues": to_wire({":version": card.rendered_version}),
        }
        if card.rendered_version == 0:
            condition = {"ConditionExpression": "attribute_not_exists(event_id)"}
        request = self._keys.put(CARDS, self._items.card(card), **condition)
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
                **self._keys.at(self._keys.card(event_id, channel_id, message_ts))
            )


def _position(list_id: tuple[str, ...], cursor: str | None) -> tuple[int, str]:
    """Return the shard that a page is in, and the cursor in that shard ("": at its start)."""
    if cursor is None:
        return 0, ""
    number, after = cursors.decode(list_id, cursor, (int, str))
    if not 0 <= number < UNDELIVERED_SHARDS:
        raise cursors.foreign_cursor()
    return number, after
