"""R7.6: what a repair changes, and what it reports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.enums import ChangeKind, Deletion
from domain.integrity.violations import ViolationKind
from domain.ports import Store
from tests.support.environment import new_users, service_on
from tests.support.integrity.corruption import CorruptibleEvent, assert_fixed, repair
from tests.support.stores import Kind, empty_store


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store


@pytest.fixture
def target(store: Store) -> CorruptibleEvent:
    return CorruptibleEvent(service_on(store), store)


def seats(target: CorruptibleEvent) -> list[str]:
    """Return the names of the registered users."""
    found = assert_fixed(target.service, target.store)
    return [user_id.removeprefix("e1-") for user_id in found.seated("e1")]


def test_free_seats_go_to_the_waitlist_in_order_with_notifications(
    target: CorruptibleEvent,
) -> None:
    target.rewrite_event({"capacity": 4})
    repair(target.service)
    assert seats(target) == ["seated1", "seated2", "waitlisted1", "waitlisted2"]
    entries = target.service.list_history("e1", limit=2).items
    notified = [one.user_id for entry in entries for one in entry.notifications]
    assert notified == ["e1-waitlisted1", "e1-waitlisted2"]


def test_hundred_free_seats_take_several_commits(target: CorruptibleEvent) -> None:
    """A commit promotes 49."""
    late = [f"late{number:03}" for number in range(100)]
    new_users(target.service, *late)
    for user_id in late:
        target.service.register("e1", user_id)
    target.rewrite_event({"capacity": 200, "waitlist_count": 0})
    version = target.event().version
    repair(target.service)
    assert len(seats(target)) == 105
    assert target.event().version == version + 4


def test_more_registered_than_seats_increases_the_capacity(
    target: CorruptibleEvent,
) -> None:
    target.rewrite_event({"capacity": 1})
    repair(target.service)
    assert seats(target) == ["seated1", "seated2"]
    assert target.event().capacity == 2


def test_lost_registration_gives_its_seat_to_the_waitlist(target: CorruptibleEvent) -> None:
    target.lose_row("seated1")
    repair(target.service)
    assert seats(target) == ["seated2", "waitlisted1"]


def test_lost_waitlist_entry_returns_to_its_position(target: CorruptibleEvent) -> None:
    """The registration's ticket decides the position, whatever else is on the waitlist."""
    target.lose_waitlist_entry("waitlisted1")
    target.add_waitlist_entry(1, "nobody")
    target.lose_user("seated1")
    repair(target.service)
    assert seats(target) == ["seated2", "waitlisted1"]


def test_lost_user_does_not_stop_the_deletion_of_an_event(
    target: CorruptibleEvent,
) -> None:
    target.rewrite_event({"deletion": Deletion.IN_PROGRESS, "operation_id": "o"})
    target.lose_user("seated1")
    target.lose_user("waitlisted1")
    repair(target.service)
    assert_fixed(target.service, target.store)
    target.service.finish_unfinished()
    assert target.event().deletion is Deletion.DONE
    assert assert_fixed(target.service, target.store).registrations == {}


def test_history_has_the_fix(target: CorruptibleEvent) -> None:
    """R8.10: with the old and the new value."""
    target.rewrite_event({"registered_count": 1})
    repair(target.service)
    change = target.service.list_history("e1", limit=1).items[0].changes[0]
    assert change.kind is ChangeKind.REPAIRED
    assert change.fields == {"registered_count": ("1", "2")}


def test_repair_reports_the_old_and_the_new_value(target: CorruptibleEvent) -> None:
    target.rewrite_event({"capacity": 3, "registered_count": 0})
    fixed = repair(target.service)
    reported = [
        (fix.violation.kind, fix.violation.user_id, fix.violation.stored, fix.result)
        for fix in fixed
    ]
    assert reported == [
        (ViolationKind.REGISTERED_COUNT, None, "0", "2"),
        (ViolationKind.FREE_SEAT, "e1-waitlisted1", "waitlisted", "registered"),
    ]


def test_event_with_journal_entries_ahead_can_be_changed_again(
    target: CorruptibleEvent,
) -> None:
    target.add_entry(9)
    assert {fix.violation.kind for fix in repair(target.service)} == {
        ViolationKind.JOURNAL_AHEAD,
        ViolationKind.MISSING_JOURNAL_ENTRY,
    }
    target.service.unregister("e1", "e1-seated1")
    assert seats(target) == ["seated2", "waitlisted1"]
