"""Exports that take minutes, while others register, several processes work, and some of them die."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient

from bot.notifications.export_worker import ExportWorker
from bot.slack.api_errors import CircuitBreaker
from domain.execution.leases import Leases
from tests.support.environment import ManualClock
from tests.support.simulation.put_back import FAULTS, seeds_until_found
from tests.support.simulation.world import World


@pytest.mark.soak
@pytest.mark.parametrize(
    "fault",
    [
        "exports in the notifier",
        "exports torn between versions",
        "leases not renewed during an export",
    ],
)
def test_fault_of_exports_is_found(fault: str) -> None:
    found = seeds_until_found(FAULTS[fault], most=20)
    assert found is not None


def test_try_whose_process_dies_before_it_begins_is_counted() -> None:
    """Found by seed 22233: an export was given up after five tries, of which the judge knew four."""
    world, clock = World(0), ManualClock()
    worker = ExportWorker(world.data, WebClient(), clock, CircuitBreaker(clock), holder="one")
    lease = Leases(world.data, clock, holder="one", seconds=30).take("e1/1/0/export")
    assert lease is not None
    with world.exports.watched(), worker._export_sender._counted_try(lease, ends_at=60):
        pass
    assert world.exports.tries == 1
