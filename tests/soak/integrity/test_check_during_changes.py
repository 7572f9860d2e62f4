"""R7.6: a check reports no false violation, whatever is committed between two of its reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import RollcallError
from domain.execution.retry import RetryPolicy
from domain.inputs import EventChanges, UserDraft
from domain.integrity import live_count
from domain.integrity.checker import Checker
from domain.integrity.replay import Replay, State
from domain.integrity.violations import Violation, ViolationKind
from domain.models import Page, Registration
from domain.ports import Store
from domain.service import Service
from tests.support.environment import ApartClock, ManualClock, new_event, service_on
from tests.support.integrity.changing_store import ChangingStore
from tests.support.integrity.corruption import CorruptibleEvent
from tests.support.invariants import assert_invariants
from tests.support.memory_store import MemoryStore
from tests.support.scale import scaled
from tests.support.stores import Kind, empty_store

USERS = [f"p{number}" for number in range(12)]

Move = Callable[[Service], object]

users = st.sampled_from(USERS)
events = st.sampled_from(["e1", "e2"])
moves: st.SearchStrategy[Move] = st.one_of(
    st.tuples(events, users).map(lambda pair: lambda service: service.register(*pair)),
    st.tuples(events, users).map(lambda pair: lambda service: service.register(*pair)),
    st.tuples(events, users).map(lambda pair: lambda service: service.unregister(*pair)),
    st.tuples(events, st.integers(1, 6)).map(
        lambda pair: lambda service: service.edit_event(pair[0], EventChanges.of(capacity=pair[1]))
    ),
    st.tuples(events, users).map(lambda pair: lambda service: come_and_go(service, *pair)),
    st.tuples(events, st.booleans()).map(
        lambda pair: (
            lambda service: service.edit_event(pair[0], EventChanges.of(has_waitlist=pair[1]))
        )
    ),
    events.map(lambda event_id: lambda service: service.close_event(event_id)),
    events.map(lambda event_id: lambda service: service.reopen_event(event_id)),
    events.map(lambda event_id: lambda service: service.reopen_event(event_id)),
    users.map(lambda user_id: lambda service: recreate(service, user_id)),
    st.just(lambda service: service.delete_event("e2")),
    st.none().map(lambda _: lambda service: None),
)


def recreate(service: Service, user_id: str) -> None:
    """Delete a user and create it again."""
    service.delete_user(user_id)
    service.create_user(UserDraft.of(user_id=user_id, name=user_id))


def come_and_go(service: Service, event_id: str, user_id: str) -> None:
    """Leave, register, and register again, between two reads."""
    for step in (service.unregister, service.register, service.register):
        with suppress(RollcallError):
            step(event_id, user_id)


def checked(store: object, clock: ManualClock | None = None) -> list[Violation]:
    """Return the violations that a check with small pages finds.

    A page is larger than the number of tickets that three reads can give out: so each list has an end.
    """
    clock = clock or ManualClock()
    retry = RetryPolicy(clock, lambda: 0.5)
    return list(Checker(store, retry, clock, lambda _: None, page_size=4).check_all())  # type: ignore[arg-type]  # a store in part


def busy_service(store: Store, clock: ManualClock | None = None) -> Service:
    """Return a service with two full events of three seats, each with waitlisted users."""
    service = service_on(store, clock=clock)
    for user_id in USERS:
        service.create_user(UserDraft.of(user_id=user_id, name=user_id))
    for event_id in ("e1", "e2"):
        new_event(service, event_id, capacity=3)
        for user_id in USERS[:7]:
            service.register(event_id, user_id)
    return service


def do(service: Service, move: Move) -> None:
    with suppress(RollcallError):
        move(service)


def violations_during(kind: Kind, plan: list[Move]) -> list[Violation]:
    """Return the violations found while the moves are made over and over, one before each read."""
    with empty_store(kind) as store:
        service = busy_service(store)
        changes = ((lambda move=move: do(service, move)) for move in cycle(plan))
        found = checked(ChangingStore(store, changes))
        assert_invariants(store)
        return found


plans = st.lists(moves, min_size=1, max_size=30)
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(plan=plans)
@settings(max_examples=scaled(100), suppress_health_check=slow)
def test_changes_during_a_check_cause_no_violation(plan: list[Move]) -> None:
    assert violations_during("memory", plan) == []


@pytest.mark.soak
@given(plan=plans)
@settings(max_examples=scaled(600), suppress_health_check=slow)
def test_changes_during_a_check_cause_no_violation_at_length(plan: list[Move]) -> None:
    assert violations_during("memory", plan) == []


COMING_AND_GOING: list[Move] = [
    lambda service: service.unregister("e1", "p0"),
    lambda service: service.register("e1", "p0"),
    lambda service: service.unregister("e1", "p5"),
    lambda service: service.register("e1", "p5"),
    lambda service: service.register("e1", "p9"),
    lambda service: service.unregister("e1", "p1"),
    lambda service: service.register("e1", "p1"),
    lambda service: service.unregister("e1", "p9"),
]


def test_without_following_the_journal_there_are_false_violations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control: an event that keeps changing seems miscounted."""
    assert violations_during("memory", COMING_AND_GOING) == []
    monkeypatch.setattr(live_count.LiveCount, "_follow_change", lambda *_: None)
    found = violations_during("memory", COMING_AND_GOING)
    assert {violation.kind for violation in found} & {
        ViolationKind.REGISTERED_COUNT,
        ViolationKind.WAITLIST_COUNT,
    }


@pytest.mark.parametrize("guarded", [True, False])
def test_without_the_second_read_of_a_registration_there_are_false_violations(
    monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Negative control: a user who leaves during the check seems to lack a waitlist entry."""
    if not guarded:
        monkeypatch.setattr(Checker, "_is_stored", lambda *_: True)
    with empty_store("memory") as store:
        service = busy_service(store)
        row = store.get_rows("e1", registrations_of=["p4"], users=()).registrations["p4"]
        service.unregister("e1", "p4")
        clock = ManualClock()
        check = Checker(store, RetryPolicy(clock, lambda: 0.5), clock, lambda _: None)
        kinds = {violation.kind for violation in check.check_registration(row)}
        assert kinds == (set() if guarded else {ViolationKind.NOT_ON_WAITLIST})


class LaggingStore(MemoryStore):
    """Store whose roster shows commits only after two seconds, as DynamoDB's may."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.seen: list[tuple[float, dict[tuple[str, str], Registration]]] = [(-9.0, {})]

    def record_now(self) -> None:
        """Record the present registrations."""
        self.seen.append((self.clock.monotonic(), dict(self.registrations)))

    def _then(self) -> MemoryStore:
        then = MemoryStore()
        shown = self.clock.monotonic() - 2
        then.registrations = [rows for at, rows in self.seen if at <= shown][-1]
        return then

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        return self._then().list_roster(event_id, limit=limit, cursor=cursor)

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        return self._then().find_on_roster(event_id, ticket)


def violations_with_a_lagging_roster(plan: list[Move]) -> list[Violation]:
    """Return the violations found while the moves are made, a second apart, and the roster lags."""
    clock = ManualClock()
    store = LaggingStore(clock)
    service = busy_service(store, clock)
    store.record_now()

    def change(move: Move) -> None:
        do(service, move)
        store.record_now()
        clock.sleep(1)

    changes = ((lambda move=move: change(move)) for move in cycle(plan))
    found = checked(ChangingStore(store, changes), clock)
    assert_invariants(store)
    return found


@given(plan=plans)
@settings(max_examples=scaled(100), suppress_health_check=slow)
def test_changes_during_a_check_with_a_lagging_roster_cause_no_violation(plan: list[Move]) -> None:
    assert violations_with_a_lagging_roster(plan) == []


@pytest.mark.soak
@given(plan=plans)
@settings(max_examples=scaled(600), suppress_health_check=slow)
def test_changes_with_a_lagging_roster_cause_no_violation_at_length(plan: list[Move]) -> None:
    assert violations_with_a_lagging_roster(plan) == []


def test_without_the_replay_up_to_the_second_version_there_are_false_violations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control: whoever leaves and returns has a ticket that the first version does not know."""
    plan: list[Move] = [lambda service: come_and_go(service, "e1", "p0")]
    assert violations_during("memory", plan) == []
    monkeypatch.setattr(Replay, "watch", watch_only_now)
    found = violations_during("memory", plan)
    assert {violation.kind for violation in found} == {ViolationKind.JOURNAL_REGISTRATION}


def watch_only_now(replay: Replay, user_ids: Iterable[str]) -> dict[str, list[State]]:
    """Return the present states, which do not grow."""
    return {user_id: [replay.state(user_id)] for user_id in user_ids}


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_lagging_roster_causes_no_violation(minutes: int) -> None:
    """A registration that the roster does not show after some time is a violation.

    The clock of the process that writes may be apart from that of the check.
    """
    clock = ManualClock()
    store = LaggingStore(clock)
    service = service_on(store, clock=clock)
    writer = service_on(store, clock=ApartClock(clock, timedelta(minutes=minutes)))
    CorruptibleEvent(writer, store)
    store.record_now()
    violations = list(service.check(lambda _: None))
    assert violations == []
    writer.unregister("e1", "e1-seated1")
    store.record_now()
    assert list(service.check(lambda _: None)) == []
    store.seen.append((clock.monotonic(), {}))
    clock.sleep(9)
    kinds = {violation.kind for violation in service.check(lambda _: None)}
    assert kinds == {ViolationKind.REGISTERED_COUNT, ViolationKind.FREE_SEAT, ViolationKind.ROSTER}
