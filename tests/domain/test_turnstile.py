"""The turnstile: batches, deadlines, leaders that fail, lanes that go away. Threads meet at gates, never by time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.errors import Busy
from domain.execution.batching import Entry, Turnstile
from tests.surroundings import ManualClock

LATER = 1e9
"""A deadline that never comes."""

Served = Entry[str, str]


class Door:
    """Serves what it is given in upper case, and can be held shut; `culprit` makes it fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.keys: set[str] = set()
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.held = False
        self.most = 100
        self.errors: dict[str, BaseException] = {}

    def serve(self, key: str, batch: Sequence[Served]) -> None:
        self.batches.append([entry.command for entry in batch])
        self.keys.add(key)
        if self.held:
            self.entered.release()
            self.open.acquire()
        for entry in batch:
            if entry.command in self.errors:
                raise self.errors[entry.command]
        for entry in batch[: self.most]:
            entry.settle(entry.command.upper())


class Crowd:
    """People in threads of their own, let in one after the other in a known order."""

    def __init__(self, turnstile: Turnstile[str, str], pool: ThreadPoolExecutor) -> None:
        self.turnstile = turnstile
        self.pool = pool

    def arrives(self, command: str, *, deadline: float = LATER, key: str = "event") -> Future[str]:
        """Start a caller and wait until it is queued behind the one that is being served."""
        before = self.turnstile.waiting(key)
        future = self.pool.submit(self.turnstile.go_through, key, command, deadline)
        while self.turnstile.waiting(key) == before and not future.done():
            pass
        return future


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def turnstile(door: Door, clock: ManualClock) -> Turnstile[str, str]:
    return Turnstile(door.serve, clock, batch_size=10)


@pytest.fixture
def crowd(turnstile: Turnstile[str, str], door: Door) -> Iterator[Crowd]:
    pool = ThreadPoolExecutor(32)
    try:
        yield Crowd(turnstile, pool)
    finally:
        door.held = False
        door.open.release(1000)
        pool.shutdown()


def hold(door: Door, crowd: Crowd) -> Future[str]:
    """Let one caller in and hold the door, so that all who come now wait together."""
    door.held = True
    first = crowd.pool.submit(crowd.turnstile.go_through, "event", "first", LATER)
    door.entered.acquire()
    return first


def release(door: Door) -> None:
    door.held = False
    door.open.release()


def test_who_comes_alone_is_served_alone(turnstile: Turnstile[str, str], door: Door) -> None:
    assert turnstile.go_through("event", "a", LATER) == "A"
    assert door.batches == [["a"]]


def test_those_who_wait_together_go_through_together_in_order(door: Door, crowd: Crowd) -> None:
    first = hold(door, crowd)
    waiting = [crowd.arrives(name) for name in "abcd"]
    release(door)
    assert [future.result() for future in [first, *waiting]] == ["FIRST", "A", "B", "C", "D"]
    assert door.batches == [["first"], ["a", "b", "c", "d"]]


def test_each_event_has_a_lane_of_its_own(door: Door, crowd: Crowd) -> None:
    hold(door, crowd)
    door.held = False
    assert crowd.turnstile.go_through("another event", "b", LATER) == "B"
    release(door)


def test_a_batch_is_no_larger_than_its_size(door: Door, crowd: Crowd) -> None:
    hold(door, crowd)
    waiting = [crowd.arrives(f"{number:02}") for number in range(15)]
    release(door)
    assert [future.result() for future in waiting] == [f"{number:02}" for number in range(15)]
    assert [len(batch) for batch in door.batches] == [1, 10, 5]


def test_what_a_batch_leaves_goes_first_in_the_next(door: Door, crowd: Crowd) -> None:
    door.most = 2
    hold(door, crowd)
    waiting = [crowd.arrives(name) for name in "abc"]
    release(door)
    assert [future.result() for future in waiting] == ["A", "B", "C"]
    assert door.batches == [["first"], ["a", "b", "c"], ["c"]]


def test_past_its_deadline_a_queued_command_is_withdrawn_and_never_served(
    door: Door, crowd: Crowd, clock: ManualClock
) -> None:
    first = hold(door, crowd)
    with pytest.raises(Busy):
        crowd.turnstile.go_through("event", "late", clock.monotonic())
    release(door)
    first.result()
    assert door.batches == [["first"]]


def test_a_taken_command_is_waited_for_whatever_its_deadline(
    door: Door, crowd: Crowd, clock: ManualClock
) -> None:
    hold(door, crowd)
    soon = crowd.arrives("soon", deadline=clock.monotonic() + 1)
    door.open.release()
    door.entered.acquire()  # its batch is being served
    clock.advance(timedelta(seconds=5))
    release(door)
    assert soon.result() == "SOON"


def test_the_culprit_in_a_batch_fails_alone(door: Door, crowd: Crowd) -> None:
    door.errors["b"] = ZeroDivisionError("b did it")
    hold(door, crowd)
    a, b, c = (crowd.arrives(name) for name in "abc")
    release(door)
    assert (a.result(), c.result()) == ("A", "C")
    with pytest.raises(ZeroDivisionError, match="b did it"):
        b.result()
    assert door.batches == [["first"], ["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert door.keys == {"event"}


def test_a_leader_that_fails_hands_over(door: Door, crowd: Crowd) -> None:
    door.errors["first"] = ZeroDivisionError()
    first = hold(door, crowd)
    behind = crowd.arrives("behind")
    release(door)
    with pytest.raises(ZeroDivisionError):
        first.result()
    assert behind.result() == "BEHIND"


class Ended(BaseException):
    """As KeyboardInterrupt is: not an Exception."""


def test_a_leader_that_is_ended_hands_over_and_its_batch_is_served(
    door: Door, crowd: Crowd
) -> None:
    """Only the ended thread's own command is lost with it."""
    hold(door, crowd)
    leader, behind = crowd.arrives("leader"), crowd.arrives("behind")
    door.errors["leader"] = Ended()
    release(door)
    with pytest.raises(Ended):
        leader.result()
    assert behind.result() == "BEHIND"
    assert door.batches == [["first"], ["leader", "behind"], ["behind"]]


def test_a_leader_ended_after_its_own_was_done_hands_over(crowd: Crowd, door: Door) -> None:
    def serve(_: str, batch: Sequence[Served]) -> None:
        door.serve("event", batch[:1])
        if batch[0].command == "leader":
            raise Ended

    crowd.turnstile._serve = serve
    hold(door, crowd)
    leader, behind = crowd.arrives("leader"), crowd.arrives("behind")
    release(door)
    with pytest.raises(Ended):
        leader.result()
    assert behind.result() == "BEHIND"


def test_a_caller_ended_while_it_waits_is_withdrawn(door: Door, crowd: Crowd) -> None:
    class EndingClock(ManualClock):
        def wait(self, signal: threading.Event, seconds: float) -> bool:
            raise Ended

    first = hold(door, crowd)
    crowd.turnstile._clock = EndingClock()
    with pytest.raises(Ended):
        crowd.turnstile.go_through("event", "gone", LATER)
    assert crowd.turnstile.waiting("event") == 0
    release(door)
    assert first.result() == "FIRST"


class GatedClock(ManualClock):
    """Who has a deadline waits at a gate, whatever calls it; then time is up, or the thread is ended."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.ends = False
        self.waits: list[float] = []

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        if seconds > 100:
            return super().wait(signal, seconds)
        self.waits.append(seconds)
        self.gate.acquire()
        if self.ends:
            raise Ended
        return False


@pytest.fixture
def gated(crowd: Crowd) -> GatedClock:
    crowd.turnstile._clock = clock = GatedClock()
    return clock


def test_time_that_is_up_while_a_command_is_being_served_takes_nothing_back(
    door: Door, crowd: Crowd, gated: GatedClock
) -> None:
    gated.advance(timedelta(seconds=1))
    hold(door, crowd)
    leader = crowd.arrives("leader")
    soon = crowd.arrives("soon", deadline=5)
    door.open.release()
    door.entered.acquire()  # both are being served
    gated.gate.release()
    release(door)
    assert (leader.result(), soon.result()) == ("LEADER", "SOON")
    assert gated.waits == [4.0]  # as long as is left
    assert door.batches == [["first"], ["leader", "soon"]]


def test_a_caller_ended_when_the_lead_is_its_own_hands_it_over(
    door: Door, crowd: Crowd, gated: GatedClock
) -> None:
    first = hold(door, crowd)
    gone = crowd.arrives("gone", deadline=5)
    behind = crowd.arrives("behind")
    door.open.release()
    first.result()
    gated.ends = True
    gated.gate.release()
    with pytest.raises(Ended):
        gone.result()
    release(door)
    assert behind.result() == "BEHIND"
    assert door.batches == [["first"], ["behind"]]


def test_a_caller_ended_when_the_lead_is_its_own_leaves_no_lane(
    door: Door, crowd: Crowd, gated: GatedClock
) -> None:
    first = hold(door, crowd)
    gone = crowd.arrives("gone", deadline=5)
    release(door)
    first.result()
    gated.ends = True
    gated.gate.release()
    with pytest.raises(Ended):
        gone.result()
    assert len(crowd.turnstile) == 0


def test_where_nobody_goes_nobody_waits(turnstile: Turnstile[str, str]) -> None:
    assert turnstile.waiting("event") == 0


def test_an_empty_lane_is_removed(door: Door, crowd: Crowd) -> None:
    hold(door, crowd)
    waiting = [crowd.arrives(name) for name in "ab"]
    assert len(crowd.turnstile) == 1
    release(door)
    for future in waiting:
        future.result()
    crowd.pool.shutdown()
    assert len(crowd.turnstile) == 0


def test_settling_twice_is_a_bug() -> None:
    entry: Served = Entry("a", LATER)
    entry.settle("A")
    with pytest.raises(RuntimeError, match="settled twice"):
        entry.settle("B")


def test_a_thousand_calls_from_many_threads_are_each_served_once(
    turnstile: Turnstile[str, str], door: Door
) -> None:
    names = [str(number) for number in range(1000)]

    def call(name: str) -> str:
        return turnstile.go_through(name[-1], name, LATER)

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(call, names)) == names
    assert sorted(name for batch in door.batches for name in batch) == sorted(names)
    assert len(turnstile) == 0
