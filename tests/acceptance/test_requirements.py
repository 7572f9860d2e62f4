"""Requirements R1 to R7, each line by its number, on every store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from domain.enums import (
    Cause,
    ChangeKind,
    ClosedReason,
    NotificationKind,
    RegistrationStatus,
    Visibility,
)
from domain.errors import (
    AlreadyRegistered,
    AttendeesHidden,
    Busy,
    CapacityBelowRegistered,
    DuplicateEvent,
    DuplicateUser,
    EventCanceled,
    EventFull,
    EventOver,
    Invalid,
    NotOrganizer,
    NotRegistered,
    RegistrationClosed,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import (
    MAX_REASON_LENGTH,
    EventChanges,
    EventDraft,
    UserChanges,
    UserDraft,
)
from domain.models import Actor
from domain.ports import Store, Unavailable
from domain.service import Service
from tests.support.builders import all_items
from tests.support.environment import (
    START,
    ManualClock,
    ids,
    new_event,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.invariants import assert_invariants, everything_in
from tests.support.stores import empty_sqlite


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def background() -> list[Callable[[], None]]:
    """Return the background work, which a test runs, or not, as after a crash."""
    return []


@pytest.fixture
def service(store: Store, clock: ManualClock, background: list[Callable[[], None]]) -> Service:
    service = service_on(store, clock=clock, spawn=background.append)
    new_users(service, *"abcdef")
    return service


def register(service: Service, *user_ids: str, event_id: str = "e1") -> None:
    for user_id in user_ids:
        service.register(event_id, user_id)


# R1


def test_r1_1_a_user_gets_the_callers_id_or_a_generated_one(service: Service) -> None:
    assert service.create_user(UserDraft.of(user_id="mine", name="A")).user_id == "mine"
    generated = {service.create_user(UserDraft.of(name="A")).user_id for _ in range(3)}
    assert len(generated) == 3


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, " \t "])
def test_r1_2_a_name_has_1_to_200_characters_after_trimming(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        UserDraft.of(name=name)
    assert refusal.value.field == "name"
    assert UserDraft.of(name=" " + "x" * 200 + " ").name == "x" * 200


def test_r1_3_duplicate_user_id_is_refused_and_the_stored_user_unchanged(
    service: Service,
) -> None:
    first = service.create_user(UserDraft.of(user_id="u", name="First"))
    with pytest.raises(DuplicateUser):
        service.create_user(UserDraft.of(user_id="u", name="Second"))
    assert service.get_user("u") == first


def test_r1_3_one_of_several_concurrent_creations_succeeds() -> None:
    with empty_sqlite() as store:
        service = service_on(store)

        def create(number: int) -> bool:
            try:
                service.create_user(UserDraft.of(user_id="u", name=f"{number}"))
            except DuplicateUser:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(create, range(16))) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "name"),
        ({"name": 7}, "name"),
        ({"name": "A", "user_id": "with space"}, "user_id"),
        ({"name": "A", "user_id": ""}, "user_id"),
        ({"name": "A", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": "A", "color": "red"}, "color"),
        ({"name": "\u200b\u2060"}, "name"),
    ],
)
def test_r1_4_missing_or_malformed_fields_are_refused_with_field_and_reason(
    values: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        UserDraft.of(**values)
    assert refusal.value.field == field
    assert refusal.value.reason


def test_r1_5_user_is_read_listed_updated_and_deleted(service: Service, clock: ManualClock) -> None:
    created = service.create_user(UserDraft.of(user_id="u", name="Ada", time_zone="Europe/Berlin"))
    assert service.get_user("u") == created
    clock.advance(timedelta(minutes=1))
    updated = service.update_user("u", UserChanges.of(name="Ada Lovelace"))
    assert (updated.name, updated.time_zone) == ("Ada Lovelace", "Europe/Berlin")
    assert updated.created_at == created.created_at
    assert updated.updated_at == created.updated_at + timedelta(minutes=1)
    assert service.get_user("u") == updated
    names, cursor = [], None
    while True:
        page = service.list_users(limit=2, cursor=cursor)
        names += [user.name for user in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert names == ["Ada Lovelace", *"abcdef"]
    assert service.delete_user("u")
    with pytest.raises(UnknownUser):
        service.get_user("u")
    with pytest.raises(UnknownUser):
        service.update_user("u", UserChanges.of(name="Nobody"))
    with pytest.raises(UnknownUser):
        service.delete_user("u")


# R2


@pytest.mark.parametrize("capacity", [1, 100_000])
def test_r2_1_event_has_a_capacity(service: Service, capacity: int) -> None:
    new_event(service, capacity=capacity)
    assert service.get_event("e1").capacity == capacity


@pytest.mark.parametrize("has_waitlist", [True, False])
def test_r2_2_organizer_chooses_whether_there_is_a_waitlist(
    service: Service, has_waitlist: bool
) -> None:
    new_event(service, has_waitlist=has_waitlist)
    assert service.get_event("e1").has_waitlist is has_waitlist


@pytest.mark.parametrize("capacity", [0, -1, 1.5, 100_001, "ten", "5", None, True])
def test_r2_3_capacity_that_is_not_a_positive_integer_is_refused(
    service: Service, capacity: object
) -> None:
    with pytest.raises(Invalid) as refusal:
        new_event(service, capacity=capacity)
    assert refusal.value.field == "capacity"
    with pytest.raises(Invalid):
        EventChanges.of(capacity=capacity)


def test_r2_4_new_event_has_no_attendees(service: Service) -> None:
    event = new_event(service)
    assert (event.registered_count, event.waitlist_count) == (0, 0)
    listed = service.list_registrations_in("e1")
    assert (listed.registered, listed.waitlist) == ((), ())


def test_r2_5_capacity_cannot_be_set_below_the_number_registered(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=3)
    register(service, "a", "b")
    before = everything_in(store)
    with pytest.raises(CapacityBelowRegistered) as refusal:
        service.edit_event("e1", EventChanges.of(capacity=1))
    assert (refusal.value.requested, refusal.value.registered) == (1, 2)
    assert everything_in(store) == before
    assert service.edit_event("e1", EventChanges.of(capacity=2)).event.capacity == 2


def test_r2_5_capacity_increase_promotes_in_order_and_notifies(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1)
    register(service, *"abcd")
    changed = service.edit_event("e1", EventChanges.of(capacity=3))
    assert changed.promoted == ("b", "c")
    found = assert_invariants(store)
    assert found.seated("e1") == ["a", "b", "c"]
    notifications = found.journal["e1"][-1].notifications
    assert [(notification.kind, notification.user_id) for notification in notifications] == [
        (NotificationKind.PROMOTED, "b"),
        (NotificationKind.PROMOTED, "c"),
    ]


def test_r2_5_large_capacity_increase_goes_in_steps_without_free_seats_in_between(
    service: Service, store: Store, background: list[Callable[[], None]]
) -> None:
    user_ids = [f"p{number:03}" for number in range(60)]
    new_users(service, *user_ids)
    new_event(service, capacity=1)
    register(service, *user_ids)
    changed = service.edit_event("e1", EventChanges.of(capacity=53))
    assert changed.event.capacity_target == 53
    assert_invariants(store)
    service.register("e1", "a")
    service.unregister("e1", user_ids[0])
    assert_invariants(store)
    for work in background:
        work()
    found = assert_invariants(store)
    assert (found.events["e1"].capacity, found.events["e1"].capacity_target) == (53, None)
    assert found.seated("e1") == user_ids[1:54]


def test_r2_5_newer_capacity_replaces_an_unfinished_increase(
    service: Service, store: Store, background: list[Callable[[], None]]
) -> None:
    user_ids = [f"p{number:03}" for number in range(60)]
    new_users(service, *user_ids)
    new_event(service, capacity=1)
    register(service, *user_ids)
    first = service.edit_event("e1", EventChanges.of(capacity=55)).event
    service.edit_event("e1", EventChanges.of(capacity=first.registered_count))
    for work in background:
        work()
    assert assert_invariants(store).events["e1"].capacity == first.registered_count


def test_r2_6_event_keeps_its_times_location_and_description(service: Service) -> None:
    new_event(
        service,
        ends_at=START + timedelta(days=2, hours=1),
        location="Room 5",
        description="Bring *tea*\nand biscuits",
        registration_deadline=START + timedelta(days=1),
    )
    event = service.get_event("e1")
    assert event.starts_at == START + timedelta(days=2)
    assert event.ends_at == START + timedelta(days=2, hours=1)
    assert event.registration_deadline == START + timedelta(days=1)
    assert (event.time_zone, event.location) == ("Europe/Berlin", "Room 5")
    assert event.description == "Bring *tea*\nand biscuits"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"starts_at": START - timedelta(seconds=1)}, "starts_at"),
        ({"starts_at": START.replace(tzinfo=None)}, "starts_at"),
        ({"ends_at": START + timedelta(days=1)}, "ends_at"),
        ({"registration_deadline": START + timedelta(days=3)}, "registration_deadline"),
        ({"registration_deadline": START - timedelta(days=1)}, "registration_deadline"),
        ({"time_zone": "CEST?"}, "time_zone"),
        ({"title": "x" * 10_000}, "title"),
    ],
)
def test_r2_6_times_out_of_order_or_past_are_refused_with_their_field(
    service: Service, store: Store, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        new_event(service, **values)
    assert refusal.value.field == field
    assert everything_in(store).events == {}


def test_r2_6_registration_is_open_until_the_start(service: Service, clock: ManualClock) -> None:
    new_event(service)
    clock.advance(timedelta(days=2) - timedelta(microseconds=1))
    service.register("e1", "a")
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(RegistrationClosed) as refusal:
        service.register("e1", "b")
    assert refusal.value.reason is ClosedReason.STARTED
    assert refusal.value.since == START + timedelta(days=2)


def test_r2_6_registration_is_open_until_the_deadline(service: Service, clock: ManualClock) -> None:
    new_event(service, registration_deadline=START + timedelta(days=1))
    clock.advance(timedelta(days=1))
    with pytest.raises(RegistrationClosed) as refusal:
        service.register("e1", "a")
    assert refusal.value.reason is ClosedReason.DEADLINE


def test_r2_6_closed_event_takes_registrations_again_once_reopened(service: Service) -> None:
    new_event(service)
    assert service.close_event("e1").changed
    assert not service.close_event("e1").changed
    with pytest.raises(RegistrationClosed) as refusal:
        service.register("e1", "a")
    assert refusal.value.reason is ClosedReason.CLOSED
    assert service.reopen_event("e1").changed
    service.register("e1", "a")


def test_r2_6_cancellation_is_final_and_notifies_all_attendees(
    service: Service, store: Store
) -> None:
    new_event(service)
    register(service, "a")
    service.cancel_event("e1")
    with pytest.raises(RegistrationClosed) as refusal:
        service.register("e1", "b")
    assert refusal.value.reason is ClosedReason.CANCELED
    with pytest.raises(EventCanceled):
        service.reopen_event("e1")
    with pytest.raises(EventCanceled):
        service.edit_event("e1", EventChanges.of(capacity=9))
    (notification,) = assert_invariants(store).journal["e1"][-1].notifications
    assert (notification.kind, notification.user_id) == (NotificationKind.CANCELED, None)


def test_r2_7_waitlist_turned_off_keeps_its_users_and_takes_no_more(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1)
    register(service, "a", "b")
    service.edit_event("e1", EventChanges.of(has_waitlist=False))
    with pytest.raises(EventFull):
        service.register("e1", "c")
    assert service.unregister("e1", "a").promoted == ("b",)
    assert_invariants(store)


def test_r2_8_unlisted_event_is_neither_listed_nor_found_by_title(
    service: Service,
) -> None:
    new_event(service, "shown", title="Summer party")
    new_event(service, "hidden", title="Summer surprise", listed=False)
    assert [event.event_id for event in service.list_events(upcoming=True).items] == ["shown"]
    assert [event.event_id for event in service.find_events("summer").matches] == ["shown"]
    assert service.get_event("hidden").title == "Summer surprise"


def test_r2_events_are_found_by_part_of_a_title_and_the_nearest_offered(
    service: Service,
) -> None:
    new_event(service, "e1", title="Yoga in the park")
    new_event(service, "e2", title="Yoga indoors")
    new_event(service, "e3", title="Chess night")
    matches = [event.event_id for event in service.find_events("YOGA  in").matches]
    assert sorted(matches) == ["e1", "e2"]
    nothing = service.find_events("ches nigth")
    assert nothing.matches == ()
    assert nothing.suggestions[0].event_id == "e3"


def test_r2_organizers_find_their_own_events_closed_or_unlisted_by_title(
    service: Service,
) -> None:
    new_event(service, "mine", title="Yoga in the park", listed=False)
    new_event(service, "theirs", title="Yoga indoors", organizer_id="a")
    service.close_event("mine")

    def found(text: str, actor: Actor) -> list[str]:
        events = service.find_events_to_manage(text, actor)
        return [event.event_id for event in events.matches or events.suggestions]

    admin = Actor("an admin", is_admin=True)
    assert found("yoga", Actor("organizer")) == found("yoag", Actor("organizer")) == ["mine"]
    assert found("yoga", Actor("a")) == found("yoag", Actor("a")) == ["theirs"]
    assert found("yoga", Actor("b")) == found("yoag", Actor("b")) == []
    assert found("yoga", admin) == found("yoag", admin) == ["theirs"]
    assert found("mine", admin) == ["mine"]


def test_r8_9_own_events_are_suggested_first_unlisted_ones_too(service: Service) -> None:
    """Even to an admin, for whom similar titles of others would leave no room."""
    new_event(service, "own", title="Yoga in the park for all", organizer_id="admin", listed=False)
    new_event(service, "own2", title="Yoga in the hall for all", organizer_id="admin")
    for number in range(3):
        new_event(service, f"e{number}", title=f"Yoga {number}", organizer_id="a")
    new_event(service, "hidden", title="Yoga", organizer_id="a", listed=False)

    def suggested(actor: Actor) -> list[str]:
        found = service.find_events_to_manage("yoag", actor)
        assert found.matches == ()
        return [event.event_id for event in found.suggestions]

    assert set(suggested(Actor("another admin", is_admin=True))) == {"e0", "e1", "e2"}
    first, second, third = suggested(Actor("admin", is_admin=True))
    assert {first, second} == {"own", "own2"} == set(suggested(Actor("admin")))
    assert third in {"e0", "e1", "e2"}


def test_r8_6_organizers_find_a_running_event_until_a_day_after_its_end(
    service: Service, clock: ManualClock
) -> None:
    """However long ago it began, and however many events of others come first."""
    starts_at = START + timedelta(days=1)
    days = timedelta(days=1)
    new_event(service, "camp", title="Camp", starts_at=starts_at, ends_at=starts_at + 5 * days)
    new_event(service, "talk", title="Talk", starts_at=starts_at + 4 * days)
    for number in range(30):
        new_event(service, f"o{number}", organizer_id="a", starts_at=starts_at + 3 * days)
    new_event(service, "last", title="Last", organizer_id="a", co_organizer_ids=("organizer",))
    service.edit_event("last", EventChanges.of(starts_at=starts_at + 9 * days))

    def organized() -> list[str]:
        events = all_items(lambda **page: service.list_organized("organizer", **page), limit=1)
        return [event.event_id for event in events]

    assert organized() == ["camp", "talk", "last"]
    clock.advance(4 * days)
    assert organized() == ["camp", "talk", "last"]
    assert service.find_events_to_manage("cam", Actor("organizer")).matches[0].event_id == "camp"
    clock.advance(3 * days)
    assert organized() == ["camp", "last"]
    clock.advance(timedelta(hours=1))
    assert organized() == ["last"]
    assert service.find_events_to_manage("cam", Actor("organizer")).matches == ()


def test_r2_edit_records_changes_and_notifies_of_a_new_time_or_location(
    service: Service, store: Store
) -> None:
    new_event(service, location="Room 1")
    changed = service.edit_event(
        "e1", EventChanges.of(location="Room 2", title="New"), actor=Actor("organizer")
    )
    assert (changed.event.location, changed.event.title) == ("Room 2", "New")
    entry = everything_in(store).journal["e1"][-1]
    (change,) = entry.changes
    assert (change.kind, change.actor_id) == (ChangeKind.EDITED, "organizer")
    assert change.fields == {"location": ("Room 1", "Room 2"), "title": ("Event e1", "New")}
    (notification,) = entry.notifications
    assert (notification.kind, notification.user_id) == (NotificationKind.MOVED, None)
    assert notification.before is not None
    assert notification.before.location == "Room 1"
    assert not service.edit_event("e1", EventChanges.of(title="New")).changed


def test_r2_only_organizers_and_admins_change_an_event(service: Service, store: Store) -> None:
    """R8.9: anyone else's attempt changes nothing."""
    new_event(service, co_organizer_ids=["helper"])
    before = everything_in(store)
    for attempt in (
        lambda actor: service.edit_event("e1", EventChanges.of(capacity=9), actor=actor),
        lambda actor: service.close_event("e1", actor=actor),
        lambda actor: service.cancel_event("e1", actor=actor),
        lambda actor: service.remove("e1", "a", actor=actor),
        lambda actor: service.delete_event("e1", actor=actor),
        lambda actor: service.preview_capacity("e1", 9, actor=actor),
        lambda actor: service.list_registrations_in("e1", actor=actor),
        lambda actor: service.list_history("e1", actor=actor),
    ):
        with pytest.raises(NotOrganizer):
            attempt(Actor("a"))
    assert everything_in(store) == before
    for actor in (Actor("organizer"), Actor("helper"), Actor("a", is_admin=True)):
        service.list_registrations_in("e1", actor=actor)


# R3


def test_r3_1_free_seat_is_given_if_no_one_is_waitlisted(service: Service, store: Store) -> None:
    new_event(service)
    placed = service.register("e1", "a")
    assert placed.registration.status is RegistrationStatus.REGISTERED
    assert placed.position is None
    assert placed.event.registered_count == 1
    assert assert_invariants(store).seated("e1") == ["a"]


def test_r3_2_full_event_without_a_waitlist_refuses_with_capacity_and_count(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1, has_waitlist=False)
    register(service, "a")
    before = everything_in(store)
    with pytest.raises(EventFull) as refusal:
        service.register("e1", "b")
    assert (refusal.value.capacity, refusal.value.registered) == (1, 1)
    assert everything_in(store) == before


def test_r3_3_full_event_with_a_waitlist_gives_the_last_position(
    service: Service,
) -> None:
    new_event(service, capacity=1)
    register(service, "a")
    assert [service.register("e1", user_id).position for user_id in "bcd"] == [1, 2, 3]


def test_r3_4_second_registration_is_refused_with_status_and_position(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1)
    register(service, "a", "b", "c")
    before = everything_in(store)
    refusals = []
    for user_id in "abc":
        with pytest.raises(AlreadyRegistered) as refusal:
            service.register("e1", user_id)
        refusals.append((refusal.value.status, refusal.value.position))
    assert refusals == [
        (RegistrationStatus.REGISTERED, None),
        (RegistrationStatus.WAITLISTED, 1),
        (RegistrationStatus.WAITLISTED, 2),
    ]
    assert everything_in(store) == before


def test_r3_5_unknown_event_unknown_user_and_closed_event_have_their_own_errors(
    service: Service, store: Store
) -> None:
    new_event(service)
    service.close_event("e1")
    before = everything_in(store)
    with pytest.raises(UnknownEvent):
        service.register("nothing", "a")
    with pytest.raises(UnknownUser):
        service.register("e1", "nobody")
    with pytest.raises(RegistrationClosed):
        service.register("e1", "a")
    assert everything_in(store) == before


def test_r3_6_new_user_takes_no_seat_ahead_of_the_waitlist(service: Service, store: Store) -> None:
    new_event(service, capacity=1)
    register(service, "a", "b")
    service.unregister("e1", "a")
    assert service.register("e1", "c").position == 1
    found = assert_invariants(store)
    assert (found.seated("e1"), found.waitlisted("e1")) == (["b"], ["c"])


# R4


def test_r4_1_user_who_leaves_gives_the_seat_back(service: Service) -> None:
    new_event(service, capacity=1)
    register(service, "a")
    assert service.unregister("e1", "a").event.free_seats == 1
    assert service.register("e1", "b").position is None


def test_r4_2_first_waitlisted_user_is_promoted_and_notified_in_the_same_write(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1)
    register(service, "a", "b", "c")
    left = service.unregister("e1", "a")
    assert left.promoted == ("b",)
    entry = assert_invariants(store).journal["e1"][-1]
    assert [(change.kind, change.user_id) for change in entry.changes] == [
        (ChangeKind.UNREGISTERED, "a"),
        (ChangeKind.PROMOTED, "b"),
    ]
    (notification,) = entry.notifications
    assert (notification.kind, notification.user_id, notification.ticket) == (
        NotificationKind.PROMOTED,
        "b",
        2,
    )
    assert entry.about is not None
    assert entry.about.title == "Event e1"


def test_r4_2_promotion_in_a_canceled_event_is_not_notified(service: Service, store: Store) -> None:
    """R7.5 holds until the start, but a message would be useless."""
    new_event(service, capacity=1)
    register(service, "a", "b", "c")
    service.cancel_event("e1")
    service.unregister("e1", "a")
    found = assert_invariants(store)
    assert found.seated("e1") == ["b"]
    assert found.journal["e1"][-1].notifications == ()


def test_r4_3_waitlisted_user_who_leaves_moves_others_up_and_promotes_no_one(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1)
    register(service, *"abcd")
    assert service.unregister("e1", "b").promoted == ()
    assert [service.get_registration("e1", user_id).position for user_id in "cd"] == [1, 2]
    assert_invariants(store)


def test_r4_4_user_who_is_not_registered_gets_an_error(service: Service, store: Store) -> None:
    new_event(service)
    before = everything_in(store)
    with pytest.raises(NotRegistered):
        service.unregister("e1", "a")
    with pytest.raises(UnknownEvent):
        service.unregister("nothing", "a")
    assert everything_in(store) == before


def test_r4_5_seat_is_free_if_the_waitlist_is_empty(service: Service, store: Store) -> None:
    new_event(service, capacity=2)
    register(service, "a", "b")
    left = service.unregister("e1", "a")
    assert (left.promoted, left.event.free_seats) == ((), 1)
    assert_invariants(store)


def test_r4_6_removed_user_is_notified_with_the_reason_and_the_next_promoted(
    service: Service, store: Store
) -> None:
    new_event(service, capacity=1)
    register(service, "a", "b")
    left = service.remove("e1", "a", actor=Actor("organizer"), reason="Moved to Lima")
    assert left.promoted == ("b",)
    entry = assert_invariants(store).journal["e1"][-1]
    assert [
        (notification.kind, notification.user_id, notification.reason)
        for notification in entry.notifications
    ] == [
        (NotificationKind.PROMOTED, "b", None),
        (NotificationKind.REMOVED, "a", "Moved to Lima"),
    ]
    assert (entry.changes[0].actor_id, entry.changes[0].cause) == ("organizer", Cause.REMOVED)


def test_r8_8_reason_of_a_cancellation_reaches_history_and_attendees(
    service: Service, store: Store
) -> None:
    new_event(service)
    service.cancel_event("e1", actor=Actor("organizer"), reason=" No heating ")
    entry = assert_invariants(store).journal["e1"][-1]
    (change,), (notification,) = entry.changes, entry.notifications
    assert (change.actor_id, change.reason) == ("organizer", "No heating")
    assert (notification.actor_id, notification.reason) == ("organizer", "No heating")
    with pytest.raises(Invalid) as refusal:
        service.cancel_event("e1", reason="x" * (MAX_REASON_LENGTH + 1))
    assert refusal.value.field == "reason"


def test_r8_8_note_goes_with_a_new_time_or_location(service: Service, store: Store) -> None:
    new_event(service)
    service.edit_event("e1", EventChanges.of(location="Garden"), note="Bring a coat")
    entry = assert_invariants(store).journal["e1"][-1]
    (change,), (notification,) = entry.changes, entry.notifications
    assert (change.note, notification.note) == ("Bring a coat", "Bring a coat")
    with pytest.raises(Invalid) as refusal:
        service.edit_event("e1", EventChanges.of(), note="x" * (MAX_REASON_LENGTH + 1))
    assert refusal.value.field == "note"


WATCHERS = {
    "anyone": Actor("anyone"),
    "waitlisted": Actor("b"),
    "seated": Actor("a"),
    "organizer": Actor("organizer"),
    "admin": Actor("admin", is_admin=True),
}


@pytest.mark.parametrize(
    ("visible_to", "refused"),
    [
        (Visibility.EVERYONE, set()),
        (Visibility.ATTENDEES, {"anyone"}),
        (Visibility.ORGANIZERS, {"anyone", "waitlisted", "seated"}),
    ],
)
def test_r12_1_organizer_chooses_who_sees_who_is_going(
    service: Service, visible_to: Visibility, refused: set[str]
) -> None:
    new_event(service, capacity=1, attendees_visible_to=visible_to)
    register(service, "a", "b")
    for name, actor in WATCHERS.items():
        if name in refused:
            with pytest.raises(AttendeesHidden) as refusal:
                service.list_going("e1", actor=actor)
            assert refusal.value.visible_to is visible_to
        else:
            page = service.list_going("e1", actor=actor)
            assert [one.user_id for one in page.registered] == ["a"]
            assert (page.waitlist, page.event.waitlist_count) == ((), 1)


def test_r12_1_who_is_going_is_listed_page_by_page(service: Service) -> None:
    new_event(service, capacity=3)
    register(service, *"abcd")
    first = service.list_going("e1", actor=Actor("f"), limit=2)
    second = service.list_going("e1", actor=Actor("f"), limit=2, cursor=first.next_cursor)
    pages = [[one.user_id for one in page.registered] for page in (first, second)]
    assert (pages, second.waitlist, second.next_cursor) == ([["a", "b"], ["c"]], (), None)
    with pytest.raises(UnknownEvent):
        service.list_going("nothing", actor=Actor("f"))


def test_r12_2_join_link_can_be_set_and_cleared(service: Service) -> None:
    link = "https://example.org/meet?a=1&b=2"
    new_event(service, join_link=link)
    assert service.get_event("e1").join_link == link
    service.edit_event("e1", EventChanges.of(title="Lunch"))
    assert service.get_event("e1").join_link == link
    service.edit_event("e1", EventChanges.of(join_link=""))
    assert service.get_event("e1").join_link == ""


def test_r4_7_seat_given_up_from_the_start_on_stays_free(
    service: Service, store: Store, clock: ManualClock
) -> None:
    new_event(service, capacity=2, ends_at=START + timedelta(days=2, hours=2))
    register(service, *"abcd")
    clock.advance(timedelta(days=2))
    assert service.unregister("e1", "a").promoted == ()
    assert service.remove("e1", "b").promoted == ()
    assert service.edit_event("e1", EventChanges.of(capacity=4)).promoted == ()
    found = assert_invariants(store)
    assert (found.seated("e1"), found.waitlisted("e1")) == ([], ["c", "d"])
    assert list(service.check(lambda _: None)) == []
    assert list(service.repair(lambda _: None)) == []


def test_r4_7_no_one_leaves_an_event_that_is_over(
    service: Service, store: Store, clock: ManualClock
) -> None:
    new_event(service, capacity=1, ends_at=START + timedelta(days=2, hours=2))
    register(service, *"abc")
    clock.advance(timedelta(days=2, hours=2))
    before = everything_in(store)
    for user_id in ("a", "b"):
        with pytest.raises(EventOver):
            service.preview_unregister("e1", user_id)
        with pytest.raises(EventOver):
            service.unregister("e1", user_id)
    assert everything_in(store) == before
    service.remove("e1", "a")
    service.delete_user("b")
    found = assert_invariants(store)
    assert (found.seated("e1"), found.waitlisted("e1")) == ([], ["c"])


# R5


def test_r5_1_to_5_own_registrations_have_status_position_and_event_by_start(
    service: Service,
) -> None:
    """R5.1, R5.2, R5.4, R5.5."""
    late = new_event(service, "late", starts_at=START + timedelta(days=9), capacity=1)
    early = new_event(service, "early", starts_at=START + timedelta(days=1))
    new_event(service, "other")
    register(service, "b", "c", "a", event_id="late")
    register(service, "a", event_id="early")
    own = service.list_registrations_of("a")
    assert [(one.event.event_id, one.registration.status, one.position) for one in own] == [
        ("early", RegistrationStatus.REGISTERED, None),
        ("late", RegistrationStatus.WAITLISTED, 2),
    ]
    assert own[0].event.description == early.description
    assert own[1].event.starts_at == late.starts_at
    listed = service.list_registrations_of("a", status=RegistrationStatus.WAITLISTED)
    assert [one.event.event_id for one in listed] == ["late"]


def test_r5_5_what_is_to_come_is_first_then_the_past_latest_first(
    service: Service, clock: ManualClock
) -> None:
    for event_id, day in {"late": 9, "past": 2, "runs": 3, "soon": 5, "long-ago": 1}.items():
        starts_at = START + timedelta(days=day)
        new_event(service, event_id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
        register(service, "a", event_id=event_id)
    clock.advance(timedelta(days=3, hours=1))
    in_order = ["runs", "soon", "late", "past", "long-ago"]
    assert [one.event.event_id for one in service.list_registrations_of("a")] == in_order
    to_come = service.list_registrations_to_come("a")
    assert [one.event.event_id for one in to_come.items] == in_order[:3]
    assert to_come.past_count == 2
    past = service.list_past_registrations("a")
    assert [one.event.event_id for one in past.items] == in_order[3:]
    assert [one.event.event_id for one in service.find_registrations_of("a", "").matches] == (
        in_order[:3]
    )


def test_r5_3_user_without_registrations_gets_an_empty_list(service: Service) -> None:
    assert service.list_registrations_of("a") == ()
    assert service.list_registrations_of("nobody") == ()


# R6


def test_r6_1_to_3_registered_and_waitlisted_users_with_positions_and_counts(
    service: Service,
) -> None:
    """R6.1, R6.2, R6.3."""
    new_event(service, capacity=2)
    register(service, *"abcd")
    listed = service.list_registrations_in("e1")
    assert [row.user_id for row in listed.registered] == ["a", "b"]
    assert [(one.position, one.entry.user_id) for one in listed.waitlist] == [
        (1, "c"),
        (2, "d"),
    ]
    assert (listed.event.registered_count, listed.event.waitlist_count) == (2, 2)
    only = service.list_registrations_in("e1", status=RegistrationStatus.REGISTERED)
    assert (len(only.registered), only.waitlist) == (2, ())
    only = service.list_registrations_in("e1", status=RegistrationStatus.WAITLISTED)
    assert (only.registered, len(only.waitlist)) == ((), 2)


def test_r6_4_unknown_event_is_an_error(service: Service) -> None:
    with pytest.raises(UnknownEvent):
        service.list_registrations_in("nothing")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
def test_r6_5_pages_have_everyone_once_with_continuous_positions(
    service: Service, limit: int
) -> None:
    new_event(service, capacity=3)
    register(service, *"abcdef")
    seated: list[str] = []
    listed: list[tuple[int, str]] = []
    cursor = None
    while True:
        page = service.list_registrations_in("e1", limit=limit, cursor=cursor)
        assert len(page.registered) + len(page.waitlist) <= limit
        seated += [row.user_id for row in page.registered]
        listed += [(one.position, one.entry.user_id) for one in page.waitlist]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seated == ["a", "b", "c"]
    assert listed == [(1, "d"), (2, "e"), (3, "f")]


@pytest.mark.parametrize("cursor", ["x", "line:x", "line:9999999999999", "seats:@", "line:-1"])
def test_r6_5_invalid_cursor_is_refused(service: Service, cursor: str) -> None:
    new_event(service)
    with pytest.raises(Invalid) as refusal:
        service.list_registrations_in("e1", cursor=cursor)
    assert refusal.value.field == "cursor"


# R7


def test_r7_1_deleted_user_leaves_all_events_and_each_seat_goes_to_the_waitlist(
    service: Service, store: Store
) -> None:
    for event_id in ("e1", "e2", "e3"):
        new_event(service, event_id, capacity=1)
    register(service, "a", "b", event_id="e1")
    register(service, "b", "a", "c", event_id="e2")
    register(service, "a", event_id="e3")
    assert service.delete_user("a")
    found = assert_invariants(store)
    assert "a" not in {row.user_id for row in found.registrations.values()}
    assert found.seated("e1") == ["b"]
    assert (found.seated("e2"), found.waitlisted("e2")) == (["b"], ["c"])
    assert found.seated("e3") == []
    with pytest.raises(UnknownUser):
        service.register("e3", "a")
    with pytest.raises(UnknownUser):
        service.get_user("a")


def test_r7_1_user_under_deletion_cannot_register_and_the_sweep_finishes_the_deletion(
    service: Service, store: Store
) -> None:
    """R7.4: the sweep finishes it without anyone asking."""
    new_event(service, "e1")
    new_event(service, "e2")
    register(service, "a")
    start_user_deletion(store, "a")
    with pytest.raises(UnknownUser):
        service.register("e2", "a")
    with pytest.raises(UnknownUser):
        service.ensure_user(UserDraft.of(user_id="a", name="a"))
    assert service.finish_unfinished() == 1
    assert "a" not in assert_invariants(store).users
    assert service.finish_unfinished() == 0


def test_r7_1_user_created_again_has_no_registrations(service: Service, store: Store) -> None:
    new_event(service)
    register(service, "a")
    service.delete_user("a")
    service.ensure_user(UserDraft.of(user_id="a", name="A again"))
    assert service.list_registrations_of("a") == ()
    assert service.register("e1", "a").position is None
    assert_invariants(store)


def test_r7_2_deleted_event_loses_its_registrations_and_its_id_is_never_used_again(
    service: Service, store: Store
) -> None:
    user_ids = [f"p{number:03}" for number in range(60)]
    new_users(service, *user_ids)
    new_event(service, capacity=20)
    register(service, *user_ids)
    assert service.delete_event("e1", actor=Actor("organizer"))
    found = assert_invariants(store)
    assert (found.registrations, found.waitlist) == ({}, {})
    for attempt in (
        lambda: service.get_event("e1"),
        lambda: service.register("e1", "a"),
        lambda: service.delete_event("e1"),
        lambda: service.list_registrations_in("e1"),
    ):
        with pytest.raises(UnknownEvent):
            attempt()
    with pytest.raises(DuplicateEvent):
        new_event(service)
    assert service.list_events().items == ()
    notified = {
        notification.user_id
        for entry in found.journal["e1"]
        for notification in entry.notifications
        if notification.kind is NotificationKind.DELETED
    }
    assert notified == set(user_ids)


def test_r7_2_interrupted_deletion_is_finished_by_the_sweep(
    service: Service, store: Store, clock: ManualClock
) -> None:
    new_event(service, capacity=1)
    register(service, *"abc")

    class Dies:
        """Store of a process that dies after its first commit."""

        commits = 0

        def __getattr__(self, name: str) -> object:
            if name == "commit":
                self.commits += 1
                if self.commits > 1:
                    raise SystemExit
            return getattr(store, name)

    dying = service_on(Dies(), clock=clock, new_id=ids("dying"))  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        dying.delete_event("e1")
    with pytest.raises(UnknownEvent):
        service.register("e1", "d")
    assert service.list_registrations_of("a") == ()
    assert service.finish_unfinished() == 1
    found = assert_invariants(store)
    assert (found.registrations, found.waitlist) == ({}, {})


def test_r7_3_exactly_one_of_many_gets_the_last_seat() -> None:
    with empty_sqlite() as store:
        service = service_on(store)
        user_ids = [f"p{number}" for number in range(16)]
        new_users(service, *user_ids)
        new_event(service, capacity=1)
        with ThreadPoolExecutor(16) as pool:
            placed = list(pool.map(lambda user_id: service.register("e1", user_id), user_ids))
        assert sorted(one.position or 0 for one in placed) == list(range(16))
        assert_invariants(store)


def test_r7_3_across_processes_the_version_decides_the_last_seat(
    service: Service, store: Store
) -> None:
    """Two independent services take turns on one store."""
    new_event(service, capacity=1)
    other = service_on(store, new_id=ids("other"))
    assert service.register("e1", "a").position is None
    assert other.register("e1", "b").position == 1
    assert service.register("e1", "c").position == 2
    assert_invariants(store)


def test_r7_4_change_that_fails_halfway_is_not_written(service: Service, store: Store) -> None:
    """The last condition of a commit fails, so nothing is written."""
    new_event(service, capacity=1)
    register(service, "a", "b")
    before = everything_in(store)

    class LosesTheUser:
        """Store in which the user is deleted between the reads and the commit."""

        def __getattr__(self, name: str) -> object:
            if name == "commit" and store.get_user("c") is not None:
                store.delete_user("c", start_user_deletion(store, "c"))
            return getattr(store, name)

    racing = service_on(LosesTheUser(), new_id=ids("racing"))  # type: ignore[arg-type]
    with pytest.raises(UnknownUser):
        racing.register("e1", "c")
    after = everything_in(store)
    assert (after.events, after.registrations, after.waitlist, after.journal) == (
        before.events,
        before.registrations,
        before.waitlist,
        before.journal,
    )


def test_r7_5_holds_after_each_registration_and_leave(service: Service, store: Store) -> None:
    new_event(service, capacity=2)
    for method, user_id in zip(
        ["register"] * 6 + ["unregister", "unregister", "register", "unregister"],
        [*"abcdef", "a", "d", "a", "b"],
        strict=True,
    ):
        getattr(service, method)("e1", user_id)
        assert_invariants(store)


def test_r7_6_check_of_sound_data_finds_nothing(service: Service) -> None:
    """Each violation has its test in `tests/soak/integrity/test_check.py`."""
    new_event(service, capacity=1)
    register(service, *"abc")
    assert list(service.check(lambda _: None)) == []


def test_busy_changes_nothing(service: Service, store: Store, clock: ManualClock) -> None:
    """R8.12: a request past its deadline is answered busy."""
    new_event(service)

    class Unreachable:
        """Store whose reads take longer than a request's deadline, and then fail."""

        def __getattr__(self, name: str) -> object:
            clock.advance(timedelta(seconds=3))
            raise Unavailable

    late = service_on(Unreachable(), clock=clock)  # type: ignore[arg-type]
    with pytest.raises(Busy):
        late.register("e1", "a")
    assert_invariants(store)


def test_draft_error_names_the_first_invalid_field() -> None:
    with pytest.raises(Invalid) as refusal:
        EventDraft.of(title="No more than this")
    assert refusal.value.field == "starts_at"
