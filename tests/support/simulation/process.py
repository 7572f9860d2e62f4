"""One process of the bot, on the simulation's ports. It can crash at any call of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fastapi import FastAPI
from slack_sdk import WebClient

from bot.api.app import build_api
from bot.entrypoints.bootstrap import CHORE_THREADS, MAX_CHORES, Background, assemble
from bot.entrypoints.system import run_logged
from bot.notifications.ports import StoreWithOutbox
from bot.slack import reply_sender
from bot.slack.job_queue import JobQueue
from bot.slack.request_budget import request_received
from domain.ports import ThreadNotStarted
from domain.service import Service
from playground.client.transport import BotResponse, Deliver, into_app
from tests.support.simulation.limits import FEW_THREADS, MOST_THREADS
from tests.support.simulation.scheduler import Condition, Killed, ProcessClock, Task
from tests.support.simulation.slack import HOST, Posted
from tests.support.simulation.store import Store

if TYPE_CHECKING:
    from tests.support.simulation.requests import SlackRequest
    from tests.support.simulation.world import World

T = TypeVar("T")

SECRET = "an invented signing secret"

HANG = 90.0
"""The longest that a process stands still, in seconds: longer than a lease."""
API_TOKEN = "an invented token for programs"


class ProcessDied(Exception):
    """The process died before it answered: its caller doesn't know what was done."""


class Process:
    """A process that runs until it crashes. `name` says which one, and how often it was restarted."""

    MOST_APART = inf
    """Seconds that the wall clock of such a process differs from the true time, at most."""

    CRASHES = 1.0
    """How many times as often as others such a process dies at a call."""

    CAN_HANG = True
    """Whether such a process may stand still for a while. A function does so between its invocations."""

    service: Service
    _answer: Deliver

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.is_dead = False
        self.hung_until = 0.0
        """When it last began to go on after it had stood still."""
        self._hangs = 0
        self._queues: list[JobQueue] = []
        self._looked: dict[Task, int] = {}
        """By task: how often the process had stood still when the task last took a lease, or posted a message."""
        self._threads = 0
        self._lease_keys: dict[Task, str] = {}
        """The event or job whose lease each task took last."""
        self._unrecorded: dict[str, list[Posted]] = {}
        """By event or job: what Slack has, and this process has not recorded as sent."""
        weights, dice = world.weights, world.dice
        apart = min(weights.apart, self.MOST_APART)
        self.clock = ProcessClock(
            world.scheduler,
            apart=dice.uniform(-apart, apart),
            drift=dice.uniform(-weights.drift, weights.drift),
            begins=dice.uniform(0, 10_000),
        )
        self.store = cast("StoreWithOutbox", Store(world, self))
        self._start()

    def _start(self) -> None:
        """Build the bot, and start its threads."""
        world = self._world
        bot = assemble(
            self.store,
            WebClient(
                token=world.slack.workspace.app.bot_token,
                base_url=f"{HOST}/api/",
                timeout=10,
                retry_handlers=[],
            ),
            workspace_id=world.slack.workspace.team_id,
            signing_secret=SECRET,
            clock=self.clock,
            new_id=world.new_id,
            jitter=world.dice.random,
            spawn=self.spawn,
            background=Background(
                self._queue("replies", reply_sender.THREADS, reply_sender.MAX_PENDING),
                self._queue("chores", CHORE_THREADS, MAX_CHORES),
            ),
        )
        self._answer = into_app(bot.app)
        self.service = bot.service
        world.judge.replies.watch(self.service)
        self._worker = worker = bot.notification_worker
        world.scheduler.spawn(f"{self.name}: notifier", self, worker._run)
        world.scheduler.spawn(f"{self.name}: exports", self, worker.exports._run)

    @cached_property
    def api(self) -> FastAPI:
        """The HTTP API of this process."""
        return build_api(
            self.service, tokens=[API_TOKEN], clock=self.clock, new_id=self._world.new_id
        )

    def _queue(self, name: str, threads: int, limit: int) -> JobQueue:
        queue = _Queue(name, self, threads=threads, limit=limit)
        self._queues.append(queue)
        return queue

    @property
    def has_jobs(self) -> bool:
        """Whether replies or chores are left to do."""
        return any(map(len, self._queues))

    def spawn(self, work: Callable[[], None]) -> None:
        """Run work in the background: `domain.ports.Spawn`. Raises `ThreadNotStarted`."""
        if not self.can_start_thread():
            raise ThreadNotStarted
        self._world.scheduler.spawn(f"{self.name}: background", self, lambda: self._run(work))

    def _run(self, work: Callable[[], None]) -> None:
        self._threads += 1
        with self._world.judging():
            assert self._threads <= self._most_threads, f"{self.name} runs {self._threads} threads"
        try:
            run_logged(work)
        finally:
            self._threads -= 1

    @property
    def _most_threads(self) -> int:
        """How many threads may work in the background of this process."""
        return FEW_THREADS if self._world.weights.small_limits else MOST_THREADS

    def start_task(self, name: str, work: Callable[[], None]) -> None:
        """Run work in a thread of its own."""
        self._world.scheduler.spawn(f"{self.name}: {name}", self, lambda: run_logged(work))

    def can_start_thread(self) -> bool:
        """Return whether the system starts a thread now."""
        if not self._world.happens(self._world.weights.thread_failures):
            return True
        self._world.count("a thread is not started")
        return False

    def reach_port(self, name: str, seconds: float) -> None:
        """Let time pass on the way of a call. Raises `Killed` if the process crashes meanwhile, or has."""
        world = self._world
        if self.is_dead:
            raise Killed
        world.scheduler.sleep(seconds)
        if world.happens(self.CRASHES * world.weights.crashes):
            world.count("a process dies")
            world.note(f"dies at {name}")
            self.crash()
            raise Killed
        if self.CAN_HANG and world.happens(world.weights.hangs):
            world.count("a process hangs")
            self._hang()

    @property
    def is_hanging(self) -> bool:
        """Whether it stands still now."""
        return self.hung_until > self._world.scheduler.seconds

    def _hang(self) -> None:
        """Stand still with all threads for a while. What it was about to send, another process may send meanwhile."""
        world = self._world
        if self.is_hanging:
            return
        self._may_record_nothing()
        self._hangs += 1
        self.hung_until = world.scheduler.seconds + world.dice.random() * HANG
        world.scheduler.freeze(self)
        world.scheduler.spawn(f"{self.name} hangs", None, self._go_on)
        world.scheduler.sleep(0.0)

    def _go_on(self) -> None:
        self._world.scheduler.sleep(self.hung_until - self._world.scheduler.seconds)
        self._world.scheduler.thaw(self)

    # Messages that may be sent again (R9.1)

    def lease_key(self) -> str:
        """Return the event or job whose lease the present task took last, or an empty string."""
        return self._lease_keys.get(self._world.scheduler.current(), "")

    def has_taken_lease(self, key: str) -> None:
        """Take note of which event or job the present task works for from now on."""
        task = self._world.scheduler.current()
        self._lease_keys[task], self._looked[task] = key, self._hangs

    def has_posted(self, posted: Posted | None, *, is_unanswered: bool) -> None:
        """Remember a message that this process has posted, until it is recorded as sent."""
        if posted is None:
            return
        task = self._world.scheduler.current()
        # While the process stood still, another one may have sent what this task was about to send.
        has_hung = self._looked.get(task, 0) < self._hangs
        self._looked[task] = self._hangs
        posted.is_unanswered = is_unanswered or has_hung
        self._world.situations.has_posted(self, posted)
        if posted.key:
            self._unrecorded.setdefault(posted.key, []).append(posted)

    def has_recorded(self, key: str) -> None:
        """Take note that all messages of an event or job are recorded as sent."""
        self._unrecorded.pop(key, None)

    def may_not_record(self, key: str) -> None:
        """Take note that a record was lost: the messages that it was about may be sent again."""
        for posted in self._unrecorded.get(key, ()):
            posted.is_unrecorded = True

    def die(self) -> None:
        """Die, with everything in memory."""
        self.is_dead = True
        self._world.situations.has_died(self)
        self._may_record_nothing()
        self._world.scheduler.kill(self)

    def _may_record_nothing(self) -> None:
        for key in self._unrecorded:
            self.may_not_record(key)

    def crash(self) -> None:
        """Die. The process is started again after a while."""
        self.die()
        self._world.restart_later(self)

    def stalled(self) -> str | None:
        """Return what `/healthz` says if a part of the process has not run for long."""
        return self._worker.stalled()

    def deliver(
        self, request: SlackRequest, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> BotResponse:
        """Have the process answer a request of Slack's.

        Raises `ProcessDied`, and `TimeoutError` after so many seconds.
        """
        received_at = self.clock.monotonic()

        def answer() -> BotResponse:
            self._world.judge.replies.of_task[self._world.scheduler.current()] = request
            with request_received(received_at, self.clock):
                return self._answer(body, headers)

        return self._serve(answer, seconds)

    def request(self, work: Callable[[Service], T]) -> T:
        """Have the process serve a request. Raises what the service raises, and `ProcessDied`."""
        return self._serve(lambda: work(self.service))

    def _serve(self, work: Callable[[], T], seconds: float = inf) -> T:
        done: list[Any] = []

        def serve() -> None:
            try:
                done.append((work(), None))
            except Exception as error:  # noqa: BLE001  # raised in the caller's task
                done.append((None, error))

        self._world.scheduler.spawn(f"{self.name}: request", self, serve)
        self._world.scheduler.wait(lambda: bool(done) or self.is_dead, seconds)
        if not done:
            raise ProcessDied if self.is_dead else TimeoutError
        result, error = done[0]
        if error is not None:
            raise error
        return cast("T", result)


class _Queue(JobQueue):
    """A job queue whose threads are tasks."""

    def __init__(self, name: str, process: Process, *, threads: int, limit: int) -> None:
        super().__init__(name, process.clock, threads=threads, limit=limit)
        self._due_changed = Condition(self._lock, process.clock)  # type: ignore[assignment]  # as far as it is used
        self._process = process

    def _start_thread(self) -> bool:
        if self._threads == self._max_threads or not self._process.can_start_thread():
            return False
        self._process.start_task(self._name, self._work)
        self._threads += 1
        return True
