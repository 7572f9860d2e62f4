"""The deployment on Lambda: functions that stand still between their invocations, and what invokes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from slack_sdk import signature

from bot.entrypoints import bootstrap, lambda_functions, system
from bot.entrypoints.bootstrap import Bot
from bot.entrypoints.settings import Settings
from bot.notifications.queued_replies import TOGETHER
from domain.models import ExportJob
from domain.planning.plan import PutJournalEntry
from playground.client.transport import BotResponse
from tests.support.simulation.process import SECRET, Process, ProcessDied
from tests.support.simulation.request_stream import RequestStream
from tests.support.simulation.slack import HOST, Posted
from tests.support.simulation.store import awaited_key

if TYPE_CHECKING:
    from tests.support.simulation.requests import SlackRequest
    from tests.support.simulation.world import World

T = TypeVar("T")

COLD_START = 1.0
"""The longest start of a function, in seconds. Slack's three seconds have begun by then (R8.12)."""

WINDOW = 1.0
"""Seconds for which the stream collects records, at most."""

BATCH = 100
RETRIES = 5
"""Records that a function gets at once, and how often they are sent again, as `infra` says."""

SLACK_SECONDS, NOTIFIER_SECONDS, EXPORT_SECONDS, SWEEP_SECONDS = 10.0, 60.0, 900.0, 60.0
QUEUE_SECONDS = REPLY_SECONDS = 60.0
"""Time limits, as `infra` says."""

QUEUE_CRASHES = 10.0
"""How many times as often as others the consumer of a queue dies: one does the work of many, in few calls."""

_OF_REQUESTS = {"queue": QUEUE_SECONDS, "reply": REPLY_SECONDS}

RECEIVED_AT = "x-simulated-received-at"


class Function(Process):
    """One instance of a function. It handles one invocation at a time, and is frozen between them."""

    MOST_APART = 0.05
    CAN_HANG = False

    def __init__(
        self, world: World, name: str, build: Callable[..., lambda_functions.Function], limit: float
    ) -> None:
        self._build = build
        if build is lambda_functions.build_queue_function:
            self.CRASHES = QUEUE_CRASHES
        self._limit = limit
        self.is_busy = False
        self._is_cold = True
        self._commits = 0
        """How many commits there were when it was frozen."""
        super().__init__(world, name)
        world.scheduler.freeze(self)

    def _start(self) -> None:
        settings = Settings(
            store="dynamodb",
            slack_api_url=f"{HOST}/api/",
            bot_token=self._world.slack.workspace.app.bot_token,
            signing_secret=SECRET,
            workspace_id=self._world.slack.workspace.team_id,
            concurrency=self._world.weights.concurrency,
        )
        self._handle = self._build(settings, self.store, self.clock)

    def crash(self) -> None:
        """Die. Another instance takes the next invocation."""
        self.die()

    def has_posted(self, posted: Posted | None, *, is_unanswered: bool) -> None:
        """See `Process.has_posted`. Replies that members wait for in a queue have no lease."""
        if posted is not None and not posted.key and not isinstance(self, SlackFunction):
            posted.key = awaited_key(self._world)
        super().has_posted(posted, is_unanswered=is_unanswered)

    @property
    def _most_threads(self) -> int:
        if self._build is lambda_functions.build_reply_function:
            return TOGETHER
        if self._build is lambda_functions.build_sweep_function:
            return TOGETHER + super()._most_threads  # it sends the replies that are left, too
        return super()._most_threads

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Handle an event. Raises what the function raises, and `ProcessDied`, also if the time limit is over."""
        return self._serve(lambda: self._handle(event, self._context()))

    def _context(self) -> Any:
        ends_at = self._world.scheduler.seconds + self._limit

        def left() -> int:
            return int((ends_at - self._world.scheduler.seconds) * 1000)

        return SimpleNamespace(get_remaining_time_in_millis=left)

    def _serve(self, work: Callable[[], T], seconds: float = inf) -> T:
        """Handle one invocation: thaw, and freeze afterwards."""
        scheduler = self._world.scheduler
        scheduler.wait(lambda: not self.is_busy)
        self.is_busy = True
        self._world.situations.is_thawed(self._commits)
        scheduler.thaw(self)
        ends_at = scheduler.seconds + self._limit

        def invocation() -> T:
            if self._is_cold:
                self._is_cold = False
                scheduler.sleep(self._world.dice.random() * COLD_START)
            return work()

        def end() -> None:
            scheduler.wait(lambda: done[0] or self.is_dead, ends_at - scheduler.seconds)
            if not done[0] and not self.is_dead:
                with self._world.judging():
                    raise AssertionError(f"{self.name} ran out of time")
            elif not self.is_dead:
                self._commits = self._world.judge.commits
                scheduler.freeze(self)
            self.is_busy = False

        done = [False]

        def serve() -> T:
            try:
                return invocation()
            finally:
                done[0] = True

        scheduler.spawn(f"{self.name}: Lambda", None, end)
        return super()._serve(serve, seconds)


class SlackFunction(Function):
    """An instance of the function behind Slack's requests."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name, lambda_functions.build_slack_function, SLACK_SECONDS)

    def _start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            built: list[Bot] = []
            assemble = bootstrap.assemble

            def assembled(*args: Any, **options: Any) -> Bot:
                built.append(assemble(*args, **options))
                return built[0]

            patch.setattr(bootstrap, "assemble", assembled)
            super()._start()
        self.service = built[0].service
        self._world.judge.replies.watch(self.service)
        self._answer = self._send

    def deliver(
        self, request: SlackRequest, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> BotResponse:
        """See `Process.deliver`. AWS notes when it receives a request."""
        received_at = repr(self._world.slack.workspace.now())
        return super().deliver(request, body, {**headers, RECEIVED_AT: received_at}, seconds)

    def _send(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        names = {name.lower(): value for name, value in headers.items()}
        received_at = float(names.pop(RECEIVED_AT))
        answer = self._handle(
            {
                "headers": names,
                "body": body.decode(),
                "requestContext": {"timeEpoch": int(received_at * 1000)},
            },
            self._context(),
        )
        return BotResponse(answer["statusCode"], answer["body"], answer["headers"])


class Functions:
    """The functions of one world. They begin to be invoked with its run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._slack: list[SlackFunction] = []
        self._instances: dict[str, Function] = {}
        self._starts = 0
        self._seen: set[tuple[str, int]] = set()
        self.records: list[str] = []
        """The stream: the event or job of each entry of the journal, in order."""
        self.requests = RequestStream(
            world,
            lambda trigger, kind, event: self._invoke(trigger, kind, _OF_REQUESTS[kind], event),
        )
        spawn = world.scheduler.spawn
        spawn("stream: notifier", None, lambda: self._follow("notifier", NOTIFIER_SECONDS, BATCH))
        spawn("stream: export", None, lambda: self._follow("export", EXPORT_SECONDS, 1))
        spawn("each minute: sweep", None, lambda: self._each_minute("sweep", SWEEP_SECONDS))
        spawn("each minute: export", None, lambda: self._each_minute("export", EXPORT_SECONDS))

    def some(self) -> SlackFunction:
        """Return an instance for a request: one that is idle, or a new one."""
        self._slack = [one for one in self._slack if not one.is_dead]
        idle = [one for one in self._slack if not one.is_busy]
        if idle and self._world.dice.random() < 0.97:
            return self._world.dice.choice(idle)
        self._slack.append(SlackFunction(self._world, self._name("slack")))
        return self._slack[-1]

    def instances(self) -> list[Function]:
        """Return all instances that live."""
        return [one for one in (*self._slack, *self._instances.values()) if not one.is_dead]

    def add_records(self, name: str, written: tuple[Any, ...]) -> None:
        """Add what a write has put into the journal, or into a queue, to the streams."""
        self.requests.has_written(name, written)
        if name == "commit":
            entries = [one.entry for one in written[0].actions if isinstance(one, PutJournalEntry)]
        else:
            entries = [written[0]] if name == "add_job" else []
        for entry in entries:
            key = entry.event_id, entry.version
            stored = self._world.data.journal.get(key)
            if key not in self._seen and stored and stored.plan_id == entry.plan_id:
                self._seen.add(key)
                self.records.append(entry.event_id)

    def _name(self, kind: str) -> str:
        self._starts += 1
        return f"{kind}.{self._starts}"

    def _invoke(self, trigger: str, kind: str, limit: float, event: Mapping[str, Any]) -> Any:
        """Invoke the function of one trigger: each has an instance of its own. Raises what `invoke` raises."""
        instance = self._instances.get(trigger)
        if instance is None or instance.is_dead:
            build = getattr(lambda_functions, f"build_{kind}_function")
            instance = Function(self._world, self._name(kind), build, limit)
            self._instances[trigger] = instance
        return instance.invoke(event)

    def _each_minute(self, kind: str, limit: float) -> None:
        while True:
            self._world.scheduler.sleep(60.0)
            try:
                self._invoke(f"minute {kind}", kind, limit, {"source": "aws.events"})
            except ProcessDied:
                self._world.count(f"a function dies: {kind}")

    def _follow(self, kind: str, limit: float, size: int) -> None:
        """Hand the records of the stream to a function, in order. Those that fail are sent again, some times."""
        scheduler, position, tries = self._world.scheduler, 0, 0
        while True:
            scheduler.wait(lambda: len(self.records) > position)  # noqa: B023  # `position` changes only after the wait
            scheduler.sleep(self._world.dice.random() * WINDOW)
            batch = self.records[position : position + size]
            first_failure = self._hand_over(kind, limit, position, batch)
            if first_failure is None or tries == RETRIES:
                position, tries = position + len(batch), 0
            else:
                position, tries = first_failure, tries + 1

    def _hand_over(self, kind: str, limit: float, position: int, batch: list[str]) -> int | None:
        """Invoke a function with records. Return the number of the first that failed."""
        wanted = [
            (number, id_)
            for number, id_ in enumerate(batch, position)
            if kind == "notifier" or ExportJob.of(id_) is not None
        ]
        if not wanted:
            return None
        records = [_record(number, id_) for number, id_ in wanted]
        try:
            answer = self._invoke(f"stream {kind}", kind, limit, {"Records": records})
        except ProcessDied:
            self._world.count(f"a function dies: {kind}")
            return position
        failures = [int(one["itemIdentifier"]) for one in answer["batchItemFailures"]]
        return min(failures, default=None)


def _record(number: int, id_: str) -> dict[str, Any]:
    keys = {"event_id": {"S": f"T#{id_}"}}
    return {"dynamodb": {"Keys": keys, "SequenceNumber": str(number)}}


@contextmanager
def no_dice_but(world: World) -> Iterator[None]:
    """Have functions draw ids and random numbers from the seed, and their threads be tasks."""
    dice = SimpleNamespace(random=world.dice.random)

    def spawn(work: Callable[[], None]) -> None:
        world.scheduler.owner().spawn(work)

    with pytest.MonkeyPatch.context() as patch:
        for module in (lambda_functions, bootstrap):
            patch.setattr(module, "new_id", world.new_id)
            patch.setattr(module, "random", dice)
        for module in (system, bootstrap):
            patch.setattr(module, "spawn", spawn)
        patch.setattr(signature.Clock, "now", lambda _: world.slack.workspace.now())
        yield
