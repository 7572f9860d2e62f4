"""Concurrent Lambda functions whose queue takes nothing: only the event's version keeps them apart.

Each function has its own client and serves its users one after the other: as a task of the simulation's scheduler in
virtual time, where requests take as long as in AWS, and in a thread in real time, where all functions share the cores
of this machine. Transactions that meet are rejected, as DynamoDB does. The answers and their times are printed below
pytest's report.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from math import inf
from typing import cast

import pytest

from bot.entrypoints.lambda_functions import QueueingStore
from bot.entrypoints.system import SystemClock
from domain.errors import OutcomeUnknown
from domain.ports import Clock
from storage.dynamodb.store import DynamoDBStore
from tests.support.counting import Count
from tests.support.environment import new_event, service_on
from tests.support.invariants import assert_invariants
from tests.support.lambda_fleet import Answers, LambdaFleet, WithoutQueue, ask
from tests.support.simulation.scheduler import ProcessClock, Scheduler
from tests.support.slack import sentences
from tests.support.stores import empty_local
from tests.support.unguarded_store import UnguardedStore

SLACK_TIMEOUT = 3.0
"""Seconds until Slack gives up (R8.12)."""

COMPUTING = 0.02
"""Seconds of a function's own work for a request, which virtual time does not measure."""

SEATED = re.compile(r"You have a seat in")
POSITION = re.compile(r"\b(\d+)(?:st|nd|rd|th) on the waitlist")
BUSY = sentences.BUSY
TOO_LATE = sentences.TOO_LATE
NOT_CONFIRMED = sentences.refusal(OutcomeUnknown())
UNCHANGED = (BUSY, TOO_LATE)
"""Answers after which nothing was changed: a machine that is slow in real time starts some functions late."""


class FleetWithoutQueue:
    """Functions on one set of tables, whose stores may lack guards, and whose queue takes nothing."""

    def __init__(
        self,
        prefix: str,
        functions: int,
        scheduler: Scheduler | None,
        without: Sequence[str] = (),
    ) -> None:
        self._scheduler = scheduler
        self._clock: Clock = SystemClock()
        if scheduler is None:
            fleet = LambdaFleet(prefix, self._clock)
        else:
            # Bolt checks signatures by the real time.
            self._clock = ProcessClock(scheduler, start=self._clock.now())
            fleet = LambdaFleet(prefix, self._clock, scheduler.sleep)
        self.conflicts = fleet.conflicts
        stores = [
            cast("QueueingStore", UnguardedStore(fleet.store("slack", WithoutQueue), without))
            for _ in range(functions)
        ]
        self._functions = fleet.slack_functions(stores)

    def press(self, user_ids: Sequence[str], answers: Answers) -> None:
        """Register all users, distributed over the functions; record the answers."""

        def serve(number: int) -> None:
            for user_id in user_ids[number :: len(self._functions)]:
                started = self._clock.monotonic()
                if self._scheduler is not None:
                    self._scheduler.sleep(COMPUTING)
                answer = ask(self._functions[number], user_id, self._clock) or NOT_CONFIRMED
                answers.add(user_id, answer, started, self._clock.monotonic())

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


def users(number: int) -> list[str]:
    return [f"U{at:04}" for at in range(number)]


@contextmanager
def rush(
    functions: int, capacity: int, *, virtual: bool, without: Sequence[str] = ()
) -> Iterator[tuple[FleetWithoutQueue, DynamoDBStore]]:
    """Yield the functions and the store, with an event of this capacity and a waitlist."""
    with empty_local() as store:
        service = service_on(store)
        now = SystemClock().now()
        new_event(service, "e1", starts_at=now.replace(year=now.year + 1), capacity=capacity)
        scheduler = Scheduler(random.Random(0)) if virtual else None
        yield FleetWithoutQueue(store._keys.prefix, functions, scheduler, without), store


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
        pytest.param(20, 4, 50, True, id="virtual-many", marks=pytest.mark.soak),
        pytest.param(20, 2, 25, False, id="real-many", marks=pytest.mark.soak),
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


def report(count: Count, whose: str, fleet: FleetWithoutQueue, answers: Answers) -> None:
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
