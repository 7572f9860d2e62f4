"""R7.6: any damage is reported with its event, and after a repair R7.5 holds.

The repair may be interrupted at any of its commits, and run again.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.integrity.violations import ViolationKind
from domain.planning.plan import Plan
from domain.ports import Store
from tests.support.environment import ids, service_on
from tests.support.integrity.corruption import (
    CorruptibleEvent,
    assert_fixed,
    check,
    repair,
    wrong_events,
)
from tests.support.integrity.damage import (
    Damage,
    damage,
    lists_of_damage,
)
from tests.support.invariants import everything_in
from tests.support.scale import scaled
from tests.support.stores import Kind, empty_store

BY_REPLAY = {
    ViolationKind.JOURNAL_RULE,
    ViolationKind.JOURNAL_EVENT,
    ViolationKind.JOURNAL_REGISTRATION,
}
"""Violations of the journal, not of R7.5: any change that it does not tell is one."""


class Died(BaseException):
    """The process died."""


class MortalStore:
    """Store whose process dies at one of its commits, before or after it is applied."""

    def __init__(self, store: Store, dies_at: int, *, applied: bool) -> None:
        self._store = store
        self._left = dies_at
        self._applied = applied

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def commit(self, plan: Plan) -> None:
        self._left -= 1
        if self._left > 0:
            self._store.commit(plan)
            return
        if self._left == 0 and self._applied:
            self._store.commit(plan)
        raise Died


def repair_and_die(store: Store, dies_at: int, *, applied: bool) -> bool:
    """Repair and die at that commit; return False if there were fewer commits."""
    mortal = MortalStore(store, dies_at, applied=applied)
    service = service_on(mortal, spawn=lambda _: None, new_id=ids(f"mortal{dies_at}-"))  # type: ignore[arg-type]
    try:
        repair(service)
    except Died:
        return True
    return False


def assert_reported_and_fixed(
    kind: Kind, how: list[Damage], dies_at: int, *, applied: bool
) -> None:
    with empty_store(kind) as store:
        service = service_on(store)
        target, sound = CorruptibleEvent(service, store), CorruptibleEvent(service, store, "sound")
        before = sound.event()
        damage(target, how)
        wrong = wrong_events(everything_in(store))
        found = check(service)
        reported = {violation.event_id for violation in found if violation.kind not in BY_REPLAY}
        history = {"e1"} if is_history_broken(target) else set()
        assert reported == wrong | history
        assert {violation.event_id for violation in found} <= reported | {"e1"}
        repair_and_die(store, dies_at, applied=applied)
        repair(service_on(store, new_id=ids("again")))
        assert_fixed(service, store)
        assert not is_history_broken(target)
        assert sound.event() == before
        assert repair(service) == []


def is_history_broken(target: CorruptibleEvent) -> bool:
    """Return whether the journal's versions are not 1 to the event's version."""
    entries = target.store.list_journal("e1", limit=1_000)
    return [entry.version for entry in entries] != list(range(1, target.event().version + 1))


def examples(number: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=scaled(number), suppress_health_check=slow)


any_damage = given(how=lists_of_damage, dies_at=st.integers(1, 8), applied=st.booleans())


@any_damage
@examples(150)
def test_any_damage_in_memory(how: list[Damage], dies_at: int, applied: bool) -> None:
    assert_reported_and_fixed("memory", how, dies_at, applied=applied)


@any_damage
@examples(20)
def test_any_damage_on_sqlite(how: list[Damage], dies_at: int, applied: bool) -> None:
    assert_reported_and_fixed("sqlite", how, dies_at, applied=applied)


@pytest.mark.soak
@any_damage
@examples(1_000)
def test_any_damage_at_length_in_memory(how: list[Damage], dies_at: int, applied: bool) -> None:
    assert_reported_and_fixed("memory", how, dies_at, applied=applied)


@pytest.mark.soak
@any_damage
@examples(10)
def test_any_damage_at_length_on_dynamodb(how: list[Damage], dies_at: int, applied: bool) -> None:
    assert_reported_and_fixed("local", how, dies_at, applied=applied)
