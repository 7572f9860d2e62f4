"""Checks and repairs while the data changes between two reads."""

from __future__ import annotations

import pytest

from domain.enums import Deletion
from domain.execution.retry import RetryPolicy
from domain.integrity.checker import Checker
from domain.integrity.repairer import Repairer
from domain.integrity.violations import Violation, ViolationKind
from tests.support.environment import ManualClock, ids, service_on
from tests.support.faulty_store import FaultyStore, never_sent
from tests.support.integrity.corruption import CorruptibleEvent, assert_fixed, check


@pytest.fixture
def target() -> CorruptibleEvent:
    store = FaultyStore()
    return CorruptibleEvent(service_on(store), store)


@pytest.fixture
def checker(target: CorruptibleEvent) -> Checker:
    clock = ManualClock()
    return Checker(target.store, RetryPolicy(clock, lambda: 0.5), clock, lambda _: None)


@pytest.fixture
def repairer(target: CorruptibleEvent, checker: Checker) -> Repairer:
    clock = ManualClock()
    retry = RetryPolicy(clock, lambda: 0.5)
    executor = target.service._executor
    return Repairer(target.store, executor, retry, clock, ids("repairing"), checker)


def only(target: CorruptibleEvent, kind: ViolationKind) -> Violation:
    """Return the one violation of a kind."""
    (violation,) = (one for one in check(target.service) if one.kind is kind)
    return violation


def test_missing_event_has_no_violations(checker: Checker) -> None:
    """No command leaves less than a tombstone."""
    assert list(checker.check_event("gone")) == []
    assert list(checker.check_journal("gone")) == []
    assert checker.compare_with_journal("gone") == []


def test_entry_found_on_a_second_read_is_not_a_gap(checker: Checker) -> None:
    assert list(checker._check_gap("e1", 1, 2)) == []


def test_registration_without_a_user_is_deleted_if_the_command_fails(
    target: CorruptibleEvent, repairer: Repairer
) -> None:
    """The waitlist is counted too long, so no one can leave a seat until that is fixed."""
    for name in ("waitlisted1", "waitlisted2", "waitlisted3"):
        target.service.unregister("e1", target.user_id(name))
    target.lose_user("seated1")
    violation = only(target, ViolationKind.NO_USER)
    target.rewrite_event({"waitlist_count": 2})
    assert [fix.result for fix in repairer._unregister(violation)] == ["unregistered"]
    target.rewrite_event({"waitlist_count": 0})
    assert assert_fixed(target.service, target.store).seated("e1") == ["e1-seated2"]


def test_entry_with_the_ticket_of_a_missing_one_is_removed_first(
    target: CorruptibleEvent, repairer: Repairer
) -> None:
    target.lose_waitlist_entry("waitlisted2")
    violation = only(target, ViolationKind.NOT_ON_WAITLIST)
    target.add_waitlist_entry(4, "unknown")
    assert [fix.result for fix in repairer._fix_registration(violation)] == ["on the waitlist"]
    assert_fixed(target.service, target.store)


def test_registration_that_left_before_its_fix_is_not_written(
    target: CorruptibleEvent, repairer: Repairer
) -> None:
    row, event = target.row("waitlisted3"), target.event()
    target.service.unregister("e1", row.user_id)
    for fix in (repairer._give_ticket, repairer._rewrite, repairer._add_entry):
        assert fix(row)(event) is None


def test_unguarded_write_without_confirmation_is_given_up(
    target: CorruptibleEvent, repairer: Repairer
) -> None:
    """The next repair finds the violation again."""
    target.add_waitlist_entry(9, "unknown", "gone")
    violation = only(target, ViolationKind.STRAY_WAITLIST_ENTRY)
    assert isinstance(target.store, FaultyStore)
    target.store.faults = [never_sent] * 1_000
    assert list(repairer._fix_waitlist_entry(violation)) == []
    target.store.faults.clear()
    assert [fix.result for fix in repairer._fix_waitlist_entry(violation)] == ["deleted"]
    assert_fixed(target.service, target.store)


def test_tombstone_has_no_violations(target: CorruptibleEvent, checker: Checker) -> None:
    target.service.delete_event("e1")
    assert target.event().deletion is Deletion.DONE
    assert list(checker.check_all()) == []
