"""R7.6: repairs disturbed by failed commits, lost answers and concurrent changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import RollcallError, UnknownEvent
from domain.execution.retry import RetryPolicy
from domain.inputs import EventChanges, UserDraft
from domain.integrity.checker import Checker
from domain.integrity.repairer import Repairer
from domain.integrity.violations import Violation, ViolationKind
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import Unavailable
from domain.service import Service
from tests.support.environment import ManualClock, ids, service_on
from tests.support.faulty_store import Fault, FaultyStore, conflict, lost, never_sent
from tests.support.integrity.cases import CORRUPTIONS
from tests.support.integrity.changing_store import ChangingStore
from tests.support.integrity.corruption import (
    NAMES,
    CorruptibleEvent,
    Corruption,
    assert_fixed,
    check,
    repair,
)
from tests.support.integrity.damage import Damage, damage, lists_of_damage
from tests.support.invariants import everything_in
from tests.support.memory_store import MemoryStore
from tests.support.scale import scaled

DAMAGES: dict[str, Damage] = {
    "a wrong count": lambda target: target.rewrite_event({"registered_count": 0}),
    "a lost waitlist entry": lambda target: target.lose_waitlist_entry("waitlisted2"),
    "a stray waitlist entry": lambda target: target.add_waitlist_entry(99, "nobody"),
    "a waitlist entry of no event": lambda target: target.add_waitlist_entry(9, "nobody", "gone"),
    "a registration of no event": lambda target: target.copy_row("seated1", event_id="gone"),
    "a lost user": lambda target: target.lose_user("seated1"),
    "a lost entry": lambda target: target.lose_entry(3),
    "free seats": lambda target: target.rewrite_event({"capacity": 4}),
    "an entry ahead": lambda target: target.add_entry(7),
    "a registration ahead": lambda target: target.rewrite_row("waitlisted1", registered_version=8),
    "a shared ticket": lambda target: target.rewrite_row("seated2", ticket=1),
    "no time of a seat": lambda target: target.rewrite_row("seated1", seated_at=None),
}


@pytest.fixture(params=list(DAMAGES.values()), ids=list(DAMAGES))
def target(request: pytest.FixtureRequest) -> CorruptibleEvent:
    store = FaultyStore()
    target = CorruptibleEvent(service_on(store), store)
    request.param(target)
    return target


def faulty(target: CorruptibleEvent) -> FaultyStore:
    assert isinstance(target.store, FaultyStore)
    return target.store


@pytest.mark.parametrize("fault", [lost, never_sent])
@pytest.mark.parametrize("times", [1, 3])
def test_repair_with_a_lost_answer_is_reported_once(
    target: CorruptibleEvent, fault: Fault, times: int
) -> None:
    faulty(target).faults = [fault] * times
    assert repair(target.service)
    assert_fixed(target.service, target.store)
    assert repair(target.service) == []


def test_unconfirmed_repair_is_finished_by_the_next(
    target: CorruptibleEvent,
) -> None:
    """After twenty seconds without an answer, the journal is read in the background."""
    faulty(target).faults = [lost] * 150
    repair(target.service)
    repair(target.service)
    assert_fixed(target.service, target.store)


@pytest.mark.parametrize("times", [1, 150])
def test_repair_that_conflicts_is_done_by_the_next(target: CorruptibleEvent, times: int) -> None:
    """The conflict comes once, or for as long as a repair tries."""
    faulty(target).faults = [conflict] * times
    repair(target.service)
    faulty(target).faults.clear()
    repair(target.service)
    assert_fixed(target.service, target.store)


def test_store_that_fails_for_a_while_is_retried(target: CorruptibleEvent) -> None:
    faulty(target).unreadable = 5
    assert check(target.service)
    faulty(target).unreadable = 5
    assert repair(target.service)
    assert_fixed(target.service, target.store)


def test_store_that_keeps_failing_is_unavailable() -> None:
    store = FaultyStore()
    target = CorruptibleEvent(service_on(store), store)
    store.unreadable = 10_000
    with pytest.raises(Unavailable):
        check(target.service)


def test_event_that_is_repaired_all_the_time_is_unavailable() -> None:
    """Each repair restarts the count; after five, the check gives up."""
    store = MemoryStore()
    target = CorruptibleEvent(service_on(store), store)

    def corrupt_and_repair() -> None:
        target.rewrite_event({"registered_count": 1})
        repair(target.service)

    with pytest.raises(Unavailable):
        check(service_on(ChangingStore(store, cycle([corrupt_and_repair])), new_id=ids("check")))  # type: ignore[arg-type]


names = st.sampled_from(NAMES)
Move = Callable[[Service], object]


def recreate_user(service: Service, name: str) -> None:
    service.create_user(UserDraft.of(user_id=f"e1-{name}", name=name))


moves: st.SearchStrategy[Move] = st.one_of(
    names.map(lambda name: lambda service: service.register("e1", f"e1-{name}")),
    names.map(lambda name: lambda service: service.unregister("e1", f"e1-{name}")),
    names.map(lambda name: lambda service: recreate_user(service, name)),
    names.map(lambda name: lambda service: service.delete_user(f"e1-{name}")),
    st.integers(1, 5).map(
        lambda seats: lambda service: service.edit_event("e1", EventChanges.of(capacity=seats))
    ),
    st.just(lambda service: service.delete_event("e1")),
    st.just(lambda service: None),
    st.just(lambda service: None),
)


def assert_repair_during(how: list[Damage], plan: list[Move]) -> None:
    """Repair with one change before each read, then repair once more without changes."""
    store = MemoryStore()
    service = service_on(store)
    target = CorruptibleEvent(service, store)
    damage(target, how)
    left = iter(plan)

    def make_next_move() -> None:
        move = next(left, None)
        if move is not None:
            # Corrupt data may refuse a move. A store raises AssertionError for two actions on one
            # item, as with two equal tickets.
            with suppress(RollcallError, InconsistentSnapshot, LookupError, AssertionError):
                move(service)

    with suppress(Unavailable):
        repair(service_on(ChangingStore(store, cycle([make_next_move])), new_id=ids("during")))  # type: ignore[arg-type]
    repair(service)
    service.finish_unfinished()
    assert_fixed(service, store)


repair_and_changes = given(how=lists_of_damage, plan=st.lists(moves, max_size=60))
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


@repair_and_changes
@settings(max_examples=scaled(75), suppress_health_check=slow)
def test_changes_during_a_repair_leave_it_complete(how: list[Damage], plan: list[Move]) -> None:
    assert_repair_during(how, plan)


@pytest.mark.soak
@repair_and_changes
@settings(max_examples=scaled(600), suppress_health_check=slow)
def test_changes_during_a_repair_leave_it_complete_at_length(
    how: list[Damage], plan: list[Move]
) -> None:
    assert_repair_during(how, plan)


def test_capacity_increase_with_a_wrong_waitlist_count_is_retried_with_pauses() -> None:
    """Each try writes a journal entry until the count is repaired."""
    store = MemoryStore()
    service = service_on(store)
    target = CorruptibleEvent(service, store)
    for name in ("waitlisted1", "waitlisted2", "waitlisted3"):
        service.unregister("e1", target.user_id(name))
    target.rewrite_event({"waitlist_count": 5})
    before = target.event().version
    service.edit_event("e1", EventChanges.of(capacity=4))
    assert target.event().capacity_target == 4
    assert target.event().version - before < 200  # a minute in the background, with pauses
    repair(service)
    service.finish_unfinished()
    assert assert_fixed(service, store).events["e1"].capacity == 4


def test_user_created_again_during_a_repair_stays() -> None:
    """The check reported the user as lost; before the fix, the user was created again."""
    store = MemoryStore()
    service = service_on(store)
    target = CorruptibleEvent(service, store)
    target.lose_user("waitlisted1")
    before = target.row("waitlisted1")
    fixed = repair(
        service_on(
            ChangingStore(store, cycle([lambda: recreate_user_if_gone(service)])),  # type: ignore[arg-type]
            new_id=ids("again"),
        )
    )
    assert ViolationKind.NO_USER not in {fix.violation.kind for fix in fixed}
    assert target.row("waitlisted1") == before
    assert_fixed(service, store)


def recreate_user_if_gone(service: Service) -> None:
    with suppress(RollcallError):
        recreate_user(service, "waitlisted1")


class StaleCheck(Checker):
    """Check that returns violations found some time ago."""

    found: tuple[Violation, ...] = ()

    def check_journal(self, event_id: str) -> Iterator[Violation]:
        kinds = {ViolationKind.MISSING_JOURNAL_ENTRY, ViolationKind.JOURNAL_AHEAD}
        return (one for one in self.found if one.kind in kinds and one.event_id == event_id)

    def check_waitlists(self) -> Iterator[Violation]:
        return (one for one in self.found if one.kind is ViolationKind.STRAY_WAITLIST_ENTRY)

    def check_registrations(self) -> Iterator[Violation]:
        kinds = {
            ViolationKind.NO_EVENT,
            ViolationKind.NO_USER,
            ViolationKind.NOT_ON_WAITLIST,
            ViolationKind.ROSTER,
            ViolationKind.SHARED_TICKET,
            ViolationKind.BAD_TICKET,
            ViolationKind.SEATED_AT,
        }
        return (one for one in self.found if one.kind in kinds)


def change_nothing(target: CorruptibleEvent) -> None:
    """Leave everything as the other repair left it."""


def let_all_leave(target: CorruptibleEvent) -> None:
    for name in NAMES:
        with suppress(RollcallError):
            target.service.unregister("e1", target.user_id(name))


def delete_the_event(target: CorruptibleEvent) -> None:
    with suppress(UnknownEvent):
        target.service.delete_event("e1")
    target.service.finish_unfinished()


@pytest.mark.parametrize("afterwards", [change_nothing, let_all_leave, delete_the_event])
@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_second_of_two_repairs_changes_nothing(
    corruption: Corruption, afterwards: Callable[[CorruptibleEvent], None]
) -> None:
    """The second repair knows the violations from before the first one, and finds nothing left to fix."""
    store = MemoryStore()
    service = service_on(store)
    target = CorruptibleEvent(service, store)
    corruption.do(target)
    clock = ManualClock()
    stale = StaleCheck(store, RetryPolicy(clock, lambda: 0.5), clock, lambda _: None)
    stale.found = tuple(check(service))
    repair(service)
    afterwards(target)
    before = everything_in(store)
    late = Repairer(
        store, service._executor, RetryPolicy(clock, lambda: 0.5), clock, ids("late"), stale
    )
    assert list(late.repair_all()) == []
    assert everything_in(store) == before
