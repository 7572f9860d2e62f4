"""In-memory request queue, beside the in-memory store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from domain.models import Event, Page
from domain.ports import Conflict
from domain.queued import AwaitedReply, QueuedRequest, QueueState, RequestResult
from tests.support.memory_store import MemoryStore


class MemoryRequestQueue(MemoryStore):
    """`domain.ports.RequestQueue` with its store, for one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.open_until: dict[str, datetime] = {}
        self.requests: dict[str, list[QueuedRequest]] = {}
        """Each event's requests, in order of their writes: as the stream hands them over."""
        self.results: dict[str, RequestResult] = {}
        self.awaited: dict[str, AwaitedReply] = {}

    def get_event_and_queue(self, event_id: str) -> tuple[Event | None, datetime | None]:
        return self.events.get(event_id), self.open_until.get(event_id)

    def open_queue(self, event_id: str, until: datetime) -> None:
        self.open_until[event_id] = until

    def put_request(self, request: QueuedRequest) -> None:
        queue = self.requests.setdefault(request.event_id, [])
        if request not in queue:
            queue.append(request)

    def get_result(self, request_id: str) -> RequestResult | None:
        return self.results.get(request_id)

    def get_queue_state(self, event_id: str, request_ids: Collection[str]) -> QueueState:
        return QueueState(
            tuple(batch for (of, _), batch in self.batches.items() if of == event_id),
            {id_: self.results[id_] for id_ in request_ids if id_ in self.results},
        )

    def put_results(self, results: Sequence[RequestResult]) -> None:
        for result in results:
            self.results[result.request_id] = result

    def put_refusals(
        self, event_id: str, version: int | None, results: Sequence[RequestResult]
    ) -> None:
        event = self.events.get(event_id)
        if (event and event.version) != version:
            raise Conflict
        self.put_results(results)

    def put_awaited_reply(self, reply: AwaitedReply) -> None:
        self.awaited[reply.request_id] = reply

    def get_awaited_replies(
        self, request_ids: Collection[str]
    ) -> dict[str, tuple[AwaitedReply, RequestResult | None]]:
        return {
            id_: (self.awaited[id_], self.results.get(id_))
            for id_ in request_ids
            if id_ in self.awaited
        }

    def list_awaited_replies(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        oldest_first = sorted(self.awaited.values(), key=lambda one: (one.since, one.request_id))
        ids = [one.request_id for one in oldest_first]
        first = ids.index(cursor) + 1 if cursor in ids else 0
        page = ids[first : first + limit]
        return Page(tuple(page), page[-1] if first + limit < len(ids) else None)

    def delete_awaited_reply(self, request_id: str) -> None:
        self.awaited.pop(request_id, None)
