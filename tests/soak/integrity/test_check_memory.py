"""R7.6: a check holds one page in memory, and of each registration of one event a few bytes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from domain.commands import Register
from domain.integrity.violations import Progress
from domain.ports import Store
from storage.dynamodb.store import DynamoDBStore
from tests.support.builders import put_users
from tests.support.environment import commit_together, new_event, service_on
from tests.support.integrity.corruption import CorruptibleEvent, check, repair
from tests.support.stores import empty_local, empty_sqlite


def fill(store: Store, first: int, last: int) -> None:
    """Register users in an event, half of whose first users get seats."""
    if not first:
        new_event(service_on(store), capacity=last // 2)
    user_ids = [f"u{number}" for number in range(first, last)]
    put_users(store, *user_ids)
    commit_together(store, "e1", [Register(user_id) for user_id in user_ids])


def peaks_of_checks(few: int, many: int) -> tuple[int, int]:
    """Return the peak memory in bytes of a check with few registrations, and with many."""
    peaks = []
    with empty_sqlite() as store:
        service = service_on(store)
        for first, last in ((0, few), (few, many)):
            fill(store, first, last)
            check(service)  # warm up imports and caches
            tracemalloc.start()
            try:
                assert check(service) == []
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    return peaks[0], peaks[1]


BYTES_EACH = 300
"""For the replay of an event: a user's id, ticket and status."""


def test_memory_grows_by_a_few_bytes_for_each_registration() -> None:
    few, many = peaks_of_checks(800, 2_400)
    assert many - few < 1_600 * BYTES_EACH


@pytest.mark.soak
def test_memory_grows_by_a_few_bytes_for_each_of_many_registrations() -> None:
    few, many = peaks_of_checks(1_000, 10_000)
    assert many - few < 9_000 * BYTES_EACH


def limits_asked(store: DynamoDBStore, work: Any) -> list[tuple[str, int | None]]:
    """Return the reads that were sent, and the limit of each."""
    asked: list[tuple[str, int | None]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked.append((model.name, params.get("Limit")))

    events: Any = store._client.meta.events
    events.register("provide-client-params.dynamodb", note, unique_id="limits")
    try:
        work()
    finally:
        events.unregister("provide-client-params.dynamodb", note, unique_id="limits")
    return asked


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with empty_local() as store:
        yield store


def test_dynamodb_is_asked_for_no_more_than_a_page(store: DynamoDBStore) -> None:
    """The only read without a limit asks for one ticket of the roster, which is one registration."""
    service = service_on(store)
    CorruptibleEvent(service, store)
    for work in (check, repair):
        asked = limits_asked(store, lambda work=work: work(service))
        lists = [limit for name, limit in asked if name in ("Query", "Scan")]
        assert all(limit is None or limit <= 100 for limit in lists)
        assert lists.count(None) == 5 * (1 if work is check else 2)


def test_progress_is_reported_page_by_page() -> None:
    """This includes the rows of one event, because reading a large one takes long."""
    with empty_sqlite() as store:
        fill(store, 0, 600)
        reports: list[Progress] = []
        list(service_on(store).check(reports.append))
    assert {progress.counted for progress in reports} >= {100, 200, 300, 400, 500, 600}
    assert {progress.registrations for progress in reports} == {0, 100, 200, 300, 400, 500, 600}
    assert {progress.waitlist_entries for progress in reports} == {0, 100, 200, 300}
    assert reports[-1] == Progress(events=1, counted=600, registrations=600, waitlist_entries=300)
