"""The executor: how long it works for a batch on a store that does not answer."""

from __future__ import annotations

import pytest

from domain.commands import Command, Outcome, Register
from domain.errors import Busy
from domain.execution.batching import QueuedCommand
from domain.models import Event
from domain.ports import Unavailable
from tests.support.environment import ManualClock, service_on
from tests.support.memory_store import MemoryStore


class SilentStore(MemoryStore):
    """A store of which each read takes a second, and fails."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def get_event(self, event_id: str) -> Event | None:
        self._clock.advance(1)
        raise Unavailable


def test_leader_ends_at_its_own_deadline_and_leaves_later_ones_to_their_callers() -> None:
    """Found by the simulation: a request was acknowledged late because others had joined its batch (R8.12)."""
    clock = ManualClock()
    executor = service_on(SilentStore(clock), clock=clock)._executor
    leader, other = (
        QueuedCommand[Command, Outcome](Register(user_id), deadline)
        for user_id, deadline in (("a", 2.0), ("b", 10.0))
    )
    executor._run_batch("e1", [leader, other])
    assert clock.monotonic() < 3
    with pytest.raises(Busy):
        leader.result.result(0)
    assert not other.result.done()
