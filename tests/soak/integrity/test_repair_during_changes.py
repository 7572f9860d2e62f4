"""R7.6: a repair that is disturbed: by commits that fail, by answers that are lost, by people who go on."""

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
from tests.support.integrity.busy_store import Busy
from tests.support.integrity.cases import CORRUPTIONS
from tests.support.integrity.corruption import (
    PEOPLE,
    Corruption,
    Scene,
    assert_mended,
    check,
    repair,
)
from tests.support.integrity.spoils import Spoil, spoil, spoiled
from tests.support.invariants import everything_in
from tests.support.memory_store import MemoryStore

SPOILT: dict[str, Spoil] = {
    "a wrong count": lambda scene: scene.rewrite_event({"registered_count": 0}),
    "a lost place": lambda scene: scene.lose_place("waiting2"),
    "a stray place": lambda scene: scene.add_place(99, "nobody"),
    "a place of no event": lambda scene: scene.add_place(9, "nobody", "gone"),
    "a registration of no event": lambda scene: scene.copy_row("seated1", event_id="gone"),
    "a lost user": lambda scene: scene.lose_user("seated1"),
    "a lost entry": lambda scene: scene.lose_entry(3),
    "free seats": lambda scene: scene.rewrite_event({"capacity": 4}),
    "an entry ahead": lambda scene: scene.add_entry(7),
    "a shared ticket": lambda scene: scene.rewrite_row("seated2", ticket=1),
    "no time of a seat": lambda scene: scene.rewrite_row("seated1", seated_at=None),
}


@pytest.fixture(params=list(SPOILT.values()), ids=list(SPOILT))
def scene(request: pytest.FixtureRequest) -> Scene:
    store = FaultyStore()
    scene = Scene(service_on(store), store)
    request.param(scene)
    return scene


def faulty(scene: Scene) -> FaultyStore:
    assert isinstance(scene.store, FaultyStore)
    return scene.store


@pytest.mark.parametrize("fault", [lost, never_sent])
@pytest.mark.parametrize("times", [1, 3])
def test_an_answer_that_is_lost_is_found_out(scene: Scene, fault: Fault, times: int) -> None:
    """What was done is said to be done, and done once."""
    faulty(scene).faults = [fault] * times
    assert repair(scene.service)
    assert_mended(scene.service, scene.store)
    assert repair(scene.service) == []


def test_what_is_never_confirmed_may_have_been_done_and_is_said_so(scene: Scene) -> None:
    """Twenty seconds without an answer: then the journal is looked into, in the background."""
    faulty(scene).faults = [lost] * 150
    repair(scene.service)
    repair(scene.service)
    assert_mended(scene.service, scene.store)


@pytest.mark.parametrize("times", [1, 150])
def test_what_did_not_get_through_is_mended_the_next_time(scene: Scene, times: int) -> None:
    """A conflict, once or for as long as a repair tries."""
    faulty(scene).faults = [conflict] * times
    repair(scene.service)
    faulty(scene).faults.clear()
    repair(scene.service)
    assert_mended(scene.service, scene.store)


def test_a_store_that_is_silent_for_a_while_is_waited_for(scene: Scene) -> None:
    faulty(scene).unreadable = 5
    assert check(scene.service)
    faulty(scene).unreadable = 5
    assert repair(scene.service)
    assert_mended(scene.service, scene.store)


def test_a_store_that_stays_silent_is_neither_sound_nor_corrupt() -> None:
    store = FaultyStore()
    scene = Scene(service_on(store), store)
    store.unreadable = 10_000
    with pytest.raises(Unavailable):
        check(scene.service)


def test_an_event_that_is_repaired_without_end_is_not_judged() -> None:
    """Each repair makes the count begin anew; after five, nothing can be said."""
    store = MemoryStore()
    scene = Scene(service_on(store), store)

    def wrong_and_right() -> None:
        scene.rewrite_event({"registered_count": 1})
        repair(scene.service)

    with pytest.raises(Unavailable):
        check(service_on(Busy(store, cycle([wrong_and_right])), new_id=ids("check")))  # type: ignore[arg-type]


people = st.sampled_from(PEOPLE)
Move = Callable[[Service], object]


def comes_back(service: Service, name: str) -> None:
    service.create_user(UserDraft.of(user_id=f"e1-{name}", name=name))


moves: st.SearchStrategy[Move] = st.one_of(
    people.map(lambda name: lambda service: service.register("e1", f"e1-{name}")),
    people.map(lambda name: lambda service: service.unregister("e1", f"e1-{name}")),
    people.map(lambda name: lambda service: comes_back(service, name)),
    people.map(lambda name: lambda service: service.delete_user(f"e1-{name}")),
    st.integers(1, 5).map(
        lambda seats: lambda service: service.edit_event("e1", EventChanges.of(capacity=seats))
    ),
    st.just(lambda service: service.delete_event("e1")),
    st.just(lambda service: None),
    st.just(lambda service: None),
)


def mends_amid(how: list[Spoil], plan: list[Move]) -> None:
    """Repair while things happen, one before each read; then, when all is quiet, once more."""
    store = MemoryStore()
    service = service_on(store)
    scene = Scene(service, store)
    spoil(scene, how)
    left = iter(plan)

    def happen() -> None:
        move = next(left, None)
        if move is not None:
            # What is corrupt may refuse a move: AssertionError is a store's that takes no two
            # actions on one item, as two with one ticket are.
            with suppress(RollcallError, InconsistentSnapshot, LookupError, AssertionError):
                move(service)

    with suppress(Unavailable):
        repair(service_on(Busy(store, cycle([happen])), new_id=ids("amid")))  # type: ignore[arg-type]
    repair(service)
    service.finish_unfinished()
    assert_mended(service, store)


amid = given(how=spoiled, plan=st.lists(moves, max_size=60))
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


@amid
@settings(max_examples=150, deadline=None, suppress_health_check=slow)
def test_people_who_go_on_meanwhile_keep_it_from_nothing(
    how: list[Spoil], plan: list[Move]
) -> None:
    mends_amid(how, plan)


@pytest.mark.soak
@amid
@settings(max_examples=5_000, deadline=None, suppress_health_check=slow)
def test_people_who_go_on_meanwhile_keep_it_from_nothing_at_length(
    how: list[Spoil], plan: list[Move]
) -> None:
    mends_amid(how, plan)


def test_a_raise_for_people_who_are_only_counted_is_not_tried_as_fast_as_it_goes() -> None:
    """It would write an entry for each try, for as long as nobody repairs the count."""
    store = MemoryStore()
    service = service_on(store)
    scene = Scene(service, store)
    for name in ("waiting1", "waiting2", "waiting3"):
        service.unregister("e1", scene.person(name))
    scene.rewrite_event({"waitlist_count": 5})
    before = scene.event().version
    service.edit_event("e1", EventChanges.of(capacity=4))
    assert scene.event().capacity_target == 4
    assert scene.event().version - before < 200  # a minute in the background, with pauses
    repair(service)
    service.finish_unfinished()
    assert assert_mended(service, store).events["e1"].capacity == 4


def test_who_was_created_anew_meanwhile_stays() -> None:
    """The check found the user lost; by the time of the mending, there is one again."""
    store = MemoryStore()
    service = service_on(store)
    scene = Scene(service, store)
    scene.lose_user("waiting1")
    before = scene.row("waiting1")
    mended = repair(
        service_on(Busy(store, cycle([lambda: suppress_known(service)])), new_id=ids("anew"))  # type: ignore[arg-type]
    )
    assert ViolationKind.NO_USER not in {mend.violation.kind for mend in mended}
    assert scene.row("waiting1") == before
    assert_mended(service, store)


def suppress_known(service: Service) -> None:
    with suppress(RollcallError):
        comes_back(service, "waiting1")


class Stale(Checker):
    """A check whose breaches were found some time ago."""

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


def nothing(scene: Scene) -> None:
    """Leave everything as the other repair left it."""


def everybody_leaves(scene: Scene) -> None:
    for name in PEOPLE:
        with suppress(RollcallError):
            scene.service.unregister("e1", scene.person(name))


def the_event_is_deleted(scene: Scene) -> None:
    with suppress(UnknownEvent):
        scene.service.delete_event("e1")
    scene.service.finish_unfinished()


@pytest.mark.parametrize("afterwards", [nothing, everybody_leaves, the_event_is_deleted])
@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_what_was_mended_meanwhile_is_left_alone(
    corruption: Corruption, afterwards: Callable[[Scene], None]
) -> None:
    """Two repairs at once: the later finds nothing left to do, and does nothing."""
    store = MemoryStore()
    service = service_on(store)
    scene = Scene(service, store)
    corruption.do(scene)
    clock = ManualClock()
    stale = Stale(store, RetryPolicy(clock, lambda: 0.5), clock, lambda _: None)
    stale.found = tuple(check(service))
    repair(service)
    afterwards(scene)
    before = everything_in(store)
    late = Repairer(
        store, service._executor, RetryPolicy(clock, lambda: 0.5), clock, ids("late"), stale
    )
    assert list(late.repair_all()) == []
    assert everything_in(store) == before
