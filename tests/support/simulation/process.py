"""One process of the bot, its service and notification worker, on the simulation's ports. It can crash at any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bot.entrypoints.system import run_logged
from bot.notifications.ports import StoreWithOutbox
from bot.notifications.worker import NotificationWorker
from domain.service import Service
from tests.support.simulation.scheduler import Killed, ProcessClock
from tests.support.simulation.slack import Posted, SlackClient
from tests.support.simulation.store import Store

if TYPE_CHECKING:
    from tests.support.simulation.world import World

T = TypeVar("T")


class ProcessDied(Exception):
    """The process died before it answered: its caller doesn't know what was done."""


class Process:
    """A process that runs until it crashes. `name` says which one, and how often it was restarted."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.is_dead = False
        self.in_flight: Posted | None = None
        """The message that Slack has, and that this process has not recorded as sent."""
        weights, dice = world.weights, world.dice
        self.clock = ProcessClock(
            world.scheduler,
            apart=dice.uniform(-weights.apart, weights.apart),
            drift=dice.uniform(-weights.drift, weights.drift),
            begins=dice.uniform(0, 10_000),
        )
        store = cast("StoreWithOutbox", Store(world, self))
        self.service = Service(
            store,
            self.clock,
            new_id=world.new_id,
            jitter=dice.random,
            spawn=self._spawn,
            on_commit=lambda id_: self.worker.schedule(id_),
        )
        self.worker = NotificationWorker(
            store,
            SlackClient(world, self),
            self.clock,
            holder=name,
            sweep=self.service.sweep,
            reconcile=lambda: None,
            spawn=self._spawn,
        )
        world.scheduler.spawn(f"{name}: notifier", self, self.worker._run)

    def _spawn(self, work: Callable[[], None]) -> None:
        self._world.scheduler.spawn(f"{self.name}: background", self, lambda: run_logged(work))

    def reach_port(self, name: str, longest: float) -> None:
        """Let time pass on the way of a call. Raises `Killed` if the process crashes meanwhile, or has."""
        world = self._world
        if self.is_dead:
            raise Killed
        world.scheduler.sleep(world.dice.random() * longest)
        if world.happens(world.weights.crashes):
            world.count(f"a process dies at {name}")
            self.crash()
            raise Killed

    def crash(self) -> None:
        """Die, with everything in memory. The process is started again after a while."""
        self.is_dead = True
        if self.in_flight is not None:
            self.in_flight.is_unanswered = True
        self._world.scheduler.kill(self)
        self._world.restart_later(self)

    def request(self, work: Callable[[Service], T]) -> T:
        """Have the process serve a request. Raises what the service raises, and `ProcessDied`."""
        done: list[Any] = []

        def serve() -> None:
            try:
                done.append((work(self.service), None))
            except Exception as error:  # noqa: BLE001  # raised in the caller's task
                done.append((None, error))

        self._world.scheduler.spawn(f"{self.name}: request", self, serve)
        self._world.scheduler.wait(lambda: bool(done) or self.is_dead)
        if not done:
            raise ProcessDied
        result, error = done[0]
        if error is not None:
            raise error
        return cast("T", result)
