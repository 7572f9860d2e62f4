"""The worker's side of the DynamoDB store: undelivered entries, delivery rows with their leases, and cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain import cursors
from domain.models import (
    MAX_UNREACHABLE,
    Card,
    DeliveryState,
    Event,
    JournalEntry,
    Page,
    UnreachableRecipient,
)
from domain.ports import DeliveryRows
from storage.dynamodb.beside import BesideReads
from storage.dynamodb.errors import ConditionFailed, TransactionRefused, delivering
from storage.dynamodb.items import VERSION, Item, has_known_blocks, to_wire
from storage.dynamodb.keys import Keys
from storage.dynamodb.reader import DynamoDBReader, Listing
from storage.dynamodb.schema import CARDS, EVENTS, JOURNAL, UNDELIVERED_SHARDS, WAITLIST
from storage.older_forms import recounted

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
        self._beside = BesideReads()

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

    def get_delivery_rows(self, event_id: str, version: int) -> DeliveryRows:
        """See `Outbox.get_delivery_rows`."""
        addresses = [
            self._keys.event(event_id),
            self._keys.delivery(event_id),
            self._keys.journal_entry(event_id, version),
        ]
        event, entry, delivery = None, None, DeliveryState(event_id=event_id)
        for table, item in self._reader.batch_get(addresses):
            if table == self._keys.table_name(EVENTS):
                event = self._to_event(item)
            elif item["version"]["N"] == "0":
                delivery = self._items.to_delivery(item)
            else:
                entry = self._items.to_journal_entry(item)
        return DeliveryRows(event, delivery, entry)

    def _to_event(self, item: Item) -> Event:
        """Return the event of an item. An older form's blocks are counted from the waitlist.

        That costs a query of the whole waitlist at each read, until the event's next commit. If the event
        has changed since it was read, they are those of a later version. Then no commit that rests on them
        applies, and no position: both check the version.
        """
        event = self._items.to_event(item)
        if has_known_blocks(item) or not event.waitlist_count:
            return event
        entries, _ = self._reader.query(
            WAITLIST,
            KeyConditionExpression="event_id = :event",
            ExpressionAttributeValues={":event": item["event_id"]},
            ProjectionExpression="ticket",
            ConsistentRead=True,
        )
        blocks = recounted(int(entry["ticket"]["N"]) for entry in entries)
        return event.model_copy(update={"waitlist_by_block": blocks})

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

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        """See `Outbox.save_delivery`. One request: marks make it a transaction."""
        saved = delivery.model_copy(update={"revision": delivery.revision + 1})
        row = self._keys.put(JOURNAL, self._items.delivery(saved), **_unchanged(delivery))
        if delivered:
            marks = [self._mark(delivery.event_id, version) for version in delivered]
            actions: list[dict[str, Any]] = [{"Put": row}, *({"Update": mark} for mark in marks)]
            try:
                with delivering():
                    self._client.transact_write_items(TransactItems=actions)
                return saved
            except TransactionRefused as error:
                if 0 in error.positions:
                    raise
            # An entry was lost. First the marks of the others: after the row, nothing would look for them.
            for version in delivered:
                self.mark_delivered(delivery.event_id, version)
        with delivering():
            self._client.put_item(**row)
        return saved

    def mark_delivered(self, event_id: str, version: int) -> None:
        """See `Outbox.mark_delivered`."""
        try:
            with delivering():
                self._client.update_item(**self._mark(event_id, version))
        except ConditionFailed:
            return

    def _mark(self, event_id: str, version: int) -> dict[str, Any]:
        """Return the arguments of the update that marks an entry as delivered."""
        return self._keys.at(
            self._keys.journal_entry(event_id, version),
            # From now on it may expire. Entries of an earlier version don't say when: what is no number
            # never expires.
            UpdateExpression="SET expires_at = if_not_exists(kept_until, :never) REMOVE undelivered_in",
            # The entry exists. Without this, the update would create one.
            ConditionExpression="attribute_exists(event_id)",
            ExpressionAttributeValues=to_wire({":never": "never"}),
        )

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


def _unchanged(delivery: DeliveryState) -> dict[str, Any]:
    """Return the condition that the stored delivery row is the one that was read, or that there is none still.

    A worker that lost the lease must not move the cursor of the one that holds it, and a late request must not
    move the cursor back.
    """
    # A row that no lease wrote has no holder. An earlier version's first row has no revision, or 0.
    holder = "attribute_not_exists(holder)" if delivery.holder is None else "holder = :holder"
    revision = "revision = :revision"
    if not delivery.revision:
        revision = f"(attribute_not_exists(revision) OR {revision})"
    values = {":holder": delivery.holder, ":revision": delivery.revision}
    return {
        "ConditionExpression": f"{holder} AND {revision}",
        "ExpressionAttributeValues": to_wire(values),
    }


def _position(list_id: tuple[str, ...], cursor: str | None) -> tuple[int, str]:
    """Return the shard that a page is in, and the cursor in that shard ("": at its start)."""
    if cursor is None:
        return 0, ""
    number, after = cursors.decode(list_id, cursor, (int, str))
    if not 0 <= number < UNDELIVERED_SHARDS:
        raise cursors.foreign_cursor()
    return number, after
