"""After a user's deletion no event names them as an organizer, whatever happened meanwhile (R2.9, R7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from domain.commands import Create, Edit, Register, RemoveOrganizer, TakeOver, Unregister
from domain.enums import Cause
from domain.errors import Invalid, UnknownUser
from domain.execution import organizers
from domain.execution.deletion_ids import deletion_id_with
from domain.inputs import EventChanges, UserDraft
from domain.models import Actor
from domain.ports import Conflict
from tests.support.builders import all_items, an_event, planned, put_event
from tests.support.environment import (
    START,
    ids,
    new_event,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.stores import AnyStore

ADMIN = Actor("ada", is_admin=True)


class BusyStore:
    """Store on which the next change happens after each page of events."""

    def __init__(self, store: AnyStore, changes: Iterator[Callable[[], object]]) -> None:
        self._store = store
        self._changes = changes

    def __getattr__(self, name: str) -> object:
        method = getattr(self._store, name)
        if name not in ("scan_events", "list_events"):
            return method

        def read(**arguments: object) -> object:
            page = method(**arguments)
            next(self._changes, lambda: None)()
            return page

        return read


def organized_by(store: AnyStore, user_id: str) -> list[str]:
    return [one.event_id for one in all_items(store.scan_events) if one.is_organizer(user_id)]


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organizers, "LONG_PAGE_SIZE", 2)


def test_moved_events_are_not_missed(store: AnyStore) -> None:
    """They move to the start of the list of events while the deletion goes through them."""
    service = service_on(store)
    new_users(service, "ada")
    for number in range(8):
        starts_at = START + timedelta(days=10 + number)
        new_event(service, f"e{number}", organizer_id="ada", starts_at=starts_at)
    moves = (
        lambda number=number: service.edit_event(
            f"e{number}", EventChanges.of(starts_at=START + timedelta(days=9 - number))
        )
        for number in reversed(range(8))
    )
    busy = service_on(BusyStore(store, moves), new_id=ids("busy"))  # type: ignore[arg-type]
    assert busy.delete_user("ada")
    assert organized_by(store, "ada") == []


def test_only_events_of_the_organizer_are_listed(store: AnyStore) -> None:
    for number, (organizer_id, others) in enumerate(
        [("ada", ()), ("ben", ("cyd", "ada")), ("ada2", ("a", "da")), ("ben", ())]
    ):
        event = an_event(f"e{number}", organizer_id=organizer_id, co_organizer_ids=others)
        put_event(store, event)
    found = all_items(store.scan_events, limit=1, organizer_id="ada")
    assert sorted(event.event_id for event in found) == ["e0", "e1"]


def test_user_in_deletion_is_refused_as_organizer(store: AnyStore) -> None:
    service = service_on(store)
    new_users(service, "ada", "ben")
    new_event(service, organizer_id="ben")
    new_event(service, "orphan", organizer_id="ben")
    service.delete_user("ben")
    start_user_deletion(store, "ada")
    with pytest.raises(UnknownUser):
        new_event(service, "e2", organizer_id="ada")
    with pytest.raises(UnknownUser):
        service.take_over_event("orphan", actor=ADMIN)
    with pytest.raises(Invalid) as refusal:
        service.edit_event("e1", EventChanges.of(co_organizer_ids=["cyd", "ada"]))
    assert refusal.value.field == "co_organizer_ids"
    with pytest.raises(Invalid):
        new_event(service, "e3", organizer_id="cyd", co_organizer_ids=["ada"])
    with pytest.raises(UnknownUser):
        service.edit_event("e1", EventChanges.of(organizer_id="ada"))
    assert organized_by(store, "ada") == []


@pytest.mark.parametrize(
    "command",
    [
        Create(an_event("e2", organizer_id="ada", version=0)),
        Create(an_event("e2", co_organizer_ids=("ada", "nobody"), version=0)),
        Edit(EventChanges.of(co_organizer_ids=["ada"]), None),
        TakeOver(ADMIN),
    ],
    ids=["create", "create-with-co-organizer", "edit", "take-over"],
)
def test_plan_made_before_the_deletion_does_not_apply(store: AnyStore, command: object) -> None:
    service = service_on(store)
    new_users(service, "ada")
    event_id = "e2" if isinstance(command, Create) else "e1"
    put_event(store, an_event(organizer_id=None))
    plan = planned(store, command, event_id=event_id)  # type: ignore[arg-type]
    start_user_deletion(store, "ada")
    with pytest.raises(Conflict):
        store.commit(plan)
    assert organized_by(store, "ada") == []
    assert service.sweep() == 1
    with pytest.raises(Conflict):
        store.commit(plan)


@pytest.mark.parametrize("is_finished", [False, True])
def test_successor_who_leaves_before_the_commit_gets_no_event(
    store: AnyStore, is_finished: bool
) -> None:
    service = service_on(store)
    new_users(service, "ada", "ben")
    new_event(service, organizer_id="ben")
    start_user_deletion(store, "ben")
    plan = planned(store, RemoveOrganizer("ben", Cause.USER_DELETED, "ada"))
    if is_finished:
        service.delete_user("ada")
    else:
        start_user_deletion(store, "ada")
    with pytest.raises(Conflict):
        store.commit(plan)
    service.sweep()
    assert service.get_event("e1").organizer_ids == ()


def test_successor_of_the_first_start_gets_the_events(store: AnyStore) -> None:
    service = service_on(store)
    new_users(service, "ada", "ben", "cyd")
    new_event(service, organizer_id="ben")
    start_user_deletion(store, "ben", deletion_id_with("ada", "d1"))
    deletion = service.delete_previewed_user(service.preview_user_deletion("ben"), "cyd")
    assert deletion.successor_id == "ada"
    assert organized_by(store, "ada") == ["e1"]


def test_organizer_who_is_no_user_is_accepted(store: AnyStore) -> None:
    """API clients may name anybody. A user who is created again can organize again."""
    service = service_on(store)
    new_event(service, organizer_id="nobody", co_organizer_ids=["ada"])
    new_users(service, "ada")
    service.delete_user("ada")
    assert organized_by(store, "ada") == []
    service.ensure_user(UserDraft.of(user_id="ada", name="Ada"))
    service.edit_event("e1", EventChanges.of(co_organizer_ids=["ada"]))
    assert organized_by(store, "ada") == ["e1"]


def test_organizer_who_also_registers_is_checked_once(store: AnyStore) -> None:
    """DynamoDB refuses a transaction that names one item twice."""
    service = service_on(store)
    new_users(service, "ada")
    put_event(store)
    edit = Edit(EventChanges.of(co_organizer_ids=["ada"]), None)
    store.commit(planned(store, Register("ada"), edit, Unregister("ada", Cause.OWN)))
    assert organized_by(store, "ada") == ["e1"]


def test_user_who_is_created_again_stays_organizer(store: AnyStore) -> None:
    """Another process finishes the deletion while the first one goes on with what it has read."""
    other = service_on(store, new_id=ids("other"))
    new_users(other, "ada")
    new_event(other, organizer_id="ada")

    def finish_and_return() -> None:
        other.finish_unfinished()
        new_users(other, "ada")
        other.edit_event("e1", EventChanges.of(organizer_id="ada"))

    first = service_on(BusyStore(store, iter([finish_and_return])), new_id=ids("first"))  # type: ignore[arg-type]
    assert first.delete_user("ada")
    assert organized_by(store, "ada") == ["e1"]
