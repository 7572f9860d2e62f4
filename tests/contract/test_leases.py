"""Leases of two processes whose wall clocks are apart, on every store (R9.6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import OperatorNeeded
from domain.execution.leases import FORGOTTEN_AFTER, Lease, Leases
from domain.planning.plan import PutJournalEntry
from domain.ports import Clock, Conflict
from tests.support.builders import a_journal_entry, commit
from tests.support.environment import START, ApartClock, ManualClock
from tests.support.stores import AnyStore

LENGTH = 30.0

apart = pytest.mark.parametrize(
    "by", [timedelta(minutes=-10), timedelta(), timedelta(minutes=10)], ids=["behind", "0", "ahead"]
)


def leases(store: AnyStore, clock: Clock, holder: str) -> Leases:
    return Leases(store, clock, holder=holder, seconds=LENGTH)


def taken(processes: Leases) -> Lease:
    lease = processes.take("e1")
    assert lease is not None
    return lease


@apart
def test_no_lease_is_taken_from_a_holder_that_renews_it(store: AnyStore, by: timedelta) -> None:
    """It renews when half of the lease is over."""
    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    other = leases(store, ApartClock(clock, by), "two")
    for _ in range(20):
        assert other.take("e1") is None
        clock.advance(LENGTH / 4)
        lease.renew()
    lease.save(delivered_version=7)
    assert store.get_delivery("e1").delivered_version == 7


@apart
def test_lease_of_a_dead_holder_is_taken_after_its_length(store: AnyStore, by: timedelta) -> None:
    """Counted from when the other process first saw it, by its own clock."""
    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    other = leases(store, ApartClock(clock, by), "two")
    clock.advance(LENGTH)
    assert other.take("e1") is None
    clock.advance(LENGTH - 1)
    assert other.take("e1") is None
    clock.advance(1)
    assert other.take("e1") is not None
    with pytest.raises(Conflict):
        lease.renew()


@apart
def test_released_lease_is_taken_at_once(store: AnyStore, by: timedelta) -> None:
    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    other = leases(store, ApartClock(clock, by), "two")
    assert other.take("e1") is None
    lease.release()
    taken(other).release()
    assert store.get_delivery("e1").leased_until is None


def test_time_in_which_only_the_operator_can_help_does_not_end_a_lease(
    store: AnyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder can't renew it on a full disk, and stores what it has done once there is space again."""

    def full(*_: object, **__: object) -> None:  # no store of this suite can be filled
        raise OperatorNeeded("the disk is full")

    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    other = leases(store, clock, "two")
    assert other.take("e1") is None
    with monkeypatch.context() as disk:
        disk.setattr(store, "take_lease", full)
        clock.advance(LENGTH)
        with pytest.raises(OperatorNeeded):
            other.take("another event")
    assert other.take("e1") is None
    lease.save(delivered_version=7)
    assert store.get_delivery("e1").delivered_version == 7


def test_leases_of_others_are_forgotten_in_time(store: AnyStore) -> None:
    """A process meets those of thousands of events. One that it met long ago counts as new."""
    clock = ManualClock()
    theirs, ours = leases(store, clock, "one"), leases(store, clock, "two")
    for number in range(5):
        assert theirs.take(f"e{number}") is not None
        assert ours.take(f"e{number}") is None
    clock.advance(FORGOTTEN_AFTER * LENGTH)
    assert theirs.take("late") is not None
    assert ours.take("late") is None
    assert len(ours._others) == 1
    assert ours.take("e1") is None
    clock.advance(LENGTH)
    assert ours.take("e1") is not None


@apart
def test_wall_clock_that_jumps_neither_ends_a_lease_nor_prolongs_it(
    store: AnyStore, by: timedelta
) -> None:
    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    other_clock = ManualClock()
    other = leases(store, other_clock, "two")
    assert other.take("e1") is None
    for one in (clock, other_clock):
        one.set_wall(one.now() + by)
    assert other.take("e1") is None
    other_clock.advance(LENGTH)
    assert other.take("e1") is not None
    lease.release()  # does nothing: it is lost
    assert store.get_delivery("e1").holder == "two"


def test_lease_changes_hands_between_looks(store: AnyStore) -> None:
    """Each holder's lease has its whole length, also if a third process saw only the first one's."""
    clock = ManualClock()
    first = taken(leases(store, clock, "one"))
    third = leases(store, clock, "three")
    assert third.take("e1") is None
    clock.advance(LENGTH - 1)
    first.release()
    taken(leases(store, clock, "two"))
    clock.advance(1)
    assert third.take("e1") is None
    clock.advance(LENGTH)
    assert third.take("e1") is not None


def test_late_request_of_the_holder_itself_loses_nothing(store: AnyStore) -> None:
    """Found by the simulation: a message was sent twice, though Slack's answer and its record had come."""
    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    store.take_lease("e1", holder="one", until=clock.now() + timedelta(seconds=LENGTH))
    lease.save(delivered_version=7)
    lease.save(delivered_version=8)
    assert store.get_delivery("e1").delivered_version == 8


def test_late_request_brings_back_no_lease_that_another_process_had(store: AnyStore) -> None:
    clock = ManualClock()
    lease = taken(leases(store, clock, "one"))
    other = leases(store, clock, "two")
    assert other.take("e1") is None
    clock.advance(LENGTH)
    others = taken(other)
    others.save(delivered_version=3)
    others.release()
    store.take_lease("e1", holder="one", until=clock.now() + timedelta(seconds=LENGTH))
    with pytest.raises(Conflict):
        lease.save(delivered_version=7)
    assert store.get_delivery("e1").delivered_version == 3


def test_what_was_not_stored_is_continued(store: AnyStore) -> None:
    """Whoever had the lease since, if they stored no progress."""
    processes = leases(store, ManualClock(), "one")
    full = taken(processes)
    full.stage(delivered_version=5)
    store.take_lease("e1", holder="one", until=START)
    lease = taken(processes)
    lease.restore(full)
    lease.save()
    assert store.get_delivery("e1").delivered_version == 5


def test_what_was_not_stored_is_forgotten_once_progress_was(store: AnyStore) -> None:
    processes = leases(store, ManualClock(), "one")
    full = taken(processes)
    full.stage(delivered_version=5)
    taken(processes).save(delivered_version=6)
    lease = taken(processes)
    lease.restore(full)
    lease.save()
    assert store.get_delivery("e1").delivered_version == 6


def test_marks_that_were_not_stored_are_stored_before_the_next_ones(store: AnyStore) -> None:
    """Found by the simulation: the next marks took their place, and two entries were never delivered."""
    for version in (1, 2):
        commit(store, PutJournalEntry(a_journal_entry(version=version)))
    processes = leases(store, ManualClock(), "one")
    full = taken(processes)
    full.stage_delivered([1])
    full.stage(delivered_version=1, cleared_version=1)
    lease = taken(processes)
    lease.restore(full)
    lease.stage_delivered([2])
    lease.save(delivered_version=2, cleared_version=2)
    assert store.get_undelivered("e1") == ()
