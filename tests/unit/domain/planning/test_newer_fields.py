"""Fields that a newer version stored survive every write by this one (R7.7)."""

from __future__ import annotations

import pytest

from domain.commands import ApplyFix, Register
from domain.enums import RegistrationStatus
from domain.inputs import EventChanges, UserChanges
from domain.integrity.fixes import with_valid_seat
from domain.models import (
    Card,
    Change,
    DeliveryState,
    Event,
    JournalEntry,
    Registration,
    User,
)
from domain.planning.snapshot import InconsistentSnapshot
from domain.service import Service
from tests.support.builders import a_journal_entry, a_registration, a_user, an_event
from tests.support.environment import commit_together, new_event, new_users, service_on
from tests.support.memory_store import MemoryStore

LATER_FIELD = {"from_later": "vegetarian"}
"""A field that this version does not know."""


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(store: MemoryStore) -> Service:
    """Return a service on an event with one seat: `a` has it, `b` and `c` are waitlisted."""
    service = service_on(store)
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in "abc"])
    for user_id in "abc":
        registration = store.registrations["e1", user_id]
        store.registrations["e1", user_id] = with_later_field(registration)
    return service


def with_later_field(registration: Registration) -> Registration:
    """Return the registration as a newer version stores it."""
    return Registration.model_validate(registration.model_dump() | LATER_FIELD)


def test_registration_promoted_into_a_freed_seat_keeps_a_new_field(
    service: Service, store: MemoryStore
) -> None:
    assert service.unregister("e1", "a").promoted == ("b",)
    assert store.registrations["e1", "b"].model_extra == LATER_FIELD


def test_registrations_promoted_by_a_capacity_increase_keep_a_new_field(
    service: Service, store: MemoryStore
) -> None:
    service.edit_event("e1", EventChanges.of(capacity=3))
    assert [store.registrations["e1", user_id].model_extra for user_id in "bc"] == [
        LATER_FIELD,
        LATER_FIELD,
    ]


def test_registration_repaired_keeps_a_new_field() -> None:
    damaged = with_later_field(a_registration()).model_copy(update={"seated_at": None})
    assert with_valid_seat(damaged).model_extra == LATER_FIELD


def test_repair_writes_a_registration_with_its_new_field(
    service: Service, store: MemoryStore
) -> None:
    stored = store.registrations["e1", "a"]
    fixed = stored.model_copy(update={"seated_at": stored.registered_at})
    version = store.events["e1"].version
    commit_together(store, "e1", [ApplyFix(version, registrations=((stored, fixed),))])
    assert store.registrations["e1", "a"].model_extra == LATER_FIELD


def test_event_edited_keeps_a_new_field(service: Service, store: MemoryStore) -> None:
    store.events["e1"] = store.events["e1"].model_copy(update={"series_id": "s1"})
    service.edit_event("e1", EventChanges.of(title="Dinner"))
    service.unregister("e1", "a")
    assert store.events["e1"].model_dump()["series_id"] == "s1"


def test_user_updated_keeps_a_new_field(service: Service, store: MemoryStore) -> None:
    store.users["a"] = store.users["a"].model_copy(update={"locale": "de"})
    service.update_user("a", UserChanges.of(name="Ada"))
    assert store.users["a"].model_dump()["locale"] == "de"


@pytest.mark.parametrize(
    "stored",
    [
        an_event(),
        a_user(),
        a_registration(),
        a_journal_entry(),
        DeliveryState(event_id="e1"),
        Card(event_id="e1", channel_id="C1", message_ts="1.0", rendered_version=1),
    ],
    ids=lambda stored: type(stored).__name__,
)
def test_stored_model_reads_and_writes_a_new_field(
    stored: Event | User | Registration | JournalEntry | DeliveryState | Card,
) -> None:
    dumped = stored.model_dump() | LATER_FIELD
    assert type(stored).model_validate(dumped).model_copy().model_dump() == dumped


def test_change_inside_a_journal_entry_keeps_a_new_field() -> None:
    entry = a_journal_entry(changes=(Change.model_validate({"kind": "created"} | LATER_FIELD),))
    assert JournalEntry.model_validate(entry.model_dump()).changes[0].model_extra == LATER_FIELD


@pytest.mark.parametrize("is_registered", [False, True])
def test_promotion_of_an_entry_without_a_waitlisted_registration_is_inconsistent(
    service: Service, store: MemoryStore, is_registered: bool
) -> None:
    """R7.6: no one is counted twice, and `check` names the entry."""
    registration = store.registrations.pop(("e1", "b"))
    if is_registered:
        store.registrations["e1", "b"] = registration.model_copy(
            update={"status": RegistrationStatus.REGISTERED}
        )
    before = store.events["e1"]
    with pytest.raises(InconsistentSnapshot, match="of b in e1 has no waitlisted registration"):
        service.unregister("e1", "a")
    assert store.events["e1"] == before
