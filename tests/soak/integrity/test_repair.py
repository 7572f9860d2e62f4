"""R7.6: what a repair does, and what it says of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.enums import ChangeKind, Deletion
from domain.integrity.violations import ViolationKind
from domain.ports import Store
from tests.support.environment import new_users, service_on
from tests.support.integrity.corruption import Scene, assert_mended, repair
from tests.support.stores import Kind, empty_store


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(service_on(store), store)


def seats(scene: Scene) -> list[str]:
    """Return who has a seat, by name."""
    found = assert_mended(scene.service, scene.store)
    return [user_id.removeprefix("e1-") for user_id in found.seated("e1")]


def test_a_free_seat_goes_to_the_line_in_order_and_they_are_told(scene: Scene) -> None:
    scene.rewrite_event({"capacity": 4})
    repair(scene.service)
    assert seats(scene) == ["seated1", "seated2", "waiting1", "waiting2"]
    entry = scene.service.list_history("e1", limit=1).items[0]
    told = [notification.user_id for notification in entry.notifications]
    assert told == ["e1-waiting1", "e1-waiting2"]


def test_a_hundred_free_seats_take_several_commits(scene: Scene) -> None:
    """A commit promotes 49."""
    late = [f"late{number:03}" for number in range(100)]
    new_users(scene.service, *late)
    for user_id in late:
        scene.service.register("e1", user_id)
    scene.rewrite_event({"capacity": 200, "waitlist_count": 0})
    version = scene.event().version
    repair(scene.service)
    assert len(seats(scene)) == 105
    assert scene.event().version == version + 4


def test_more_seats_than_the_capacity_keep_their_people_and_raise_it(scene: Scene) -> None:
    scene.rewrite_event({"capacity": 1})
    repair(scene.service)
    assert seats(scene) == ["seated1", "seated2"]
    assert scene.event().capacity == 2


def test_a_lost_registration_gives_its_seat_to_the_line(scene: Scene) -> None:
    scene.lose_row("seated1")
    repair(scene.service)
    assert seats(scene) == ["seated2", "waiting1"]


def test_a_place_that_was_lost_is_where_it_was(scene: Scene) -> None:
    """Who waits by the registrations waits where the ticket says, whoever else is in the line."""
    scene.lose_place("waiting1")
    scene.add_place(1, "nobody")
    scene.lose_user("seated1")
    repair(scene.service)
    assert seats(scene) == ["seated2", "waiting1"]


def test_a_user_lost_in_an_event_under_deletion_keeps_it_from_nothing(scene: Scene) -> None:
    scene.rewrite_event({"deletion": Deletion.IN_PROGRESS, "operation_id": "o"})
    scene.lose_user("seated1")
    scene.lose_user("waiting1")
    repair(scene.service)
    assert_mended(scene.service, scene.store)
    scene.service.finish_unfinished()
    assert scene.event().deletion is Deletion.DONE
    assert assert_mended(scene.service, scene.store).registrations == {}


def test_the_history_says_what_was_mended(scene: Scene) -> None:
    """R8.10: what was, and what is now."""
    scene.rewrite_event({"registered_count": 1})
    repair(scene.service)
    change = scene.service.list_history("e1", limit=1).items[0].changes[0]
    assert change.kind is ChangeKind.REPAIRED
    assert change.fields == {"registered_count": ("1", "2")}


def test_the_repair_says_what_was_and_what_is_now(scene: Scene) -> None:
    scene.rewrite_event({"capacity": 3, "registered_count": 0})
    mended = repair(scene.service)
    said = [
        (mend.violation.kind, mend.violation.user_id, mend.violation.stored, mend.result)
        for mend in mended
    ]
    assert said == [
        (ViolationKind.REGISTERED_COUNT, None, "0", "2"),
        (ViolationKind.FREE_SEAT, "e1-waiting1", "waitlisted", "registered"),
    ]


def test_after_a_jump_over_entries_that_were_ahead_the_event_can_be_changed_again(
    scene: Scene,
) -> None:
    scene.add_entry(9)
    assert {mend.violation.kind for mend in repair(scene.service)} == {
        ViolationKind.JOURNAL_AHEAD,
        ViolationKind.MISSING_JOURNAL_ENTRY,
    }
    scene.service.unregister("e1", "e1-seated1")
    assert seats(scene) == ["seated2", "waiting1"]
