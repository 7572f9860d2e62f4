"""A process's connection to the store: it takes time, is refused, loses answers, and shows indexes late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain.errors import OperatorNeeded
from domain.models import DeliveryState
from domain.ports import AnswerLost, Conflict, Unavailable
from tests.support.simulation.memory import MemoryData

if TYPE_CHECKING:
    from domain.queued import QueuedRequest
    from tests.support.simulation.process import Process
    from tests.support.simulation.world import World

LAGGING = frozenset(
    {
        "list_events",
        "list_running_events",
        "list_unfinished_events",
        "list_due_events",
        "list_roster",
        "get_last_seated",
        "list_users",
        "list_unfinished_users",
        "find_on_roster",
        "list_undelivered",
        "get_undelivered",
        "get_result",
        "list_awaited_replies",
    }
)
"""Reads that `domain.ports` says are eventually consistent."""

QUEUE_WRITES = frozenset(
    {
        "open_queue",
        "put_request",
        "put_results",
        "put_refusals",
        "put_awaited_reply",
        "delete_awaited_reply",
    }
)
"""Writes of `domain.ports.RequestQueue`."""

COMMITS = QUEUE_WRITES | {"commit", "put_user", "start_user_deletion", "delete_user"}
"""Writes that raise `Conflict` and `AnswerLost`."""

OUTBOX_WRITES = frozenset(
    {
        "take_lease",
        "save_delivery",
        "mark_delivered",
        "add_job",
        "delete_job",
        "record_unreachable",
        "put_card",
        "delete_card",
    }
)
"""Writes that raise `Unavailable`, whether they were applied or not."""

RECORDS = frozenset({"save_delivery", "delete_job", "delete_awaited_reply"})
"""Writes that record messages as sent."""


SILENT_SECONDS = 0.8
"""Seconds after which the client gives up a call, as `storage.dynamodb.store` says."""

LATEST_ARRIVAL = 30.0
"""Seconds after which a write that its sender gave up may still be applied."""


class Store:
    """The store as one process sees it: `domain.ports.Store`, `Outbox` and `RequestQueue`."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    def delete_old_entries(self, now: datetime, *, limit: int) -> int:
        return 0  # DynamoDB is not asked, and no run lasts that long

    def requests_in(self, records: Sequence[Mapping[str, Any]]) -> list[QueuedRequest]:
        """Return the requests in records, as `tests.support.simulation.request_stream` makes them."""
        return [record["request"] for record in records]

    def request_id_of(self, record: Mapping[str, Any]) -> str:
        """Return the id of the request to which a record belongs."""
        return str(record["request_id"])

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return self._call(name, args, kwargs)

        return call

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        world, weights = self._world, self._world.weights
        is_write = name in COMMITS or name in OUTBOX_WRITES
        lost = AnswerLost if name in COMMITS else Unavailable
        if is_write:
            world.note(name, *args)
        if name == "put_request":
            world.judge.replies.is_queueing(args[0])
        if kwargs.get("limit", 0) is None:
            kwargs["limit"] = weights.page_rows
        self._process.reach_port(name, world.dice.random() * weights.store_seconds)
        if world.is_store_down:
            world.count("the store is down")
            self._may_not_record(name, args)
            if is_write and world.dice.random() < 0.3:
                self._apply_later(name, args, kwargs)
            world.scheduler.sleep(SILENT_SECONDS)
            self._process.reach_port(name, 0.0)
            raise lost
        if is_write and world.is_store_full:
            world.count("the store is full")
            if (
                weights.is_on_lambda
            ):  # a function that has sent a message may not be the one that goes on
                self._may_not_record(name, args)
            raise OperatorNeeded("The disk is full. Free some space.")
        if not is_write and world.happens(weights.unreadable):
            world.count("a read fails")
            raise Unavailable
        if name in COMMITS and world.happens(weights.conflicts):
            world.count("a write is refused")
            self._may_not_record(name, args)
            raise Conflict
        if is_write and world.happens(weights.unanswered):
            self._may_not_record(name, args)
            if name == "commit":
                world.situations.has_lost_commit()
            self._lose(name, args, kwargs)
            is_silent = world.happens(weights.silent)
            back = SILENT_SECONDS if is_silent else world.dice.random() * weights.store_seconds
            self._process.reach_port(name, back)
            raise lost
        data = world.served if name not in LAGGING else world.lagging_data()
        is_applied = False
        try:
            result = getattr(data, name)(*args, **kwargs)
            is_applied = True
        finally:
            if is_write:
                world.has_written(name, args, is_applied=is_applied)
        if name == "take_lease":
            self._process.has_taken_lease(args[0])
        self._process.reach_port(name, world.dice.random() * weights.store_seconds)
        if name in RECORDS:
            self._process.has_recorded(self._key(name, args))
        return result

    def _key(self, name: str, args: tuple[Any, ...]) -> str:
        return awaited_key(self._world) if name == "delete_awaited_reply" else _key(args)

    def _may_not_record(self, name: str, args: tuple[Any, ...]) -> None:
        if name in RECORDS:
            self._process.may_not_record(self._key(name, args))

    def _lose(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Apply the write now, later, or never."""
        kind = self._world.dice.choice(["now", "later", "never"])
        self._world.count(f"a write's answer is lost; it is applied {kind}")
        if kind == "now":
            self._apply(name, self._some_of(name, args), kwargs)
        elif kind == "later":
            self._apply_later(name, args, kwargs)

    def _some_of(self, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what of a write is applied: results are written in several parts."""
        if name != "put_results":
            return args
        return (args[0][: self._world.dice.randint(1, len(args[0]))],)

    def _apply_later(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        scheduler = self._world.scheduler
        delay = self._world.dice.random() * LATEST_ARRIVAL

        def arrive() -> None:
            with self._world.nights.acting():
                scheduler.sleep(delay)
            self._world.note(f"{name} arrives late", *args)
            if name == "put_awaited_reply":
                self._world.judge.replies.waits.has_arrived_late(args[0])
            if not self._apply(name, args, kwargs) and name == "commit":
                self._world.situations.has_refused_late(args[0])

        scheduler.spawn("a late write", None, arrive)

    def _apply(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Return whether the write was applied."""
        try:
            getattr(self._world.served, name)(*args, **kwargs)
        except Conflict:
            return False
        self._world.has_written(name, args)
        return True


def awaited_key(world: World) -> str:
    """Return what replies are posted for that members wait for in a queue: each thread sends and deletes its own."""
    return f"awaited reply in {id(world.scheduler.current())}"


def _key(args: tuple[Any, ...]) -> str:
    """Return the event or job that a record is about."""
    return args[0].event_id if isinstance(args[0], DeliveryState) else str(args[0])


class Snapshots:
    """The data as it was a moment ago, for indexes that lag."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, MemoryData]] = deque()

    def take(self, now: float, data: MemoryData, longest: float) -> None:
        """Keep the data as it is now, and forget what is older than the longest lag."""
        taken = copy(data)
        for name, table in vars(data).items():
            setattr(taken, name, copy(table))
        self._taken.append((now, taken))
        while len(self._taken) > 1 and self._taken[1][0] < now - longest:
            self._taken.popleft()

    def at(self, moment: float) -> MemoryData | None:
        """Return the data as it was then; None if nothing was written before."""
        return next((data for at, data in reversed(self._taken) if at <= moment), None)
