"""R7.6: what a repair does, and what it says of it."""

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
    """Return who has a seat, by name."""
    found = assert_fixed(target.service, target.store)
    return [user_id.removeprefix("e1-") for user_id in found.seated("e1")]


def test_a_free_seat_goes_to_the_line_in_order_and_they_are_told(target: CorruptibleEvent) -> None:
    target.rewrite_event({"capacity": 4})
    repair(target.service)
    assert seats(target) == ["seated1", "seated2", "waiting1", "waiting2"]
    entry = target.service.list_history("e1", limit=1).items[0]
    told = [notification.user_id for notification in entry.notifications]
    assert told == ["e1-waiting1", "e1-waiting2"]


def test_a_hundred_free_seats_take_several_commits(target: CorruptibleEvent) -> None:
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


def test_more_seats_than_the_capacity_keep_their_people_and_raise_it(
    target: CorruptibleEvent,
) -> None:
    target.rewrite_event({"capacity": 1})
    repair(target.service)
    assert seats(target) == ["seated1", "seated2"]
    assert target.event().capacity == 2


def test_a_lost_registration_gives_its_seat_to_the_line(target: CorruptibleEvent) -> None:
    target.lose_row("seated1")
    repair(target.service)
    assert seats(target) == ["seated2", "waiting1"]


def test_a_place_that_was_lost_is_where_it_was(target: CorruptibleEvent) -> None:
    """Who waits by the registrations waits where the ticket says, whoever else is in the line."""
    target.lose_waitlist_entry("waiting1")
    target.add_waitlist_entry(1, "nobody")
    target.lose_user("seated1")
    repair(target.service)
    assert seats(target) == ["seated2", "waiting1"]


def test_a_user_lost_in_an_event_under_deletion_keeps_it_from_nothing(
    target: CorruptibleEvent,
) -> None:
    target.rewrite_event({"deletion": Deletion.MARKED, "operation_id": "o"})
    target.lose_user("seated1")
    target.lose_user("waiting1")
    repair(target.service)
    assert_fixed(target.service, target.store)
    target.service.finish_unfinished()
    assert target.event().deletion is Deletion.DONE
    assert assert_fixed(target.service, target.store).registrations == {}


def test_the_history_says_what_was_mended(target: CorruptibleEvent) -> None:
    """R8.10: what was, and what is now."""
    target.rewrite_event({"registered_count": 1})
    repair(target.service)
    change = target.service.list_history("e1", limit=1).items[0].changes[0]
    assert change.kind is ChangeKind.REPAIRED
    assert change.fields == {"registered_count": ("1", "2")}


def test_the_repair_says_what_was_and_what_is_now(target: CorruptibleEvent) -> None:
    target.rewrite_event({"capacity": 3, "registered_count": 0})
    mended = repair(target.service)
    said = [
        (mend.violation.kind, mend.violation.user_id, mend.violation.stored, mend.now)
        for mend in mended
    ]
    assert said == [
        (ViolationKind.REGISTERED_COUNT, None, "0", "2"),
        (ViolationKind.FREE_SEAT, "e1-waiting1", "waitlisted", "registered"),
    ]


def test_after_a_jump_over_entries_that_were_ahead_the_event_can_be_changed_again(
    target: CorruptibleEvent,
) -> None:
    target.add_entry(9)
    assert {mend.violation.kind for mend in repair(target.service)} == {
        ViolationKind.ENTRY_AHEAD,
        ViolationKind.MISSING_ENTRY,
    }
    target.service.unregister("e1", "e1-seated1")
    assert seats(target) == ["seated2", "waiting1"]
