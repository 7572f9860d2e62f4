"""A request queue in memory, beside a store that has none: what one rush needs, and lost with the process (R14)."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from domain.models import Event, Page
from domain.ports import Conflict
from domain.queued import AwaitedReply, BatchResults, QueuedRequest, QueueState, RequestResult

Record = Mapping[str, Any]
"""A record of the stream: what the functions read of DynamoDB's, and the request, or its id."""


class RequestsInMemory(ABC):
    """`domain.ports.RequestQueue` for a store of the same process, which comes first in its class's bases.

    Commits of the store must put the results that a plan has into `batches`.
    """

    turn: AbstractContextManager[object] = nullcontext()
    """Held while something is changed. It keeps threads apart if it is a lock."""

    def __init__(self) -> None:
        self.open_until: dict[str, datetime] = {}
        self.requests: dict[str, list[QueuedRequest]] = {}
        """Each event's requests, in order of their writes: as the stream hands them over."""
        self.results: dict[str, RequestResult] = {}
        self.awaited: dict[str, AwaitedReply] = {}
        self.batches: dict[tuple[str, int], BatchResults] = {}
        """The results of the last commits, by event and slot."""

    @abstractmethod
    def get_event(self, event_id: str) -> Event | None:
        """Return the event, as the store does."""

    def get_event_and_queue(self, event_id: str) -> tuple[Event | None, datetime | None]:
        """See `RequestQueue.get_event_and_queue`."""
        return self.get_event(event_id), self.open_until.get(event_id)

    def open_queue(self, event_id: str, until: datetime) -> None:
        """See `RequestQueue.open_queue`."""
        self.open_until[event_id] = until

    def put_request(self, request: QueuedRequest) -> None:
        """See `RequestQueue.put_request`. Writing it again changes nothing."""
        with self.turn:
            queue = self.requests.setdefault(request.event_id, [])
            if request not in queue:
                queue.append(request)

    def get_result(self, request_id: str) -> RequestResult | None:
        """See `RequestQueue.get_result`."""
        return self.results.get(request_id)

    def get_queue_state(self, event_id: str, request_ids: Collection[str]) -> QueueState:
        """See `RequestQueue.get_queue_state`."""
        with self.turn:
            return QueueState(
                tuple(batch for (of, _), batch in self.batches.items() if of == event_id),
                {id_: self.results[id_] for id_ in request_ids if id_ in self.results},
            )

    def put_results(self, results: Sequence[RequestResult]) -> None:
        """See `RequestQueue.put_results`."""
        with self.turn:
            for result in results:
                self.results[result.request_id] = result

    def put_refusals(
        self, event_id: str, version: int | None, results: Sequence[RequestResult]
    ) -> None:
        """See `RequestQueue.put_refusals`."""
        with self.turn:
            event = self.get_event(event_id)
            if (event and event.version) != version:
                raise Conflict
            self.put_results(results)

    def put_awaited_reply(self, reply: AwaitedReply) -> None:
        """See `RequestQueue.put_awaited_reply`."""
        with self.turn:
            self.awaited[reply.request_id] = reply

    def get_awaited_replies(
        self, request_ids: Collection[str]
    ) -> dict[str, tuple[AwaitedReply, RequestResult | None]]:
        """See `RequestQueue.get_awaited_replies`."""
        with self.turn:
            return {
                id_: (self.awaited[id_], self.results.get(id_))
                for id_ in request_ids
                if id_ in self.awaited
            }

    def list_awaited_replies(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `RequestQueue.list_awaited_replies`."""
        with self.turn:
            oldest_first = sorted((one.since.isoformat(), id_) for id_, one in self.awaited.items())
        left = [one for one in oldest_first if " ".join(one) > (cursor or "")]
        page = left[:limit]
        return Page(tuple(id_ for _, id_ in page), " ".join(page[-1]) if left[limit:] else None)

    def delete_awaited_reply(self, request_id: str) -> None:
        """See `RequestQueue.delete_awaited_reply`."""
        with self.turn:
            self.awaited.pop(request_id, None)


class StreamedRequests(RequestsInMemory):
    """A request queue for threads, with a stream: each new request, result and awaited reply has one record.

    Commits of the store must take the `turn`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.turn = threading.RLock()
        self._number = 0
        self.on_request: Callable[[Record], object] = lambda _: None
        """Takes the record of each new request, in order."""
        self.on_reply: Callable[[Record], object] = lambda _: None
        """Takes the record of each new result and awaited reply, in order."""

    def put_request(self, request: QueuedRequest) -> None:
        """See `RequestQueue.put_request`."""
        with self.turn:
            is_new = request not in self.requests.get(request.event_id, ())
            super().put_request(request)
            if is_new:
                self.on_request(self._record(request.event_id, request=request))

    def put_results(self, results: Sequence[RequestResult]) -> None:
        """See `RequestQueue.put_results`."""
        with self.turn:
            new = [one.request_id for one in results if one.request_id not in self.results]
            super().put_results(results)
            for request_id in new:
                self.on_reply(self._record(request_id, request_id=request_id))

    def put_awaited_reply(self, reply: AwaitedReply) -> None:
        """See `RequestQueue.put_awaited_reply`."""
        with self.turn:
            is_new = reply.request_id not in self.awaited
            super().put_awaited_reply(reply)
            if is_new:
                self.on_reply(self._record(reply.request_id, request_id=reply.request_id))

    def _record(self, key: str, **content: object) -> Record:
        self._number += 1
        stream = {"SequenceNumber": str(self._number), "Keys": {"queue": {"S": key}}}
        return {"dynamodb": stream, **content}

    def requests_in(self, records: Sequence[Record]) -> list[QueuedRequest]:
        """Return the requests in records, in order."""
        return [record["request"] for record in records]

    def request_id_of(self, record: Record) -> str:
        """Return the id of the request to which a result or an awaited reply belongs."""
        request_id: str = record["request_id"]
        return request_id
