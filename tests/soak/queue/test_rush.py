"""A rush on Lambda with the request queue: real handlers on DynamoDB Local and its streams, in virtual time (R14).

Fifty functions serve 400 people, and 2,000 with SCALE=5, one press at a time each. One consumer reads the stream, and
dies three times: after a commit whose results it had not written. Requests take as long as in AWS, and transactions
that meet are rejected.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from math import inf
from typing import Any

import pytest
from slack_sdk import signature

from bot.entrypoints import bootstrap, lambda_functions, system
from bot.entrypoints.system import SystemClock
from domain.errors import Queued
from domain.planning.plan import Plan
from storage.dynamodb.request_queue import DynamoDBRequestQueue
from storage.dynamodb.schema import PENDING_REPLY, REQUEST_PREFIX, REQUESTS, RESULT
from tests.support.counting import Count
from tests.support.environment import new_event, service_on
from tests.support.invariants import assert_invariants
from tests.support.lambda_fleet import Answers, LambdaFleet, ask
from tests.support.scale import scaled
from tests.support.simulation.scheduler import Killed, ProcessClock, Scheduler
from tests.support.slack import sentences
from tests.support.slack.harness import text_of
from tests.support.slack.lambda_functions import Context, new_records
from tests.support.stores import empty_local

FUNCTIONS = 50
USERS = scaled(400)
SEATS = USERS // 5

ARRIVALS = USERS / 100
"""Seconds within which everybody presses: as many a second as fifty functions can serve."""

COMPUTING = 0.02
"""Seconds of a function's own work for a request, which virtual time does not measure."""

STREAM_SECONDS = 0.2
"""Seconds from a write until the stream's record is handed over, as AWS's customers measured in the median."""

RESTART = 1.5
"""Seconds until a function that died has started again."""

DEATHS = (2, 6, 10)
"""The commits after which the consumer dies."""

SEATED = re.compile(r"You have a seat in")
POSITION = re.compile(r"\b(\d+)(?:st|nd|rd|th) on the waitlist")
QUEUED = sentences.refusal(Queued())


class Replies:
    """What Slack's response URLs got, by user."""

    def __init__(self) -> None:
        self.by_user: dict[str, list[str]] = {}
        replies = self.by_user

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["content-length"]))
                user_id = self.path.rpartition("/")[2]
                replies.setdefault(user_id, []).append(text_of(json.loads(body)["blocks"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @contextmanager
    def listening(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def url(self, user_id: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{user_id}"


class EventSourceMapping:
    """An event source mapping of the request queue: one invocation at a time, again and again until it succeeds."""

    def __init__(
        self,
        scheduler: Scheduler,
        name: str,
        build: Callable[[], lambda_functions.Function],
        batch: int,
    ) -> None:
        self._scheduler = scheduler
        self._name = name
        self._build = build
        self._batch = batch
        self._arrived: list[tuple[float, Mapping[str, Any]]] = []
        self.process: object = object()
        self.deaths = 0

    def hand_over(self, record: Mapping[str, Any]) -> None:
        """Take a new record of the stream."""
        self._arrived.append((self._scheduler.seconds + STREAM_SECONDS, record))

    @property
    def is_idle(self) -> bool:
        return not self._arrived

    def follow(self, is_over: Callable[[], bool]) -> None:
        """Invoke the function with what has arrived, until there is no more."""
        function = self._build()
        while not (is_over() and self.is_idle):
            due = [one for at, one in self._arrived if at <= self._scheduler.seconds][: self._batch]
            if not due:
                self._scheduler.sleep(0.05)
                continue
            left = self._invoke(function, due)
            if left is None:
                self.deaths += 1
                self._scheduler.sleep(RESTART)
                self.process = object()
                function = self._build()
            else:
                del self._arrived[: len(due) - left]

    def _invoke(
        self, function: lambda_functions.Function, records: list[Mapping[str, Any]]
    ) -> int | None:
        """Return how many records are left, or None if the function died."""
        process, answers = self.process, []
        task = self._scheduler.spawn(
            self._name, process, lambda: answers.append(function({"Records": records}, Context()))
        )
        self._scheduler.wait(lambda: bool(answers) or task.is_killed)
        if not answers:
            return None
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = [one["itemIdentifier"] for one in answers[0]["batchItemFailures"]]
        return len(numbers) - min((numbers.index(one) for one in failed), default=len(numbers))


class MortalQueue(DynamoDBRequestQueue):
    """The consumer's store. Its process dies right after some of its commits."""

    die: Callable[[], None]
    commits: list[Plan]

    def commit(self, plan: Plan) -> None:
        super().commit(plan)
        self.commits.append(plan)
        if len(self.commits) in DEATHS:
            self.die()
            raise Killed


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_everybody_in_a_rush_is_answered_in_order_though_the_consumer_dies(
    count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, answers, replies = Scheduler(random.Random(0)), Answers(), Replies()
    clock = ProcessClock(scheduler, start=SystemClock().now())
    commits: list[Plan] = []

    def spawn(work: Callable[[], None]) -> None:
        scheduler.spawn("work", scheduler.owner(), work)

    # Bolt checks signatures by the real time, of which a slow machine needs more than a signature holds.
    monkeypatch.setattr(signature.Clock, "now", lambda _: clock.now().timestamp())
    # Threads are tasks of the process that starts them.
    monkeypatch.setattr(bootstrap, "spawn", spawn)
    monkeypatch.setattr(system, "spawn", spawn)
    with empty_local() as store, replies.listening():
        year = clock.now().year + 1
        new_event(service_on(store), "e1", starts_at=clock.now().replace(year=year), capacity=SEATS)
        fleet = LambdaFleet(store._keys.prefix, clock, scheduler.sleep)
        slack = fleet.slack_functions([fleet.store("slack") for _ in range(FUNCTIONS)])

        def build_consumer() -> lambda_functions.Function:
            queue = fleet.store("queue", MortalQueue)
            assert isinstance(queue, MortalQueue)
            process = consumer.process
            queue.commits, queue.die = commits, lambda: scheduler.kill(process)
            return lambda_functions.build_queue_function(fleet.settings, queue, clock)

        def build_replier() -> lambda_functions.Function:
            queue = fleet.store("reply")
            return lambda_functions.build_reply_function(fleet.settings, queue, clock)

        consumer = EventSourceMapping(scheduler, "consumer", build_consumer, 1000)
        replier = EventSourceMapping(scheduler, "replier", build_replier, 100)
        pressing = FUNCTIONS

        def press(number: int) -> None:
            nonlocal pressing
            for at in range(number, USERS, FUNCTIONS):
                user_id = f"U{at:04}"
                scheduler.sleep(max(0.0, at * ARRIVALS / USERS - scheduler.seconds))
                started = clock.monotonic()
                scheduler.sleep(COMPUTING)
                answer = ask(slack[number], user_id, clock, replies.url(user_id))
                answers.add(user_id, answer, started, clock.monotonic())
            pressing -= 1

        read = new_records(store, REQUESTS)

        def follow_stream() -> None:
            while pressing or not (consumer.is_idle and replier.is_idle):
                for record in read():
                    entry_id = record["dynamodb"]["Keys"]["entry_id"]["S"]
                    if record["eventName"] != "INSERT":
                        continue
                    if entry_id.startswith(REQUEST_PREFIX):
                        consumer.hand_over(record)
                    elif entry_id in (RESULT, PENDING_REPLY):
                        replier.hand_over(record)
                scheduler.sleep(0.05)

        for number in range(FUNCTIONS):
            scheduler.spawn(f"function {number}", None, partial(press, number))
        scheduler.spawn("stream", None, follow_stream)
        scheduler.spawn("queue", None, lambda: consumer.follow(lambda: not pressing))
        scheduler.spawn(
            "reply", None, lambda: replier.follow(lambda: not pressing and consumer.is_idle)
        )
        scheduler.run_until(inf)

        everything = assert_invariants(store)
        seated, waitlisted = everything.seated("e1"), everything.waitlisted("e1")
        tickets = {user_id: row.ticket for (_, user_id), row in everything.registrations.items()}

    assert consumer.deaths == len(DEATHS)
    assert len(seated) == SEATS
    assert len(waitlisted) == USERS - SEATS
    for user_id, texts in answers.by_user.items():
        heard = replies.by_user.get(user_id, texts)
        assert (texts == [QUEUED]) == (user_id in replies.by_user), (texts, heard)
        position = POSITION.search(heard[0])
        if position is not None:
            assert waitlisted[int(position[1]) - 1] == user_id
        else:
            assert SEATED.search(heard[0]), heard
            assert user_id in seated
    assert_in_order(answers.pressed_at, tickets)
    slowest = sorted(answers.seconds)
    assert slowest[-1] <= 3.0
    count("people in a rush, in virtual time", len(answers.by_user))
    count("people told to wait, and told later", len(replies.by_user))
    count("commits of a rush", len(commits))
    count("milliseconds of a rush, the median answer", round(1000 * slowest[USERS // 2]))
    count("milliseconds of a rush, the slowest answer", round(1000 * slowest[-1]))


def assert_in_order(pressed_at: Mapping[str, float], tickets: Mapping[str, int]) -> None:
    """Assert that nobody comes before somebody who pressed more than a second earlier."""
    by_ticket = sorted(pressed_at, key=tickets.__getitem__)
    latest = 0.0
    for user_id in by_ticket:
        assert pressed_at[user_id] > latest - 1.0
        latest = max(latest, pressed_at[user_id])
    assert all(tickets[a] < tickets[b] for a, b in pairwise(by_ticket))
