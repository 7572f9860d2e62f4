"""Fifty concurrent Lambda functions without a common command queue: only the event's version keeps them apart.

Each function has its own client and serves its users one after the other: as a task of the simulation's scheduler in
virtual time, where requests take as long as in AWS, and in a thread in real time, where all functions share the cores
of this machine. Transactions that meet are rejected, as DynamoDB does. The answers and their times are printed below
pytest's report.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import cast
from urllib.parse import urlencode

import pytest

from bot.entrypoints import lambda_functions
from bot.entrypoints.settings import Settings
from bot.entrypoints.system import SystemClock
from bot.notifications.ports import StoreWithOutbox
from domain.ports import Clock
from playground.client.transport import signed
from storage.dynamodb.schema import TABLES
from storage.dynamodb.store import DynamoDBStore
from tests.support.counting import Count
from tests.support.dynamodb.conflicts import Conflicts
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.environment import new_event, service_on
from tests.support.infra.iam_actions import permitted
from tests.support.invariants import assert_invariants
from tests.support.simulation.scheduler import ProcessClock, Scheduler
from tests.support.slack import sentences
from tests.support.slack.harness import SECRET, text_of
from tests.support.slack.lambda_functions import Context
from tests.support.stores import empty_local
from tests.support.unguarded_store import UnguardedStore

WORKSPACE = "T1"

SLACK_TIMEOUT = 3.0
"""Seconds until Slack gives up (R8.12)."""

COMPUTING = 0.02
"""Seconds of a function's own work for a request, which virtual time does not measure."""

SEATED = re.compile(r"You have a seat in")
POSITION = re.compile(r"\b(\d+)(?:st|nd|rd|th) on the waitlist")
BUSY = sentences.BUSY
TOO_LATE = sentences.TOO_LATE
NOT_CONFIRMED = sentences.NOT_CONFIRMED
UNCHANGED = (BUSY, TOO_LATE)
"""Answers after which nothing was changed: a machine that is slow in real time starts some functions late."""


@dataclass
class Answers:
    """Answers of each user, in order, and the seconds that the functions took."""

    by_user: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def last(self, user_id: str) -> str:
        return self.by_user[user_id][-1]

    def users_whose_last_has(self, *sentences: str) -> list[str]:
        """Return the users whose last answer has one of these sentences."""
        return [
            user_id
            for user_id in self.by_user
            if any(words in self.last(user_id) for words in sentences)
        ]

    def users_who_only_heard(self, *sentences: str) -> set[str]:
        """Return the users of whose answers each has one of these sentences."""
        return {
            user_id
            for user_id, texts in self.by_user.items()
            if all(any(words in text for words in sentences) for text in texts)
        }


class LambdaFleet:
    """Lambda functions on one set of tables, whose stores may lack guards."""

    def __init__(
        self,
        prefix: str,
        functions: int,
        scheduler: Scheduler | None,
        without: Sequence[str] = (),
    ) -> None:
        keys = {prefix + table.name: table.key.names() for table in TABLES}
        self._scheduler = scheduler
        self._clock: Clock = SystemClock()
        self.conflicts = Conflicts(keys)
        if scheduler is not None:
            # Bolt checks signatures by the real time.
            self._clock = ProcessClock(scheduler, start=self._clock.now())
            self.conflicts = Conflicts(keys, scheduler.sleep)
        config = Settings(
            store="dynamodb",
            # Nothing listens there; only later results would be sent.
            slack_api_url="http://127.0.0.1:9/api/",
            bot_token="xoxb-invented",
            signing_secret=SECRET,
            workspace_id=WORKSPACE,
        )
        clients = [permitted(client_of(local_endpoint()), "slack") for _ in range(functions)]
        stores = [
            UnguardedStore(DynamoDBStore(self.conflicts.watch(client), prefix, WORKSPACE), without)
            for client in clients
        ]
        self._functions = [
            lambda_functions.build_slack_function(
                config, cast("StoreWithOutbox", store), self._clock
            )
            for store in stores
        ]

    def press(self, user_ids: Sequence[str], answers: Answers) -> None:
        """Register all users, distributed over the functions; record the answers."""

        def serve(number: int) -> None:
            for user_id in user_ids[number :: len(self._functions)]:
                started = self._clock.monotonic()
                if self._scheduler is not None:
                    self._scheduler.sleep(COMPUTING)
                answer = ask(self._functions[number], user_id, self._clock)
                answers.seconds.append(self._clock.monotonic() - started)
                answers.by_user.setdefault(user_id, []).append(answer)

        works = [partial(serve, number) for number in range(len(self._functions))]
        if self._scheduler is None:
            run_together(works)
            return
        for number, work in enumerate(works):
            self._scheduler.spawn(f"function {number}", None, work)
        self._scheduler.run_until(inf)


def run_together(works: Sequence[Callable[[], None]]) -> None:
    """Run all of the works concurrently, each in a thread; raise the first error."""
    together = threading.Barrier(len(works))

    def take_part(work: Callable[[], None]) -> None:
        together.wait()
        work()

    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(take_part, work) for work in works]:
            done.result()


def ask(function: lambda_functions.Function, user_id: str, clock: Clock) -> str:
    """Send `/register e1`, as an HTTP API hands it to Lambda; return the text that the user sees."""
    fields = {
        "team_id": WORKSPACE,
        "user_id": user_id,
        "user_name": user_id.lower(),
        "channel_id": "C1",
        "command": "/register",
        "text": "e1",
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/answer",
    }
    body = urlencode(fields)
    now = clock.now().timestamp()
    headers = signed(body.encode(), SECRET, int(now))
    headers["content-type"] = "application/x-www-form-urlencoded"
    event = {
        "version": "2.0",
        "rawPath": "/slack/events",
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"timeEpoch": int(now * 1000)},
        "body": body,
        "isBase64Encoded": False,
    }
    response = function(event, Context())
    assert response["statusCode"] == 200, response
    if not response["body"]:  # it took too long: the reply is stored, and sent as a direct message
        return NOT_CONFIRMED
    return text_of(json.loads(response["body"])["blocks"])


def users(number: int) -> list[str]:
    return [f"U{at:04}" for at in range(number)]


@contextmanager
def rush(
    functions: int, capacity: int, *, virtual: bool, without: Sequence[str] = ()
) -> Iterator[tuple[LambdaFleet, DynamoDBStore]]:
    """Yield the functions and the store, with an event of this capacity and a waitlist."""
    with empty_local() as store:
        service = service_on(store)
        now = SystemClock().now()
        new_event(service, "e1", starts_at=now.replace(year=now.year + 1), capacity=capacity)
        scheduler = Scheduler(random.Random(0)) if virtual else None
        yield LambdaFleet(store._keys.prefix, functions, scheduler, without), store


def assert_answers_are_true(store: DynamoDBStore, answers: Answers, capacity: int) -> None:
    """Assert that every definite answer is true at the end; no one leaves."""
    everything = assert_invariants(store)
    seated, waitlisted = everything.seated("e1"), everything.waitlisted("e1")
    assert len(seated) == min(capacity, len(seated) + len(waitlisted))
    for user_id, texts in answers.by_user.items():
        for earlier in texts[:-1]:
            assert any(words in earlier for words in (*UNCHANGED, NOT_CONFIRMED))
        position = POSITION.search(texts[-1])
        if position is not None:
            assert waitlisted[int(position[1]) - 1] == user_id
        elif SEATED.search(texts[-1]):
            assert user_id in seated
        else:
            assert "already" in texts[-1]
            assert any(NOT_CONFIRMED in earlier for earlier in texts), texts


@pytest.mark.parametrize(
    ("functions", "each", "capacity", "virtual"),
    [
        pytest.param(8, 5, 25, True, id="virtual-few"),
        pytest.param(8, 5, 25, False, id="real-few"),
        pytest.param(50, 5, 150, True, id="virtual-fifty", marks=pytest.mark.soak),
        pytest.param(50, 2, 60, False, id="real-fifty", marks=pytest.mark.soak),
    ],
)
@pytest.mark.timeout(600)
def test_seats_are_given_exactly_and_answers_are_true(
    functions: int, each: int, capacity: int, virtual: bool, count: Count
) -> None:
    """Users who were answered "busy, nothing was changed" try again, as people do."""
    everybody = users(functions * each)
    with rush(functions, capacity, virtual=virtual) as (fleet, store):
        answers = Answers()
        fleet.press(everybody, answers)
        report(
            count,
            f"of {functions} Lambdas, {'virtual' if virtual else 'real'} time",
            fleet,
            answers,
        )
        while unsure := answers.users_whose_last_has(*UNCHANGED, NOT_CONFIRMED):
            present = {
                *assert_invariants(store).seated("e1"),
                *assert_invariants(store).waitlisted("e1"),
            }
            assert not present & answers.users_who_only_heard(*UNCHANGED), (
                "nothing was changed, it said, but something was"
            )
            fleet.press(unsure, answers)
        assert_answers_are_true(store, answers, capacity)
        everything = assert_invariants(store)
        assert len(everything.seated("e1")) == capacity
        assert len(everything.waitlisted("e1")) == len(everybody) - capacity


def test_functions_that_ignore_the_version_are_caught() -> None:
    """Negative control: without the version condition, the check finds wrong answers."""
    with rush(8, 25, virtual=True, without=["version", "entry"]) as (fleet, store):
        answers = Answers()
        fleet.press(users(40), answers)
        with pytest.raises(AssertionError):
            assert_answers_are_true(store, answers, 25)


def report(count: Count, whose: str, fleet: LambdaFleet, answers: Answers) -> None:
    """Report the answers of the first round."""
    in_time = sum(seconds <= SLACK_TIMEOUT for seconds in answers.seconds)
    count(f"people registered at once {whose}", len(answers.by_user))
    count(f"answers within 3 s {whose}", in_time)
    count(f"answers 'busy, nothing was changed' {whose}", len(answers.users_whose_last_has(BUSY)))
    count(
        f"answers 'too late, nothing changed' {whose}", len(answers.users_whose_last_has(TOO_LATE))
    )
    count(f"answers 'not confirmed yet' {whose}", len(answers.users_whose_last_has(NOT_CONFIRMED)))
    count(f"transactions tried {whose}", fleet.conflicts.transactions)
    count(f"transactions rejected as conflicts {whose}", fleet.conflicts.rejected)
    slowest = sorted(answers.seconds)
    count(f"milliseconds, the median answer {whose}", round(1000 * slowest[len(slowest) // 2]))
    count(f"milliseconds, the slowest answer {whose}", round(1000 * slowest[-1]))
