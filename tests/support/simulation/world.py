"""One run of the simulation: the processes, the people, the store, Slack and the judge, made from one seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from domain.integrity.checker import CERTAINLY_OLD
from domain.models import Event
from tests.support.environment import START
from tests.support.garbage import forget_apis
from tests.support.simulation.exports import Exports
from tests.support.simulation.functions import Functions, no_dice_but
from tests.support.simulation.judge import Judge
from tests.support.simulation.limits import small_limits
from tests.support.simulation.members import Member
from tests.support.simulation.memory import MemoryData
from tests.support.simulation.network import Network
from tests.support.simulation.nights import Nights
from tests.support.simulation.operators import Operator, check_end
from tests.support.simulation.organizers import Admin, Organizer
from tests.support.simulation.process import Process
from tests.support.simulation.programs import Program, in_the_present_task
from tests.support.simulation.scheduler import Scheduler
from tests.support.simulation.series import Kills, SeriesMember, SeriesOrganizer
from tests.support.simulation.situations import Situations
from tests.support.simulation.slack import ADMINS, Slack
from tests.support.simulation.store import Snapshots
from tests.support.simulation.trace import Trace
from tests.support.simulation.unforeseen import unforeseen_failures_end
from tests.support.simulation.weights import Overrides, Weights

CALM_SECONDS = 900.0
"""How long the processes then get to finish what is left, and again to do nothing wrong once it is done."""

BACKLOG_SECONDS = 30.0
"""How long nothing may arrive before a backlog of messages counts as stuck."""

MOST_CALM_SECONDS = 4 * 3600.0
"""How long functions may take. With calls that take seconds, those that run each minute send few messages in each."""

PROGRESS_SECONDS = 3600.0
"""And how long after that, as long as something is delivered or tried meanwhile: some exports may be left."""

RESTART = 20.0
"""The longest that a process is away after a crash, in seconds."""


@dataclass(frozen=True)
class Report:
    """What a run has seen."""

    virtual_seconds: float
    commits: int
    situations: Counter[str]


class World:
    """Everything that takes part in one run."""

    def __init__(
        self, seed: int, overrides: Overrides | None = None, *, weights: Weights | None = None
    ) -> None:
        self._seed = seed
        self.weights = (overrides or Overrides()).of(weights or Weights.drawn(seed))
        self.dice = self.dice_for("ways and ids")
        self._fault_dice = self.dice_for("faults")
        self.scheduler = Scheduler(self.dice_for("turns"))
        self.nights = Nights(self)
        self.trace = Trace()
        self.data = MemoryData()
        self.served: Any = self.data
        """What requests reach: the data, or the data without some of its guards."""
        self.slack = Slack(self)
        self.judge = Judge(self)
        self.kills = Kills(self)
        self.situations = Situations(self)
        self.exports = Exports(self)
        self.member_ids = [f"U{number:03}" for number in range(self.weights.members)]
        self.event_ids = [f"e{number}" for number in range(self.weights.events)]
        self.series_ids = [f"s{number}" for number in range(self.weights.series)]
        self.asked_for = {*self.event_ids, *self.series_ids}
        """The ids of all events that organizers wanted: an organizer's form may have another one."""
        self.is_over = False
        self.is_store_down = self.is_store_full = self.is_slack_down = False
        self._ids = count()
        self._numbers = count(1)
        self._snapshots = Snapshots()
        self.processes: list[Process] = []
        self.functions: Functions | None = None
        """On Lambda, what serves in place of processes that stay."""

    def dice_for(self, purpose: str) -> random.Random:
        """Return dice of their own for one purpose: whatever the others draw, theirs stay the same."""
        return random.Random(f"{self._seed} {purpose}")

    def run(self) -> Report:
        """Let everybody act, then let the processes finish. Raises `AssertionError` for what is wrong."""
        with ExitStack() as stack:
            stack.enter_context(Network(self).connected())
            stack.enter_context(no_dice_but(self))
            stack.enter_context(unforeseen_failures_end(self.scheduler))
            stack.enter_context(in_the_present_task())
            stack.enter_context(self.exports.watched())
            stack.enter_context(self.judge.replies.errors_watched())
            if self.weights.small_limits:
                stack.enter_context(small_limits())
            return self._run()

    def _run(self) -> Report:
        if self.weights.is_on_lambda:
            self.functions = Functions(self)
        else:
            self.processes = [Process(self, f"p{n}.0") for n in range(self.weights.processes)]
        for user_id in self.member_ids:
            self.slack.add_member(user_id)
        for number in range(self.weights.events):
            organizer = Organizer(self, number)
            self.slack.add_member(organizer.user_id)
            self.scheduler.spawn(organizer.user_id, None, organizer.organize)
        for number in range(self.weights.series):
            organizer = SeriesOrganizer(self, number)
            self.slack.add_member(organizer.user_id)
            self.scheduler.spawn(organizer.user_id, None, organizer.organize)
        for number in range(self.weights.programs if self.functions is None else 0):
            self.scheduler.spawn(f"program {number}", None, Program(self).act)
        for user_id in ADMINS:
            self.scheduler.spawn(user_id, None, Admin(self, user_id).take_over)
        member = SeriesMember if self.weights.series else Member
        for user_id in self.member_ids:
            self.scheduler.spawn(user_id, None, member(self, user_id).act)
        if self.functions is None and self.weights.jumps < CERTAINLY_OLD.total_seconds():
            self.scheduler.spawn("operator", None, Operator(self).act)
        self.scheduler.spawn("faults", None, self._disturb)
        self.nights.pass_days()
        self.is_over = True
        self.is_store_down = self.is_store_full = self.is_slack_down = False
        self.scheduler.run_until(self.scheduler.seconds + CALM_SECONDS)
        self._send_what_is_left()
        is_slow = self.weights.is_on_lambda or self.weights.piece_seconds
        before, most = None, MOST_CALM_SECONDS
        while is_slow and (self.data.undelivered or self.data.awaited):
            if self.scheduler.seconds < most:
                self.scheduler.run_until(self.scheduler.seconds + CALM_SECONDS)
                continue
            now = len(self.data.undelivered), len(self.data.awaited), self.exports.tries
            if now == before:
                break
            before, most = now, self.scheduler.seconds + PROGRESS_SECONDS
        self.judge.check_end()
        check_end(self)
        self._stop()
        return Report(self.scheduler.seconds, self.judge.commits, self.situations.seen)

    def _send_what_is_left(self) -> None:
        """Go on for as long as messages arrive: a slow Slack takes few of those that are left in the time so far."""
        before = -1
        while self.data.undelivered and len(self.slack.posted) > before:
            before = len(self.slack.posted)
            self.scheduler.run_until(self.scheduler.seconds + BACKLOG_SECONDS)

    def _stop(self) -> None:
        """End every task: a greenlet that never ends keeps the whole world in memory, and so does FastAPI."""
        functions = self.functions.instances() if self.functions is not None else []
        for process in [*self.processes, *functions]:
            process.is_dead = True
            self.scheduler.kill(process)
        self.scheduler.kill(None)
        self.scheduler.run_until(self.scheduler.seconds)
        forget_apis()

    def _disturb(self) -> None:
        """Have clocks jump, and the store and Slack fail for a while, each once."""
        weights, dice = self.weights, self.dice_for("outages and jumps")
        for name, seconds in (
            ("store_down", weights.store_outage),
            ("slack_down", weights.slack_outage),
            ("store_full", weights.store_full),
        ):
            self.scheduler.sleep(dice.random() * weights.busy_seconds / 6)
            if seconds:
                self.count(f"an outage: {name.replace('_', ' ')}")
                setattr(self, f"is_{name}", True)
                self.scheduler.sleep(min(seconds, weights.busy_seconds / 4))
                setattr(self, f"is_{name}", False)
            for process in self.processes:
                if weights.jumps and dice.random() < 0.7:
                    self.count("a wall clock jumps")
                    process.clock.jump(dice.choice([-1, -1, 1]) * weights.jumps)
                    self.situations.has_jumped()

    def now(self) -> datetime:
        """Return the true time."""
        return START + timedelta(seconds=self.scheduler.seconds + self.scheduler.skipped)

    def occurrences(self, series_id: str) -> list[Event]:
        """Return the occurrences of a series that were made (R13)."""
        made = (one for one in self.data.events.values() if one.occurrence is not None)
        return [one for one in made if one.occurrence and one.occurrence.series_id == series_id]

    def happens(self, probability: float) -> bool:
        """Return whether a fault happens now. None does at the end."""
        return not self.is_over and self._fault_dice.random() < probability

    def count(self, situation: str) -> None:
        """Count a fault, or another situation."""
        self.situations.seen[situation] += 1
        self.note(situation)

    def note(self, what: str, *details: object) -> None:
        """Add a line to the trace, about the task whose turn it is."""
        self.trace.add(self.scheduler.seconds, self.scheduler.current_name(), what, *details)

    def new_id(self) -> str:
        """Return a new id."""
        return f"id{next(self._ids)}"

    def number(self) -> int:
        """Return a new number, for texts that must differ."""
        return next(self._numbers)

    def some_process(self) -> Process:
        """Return a process for a request; wait for one if there is none."""
        if self.functions is not None:
            return self.functions.some()
        while not self.processes:
            self.scheduler.wait(lambda: bool(self.processes))
        return self.dice.choice(self.processes)

    def restart_later(self, process: Process) -> None:
        """Start another process in place of one that died."""
        self.processes.remove(process)
        base, _, number = process.name.partition(".")

        def restart() -> None:
            self.scheduler.sleep(self.dice.random() * RESTART)
            self.processes.append(Process(self, f"{base}.{int(number) + 1}"))

        self.scheduler.spawn(f"restart of {base}", None, restart)

    def has_written(self, name: str, args: tuple[Any, ...], *, is_applied: bool = True) -> None:
        """Judge what is stored now, and keep it for the indexes that lag. The store may have refused the write."""
        self._snapshots.take(self.scheduler.seconds, self.data, self.weights.index_lag + 1)
        if self.functions is not None:
            self.functions.add_records(name, args)
        with self.judging():
            self.situations.has_written(name, args)
            if name == "commit":
                self.judge.has_written(self.data)
                self.judge.replies.waits.have_results(self.data)
                self.exports.has_committed(args[0])
                self.kills.has_committed(args[0])
            elif name == "delete_user" and is_applied:
                self.judge.has_deleted_user(args[0])
            elif name == "save_delivery":
                self.judge.has_delivered(args[0])
            elif name in ("put_results", "put_refusals"):
                self.judge.replies.waits.have_results(self.data)
            elif name == "add_job":
                self.judge.replies.has_kept(args[0])

    @contextmanager
    def judging(self) -> Iterator[None]:
        """End the run with what is found wrong meanwhile, whoever catches it on the way."""
        try:
            yield
        except AssertionError as error:
            self.scheduler.failure = self.scheduler.failure or error
            raise

    def lagging_data(self) -> MemoryData:
        """Return the data as an index shows it now."""
        lag = self.dice.random() * self.weights.index_lag
        return self._snapshots.at(self.scheduler.seconds - lag) or MemoryData()


def run(seed: int) -> Report:
    """Run one seed. Raises `AssertionError` for what is wrong."""
    return World(seed).run()
