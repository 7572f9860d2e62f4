"""The operator of the simulation: checks the data now and then, beside everything else (R7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import RollcallError
from domain.integrity.violations import Violation
from domain.ports import Unavailable
from domain.service import Service
from tests.support.environment import ManualClock, service_on
from tests.support.simulation.process import ProcessDied

if TYPE_CHECKING:
    from tests.support.simulation.world import World


class Operator:
    """Runs `rollcall check`. `act` is the task."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice_for("checks")

    def act(self) -> None:
        """Check at some moments until the end. There must be no violation."""
        while not self._world.is_over:
            self._world.scheduler.sleep(self._dice.random() * self._world.weights.busy_seconds / 2)
            try:
                with self._world.nights.acting():
                    found = self._world.some_process().request(_violations)
            except (ProcessDied, RollcallError, Unavailable):
                self._world.count("a check does not get to its end")
                continue
            self._world.count("a check beside everything else")
            with self._world.judging():
                assert not found, f"a check beside everything else: {found[0]}"


def check_end(world: World) -> None:
    """Assert that a check finds nothing in the end."""
    found = _violations(service_on(world.data, clock=ManualClock(world.now())))
    assert not found, f"a check in the end: {found[0]}"


def _violations(service: Service) -> list[Violation]:
    return list(service.check(lambda _: None))
