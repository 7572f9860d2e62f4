"""Fifty Lambda functions at once, with no turnstile in common: the event's version alone decides.

Each is its own function with its own client, in a thread of this process, and serves its people one
after the other. Transactions that meet are rejected as DynamoDB does it. Below pytest's report stands
what people were told, and after how long: in virtual time, in which requests take what they take in
AWS; and in this machine's, whose few cores fifty functions share.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from urllib.parse import urlencode

import pytest

from bot.__main__ import SystemClock
from bot.entrypoints import lambda_functions
from bot.entrypoints.settings import Settings
from bot.notifications.delivery import Storage
from domain.ports import Clock
from playground.client.transport import signed
from storage.dynamodb.schema import TABLES
from storage.dynamodb.store import DynamoDBStore
from tests.support.counting import Count
from tests.support.dynamodb.conflicts import Conflicts
from tests.support.dynamodb.local import client_of, local_endpoint
from tests.support.environment import new_event, service_on
from tests.support.infra.iam_actions import permitted
from tests.support.invariants import assert_sound
from tests.support.races.virtual_time import VirtualTime
from tests.support.slack import sentences
from tests.support.slack.harness import SECRET, text_of
from tests.support.slack.lambda_functions import Context
from tests.support.stores import empty_local
from tests.support.unguarded_store import View

WORKSPACE = "T1"

SLACK_WAITS = 3.0
"""Seconds (R8.12)."""

COMPUTING = 0.02
"""Seconds of a function's own work for a request, which virtual time does not see."""

SEATED = re.compile(r"You have a seat in")
WAITS = re.compile(r"You’re (\d+)\w\w on the waitlist")
BUSY = sentences.BUSY
NOT_CONFIRMED = sentences.NOT_CONFIRMED


@dataclass
class Answers:
    """What people were told, each in order, and how long their function took."""

    told: dict[str, list[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def last(self, user_id: str) -> str:
        return self.told[user_id][-1]

    def those(self, words: str) -> list[str]:
        """Return who was told so last."""
        return [user_id for user_id in self.told if words in self.last(user_id)]


class Rush:
    """So many functions on one set of tables; each sees its store without the guards named."""

    def __init__(
        self,
        prefix: str,
        functions: int,
        virtual: VirtualTime | None,
        without: Sequence[str] = (),
    ) -> None:
        keys = {prefix + table.name: table.key.names() for table in TABLES}
        self._virtual = virtual
        self._clock = virtual or SystemClock()
        self.conflicts = Conflicts(keys, virtual.sleep) if virtual else Conflicts(keys)
        config = Settings(
            store="dynamodb",
            # Nobody listens there: only who is told later how it ended would be written to.
            slack_api_url="http://127.0.0.1:9/api/",
            bot_token="xoxb-invented",
            signing_secret=SECRET,
            workspace_id=WORKSPACE,
        )
        clients = [permitted(client_of(local_endpoint()), "slack") for _ in range(functions)]
        stores = [
            View(DynamoDBStore(self.conflicts.watch(client), prefix, WORKSPACE), without)
            for client in clients
        ]
        self._functions = [
            lambda_functions.for_slack(config, cast("Storage", store), self._clock)
            for store in stores
        ]

    def press(self, user_ids: Sequence[str], answers: Answers) -> None:
        """Have everybody register at once, shared out among the functions; note what they are told."""

        def serve(number: int) -> None:
            for user_id in user_ids[number :: len(self._functions)]:
                begun = self._clock.monotonic()
                if self._virtual:
                    self._virtual.sleep(COMPUTING)
                told = ask(self._functions[number], user_id, self._clock)
                answers.seconds.append(self._clock.monotonic() - begun)
                answers.told.setdefault(user_id, []).append(told)

        works = [partial(serve, number) for number in range(len(self._functions))]
        if self._virtual:
            self._virtual.run(works)
        else:
            run_together(works)


def run_together(works: Sequence[Callable[[], None]]) -> None:
    """Do all of the works at once, each in a thread; raise what one raised."""
    together = threading.Barrier(len(works))

    def take_part(work: Callable[[], None]) -> None:
        together.wait()
        work()

    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(take_part, work) for work in works]:
            done.result()


def ask(function: lambda_functions.Function, user_id: str, clock: Clock) -> str:
    """Type `/register e1`, as an HTTP API hands it to Lambda; return what the person reads."""
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
    said = function(event, Context())
    assert said["statusCode"] == 200, said
    return text_of(json.loads(said["body"])["blocks"])


def people(number: int) -> list[str]:
    return [f"U{at:04}" for at in range(number)]


@contextmanager
def rush(
    functions: int, capacity: int, *, virtual: bool, without: Sequence[str] = ()
) -> Iterator[tuple[Rush, DynamoDBStore]]:
    """Give the functions, and an event of so many seats with a waitlist."""
    with empty_local() as store:
        service = service_on(store)
        now = SystemClock().now()
        new_event(service, "e1", starts_at=now.replace(year=now.year + 1), capacity=capacity)
        time = VirtualTime(now) if virtual else None
        yield Rush(store._tables.prefix, functions, time, without), store


def classify(store: DynamoDBStore, answers: Answers, capacity: int) -> None:
    """Assert that everybody who was told something definite was told what is so: nobody leaves."""
    everything = assert_sound(store)
    seated, waiting = everything.seated("e1"), everything.waiting("e1")
    assert len(seated) == min(capacity, len(seated) + len(waiting))
    for user_id, told in answers.told.items():
        for earlier in told[:-1]:
            assert BUSY in earlier or NOT_CONFIRMED in earlier
        position = WAITS.search(told[-1])
        if position is not None:
            assert waiting[int(position[1]) - 1] == user_id
        elif SEATED.search(told[-1]):
            assert user_id in seated
        else:
            assert "already" in told[-1]
            assert any(NOT_CONFIRMED in earlier for earlier in told), told


@pytest.mark.parametrize(
    ("functions", "each", "capacity"),
    [(8, 5, 25), pytest.param(50, 10, 300, marks=[pytest.mark.soak])],
    ids=["few", "fifty"],
)
@pytest.mark.parametrize("virtual", [True, False], ids=["virtual", "real"])
@pytest.mark.timeout(600)
def test_all_are_let_in_exactly_and_told_truly(
    functions: int, each: int, capacity: int, virtual: bool, count: Count
) -> None:
    """Who is told "busy, nothing was changed" presses again, as people do."""
    everybody = people(functions * each)
    with rush(functions, capacity, virtual=virtual) as (rushed, store):
        answers = Answers()
        rushed.press(everybody, answers)
        tell(
            count,
            f"of {functions} Lambdas, {'virtual' if virtual else 'real'} time",
            rushed,
            answers,
        )
        while unsure := answers.those(BUSY) + answers.those(NOT_CONFIRMED):
            present = {*assert_sound(store).seated("e1"), *assert_sound(store).waiting("e1")}
            assert not present & {*answers.those(BUSY)}, "busy, but something was changed"
            rushed.press(unsure, answers)
        classify(store, answers, capacity)
        everything = assert_sound(store)
        assert len(everything.seated("e1")) == capacity
        assert len(everything.waiting("e1")) == len(everybody) - capacity


def test_functions_that_ignore_the_version_are_caught() -> None:
    """The control: the race is found wrong where the event's version does not keep the functions apart."""
    with rush(8, 25, virtual=True, without=["version", "entry"]) as (rushed, store):
        answers = Answers()
        rushed.press(people(40), answers)
        with pytest.raises(AssertionError):
            classify(store, answers, 25)


def tell(count: Count, whose: str, rushed: Rush, answers: Answers) -> None:
    """Report the first round."""
    in_time = sum(seconds <= SLACK_WAITS for seconds in answers.seconds)
    count(f"people registered at once {whose}", len(answers.told))
    count(f"answers within 3 s {whose}", in_time)
    count(f"answers 'busy, nothing was changed' {whose}", len(answers.those(BUSY)))
    count(f"answers 'not confirmed yet' {whose}", len(answers.those(NOT_CONFIRMED)))
    count(f"transactions tried {whose}", rushed.conflicts.transactions)
    count(f"transactions rejected as conflicts {whose}", rushed.conflicts.rejected)
    slowest = sorted(answers.seconds)
    count(f"milliseconds, the median answer {whose}", round(1000 * slowest[len(slowest) // 2]))
    count(f"milliseconds, the slowest answer {whose}", round(1000 * slowest[-1]))
