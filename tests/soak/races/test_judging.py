"""Negative controls of the race tests: without one of the core's guards, a race is rejected."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest

from domain.execution.attempts import Attempts
from domain.planning.plan import Action, CheckUser, PutEvent, PutJournalEntry
from domain.ports import Store
from storage.dynamodb.schema import EVENTS, JOURNAL
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.environment import ManualClock, ids, new_event, new_users, service_on
from tests.support.faulty_store import Fault, FaultyStore, lost, never_sent
from tests.support.invariants import assert_invariants
from tests.support.races import recording
from tests.support.races.calls import BUSY, Call, Facts
from tests.support.races.judging import (
    assert_first_in_first_served,
    assert_promotions_agree,
    assert_race_is_valid,
)
from tests.support.races.linearizability import NotLinearizable, find_order
from tests.support.races.races import E1, InitialEvent, Race, user_ids
from tests.support.races.recording import RecordingService, run_together
from tests.support.reference_model import ReferenceModel
from tests.support.stores import Kind, empty_store

with_and_without = pytest.mark.parametrize("holds", [True, False], ids=["guarded", "unguarded"])


class SQLiteWithoutVersion(SQLiteStore):
    """SQLite store that overwrites events and journal entries without a condition."""

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


def meeting_ids(threads: int) -> Callable[[str], Callable[[], str]]:
    """Return sources of ids whose first id waits for all threads, which have then read but not written."""
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
def test_race_without_the_version_condition_is_rejected(kind: Kind, holds: bool) -> None:
    """R7.3: four processes plan for the last seat from the same snapshot, and all commit."""
    crowd = user_ids("p", 4)
    started = Race(
        crowd, {E1: InitialEvent(1, has_waitlist=False)}, [[("register", E1, p)] for p in crowd]
    )
    with store_with_or_without_version(kind, holds=holds) as store:
        initial = started.prepare(store)
        new_id_of = meeting_ids(4)
        processes = [RecordingService(store, p, new_id=new_id_of(f"{p}-")) for p in crowd]
        run_together([(p, [s]) for p, s in zip(processes, started.scripts, strict=True)], [E1])
        if holds:
            assert_race_is_valid(store, initial, [process.calls for process in processes])
            return
        calls = [call for process in processes for call in process.calls]
        assert {call.answer for call in calls} == {("placed", 1, None)}
        with pytest.raises(NotLinearizable):
            find_order(initial, calls)


def two_processes(
    store: FaultyStore, *attendees: str
) -> tuple[ReferenceModel, RecordingService, RecordingService]:
    """Return the model and two processes on a store with an event of one seat and no waitlist."""
    initial_event = InitialEvent(1, has_waitlist=False, attendees=attendees)
    initial = Race(["a", "b"], {E1: initial_event}, []).prepare(store)
    return initial, RecordingService(store, "one"), RecordingService(store, "other")


def accepted(initial: ReferenceModel, *processes: RecordingService) -> bool:
    try:
        find_order(initial, [call for process in processes for call in process.calls])
    except NotLinearizable:
        return False
    return True


@with_and_without
def test_refusal_that_was_never_true_is_rejected(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is read while `a` has its only seat, and the registration of `a` after `a` left."""
    store = FaultyStore()
    initial, one, other = two_processes(store, "a")
    store.before_reading = lambda: other.follow([("unregister", E1, "a")], [E1])
    if not holds:
        monkeypatch.setattr(Attempts, "_is_unchanged", lambda *_: True)  # the guard is off
    one.follow([("register", E1, "a")], [E1])
    assert one.calls[0].answer == (("placed", 2, None) if holds else ("EventFull", 1, 1))
    assert accepted(initial, one, other) is holds


class WithoutUserCheck(FaultyStore):
    """Store that does not check whether a user exists or is being deleted."""

    def _apply(self, action: Action) -> None:
        if not isinstance(action, CheckUser):
            super()._apply(action)


@pytest.mark.parametrize(("store", "holds"), [(FaultyStore(), True), (WithoutUserCheck(), False)])
def test_registration_of_a_deleted_user_is_rejected(store: FaultyStore, holds: bool) -> None:
    """R7.1: the user is deleted between the reading and the commit."""
    initial, one, other = two_processes(store)
    store.before_commit = lambda: other.follow([("delete_user", "a")], [E1])
    one.follow([("register", E1, "a"), ("get_event", E1)], [E1])
    assert accepted(initial, one, other) is holds


PLACED = ("placed", 1, None)


@pytest.mark.parametrize(
    ("fault", "ended", "lie"), [(lost, PLACED, BUSY), (never_sent, BUSY, PLACED)]
)
def test_unconfirmed_call_is_judged_by_its_later_result(
    fault: Fault, ended: tuple[object, ...], lie: tuple[object, ...]
) -> None:
    """Answers are lost until the deadline; later the service finds out whether the commit applied."""
    store = FaultyStore()
    initial, other, _ = two_processes(store)
    one = RecordingService(store, "late", clock=ManualClock())
    store.faults = [fault] * 15
    one.follow([("register", E1, "a")], [E1])
    one.background.wait()
    other.follow([("get_registration", E1, "a")], [E1])
    assert_race_is_valid(store, initial, [one.calls, other.calls])
    assert [call.answer for call in one.calls] == [ended]
    with pytest.raises(NotLinearizable):
        assert_race_is_valid(store, initial, [[replace(one.calls[0], answer=lie)], other.calls])


@with_and_without
def test_last_in_first_out_command_queue_is_rejected(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = user_ids("p", 4)
    store = FaultyStore()
    Race(crowd, {E1: InitialEvent(4)}, []).prepare(store)
    numbers = ids("queue")

    def when_three_are_queued() -> str:
        number = numbers()
        while number == "queue1" and process.service._executor.command_queue.queue_length(E1) < 3:
            pass
        return number

    process = RecordingService(store, "p", new_id=when_three_are_queued)
    if not holds:

        def append_first(queue: recording._Queue, entry: object) -> None:
            queue._accepted()
            deque.appendleft(queue, entry)

        monkeypatch.setattr(recording._Queue, "append", append_first)
    run_together([(process, [[("register", E1, p)] for p in crowd])], [E1])
    if holds:
        assert_first_in_first_served(process.calls)
    else:
        with pytest.raises(AssertionError, match="e1"):
            assert_first_in_first_served(process.calls)


def left(*promoted: str, version: int) -> Call:
    answer: Facts = ("left", "registered", 1, promoted)
    return Call("unregister", (E1, "a"), 0, 1, answer, (version, 1))


def test_promotion_missing_from_the_journal_is_rejected() -> None:
    store = FaultyStore()
    service = service_on(store)
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    for user_id in ("a", "b", "c"):
        service.register(E1, user_id)
    version = service.unregister(E1, "a").event.version
    found = assert_invariants(store)
    assert_promotions_agree(found, [left("b", version=version)])
    for wrong in (left("c", version=version), left("b", version=version - 1)):
        with pytest.raises(AssertionError, match="not in the journal"):
            assert_promotions_agree(found, [wrong])
    with pytest.raises(AssertionError, match="not in the journal"):
        assert_promotions_agree(found, [left("b", version=version)] * 2)
    for key, entry in store.journal.items():
        store.journal[key] = entry.model_copy(update={"notifications": ()})
    with pytest.raises(AssertionError):
        assert_promotions_agree(assert_invariants(store), [left("b", version=version)])


@pytest.mark.parametrize(
    ("read", "stored", "explained"),
    [
        ("Vegetarian", "Vegetarian", True),
        ("Meat", "Vegetarian", False),
        ("Vegetarian", "Meat", False),
    ],
)
def test_answer_that_was_replaced_is_rejected(read: str, stored: str, explained: bool) -> None:
    """R12.3: in what is read after it was changed, and in what the store holds at the end."""
    initial = ReferenceModel(users={"a"})
    initial.create_event(E1, 1, has_waitlist=True)
    initial.event(E1).asks = True
    initial.register(E1, "a", "Meat")
    found = initial.copied()
    found.change_answer(E1, "a", stored)
    calls = [
        Call("change_answer", (E1, "a", "Vegetarian"), 0, 1, ("answered", True, None)),
        Call("get_answer", (E1, "a"), 2, 3, ("answer", read)),
    ]
    with nullcontext() if explained else pytest.raises(NotLinearizable):
        find_order(initial, calls, found.contents())
