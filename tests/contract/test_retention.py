"""How long the journal is kept, on every store, and what a check makes of the rest (R7.8)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.execution import retention
from domain.integrity.violations import Violation, ViolationKind
from domain.models import JOURNAL_KEPT
from domain.planning.plan import PutJournalEntry
from domain.ports import Conflict
from domain.service import Service
from storage.dynamodb.items import to_wire
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import a_journal_entry, commit, put_event_and_users
from tests.support.environment import START, ManualClock, ids, new_event, new_users, service_on
from tests.support.integrity.corruption import lose_entry
from tests.support.memory_store import MemoryStore
from tests.support.retention import let_expire
from tests.support.stores import STORES, AnyStore, another_workspace, empty_sqlite

END = START + JOURNAL_KEPT
SECOND = timedelta(seconds=1)


def versions(store: AnyStore, event_id: str = "e1") -> list[int]:
    return [entry.version for entry in store.list_journal(event_id, limit=99)]


def deliver_all(store: AnyStore, event_id: str = "e1") -> None:
    for version in versions(store, event_id):
        store.mark_delivered(event_id, version)


# The stores


def test_delivered_entry_is_kept_for_400_days(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    commit(store, PutJournalEntry(a_journal_entry(version=2, at=START + SECOND)))
    deliver_all(store)
    assert let_expire(store, END - SECOND) == 0
    assert let_expire(store, END) == 1
    assert versions(store) == [2]


def test_undelivered_entry_is_kept_until_it_is_delivered(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    assert let_expire(store, END + JOURNAL_KEPT) == 0
    assert store.get_undelivered("e1") == (1,)
    for _ in range(2):  # the second request is one after a lost answer
        store.mark_delivered("e1", 1)
    assert let_expire(store, END) == 1


def test_entry_that_needs_no_delivery_is_deleted_too(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1), is_undelivered=False))
    assert let_expire(store, END - SECOND) == 0
    assert let_expire(store, END) == 1


def test_delivery_row_stays(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    deliver_all(store)
    taken = store.take_lease("e1", holder="me", until=START)
    saved = store.save_delivery(taken.model_copy(update={"delivered_version": 1}))
    let_expire(store, END)
    assert store.get_delivery("e1") == saved


def test_entry_is_read_without_what_the_store_adds(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    deliver_all(store)
    assert store.get_journal_entry("e1", 1) == a_journal_entry(version=1)


def test_file_deletes_no_more_at_once_than_asked_for() -> None:
    with empty_sqlite() as store:
        put_event_and_users(store)
        for version in (1, 2, 3):
            at = START - version * SECOND
            commit(store, PutJournalEntry(a_journal_entry(version=version, at=at), False))
        assert store.delete_old_entries(END, limit=2) == 2
        assert versions(store) == [1]  # the oldest were first
        assert store.delete_old_entries(END, limit=2) == 1
        assert store.delete_old_entries(END, limit=2) == 0


def test_file_deletes_nothing_of_another_workspace() -> None:
    with empty_sqlite() as store:
        put_event_and_users(store)
        commit(store, PutJournalEntry(a_journal_entry(version=1), False))
        assert another_workspace(store).delete_old_entries(END, limit=9) == 0
        assert versions(store) == [1]


@pytest.mark.parametrize("kind", ["moto", "local"])
def test_item_of_an_earlier_version_never_expires(kind: str) -> None:
    """It doesn't say when it was committed in a form that DynamoDB could compute with."""
    with STORES[kind]() as store:
        assert isinstance(store, DynamoDBStore)
        put_event_and_users(store)
        commit(store, PutJournalEntry(a_journal_entry(version=1)))
        store._client.update_item(
            TableName=f"{store._prefix}journal",
            Key=to_wire({"event_id": "T1#e1", "version": 1}),
            UpdateExpression="REMOVE kept_until",
        )
        store.mark_delivered("e1", 1)
        assert store.get_undelivered("e1") == ()
        assert let_expire(store, END + JOURNAL_KEPT) == 0
        assert store.get_journal_entry("e1", 1) == a_journal_entry(version=1)


# The sweep


def later(store: AnyStore, days: int) -> tuple[Service, ManualClock]:
    """Return a service on the store, so many days after the start."""
    clock = ManualClock(START + timedelta(days=days))
    return service_on(store, clock=clock, new_id=ids(f"day{days}-")), clock


def test_sweep_deletes_old_entries_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ENTRIES_AT_ONCE", 2)  # five entries then take several steps
    monkeypatch.setattr(retention, "MAX_STEPS", 2)  # and more than one sweep
    with empty_sqlite() as store:
        put_event_and_users(store)
        for version in range(1, 6):
            commit(store, PutJournalEntry(a_journal_entry(version=version), False))
        service, _ = later(store, 399)
        service.sweep()
        assert versions(store) == [1, 2, 3, 4, 5]
        service, _ = later(store, 400)
        steps: list[int] = []
        service.sweep(lambda: steps.append(len(versions(store))))
        assert (len(versions(store)), steps[-2:]) == (
            1,
            [5, 3],
        )  # in small steps, and no end of them
        service.sweep()
        assert versions(store) == []


class BusyStore(MemoryStore):
    """Another process writes, so nothing can be deleted now."""

    def delete_old_entries(self, now: datetime, *, limit: int) -> int:
        raise Conflict


def test_sweep_leaves_a_busy_store_alone() -> None:
    assert service_on(BusyStore()).sweep() == 0


# Checks of a journal whose beginning is gone


def violations(service: Service) -> list[Violation]:
    return list(service.check(lambda _: None))


def a_busy_year(store: AnyStore) -> Service:
    """Fill an event on the first day and in the second year; return the service of then."""
    service = service_on(store)
    new_event(service, starts_at=START + timedelta(days=900))
    new_users(service, "ada", "ben", "cleo", "dora")
    for user_id in ("ada", "ben", "cleo"):
        service.register("e1", user_id)
    service, _ = later(store, 500)
    service.register("e1", "dora")
    service.unregister("e1", "ada")
    deliver_all(store)
    return service


def test_check_finds_nothing_wrong_with_a_journal_without_its_beginning(store: AnyStore) -> None:
    service = a_busy_year(store)
    assert let_expire(store, START + timedelta(days=500)) == 4
    assert versions(store) == [5, 6]
    assert violations(service) == []
    assert list(service.repair(lambda _: None)) == []


def test_check_finds_nothing_wrong_with_an_event_whose_whole_journal_is_gone(
    store: AnyStore,
) -> None:
    a_busy_year(store)
    service, clock = later(store, 901)
    let_expire(store, clock.now())
    assert versions(store) == []
    assert violations(service) == []


def test_next_change_follows_a_journal_that_is_gone(store: AnyStore) -> None:
    service = service_on(store)
    new_event(service, starts_at=START + timedelta(days=900))
    new_users(service, "ada")
    service.register("e1", "ada")
    deliver_all(store)
    service, clock = later(store, 450)
    let_expire(store, clock.now())
    service.unregister("e1", "ada")
    assert versions(store) == [3]
    assert violations(service) == []


def test_check_finds_nothing_wrong_with_holes_among_old_entries(store: AnyStore) -> None:
    """DynamoDB deletes in any order."""
    service = a_busy_year(store)
    for version in (1, 3):
        lose_entry(store, "e1", version)
    assert violations(service) == []


@pytest.mark.parametrize("version", [5, 6])
def test_check_still_reports_a_lost_entry_that_should_be_kept(
    store: AnyStore, version: int
) -> None:
    service = a_busy_year(store)
    let_expire(store, START + timedelta(days=500))
    lose_entry(store, "e1", version)
    (found,) = violations(service)
    assert found.kind is ViolationKind.MISSING_JOURNAL_ENTRY
    assert found.versions is not None
    assert found.versions[1] == version


def test_check_reports_a_lost_entry_until_its_time(store: AnyStore) -> None:
    service = service_on(store)
    new_event(service, starts_at=START + timedelta(days=900))
    new_users(service, "ada")
    service.register("e1", "ada")
    deliver_all(store)
    lose_entry(store, "e1", 1)
    found = [violations(later(store, days)[0]) for days in (0, 399, 400)]
    assert [len(each) for each in found] == [1, 1, 0]
