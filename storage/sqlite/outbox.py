"""The worker's side of the SQLite store: undelivered entries, delivery rows with their leases, and cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.models import (
    MAX_UNREACHABLE,
    Card,
    DeliveryState,
    JournalEntry,
    Page,
    UnreachableRecipient,
)
from domain.ports import Conflict, DeliveryRows
from storage.sqlite.database import SQLiteFile
from storage.sqlite.reader import SQLiteReader
from storage.sqlite.rows import (
    CACHED_EVENTS,
    CARDS,
    DELIVERIES,
    JOURNAL,
    Columns,
    card_columns,
    delivery_columns,
    insertion,
    journal_columns,
    to_text,
)

_MARK_DELIVERED = (
    "UPDATE journal SET is_undelivered = 0 WHERE workspace = ? AND event_id = ? AND version = ?"
)


class SQLiteOutbox:
    """`domain.ports.Outbox` of one workspace in a file."""

    def __init__(self, file: SQLiteFile, workspace_id: str) -> None:
        self._file = file
        self._workspace_id = workspace_id
        self._reader = SQLiteReader(file, workspace_id)

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `Outbox.list_undelivered`."""
        return self._reader.page(
            ("undelivered",),
            "DISTINCT event_id",
            "journal",
            "is_undelivered = 1",
            "event_id",
            to_text,
            limit=limit,
            cursor=cursor,
            first=("",),
        )

    def get_undelivered(self, event_id: str) -> tuple[int, ...]:
        """See `Outbox.get_undelivered`."""
        rows = self._reader.all(
            "SELECT version FROM journal"
            " WHERE workspace = ? AND event_id = ? AND is_undelivered = 1",
            event_id,
        )
        return tuple(version for (version,) in rows)

    def get_delivery(self, event_id: str) -> DeliveryState:
        """See `Outbox.get_delivery`."""
        row = self._reader.first(
            "SELECT body, event_id FROM deliveries WHERE workspace = ? AND event_id = ?", event_id
        )
        return DELIVERIES.read(row) if row else DeliveryState(event_id=event_id)

    def get_delivery_rows(self, event_id: str, version: int) -> DeliveryRows:
        """See `Outbox.get_delivery_rows`."""
        key = event_id, version
        event = self._reader.first(
            "SELECT body, event_id FROM events WHERE workspace = ? AND event_id = ?", event_id
        )
        entry = self._reader.first(
            "SELECT body, event_id, version FROM journal"
            " WHERE workspace = ? AND event_id = ? AND version = ?",
            *key,
        )
        return DeliveryRows(
            None if event is None else CACHED_EVENTS.read(event),
            self.get_delivery(event_id),
            None if entry is None else JOURNAL.read(entry),
        )

    def take_lease(
        self, event_id: str, *, holder: str, until: datetime, expired: int | None = None
    ) -> DeliveryState:
        """See `Outbox.take_lease`."""
        with self._file.writing() as connection:
            delivery = self.get_delivery(event_id)
            is_held = delivery.leased_until is not None and delivery.revision != expired
            if is_held and delivery.holder != holder:
                return delivery
            leased = delivery.model_copy(
                update={
                    "holder": holder,
                    "leased_until": until,
                    # Of two processes that saw the lease expire, the second finds another revision.
                    "revision": delivery.revision + 1,
                }
            )
            columns: Columns = {"workspace": self._workspace_id, **delivery_columns(leased)}
            connection.execute(
                f"{insertion('deliveries', columns)} ON CONFLICT DO UPDATE SET"
                " holder = excluded.holder, body = excluded.body",
                columns,
            )
            return leased

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        """See `Outbox.save_delivery`."""
        saved = delivery.model_copy(update={"revision": delivery.revision + 1})
        columns: Columns = {"workspace": self._workspace_id, **delivery_columns(saved)}
        with self._file.writing() as connection:
            stored = self.get_delivery(delivery.event_id)
            if (stored.holder, stored.revision) != (delivery.holder, delivery.revision):
                raise Conflict(
                    f"the delivery row of {delivery.event_id} has changed since it was read"
                )
            connection.execute(
                f"{insertion('deliveries', columns)} ON CONFLICT DO UPDATE SET body = excluded.body",
                columns,
            )
            for version in delivered:
                connection.execute(
                    _MARK_DELIVERED, (self._workspace_id, delivery.event_id, version)
                )
        return saved

    def mark_delivered(self, event_id: str, version: int) -> None:
        """See `Outbox.mark_delivered`."""
        with self._file.writing() as connection:
            connection.execute(_MARK_DELIVERED, (self._workspace_id, event_id, version))

    def add_job(self, entry: JournalEntry) -> None:
        """See `Outbox.add_job`."""
        columns: Columns = {
            "workspace": self._workspace_id,
            **journal_columns(entry, is_undelivered=True),
        }
        with self._file.writing() as connection:
            connection.execute(f"{insertion('journal', columns)} ON CONFLICT DO NOTHING", columns)

    def delete_job(self, job_id: str) -> None:
        """See `Outbox.delete_job`."""
        with self._file.writing() as connection:
            for table in ("journal", "deliveries"):
                connection.execute(
                    f"DELETE FROM {table} WHERE workspace = ? AND event_id = ?",  # noqa: S608  # no input
                    (self._workspace_id, job_id),
                )

    def record_unreachable(
        self, event_id: str, version: int, recipient: UnreachableRecipient
    ) -> None:
        """See `Outbox.record_unreachable`."""
        key = (self._workspace_id, event_id, version)
        with self._file.writing() as connection:
            row = connection.execute(
                "SELECT body, event_id, version FROM journal"
                " WHERE workspace = ? AND event_id = ? AND version = ?",
                key,
            ).fetchone()
            entry = JOURNAL.read(row) if row else None
            if entry is None or recipient in entry.unreachable:
                return
            unreachable = (*entry.unreachable, recipient)[:MAX_UNREACHABLE]
            body = entry.model_copy(update={"unreachable": unreachable}).model_dump_json()
            connection.execute(
                "UPDATE journal SET body = ? WHERE workspace = ? AND event_id = ? AND version = ?",
                (body, *key),
            )

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        """See `Outbox.get_cards`."""
        rows = self._reader.all(
            "SELECT body, event_id, channel_id, message_ts FROM cards"
            " WHERE workspace = ? AND event_id = ?",
            event_id,
        )
        return tuple(map(CARDS.read, rows))

    def put_card(self, card: Card) -> bool:
        """See `Outbox.put_card`."""
        columns: Columns = {"workspace": self._workspace_id, **card_columns(card)}
        with self._file.writing() as connection:
            done = connection.execute(
                f"{insertion('cards', columns)} ON CONFLICT DO UPDATE SET"
                " rendered_version = excluded.rendered_version, body = excluded.body"
                " WHERE rendered_version <= excluded.rendered_version"
                " AND excluded.rendered_version > 0",
                columns,
            )
            return done.rowcount == 1

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """See `Outbox.delete_card`."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM cards WHERE workspace = ? AND event_id = ? AND channel_id = ?"
                " AND message_ts = ?",
                (self._workspace_id, event_id, channel_id, message_ts),
            )
