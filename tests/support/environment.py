"""Environment of the service in tests: a clock moved by hand, ids in order, background work done immediately."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from domain.commands import Command
from domain.execution.loader import load_snapshot
from domain.execution.queueing_executor import Queueing
from domain.inputs import EventDraft, UserDraft
from domain.models import Event, User
from domain.planning import planner
from domain.ports import Clock, Store
from domain.service import Service

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """Clock that moves only when someone sleeps or calls `advance`, or `set_wall` for its wall time.

    `while_sleeping` stands for what other threads and processes do while someone sleeps.
    """

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._elapsed = timedelta()
        self._sleepers = 0
        self.while_sleeping: Callable[[], object] = lambda: None

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed.total_seconds()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        self._sleepers += 1
        try:
            if self._sleepers == 1:
                self.while_sleeping()
        finally:
            self._sleepers -= 1

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal, however long it takes; with 0 seconds, only look."""
        return signal.wait(None if seconds else 0)

    def advance(self, by: timedelta | float) -> None:
        """Let time pass: a timedelta, or seconds."""
        passed = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._now += passed
        self._elapsed += passed

    def set_wall(self, now: datetime) -> None:
        """Set the wall time back or ahead, as an operator or NTP does. The monotonic time stays."""
        self._now = now


class ApartClock:
    """The clock of another process: its wall time is apart from `clock`'s, and they run together."""

    def __init__(self, clock: ManualClock, apart: timedelta) -> None:
        self._clock = clock
        self._apart = apart

    def now(self) -> datetime:
        return self._clock.now() + self._apart

    def monotonic(self) -> float:
        return self._clock.monotonic() + 1_000.0  # no two processes count from the same moment

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        return self._clock.wait(signal, seconds)


def run_now(work: Callable[[], None]) -> None:
    """Run background work immediately, in the caller's thread."""
    work()


def run_all(background: list[Callable[[], None]]) -> None:
    """Run background work that was kept, and what it puts there, in order."""
    while background:
        background.pop(0)()


def ids(prefix: str = "id") -> Callable[[], str]:
    """Return a source of ids (id1, id2, id3 …) that threads can share."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def service_on(
    store: Store,
    *,
    clock: Clock | None = None,
    spawn: Callable[[Callable[[], None]], None] = run_now,
    new_id: Callable[[], str] | None = None,
    on_commit: Callable[[str], None] = lambda _: None,
    queueing: Queueing | None = None,
) -> Service:
    """Return a service on a store, with time, ids and jitter under the test's control."""
    return Service(
        store,
        clock or ManualClock(),
        new_id=new_id or ids(),
        jitter=lambda: 0.5,
        spawn=spawn,
        on_commit=on_commit,
        queueing=queueing,
    )


def new_event(service: Service, event_id: str = "e1", **values: object) -> Event:
    """Create an event, by default in two days, with 2 seats and a waitlist."""
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
    """Create users whose names are their ids."""
    return [
        service.create_user(UserDraft.of(user_id=user_id, name=user_id)) for user_id in user_ids
    ]


def start_user_deletion(
    store: Store, user_id: str, deletion_id: str = "deletion of a process that died"
) -> str:
    """Start a user's deletion without the service; return the deletion id."""
    user = store.get_user(user_id)
    assert user is not None
    held = store.start_user_deletion(user_id, deletion_id, revision=user.revision)
    assert held is not None
    return held


_together = ids("together")


def commit_together(store: Store, event_id: str, commands: Sequence[Command]) -> int:
    """Carry out many commands without the service, in as few commits as possible; return their number."""
    commits = 0
    rest = list(commands)
    while rest:
        batch = rest[:50]
        snapshot = load_snapshot(store, event_id, batch)
        plan = planner.plan(snapshot, batch, event_id=event_id, now=START, plan_id=_together())
        store.commit(plan)
        rest = rest[len(plan.outcomes) :]
        commits += 1
    return commits
