"""What judges races finds what goes wrong: with each of the core's guards taken out, a race is found out."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from domain.execution.executor import Executor
from domain.planning.plan import Action, CheckUser, PutEvent, PutJournalEntry
from domain.ports import Store
from storage.dynamodb.schema import EVENTS, JOURNAL
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.environment import ManualClock, ids, new_event, new_users, service_on
from tests.support.faulty_store import Fault, FaultyStore, lost, never_sent
from tests.support.invariants import assert_sound
from tests.support.races import recording
from tests.support.races.calls import BUSY, Call, Facts
from tests.support.races.judging import (
    assert_first_in_first_served,
    assert_promotions_agree,
    classify,
)
from tests.support.races.linearizability import NotLinearizable, linearized
from tests.support.races.races import E1, Race, Room, people
from tests.support.races.recording import Process, run_together
from tests.support.reference_model import PlainModel
from tests.support.stores import Kind, empty_store

with_and_without = pytest.mark.parametrize("holds", [True, False], ids=["guarded", "unguarded"])


class SQLiteWithoutVersion(SQLiteStore):
    """Writes events and entries over whatever stands there."""

    def _apply(self, connection: sqlite3.Connection, action: Action) -> None:
        if isinstance(action, PutEvent) and action.replaces is not None:
            (stored,) = connection.execute("SELECT version FROM events").fetchone()
            action = replace(action, replaces=stored)
        if isinstance(action, PutJournalEntry):
            connection.execute("DELETE FROM journal WHERE version = ?", (action.entry.version,))
        super()._apply(connection, action)


def dynamodb_without_version(prefix: str) -> DynamoDBStore:
    client = client_of(local_endpoint())
    events: Any = client.meta.events
    events.register("provide-client-params.dynamodb.TransactWriteItems", _drop_version_conditions)
    return DynamoDBStore(client, prefix, "T1")


def _drop_version_conditions(params: dict[str, Any], **_: object) -> None:
    for put in (item["Put"] for item in params["TransactItems"] if "Put" in item):
        if put["TableName"].endswith((EVENTS.name, JOURNAL.name)):
            del put["ConditionExpression"]
            put.pop("ExpressionAttributeValues", None)


@contextmanager
def store_with_or_without_version(kind: Kind, *, holds: bool) -> Iterator[Store]:
    with empty_store(kind) as store:
        if holds:
            yield store
        elif isinstance(store, SQLiteStore):
            unguarded = SQLiteWithoutVersion(store._file._path, "T1")
            yield unguarded
            unguarded.close()
        else:
            yield dynamodb_without_version(store._prefix)  # type: ignore[attr-defined]


def meeting(threads: int) -> Callable[[str], Callable[[], str]]:
    """Return sources of ids that let threads meet at their first one: all have read, and nobody has written."""
    barrier = threading.Barrier(threads)

    def new_id_of(name: str) -> Callable[[], str]:
        numbers = ids(name)

        def new_id() -> str:
            number = numbers()
            if number == f"{name}1":
                barrier.wait()
            return number

        return new_id

    return new_id_of


@pytest.mark.parametrize("kind", ["sqlite", "local"])
@with_and_without
def test_a_race_without_the_version_condition_is_rejected(kind: Kind, holds: bool) -> None:
    """R7.3: four processes plan for the last seat from the same snapshot, and all of them commit."""
    crowd = people("p", 4)
    started = Race(crowd, {E1: Room(1, has_waitlist=False)}, [[("register", E1, p)] for p in crowd])
    with store_with_or_without_version(kind, holds=holds) as store:
        initial = started.prepared(store)
        new_id_of = meeting(4)
        processes = [Process(store, p, new_id=new_id_of(f"{p}-")) for p in crowd]
        run_together([(p, [s]) for p, s in zip(processes, started.scripts, strict=True)], [E1])
        if holds:
            classify(store, initial, [process.calls for process in processes])
            return
        calls = [call for process in processes for call in process.calls]
        assert {call.answer for call in calls} == {("placed", 1, None)}
        with pytest.raises(NotLinearizable):
            linearized(initial, calls)


def two_processes(store: FaultyStore, *inside: str) -> tuple[PlainModel, Process, Process]:
    """Return two processes on a store with an event of one seat and no line, and the model of it."""
    room = Room(1, has_waitlist=False, inside=inside)
    initial = Race(["a", "b"], {E1: room}, []).prepared(store)
    return initial, Process(store, "one"), Process(store, "other")


def accepted(initial: PlainModel, *processes: Process) -> bool:
    try:
        linearized(initial, [call for process in processes for call in process.calls])
    except NotLinearizable:
        return False
    return True


@with_and_without
def test_a_refusal_of_no_moment_is_rejected(holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is read while `a` has its only seat, and `a`'s row when that is given up."""
    store = FaultyStore()
    initial, one, other = two_processes(store, "a")
    store.before_reading = lambda: other.follow([("unregister", E1, "a")], [E1])
    if not holds:
        monkeypatch.setattr(Executor, "_is_unchanged", lambda *_: True)
    one.follow([("register", E1, "a")], [E1])
    assert one.calls[0].answer == (("placed", 2, None) if holds else ("EventFull", 1, 1))
    assert accepted(initial, one, other) is holds


class WithoutUserCheck(FaultyStore):
    """Does not look whether a user is there, or is being deleted."""

    def _apply(self, action: Action) -> None:
        if not isinstance(action, CheckUser):
            super()._apply(action)


@pytest.mark.parametrize(("store", "holds"), [(FaultyStore(), True), (WithoutUserCheck(), False)])
def test_a_registration_of_a_user_who_is_gone_is_rejected(store: FaultyStore, holds: bool) -> None:
    """R7.1: the user is deleted between the reading and the commit."""
    initial, one, other = two_processes(store)
    store.before_commit = lambda: other.follow([("delete_user", "a")], [E1])
    one.follow([("register", E1, "a"), ("get_event", E1)], [E1])
    assert accepted(initial, one, other) is holds


PLACED = ("placed", 1, None)


@pytest.mark.parametrize(
    ("fault", "ended", "lie"), [(lost, PLACED, BUSY), (never_sent, BUSY, PLACED)]
)
def test_what_was_not_confirmed_is_judged_by_what_it_came_to(
    fault: Fault, ended: tuple[object, ...], lie: tuple[object, ...]
) -> None:
    """The answers stay lost until the deadline is over; then somebody finds out whether it applied."""
    store = FaultyStore()
    initial, other, _ = two_processes(store)
    one = Process(store, "late", clock=ManualClock())
    store.faults = [fault] * 15
    one.follow([("register", E1, "a")], [E1])
    one.background.wait()
    other.follow([("get_registration", E1, "a")], [E1])
    classify(store, initial, [one.calls, other.calls])
    assert [call.answer for call in one.calls] == [ended]
    with pytest.raises(NotLinearizable):
        classify(store, initial, [[replace(one.calls[0], answer=lie)], other.calls])


@with_and_without
def test_a_door_that_lets_the_last_in_first_is_found_out(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = people("p", 4)
    store = FaultyStore()
    Race(crowd, {E1: Room(4)}, []).prepared(store)
    numbers = ids("door")

    def once_three_wait() -> str:
        number = numbers()
        while number == "door1" and process.service._executor.command_queue.queue_length(E1) < 3:
            pass
        return number

    process = Process(store, "p", new_id=once_three_wait)
    if not holds:

        def push_in(queue: recording._Queue, entry: object) -> None:
            queue._accepted()
            deque.appendleft(queue, entry)

        monkeypatch.setattr(recording._Queue, "append", push_in)
    run_together([(process, [[("register", E1, p)] for p in crowd])], [E1])
    if holds:
        assert_first_in_first_served(process.calls)
    else:
        with pytest.raises(AssertionError, match="e1"):
            assert_first_in_first_served(process.calls)


def left(*promoted: str, version: int) -> Call:
    answer: Facts = ("left", "registered", 1, promoted)
    return Call("unregister", (E1, "a"), 0, 1, answer, (version, 1))


def test_a_promotion_that_the_journal_does_not_have_is_found_out() -> None:
    store = FaultyStore()
    service = service_on(store)
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    for user_id in ("a", "b", "c"):
        service.register(E1, user_id)
    version = service.unregister(E1, "a").event.version
    found = assert_sound(store)
    assert_promotions_agree(found, [left("b", version=version)])
    for untrue in (left("c", version=version), left("b", version=version - 1)):
        with pytest.raises(AssertionError, match="not in the journal"):
            assert_promotions_agree(found, [untrue])
    with pytest.raises(AssertionError, match="not in the journal"):
        assert_promotions_agree(found, [left("b", version=version)] * 2)
    for key, entry in store.journal.items():
        store.journal[key] = entry.model_copy(update={"notifications": ()})
    with pytest.raises(AssertionError):
        assert_promotions_agree(assert_sound(store), [left("b", version=version)])
