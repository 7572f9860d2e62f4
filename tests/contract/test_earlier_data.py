"""Data of each earlier version is read right, and stays right when it is changed (R7.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)
from domain.errors import UnknownUser
from domain.inputs import EventChanges
from domain.integrity.violations import Violation
from domain.models import Card
from domain.service import Service
from storage.dynamodb import items
from storage.sqlite.schema import SCHEMA_VERSION
from storage.sqlite.store import SQLiteStore
from tests.support.builders import all_items
from tests.support.earlier_data import DYNAMODB, SQLITE, earlier_data
from tests.support.environment import ManualClock, service_on
from tests.support.invariants import assert_invariants
from tests.support.questions import LUNCH
from tests.support.stores import AnyStore, empty_sqlite


@pytest.fixture(params=[*SQLITE, *DYNAMODB])
def earlier(request: pytest.FixtureRequest) -> Iterator[AnyStore]:
    with earlier_data(request.param) as store:
        yield store


def positions(service: Service, *user_ids: str) -> list[int | None]:
    return [service.get_registration("e1", user_id).position for user_id in user_ids]


def violations(service: Service) -> list[Violation]:
    return list(service.check(lambda _: None))


def test_there_is_a_file_of_each_earlier_version() -> None:
    """If this fails, you raised a version: write a file with the code before it (see `earlier_data`)."""
    assert {int(name.split("-")[1]) for name in SQLITE} == {*range(1, SCHEMA_VERSION)}
    assert {int(name.split("-")[1]) for name in DYNAMODB} == {*range(1, items.VERSION)}


def test_events_are_found_by_their_organizer(earlier: AnyStore) -> None:
    """R8.6: the lists of events did not say who organizes one."""
    stored = [one for one in all_items(earlier.scan_events) if one.deletion is None]
    for event in stored:
        listed = all_items(earlier.list_events, starting_from=None, organizer_id=event.organizer_id)
        assert event.event_id in [one.event_id for one in listed]
    assert stored


@pytest.mark.parametrize("name", [*SQLITE, *DYNAMODB])
def test_running_event_is_found_by_its_organizer(name: str) -> None:
    """R8.6: earlier files and tables had no order by end. Nothing was written since."""
    clock = ManualClock(datetime(2099, 5, 20, 12, tzinfo=UTC))
    with earlier_data(name, ends_at=datetime(2099, 6, 10, 12, tzinfo=UTC)) as store:
        service = service_on(store, clock=clock)
        for _ in range(2):
            assert "e1" in [event.event_id for event in service.list_organized("org").items]
            assert [one.event_id for one in service.preview_user_deletion("org").organized] == [
                "e1"
            ]
            service.edit_event("e1", EventChanges.of(title="Now"))
        clock.advance(timedelta(days=23))
        assert service.list_organized("org").items == ()


def test_positions_are_right(earlier: AnyStore) -> None:
    service = service_on(earlier)
    assert positions(service, "ada", "cleo") == [None, None]
    assert positions(service, "dora", "eve", "finn", "gus") == [1, 2, 3, 4]
    page = service.list_registrations_in("e1", status=RegistrationStatus.WAITLISTED)
    assert [(one.position, one.entry.user_id) for one in page.waitlist] == [
        (1, "dora"),
        (2, "eve"),
        (3, "finn"),
        (4, "gus"),
    ]
    (of_gus,) = service.list_registrations_of("gus")
    assert of_gus.position == 4


def test_leaving_and_joining_stay_right(earlier: AnyStore) -> None:
    service = service_on(earlier)
    service.unregister("e1", "finn")
    assert service.unregister("e1", "ada").promoted == ("dora",)
    assert service.register("e1", "ben").position == 3
    assert positions(service, "eve", "gus", "ben") == [1, 2, 3]
    assert_invariants(earlier)
    assert violations(service) == []


def test_data_has_no_violation(earlier: AnyStore) -> None:
    service = service_on(earlier)
    assert violations(service) == []
    assert_invariants(earlier)


def test_renamed_values_have_todays_names(earlier: AnyStore) -> None:
    service = service_on(earlier)
    assert service.get_event("e2").status is EventStatus.CANCELED
    listed = {
        event.event_id: event.status
        for event in earlier.list_events(starting_from=None, limit=9).items
    }
    assert listed == {"e1": EventStatus.OPEN, "e2": EventStatus.CANCELED}
    entries = earlier.list_journal("e1", limit=99)
    changes = [change for entry in entries for change in entry.changes]
    assert changes[-2].kind is ChangeKind.UNREGISTERED
    assert (changes[-1].kind, changes[-1].cause) == (ChangeKind.PROMOTED, Cause.SEAT_FREED)
    (promotion,) = entries[-1].notifications
    assert (promotion.kind, promotion.user_id) == (NotificationKind.PROMOTED, "cleo")


def test_undelivered_messages_cards_and_leases_are_kept(earlier: AnyStore) -> None:
    undelivered = all_items(earlier.list_undelivered)
    assert {*undelivered} == {"e1", "e2"}
    entry = earlier.list_journal("e1", limit=99)[-1]
    assert entry.version in earlier.get_undelivered("e1")
    card = Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=3)
    assert earlier.get_cards("e1") == (card,)
    delivery = earlier.get_delivery("e1")
    assert (delivery.holder, delivery.model_extra) == ("me", {})
    moved_on = earlier.save_delivery(delivery.model_copy(update={"delivered_version": 2}))
    assert earlier.get_delivery("e1") == moved_on


@pytest.mark.parametrize("name", [name for name in (*SQLITE, *DYNAMODB) if name != "sqlite-1"])
def test_announcement_of_an_earlier_version_is_still_one(name: str) -> None:
    """Version 1 of the file had none."""
    with earlier_data(name) as store:
        found = [
            one for entry in store.list_journal("e1", limit=99) for one in entry.announcements()
        ]
    ((change, announcement),) = found
    assert (change.actor_id, announcement.text) == ("org", "Bring cake")
    assert announcement.audience is Audience.WAITLISTED


def test_user_in_deletion_can_not_register_and_is_deleted(earlier: AnyStore) -> None:
    service = service_on(earlier)
    assert earlier.list_unfinished_users(limit=9).items == ("gone",)
    with pytest.raises(UnknownUser):
        service.register("e1", "gone")
    service.sweep()
    assert earlier.get_user("gone") is None


@pytest.mark.parametrize("blocks", [{"0": 2, "1": 2}, {"1": 2, "2": 2}, {}], ids=str)
def test_blocks_of_1000_of_500_or_lost_are_counted_again(blocks: dict[str, int]) -> None:
    """An item of form 1 doesn't say how large its blocks are."""
    with earlier_data("dynamodb-1") as store:
        assert not isinstance(store, SQLiteStore)
        store._client.update_item(
            TableName=f"{store._prefix}events",
            Key={"event_id": {"S": "T1#e1"}},
            UpdateExpression="SET waitlist_by_block = :blocks",
            ExpressionAttributeValues=items.to_wire({":blocks": blocks}),
        )
        service = service_on(store)
        assert positions(service, "dora", "eve", "finn", "gus") == [1, 2, 3, 4]
        service.unregister("e1", "eve")
        assert positions(service, "dora", "finn", "gus") == [1, 2, 3]
        assert_invariants(store)


def test_first_commit_stores_the_new_form() -> None:
    """From then on, nothing is counted again."""
    with earlier_data("dynamodb-1-blocks-of-1000") as store:
        assert not isinstance(store, SQLiteStore)
        service_on(store).unregister("e1", "finn")
        (item,) = [
            item
            for item in store._client.scan(TableName=f"{store._prefix}events")["Items"]
            if item["event_id"] == {"S": "T1#e1"}
        ]
        assert item["v"] == {"N": str(items.VERSION)}
        assert item["waitlist_by_block"] == {"M": {"1": {"N": "2"}, "2": {"N": "1"}}}
        assert "waiting_by_block" not in item


def test_times_of_columns_are_kept() -> None:
    """Versions 1 and 2 stored a registration's times as numbers."""
    for name in ("sqlite-1", "sqlite-2"):
        with earlier_data(name) as store:
            (registration,) = store.get_registrations_of("cleo")
            moment = datetime(2099, 5, 1, 12, tzinfo=UTC)
            assert (registration.registered_at, registration.seated_at) == (moment, moment)
            (entry, *_) = store.get_waitlist("e1", limit=9)
            assert (entry.user_id, entry.registered_at) == ("dora", moment)


def test_migrated_file_is_that_of_a_new_one() -> None:
    """The same tables, indexes and columns, and nothing left of the old ones."""
    with earlier_data("sqlite-4") as old, empty_sqlite() as new:
        assert isinstance(old, SQLiteStore)
        assert schema_of(old) == schema_of(new)


def schema_of(store: SQLiteStore) -> dict[str, str]:
    with store._file.reading() as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def test_rows_without_questions_and_answers_are_read_as_none(earlier: AnyStore) -> None:
    """R12.3. An event that begins to ask keeps those who registered before, and they can answer."""
    service = service_on(earlier)
    assert service.get_event("e1").questions == ()
    page = service.list_registrations_in("e1")
    assert [one.answers for one in page.registered] == [{}] * 2
    assert [one.answers for one in page.waitlist] == [{}] * 4
    service.edit_event("e1", EventChanges.of(questions=(LUNCH,)))
    for user_id in ("ada", "finn"):  # with a seat, and on the waitlist
        service.change_answers("e1", user_id, {"lunch": "Meat"})
        assert service.get_registration("e1", user_id).registration.answers == {"lunch": "Meat"}
    service.register("e1", "ben", {"lunch": "Vegetarian"})
    assert positions(service, "dora", "eve", "finn", "gus", "ben") == [1, 2, 3, 4, 5]
    assert_invariants(earlier)
    assert violations(service) == []
