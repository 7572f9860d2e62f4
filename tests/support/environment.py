"""The world around the service, as tests run it: time that moves by hand, ids in order, work done at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from domain.commands import Command
from domain.inputs import EventDraft, UserDraft
from domain.models import Event, User
from domain.planning import planner
from domain.ports import Store
from domain.service import Service

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still, but for those who sleep and for `advance`."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal however long it takes; a wait of no seconds only looks."""
        return signal.wait(None if seconds else 0)

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._seconds += by.total_seconds()


def run_now(work: Callable[[], None]) -> None:
    """Do in the foreground what the service would leave to the background."""
    work()


def ids(prefix: str = "id") -> Callable[[], str]:
    """Return a source of identifiers: id1, id2, id3 …, safe to share between threads."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def service_on(
    store: Store,
    *,
    clock: ManualClock | None = None,
    spawn: Callable[[Callable[[], None]], None] = run_now,
    new_id: Callable[[], str] | None = None,
    on_commit: Callable[[str], None] = lambda _: None,
) -> Service:
    """Return a service on a store, with time, ids and dice that a test controls."""
    return Service(
        store,
        clock or ManualClock(),
        new_id=new_id or ids(),
        jitter=lambda: 0.5,
        spawn=spawn,
        on_commit=on_commit,
    )


def new_event(service: Service, event_id: str = "e1", **values: object) -> Event:
    """Create an event in two days, with 2 seats and a waitlist unless told otherwise."""
    given: dict[str, object] = {
        "event_id": event_id,
        "title": f"Event {event_id}",
        "starts_at": START + timedelta(days=2),
        "time_zone": "Europe/Berlin",
        "organizer_id": "organizer",
        "capacity": 2,
        "has_waitlist": True,
    }
    return service.create_event(EventDraft.of(**given | values))


def new_users(service: Service, *user_ids: str) -> list[User]:
    """Create users, each named as its id."""
    return [
        service.create_user(UserDraft.of(user_id=user_id, name=user_id)) for user_id in user_ids
    ]


def start_user_deletion(
    store: Store, user_id: str, mark: str = "mark of a process that died"
) -> str:
    """Mark a user for deletion, past the service; return the mark."""
    user = store.get_user(user_id)
    assert user is not None
    held = store.start_user_deletion(user_id, mark, revision=user.revision)
    assert held is not None
    return held


_together = ids("together")


def commit_together(store: Store, event_id: str, commands: Sequence[Command]) -> int:
    """Carry many commands out past the service, in as few commits as they take; return how many."""
    commits = 0
    rest = list(commands)
    while rest:
        batch = rest[:50]
        event = store.get_event(event_id)
        registrations_of, users = planner.users_needed(batch)
        rows = store.get_rows(event_id, registrations_of=registrations_of, users=users)
        snapshot = planner.Snapshot(event, rows.users, rows.registrations)
        plan = planner.plan(snapshot, batch, event_id=event_id, now=START, plan_id=_together())
        store.commit(plan)
        rest = rest[len(plan.outcomes) :]
        commits += 1
    return commits
