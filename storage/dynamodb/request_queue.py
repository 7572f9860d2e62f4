"""The request queue on DynamoDB (R14): the table `requests`. Its stream hands requests to the consumer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.models import Event, Page
from domain.ports import AnswerLost
from domain.queued import SLOTS, AwaitedReply, QueuedRequest, QueueState, RequestResult
from storage.dynamodb import request_items
from storage.dynamodb.errors import reading, writing
from storage.dynamodb.items import Item, to_wire
from storage.dynamodb.reader import Listing
from storage.dynamodb.request_items import OPENING
from storage.dynamodb.schema import (
    EVENTS,
    PENDING_REPLY,
    REQUEST_PREFIX,
    REQUESTS,
    RESULT,
)
from storage.dynamodb.store import DynamoDBStore

BATCH_WRITE = 25
"""DynamoDB's limit for the items of one BatchWriteItem."""


class DynamoDBRequestQueue(DynamoDBStore):
    """`domain.ports.RequestQueue` of one workspace, with its store: an event and its queue are read together."""

    def get_event_and_queue(self, event_id: str) -> tuple[Event | None, datetime | None]:
        """See `RequestQueue.get_event_and_queue`."""
        addresses = [self._keys.event(event_id), self._keys.in_queue(event_id, OPENING)]
        found = dict(self._reader.batch_get(addresses))
        event = found.get(self._keys.table_name(EVENTS))
        opening = found.get(self._keys.table_name(REQUESTS))
        return (
            None if event is None else self._to_event(event),
            None if opening is None else request_items.open_until(opening),
        )

    def open_queue(self, event_id: str, until: datetime) -> None:
        """See `RequestQueue.open_queue`."""
        self._put(request_items.opening_item(self._keys, event_id, until))

    def put_request(self, request: QueuedRequest) -> None:
        """See `RequestQueue.put_request`. Writing it again changes nothing, so the stream has it once."""
        self._put(request_items.request_item(self._keys, request))

    def get_result(self, request_id: str) -> RequestResult | None:
        """See `RequestQueue.get_result`."""
        request = self._keys.at(self._keys.of_request(request_id, RESULT))
        with reading():
            item = self._client.get_item(**request).get("Item")
        return None if item is None else request_items.to_result(self._keys, item)

    def get_queue_state(self, event_id: str, request_ids: Collection[str]) -> QueueState:
        """See `RequestQueue.get_queue_state`."""
        addresses = [
            request_items.batch_address(self._keys, event_id, slot) for slot in range(SLOTS)
        ]
        addresses += [self._keys.of_request(id_, RESULT) for id_ in dict.fromkeys(request_ids)]
        items = [item for _, item in self._reader.batch_get(addresses)]
        results = [
            request_items.to_result(self._keys, item)
            for item in items
            if not request_items.is_batch(item)
        ]
        return QueueState(
            tuple(
                request_items.to_batch_results(self._keys, item)
                for item in items
                if request_items.is_batch(item)
            ),
            {result.request_id: result for result in results},
        )

    def put_results(self, results: Sequence[RequestResult]) -> None:
        """See `RequestQueue.put_results`."""
        for first in range(0, len(results), BATCH_WRITE):
            batch = results[first : first + BATCH_WRITE]
            items = [request_items.result_item(self._keys, result) for result in batch]
            self._put_all(items)

    def _put_all(self, items: Sequence[Item]) -> None:
        """Write items, those again that DynamoDB did not take, as long as it takes some."""
        left = [{"PutRequest": {"Item": item}} for item in items]
        while left:
            request = {self._keys.table_name(REQUESTS): left}
            with writing():
                answer = self._client.batch_write_item(RequestItems=request)
            unprocessed = answer.get("UnprocessedItems", {}).get(
                self._keys.table_name(REQUESTS), []
            )
            if len(unprocessed) == len(left):
                raise AnswerLost("a part of the results is throttled")
            left = unprocessed

    def put_refusals(
        self, event_id: str, version: int | None, results: Sequence[RequestResult]
    ) -> None:
        """See `RequestQueue.put_refusals`."""
        # What refuses them is still so: every change of the event raises its version.
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(event_id)"}
        if version is not None:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": to_wire({":version": version}),
            }
        check = self._keys.at(self._keys.event(event_id), **condition)
        puts = [
            {"Put": self._keys.put(REQUESTS, request_items.result_item(self._keys, result))}
            for result in results
        ]
        with writing():
            self._client.transact_write_items(TransactItems=[{"ConditionCheck": check}, *puts])

    def put_awaited_reply(self, reply: AwaitedReply) -> None:
        """See `RequestQueue.put_awaited_reply`."""
        self._put(request_items.awaited_reply_item(self._keys, reply))

    def get_awaited_replies(
        self, request_ids: Collection[str]
    ) -> dict[str, tuple[AwaitedReply, RequestResult | None]]:
        """See `RequestQueue.get_awaited_replies`. Results are read only for replies that there are."""
        ids = list(dict.fromkeys(request_ids))
        replies = {
            reply.request_id: reply
            for item in self._get_all(ids, PENDING_REPLY)
            for reply in [request_items.to_awaited_reply(self._keys, item)]
        }
        results = {
            result.request_id: result
            for item in self._get_all(list(replies), RESULT)
            for result in [request_items.to_result(self._keys, item)]
        }
        return {id_: (reply, results.get(id_)) for id_, reply in replies.items()}

    def _get_all(self, request_ids: Sequence[str], entry_id: str) -> list[Item]:
        addresses = [self._keys.of_request(id_, entry_id) for id_ in request_ids]
        return [item for _, item in self._reader.batch_get(addresses)]

    def list_awaited_replies(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """See `RequestQueue.list_awaited_replies`."""
        workspace_id = self._items.workspace_id
        listing = Listing(("awaited replies",), REQUESTS, "pending", workspace_id)
        return self._reader.page(
            listing,
            lambda item: request_items.to_request_id(self._keys, item),
            limit=limit,
            cursor=cursor,
        )

    def delete_awaited_reply(self, request_id: str) -> None:
        """See `RequestQueue.delete_awaited_reply`."""
        with writing():
            self._client.delete_item(
                **self._keys.at(self._keys.of_request(request_id, PENDING_REPLY))
            )

    def requests_in(self, records: Sequence[Mapping[str, Any]]) -> list[QueuedRequest]:
        """Return the requests in records of the table's stream, in order."""
        images = [record["dynamodb"]["NewImage"] for record in records]
        return [
            request_items.to_request(self._keys, image)
            for image in images
            if image["entry_id"]["S"].startswith(REQUEST_PREFIX)
        ]

    def request_id_of(self, record: Mapping[str, Any]) -> str:
        """Return the id of the request to which a record of the stream belongs: a result, or an awaited reply."""
        return request_items.to_request_id(self._keys, record["dynamodb"]["Keys"])

    def _put(self, item: Item) -> None:
        with writing():
            self._client.put_item(**self._keys.put(REQUESTS, item))
