"""The data of the simulation: the in-memory store with an outbox and queues, and what DynamoDB adds to it."""

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
from domain.planning.plan import Action, Plan, PutJournalEntry
from domain.ports import Conflict, DeliveryRows
from tests.support.memory_queue import MemoryRequestQueue


class MemoryData(MemoryRequestQueue):
    """`domain.ports.Store`, `Outbox` and `RequestQueue` in memory, for one thread.

    Sending a plan again changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.undelivered: set[tuple[str, int]] = set()
        self.deliveries: dict[str, DeliveryState] = {}
        self.cards: dict[tuple[str, str, str], Card] = {}

    def commit(self, plan: Plan) -> None:
        entry = next((one.entry for one in plan.actions if isinstance(one, PutJournalEntry)), None)
        if entry is not None:
            stored = self.journal.get((entry.event_id, entry.version))
            if stored is not None and stored.plan_id == plan.plan_id:
                return
        super().commit(plan)

    def _apply(self, action: Action) -> None:
        super()._apply(action)
        if isinstance(action, PutJournalEntry) and action.is_undelivered:
            self.undelivered.add((action.entry.event_id, action.entry.version))

    # The outbox

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        ids = sorted({id_ for id_, _ in self.undelivered if id_ > (cursor or "")})
        return Page(tuple(ids[:limit]), ids[limit - 1] if len(ids) > limit else None)

    def get_undelivered(self, event_id: str) -> tuple[int, ...]:
        return tuple(sorted(version for id_, version in self.undelivered if id_ == event_id))

    def get_delivery(self, event_id: str) -> DeliveryState:
        return self.deliveries.get(event_id, DeliveryState(event_id=event_id))

    def get_delivery_rows(self, event_id: str, version: int) -> DeliveryRows:
        return DeliveryRows(
            self.get_event(event_id),
            self.get_delivery(event_id),
            self.get_journal_entry(event_id, version),
        )

    def take_lease(
        self, event_id: str, *, holder: str, until: datetime, expired: int | None = None
    ) -> DeliveryState:
        row = self.get_delivery(event_id)
        is_held = row.leased_until is not None and row.revision != expired
        if is_held and row.holder != holder:
            return row
        values = {"holder": holder, "leased_until": until, "revision": row.revision + 1}
        self.deliveries[event_id] = row.model_copy(update=values)
        return self.deliveries[event_id]

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        stored = self.get_delivery(delivery.event_id)
        if (stored.holder, stored.revision) != (delivery.holder, delivery.revision):
            raise Conflict
        saved = delivery.model_copy(update={"revision": delivery.revision + 1})
        self.deliveries[delivery.event_id] = saved
        for version in delivered:
            self.mark_delivered(delivery.event_id, version)
        return saved

    def mark_delivered(self, event_id: str, version: int) -> None:
        self.undelivered.discard((event_id, version))

    def add_job(self, entry: JournalEntry) -> None:
        self.journal[entry.event_id, entry.version] = entry
        self.undelivered.add((entry.event_id, entry.version))

    def delete_job(self, job_id: str) -> None:
        self.journal.pop((job_id, 1), None)
        self.undelivered.discard((job_id, 1))
        self.deliveries.pop(job_id, None)

    def record_unreachable(
        self, event_id: str, version: int, recipient: UnreachableRecipient
    ) -> None:
        entry = self.journal.get((event_id, version))
        if entry is not None and recipient not in entry.unreachable:
            unreachable = (*entry.unreachable, recipient)[:MAX_UNREACHABLE]
            self.journal[event_id, version] = entry.model_copy(update={"unreachable": unreachable})

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        return tuple(card for card in self.cards.values() if card.event_id == event_id)

    def put_card(self, card: Card) -> bool:
        key = card.event_id, card.channel_id, card.message_ts
        stored = self.cards.get(key)
        if stored is not None and (
            card.rendered_version == 0 or stored.rendered_version > card.rendered_version
        ):
            return False
        self.cards[key] = card
        return True

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        self.cards.pop((event_id, channel_id, message_ts), None)
