"""The stream of the request queue's table, and how Lambda hands its records to functions (R14).

A shard has one consumer at a time. All events share one, or each has its own: DynamoDB decides that.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domain.execution.request_codec import decode_command
from domain.ports import Unavailable
from tests.support.simulation.process import ProcessDied
from tests.support.simulation.situations import IN_DOUBT_QUEUED, TAKEN_OVER, WAITED

if TYPE_CHECKING:
    from tests.support.simulation.world import World

LATENCY = 0.6
"""The longest way of a record to a function, in seconds."""

SIZES = {"queue": 1000, "reply": 100}
"""Records that each function gets at once, at most, as `infra` says."""

OLDEST = 600.0
"""Seconds after which a record is not handed over anymore, as `infra` says."""

Record = dict[str, Any]
Invoke = Callable[[str, str, Record], Any]
"""Invokes a function with an event: by the trigger, which has an instance of its own, and the function's kind."""


@dataclass(eq=False)
class Shard:
    """Records for one function, in order, each with the time of its write."""

    kind: str
    records: list[tuple[float, Record]] = field(default_factory=list)


class RequestStream:
    """Turns writes into records, and hands them over in order."""

    def __init__(self, world: World, invoke: Invoke) -> None:
        self._world = world
        self._invoke = invoke
        self._is_split = world.dice_for("shards").random() < 0.5
        """Whether each event has a shard of its own."""
        self._shards: dict[str, Shard] = {}
        self._requests: set[str] = set()
        self._results: set[str] = set()
        self._awaited: set[str] = set()
        """The ids of the requests whose items are stored, or were."""
        self._number = 0
        self.dropped: set[str] = set()
        """The ids of the requests whose records became too old."""

    # Writes

    def has_written(self, name: str, written: tuple[Any, ...]) -> None:
        """Add a record for each item that a write has inserted."""
        data = self._world.data
        if name == "put_request":
            request = written[0]
            is_new = request.request_id not in self._requests
            if is_new and request in data.requests.get(request.event_id, ()):
                self._requests.add(request.request_id)
                self._world.count(WAITED)
                if decode_command(request.command)[1] is not None:
                    self._world.count(IN_DOUBT_QUEUED)
                shard = request.event_id if self._is_split else "all events"
                self._add("queue", shard, f"T#{request.event_id}", request=request)
        elif name in ("put_results", "put_refusals"):
            for result in written[-1]:
                self._is_stored(result.request_id, data.results, self._results)
        elif name == "put_awaited_reply":
            self._is_stored(written[0].request_id, data.awaited, self._awaited)
        elif name == "delete_awaited_reply" and written[0] not in data.awaited:
            self._awaited.discard(written[0])

    def _is_stored(self, request_id: str, stored: Container[str], seen: set[str]) -> None:
        """Add a record if the item of a request is new."""
        if request_id in stored and request_id not in seen:
            seen.add(request_id)
            self._add("reply", "", f"T#{request_id}/request", request_id=request_id)

    def _add(self, kind: str, shard: str, key: str, **content: object) -> None:
        trigger = f"stream {kind} {shard}"
        if trigger not in self._shards:
            self._shards[trigger] = Shard(kind)
            self._world.scheduler.spawn(trigger, None, lambda: self._follow(trigger))
        self._number += 1
        stream = {"SequenceNumber": str(self._number), "Keys": {"queue": {"S": key}}}
        record = {"dynamodb": stream, **content}
        self._shards[trigger].records.append((self._world.scheduler.seconds, record))

    # Records

    def _follow(self, trigger: str) -> None:
        """Hand a shard's records over. Those that fail come again; a batch whose function dies or fails is halved."""
        scheduler, shard = self._world.scheduler, self._shards[trigger]
        size, position, has_died = SIZES[shard.kind], 0, False
        while True:
            scheduler.wait(lambda: len(shard.records) > position)  # noqa: B023  # `position` changes only after the wait
            scheduler.sleep(self._world.dice.random() * LATENCY)
            position += self._drop_old(shard, position)
            batch = [record for _, record in shard.records[position : position + size]]
            if not batch:
                continue
            try:
                answer = self._invoke(trigger, shard.kind, {"Records": batch})
            except (ProcessDied, Unavailable) as error:
                is_dead = isinstance(error, ProcessDied)
                self._world.count(f"a function {'dies' if is_dead else 'fails'}: {shard.kind}")
                size, has_died = max(1, len(batch) // 2), has_died or is_dead
                continue
            failures = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            assert failures <= set(numbers)
            done = next((n for n, number in enumerate(numbers) if number in failures), len(batch))
            if has_died and done and shard.kind == "queue":
                self._world.count(TAKEN_OVER)
            position, size, has_died = position + done, SIZES[shard.kind], False

    def _drop_old(self, shard: Shard, position: int) -> int:
        """Return how many of the next records are too old."""
        oldest = self._world.scheduler.seconds - OLDEST
        dropped = 0
        for at, record in shard.records[position:]:
            if at >= oldest:
                break
            dropped += 1
            if shard.kind == "queue":
                self.dropped.add(record["request"].request_id)
        return dropped
