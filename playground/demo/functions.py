"""Lambda functions for Backstage's rush: the deployed handlers, in threads of the demo (R14).

Each instance serves one press at a time, and a press that finds all of them busy starts another. The store takes as
long as DynamoDB.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, cast

from bot.entrypoints.lambda_functions import (
    Function,
    QueueingStore,
    build_queue_function,
    build_reply_function,
    build_slack_function,
)
from bot.entrypoints.settings import Settings
from bot.entrypoints.system import SystemClock
from playground.client.transport import BotResponse
from playground.demo.request_queue import Record, StreamedRequests

_logger = logging.getLogger(__name__)

TRANSACTION, ACTION, CALL = 0.012, 0.00025, 0.006
"""Seconds that DynamoDB takes for a transaction, for each of its actions, and for any other request: the assumptions of
docs/performance.md."""

STREAM_SECONDS = 0.2
"""Seconds from a write until its record is handed over: the median that users of DynamoDB's streams measured."""

QUEUE_BATCH, REPLY_BATCH = 1000, 100
"""Records of an invocation at most, as the stack deploys it."""

TIME_LIMITS = {"slack": 10, "queue": 60, "reply": 60}
"""Seconds of an invocation, as the stack deploys them."""

RETRY_SECONDS = 1.0
"""Seconds after which a batch that failed is handed over again."""


@dataclass(frozen=True)
class Context:
    """Lambda's context of an invocation that begins now."""

    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may run. Nothing ends it then: it must end by itself."""
        return int(self.seconds * 1000)


class Functions:
    """The functions of one workspace, on a store of this process."""

    def __init__(
        self, store: StreamedRequests, settings: Settings, on_start: Callable[[], None]
    ) -> None:
        """Create them. `on_start` is called, by one thread at a time, when an instance of the Slack function starts."""
        self._on_start = on_start
        self._store = cast("QueueingStore", _Remote(store))
        self._settings = settings
        self._clock = SystemClock()
        self._change = threading.Condition()
        self._idle: list[Function] = []
        self._busy = 0
        self._is_stopped = False
        self._stack = [
            EventSourceMapping(
                "queue", build_queue_function(settings, self._store, self._clock), QUEUE_BATCH
            ),
            EventSourceMapping(
                "reply", build_reply_function(settings, self._store, self._clock), REPLY_BATCH
            ),
        ]
        store.on_request, store.on_reply = (mapping.hand_over for mapping in self._stack)

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        """Have a function that is idle handle a request, or start one. Raises `ConnectionRefusedError` after a stop."""
        received = time.time()
        function = self._take()
        try:
            function = function or build_slack_function(self._settings, self._store, self._clock)
            return invoke(function, body, headers, received)
        finally:
            self._give_back(function)

    def _take(self) -> Function | None:
        """Return a function that is idle, or None: another one must start."""
        with self._change:
            if self._is_stopped:
                raise ConnectionRefusedError("the bot is stopped")
            self._busy += 1
            if self._idle:
                return self._idle.pop()
            self._on_start()
            return None

    def _give_back(self, function: Function | None) -> None:
        with self._change:
            self._busy -= 1
            if function is not None:
                self._idle.append(function)
            self._change.notify_all()

    def stop(self) -> None:
        """End the threads, after all requests have been handled, and what they queued has been carried out."""
        with self._change:
            self._is_stopped = True
            self._change.wait_for(lambda: self._busy == 0)
        for mapping in self._stack:
            mapping.stop()


def invoke(
    function: Function, body: bytes, headers: Mapping[str, str], received: float
) -> BotResponse:
    """Hand a request of Slack's to a function, as API Gateway does (payload format 2.0).

    `received` is when, in seconds since 1970.
    """
    event = {
        "version": "2.0",
        "rawPath": "/slack/events",
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"timeEpoch": int(received * 1000)},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
    said = function(event, Context(TIME_LIMITS["slack"]))
    return BotResponse(said["statusCode"], said["body"], said["headers"])


class EventSourceMapping:
    """Hands records to a function: one batch at a time, again until it succeeds."""

    def __init__(self, name: str, function: Function, size: int) -> None:
        self._function = function
        self._size = size
        self._seconds = TIME_LIMITS[name]
        self._arriving: SimpleQueue[tuple[float, Record] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"{name} function", daemon=True)
        self._thread.start()

    def hand_over(self, record: Record) -> None:
        """Take the stream's next record."""
        self._arriving.put((time.monotonic() + STREAM_SECONDS, record))

    def stop(self) -> None:
        """End after the records that have arrived. A batch that fails then is not handed over again."""
        self._arriving.put(None)
        self._thread.join()

    def _run(self) -> None:
        due: deque[tuple[float, Record]] = deque()
        is_ending = False
        while due or not is_ending:
            while not is_ending and (not due or not self._arriving.empty()):
                arrived = self._arriving.get()
                is_ending = arrived is None
                if arrived is not None:
                    due.append(arrived)
            if due:
                time.sleep(max(0.0, due[0][0] - time.monotonic()))  # the stream's own latency
                done = self._invoke([record for _, record in due][: self._size])
                if not done and is_ending:
                    return
                for _ in range(done):
                    due.popleft()

    def _invoke(self, batch: list[Record]) -> int:
        """Hand over a batch. Return how many records need not be handed over again, the first ones."""
        try:
            answer: Any = self._function({"Records": batch}, Context(self._seconds))
        except Exception:  # whatever a function raises, Lambda hands its batch over again
            _logger.exception("a function failed")
            time.sleep(RETRY_SECONDS)  # as Lambda, which does not repeat a failure at once
            return 0
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        if failed:
            time.sleep(RETRY_SECONDS)  # as above
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        return next((n for n, number in enumerate(numbers) if number in failed), len(batch))


class _Remote:
    """A store whose requests take as long as DynamoDB's."""

    def __init__(self, store: StreamedRequests) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name in ("requests_in", "request_id_of"):  # no request
            return method

        def request(*arguments: Any, **named: Any) -> Any:
            seconds = TRANSACTION + ACTION * len(arguments[0].actions) if name == "commit" else CALL
            time.sleep(seconds)  # a person watches the rush in real time
            return method(*arguments, **named)

        return request
