"""Builders of users, events, registrations and plans, with a default for every field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.commands import Command
from domain.enums import EventStatus, RegistrationStatus
from domain.execution.loader import load_snapshot
from domain.models import Event, JournalEntry, Page, Registration, User, WaitlistEntry
from domain.planning import planner
from domain.planning.plan import Action, Plan, PutEvent, PutJournalEntry
from domain.ports import Store
from tests.support.environment import START, ids

T = TypeVar("T")
Stored = TypeVar("Stored", bound=BaseModel)

_new_plan_id = ids("plan")


def a_user(user_id: str = "ada", **values: Any) -> User:
    """Return a user whose name is its id."""
    given: dict[str, Any] = {
        "user_id": user_id,
        "name": user_id,
        "time_zone": None,
        "created_at": START,
        "updated_at": START,
        "revision": "r1",
    }
    return _built(User, given | values)


def an_event(event_id: str = "e1", **values: Any) -> Event:
    """Return an event in two days, with 2 seats and a waitlist, at version 1."""
    given: dict[str, Any] = {
        "event_id": event_id,
        "title": f"Event {event_id}",
        "description": "",
        "location": "",
        "starts_at": START + timedelta(days=2),
        "ends_at": None,
        "time_zone": "Europe/Berlin",
        "organizer_id": "organizer",
        "co_organizer_ids": (),
        "capacity": 2,
        "has_waitlist": True,
        "registration_deadline": None,
        "listed": True,
        "status": EventStatus.OPEN,
        "created_at": START,
        "updated_at": START,
        "version": 1,
    }
    return _built(Event, given | values)


def a_registration(user_id: str = "ada", event_id: str = "e1", ticket: int = 1) -> Registration:
    """Return a registration with a seat."""
    return Registration(
        event_id=event_id,
        user_id=user_id,
        status=RegistrationStatus.REGISTERED,
        ticket=ticket,
        registered_at=START,
        seated_at=START,
    )


def a_waitlisted_registration(
    user_id: str = "ada", event_id: str = "e1", ticket: int = 1
) -> Registration:
    """Return a waitlisted registration."""
    return a_registration(user_id, event_id, ticket).model_copy(
        update={"status": RegistrationStatus.WAITLISTED, "seated_at": None}
    )


def a_waitlist_entry(user_id: str = "ada", ticket: int = 1) -> WaitlistEntry:
    """Return a waitlist entry."""
    return WaitlistEntry(ticket, user_id, START)


def a_journal_entry(
    event_id: str = "e1", version: int = 1, plan_id: str = "p1", **values: Any
) -> JournalEntry:
    """Return a journal entry without changes and notifications."""
    given: dict[str, Any] = {"event_id": event_id, "version": version, "plan_id": plan_id}
    return _built(JournalEntry, {"at": START, **given, **values})


def _built(model: type[Stored], values: dict[str, Any]) -> Stored:
    """Return the model. It would keep a misspelled field as one that a newer version wrote (R7.7)."""
    unknown = values.keys() - model.model_fields.keys()
    assert not unknown, f"{model.__name__} has no {unknown}"
    return model(**values)


def bare_plan(*actions: Action, event_id: str = "e1") -> Plan:
    """Return a plan of these actions, with an id of its own."""
    event = next((action.event for action in actions if isinstance(action, PutEvent)), None)
    return Plan(_new_plan_id(), event_id, event, (), actions)


def planned(store: Store, *commands: Command, event_id: str = "e1") -> Plan:
    """Return the plan for the commands and what is stored."""
    snapshot = load_snapshot(store, event_id, commands)
    return planner.plan(snapshot, commands, event_id=event_id, now=START, plan_id=_new_plan_id())


def plan_and_commit(store: Store, *commands: Command, event_id: str = "e1") -> Plan:
    """Plan and commit the commands; return the plan."""
    plan = planned(store, *commands, event_id=event_id)
    store.commit(plan)
    return plan


def commit(store: Store, *actions: Action, event: Event | None = None) -> None:
    """Commit these actions of the event `e1`."""
    store.commit(Plan(_new_plan_id(), "e1", event, (), actions))


def put_event_and_users(store: Store, *user_ids: str) -> None:
    """Write the event `e1`, without a journal entry, and these users."""
    commit(store, PutEvent(an_event(), None))
    put_users(store, *user_ids)


def put_users(store: Store, *user_ids: str) -> None:
    """Write these users."""
    for user_id in user_ids:
        store.put_user(a_user(user_id), replaces=None)


def put_event(store: Store, event: Event | None = None) -> Event:
    """Write an event with its first journal entry; return the event."""
    event = event or an_event()
    entry = a_journal_entry(event.event_id, event.version, _new_plan_id())
    store.commit(bare_plan(PutEvent(event, None), PutJournalEntry(entry), event_id=event.event_id))
    return event


def all_items(
    read: Callable[..., Page[T]], *arguments: Any, limit: int | None = 3, **named: Any
) -> list[T]:
    """Return all items of a list; assert that no page is longer than `limit`."""
    items: list[T] = []
    cursor = None
    while True:
        page = read(*arguments, limit=limit, cursor=cursor, **named)
        assert limit is None or len(page.items) <= limit
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items


def everything(store: Store, *event_ids: str) -> tuple[object, ...]:
    """Return everything that is stored of events and users, to compare before and after."""
    return (
        sorted(all_items(store.scan_events), key=lambda event: event.event_id),
        sorted(
            all_items(store.scan_registrations),
            key=lambda row: (row.event_id, row.user_id, row.ticket),
        ),
        sorted(all_items(store.scan_waitlist), key=lambda pair: (pair[0], pair[1].ticket)),
        sorted(all_items(store.list_users), key=lambda user: user.user_id),
        [store.list_journal(event_id, limit=100) for event_id in event_ids or ("e1",)],
    )
