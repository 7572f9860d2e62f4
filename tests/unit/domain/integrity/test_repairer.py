"""What moves between two reads of one check or repair: each step looks again, and does what is right then."""

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
def reading(target: CorruptibleEvent) -> Checker:
    clock = ManualClock()
    return Checker(target.store, RetryPolicy(clock, lambda: 0.5), clock, lambda _: None)


@pytest.fixture
def repairing(target: CorruptibleEvent, reading: Checker) -> Repairer:
    clock = ManualClock()
    retry = RetryPolicy(clock, lambda: 0.5)
    executor = target.service._executor
    return Repairer(target.store, executor, retry, clock, ids("repairing"), reading)


def only(target: CorruptibleEvent, kind: ViolationKind) -> Violation:
    """Return the one breach of a kind."""
    (violation,) = (one for one in check(target.service) if one.kind is kind)
    return violation


def test_an_event_that_is_gone_has_nothing_to_check(reading: Checker) -> None:
    """Not even a tombstone: no command of ours leaves so little."""
    assert list(reading.check_journal("gone")) == []
    assert list(reading.check_counts("gone")) == []


def test_an_entry_that_a_page_did_not_show_is_no_gap_once_it_is_there(reading: Checker) -> None:
    assert list(reading._check_gap("e1", 1, 2)) == []


def test_a_lost_user_whose_event_cannot_be_left_by_itself_is_taken_out_all_the_same(
    target: CorruptibleEvent, repairing: Repairer
) -> None:
    """The line is said to be longer than it is: nobody who sits can leave until that is mended."""
    for name in ("waiting1", "waiting2", "waiting3"):
        target.service.unregister("e1", target.person(name))
    target.lose_user("seated1")
    violation = only(target, ViolationKind.NO_USER)
    target.rewrite_event({"waitlist_count": 2})
    assert [mend.result for mend in repairing._unregister(violation)] == ["unregistered"]
    target.rewrite_event({"waitlist_count": 0})
    assert assert_fixed(target.service, target.store).seated("e1") == ["e1-seated2"]


def test_what_stands_in_anothers_place_by_now_goes_first(
    target: CorruptibleEvent, repairing: Repairer
) -> None:
    target.lose_waitlist_entry("waiting2")
    violation = only(target, ViolationKind.NOT_ON_WAITLIST)
    target.add_waitlist_entry(4, "nobody")
    assert [mend.result for mend in repairing._fix_registration(violation)] == ["on the waitlist"]
    assert_fixed(target.service, target.store)


def test_one_who_leaves_before_the_mending_is_not_written_again(
    target: CorruptibleEvent, repairing: Repairer
) -> None:
    row, event = target.row("waiting3"), target.event()
    target.service.unregister("e1", row.user_id)
    for mend in (repairing._give_ticket, repairing._rewrite, repairing._add_entry):
        assert mend(row)(event) is None


def test_what_no_version_guards_and_nobody_confirms_is_given_up(
    target: CorruptibleEvent, repairing: Repairer
) -> None:
    """After twenty seconds; the next repair finds it where it was."""
    target.add_waitlist_entry(9, "nobody", "gone")
    violation = only(target, ViolationKind.STRAY_WAITLIST_ENTRY)
    assert isinstance(target.store, FaultyStore)
    target.store.faults = [never_sent] * 1_000
    assert list(repairing._fix_waitlist_entry(violation)) == []
    target.store.faults.clear()
    assert [mend.result for mend in repairing._fix_waitlist_entry(violation)] == ["deleted"]
    assert_fixed(target.service, target.store)


def test_a_tombstone_keeps_its_count_of_nobody(target: CorruptibleEvent, reading: Checker) -> None:
    target.service.delete_event("e1")
    assert target.event().deletion is Deletion.DONE
    assert list(reading.check_all()) == []
