"""Races of sixteen programs over HTTP, on SQLite and DynamoDB: some order explains all answers."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from bot.api.app import build_api
from domain.enums import ChangeKind
from playground.demo.http_server import serve
from tests.support.counting import Count
from tests.support.environment import ids
from tests.support.invariants import Everything, assert_invariants
from tests.support.races.calls import Call
from tests.support.races.judging import contents_of
from tests.support.races.linearizability import find_order
from tests.support.races.over_http import ApiProgram
from tests.support.races.races import NOT_IN_THE_API, RACES
from tests.support.races.recording import RecordingService, WallClock
from tests.support.scale import scaled
from tests.support.second_checker.from_races import count_judged
from tests.support.stores import Kind, empty_store

TOKEN = "racing"

IN_SLACK_ALONE = {"close_event", "reopen_event", "cancel_event"}
"""Calls without a route in R11."""

WITHOUT_PROMOTIONS = {"edit_event", "delete_user"}
"""Calls that promote users, but whose answers don't name them."""


@pytest.mark.parametrize("kind", ["sqlite", "local"])
@pytest.mark.parametrize("name", [name for name in RACES if name not in NOT_IN_THE_API])
@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(1), marks=pytest.mark.short),
        pytest.param(range(scaled(4)), marks=pytest.mark.soak),
    ],
    ids=["few", "many"],
)
def test_sixteen_api_clients(kind: Kind, name: str, seeds: range, count: Count) -> None:
    for seed in seeds:
        unique = f"{name} over HTTP {seed}"
        started = RACES[name](random.Random(unique))
        scripts = [
            [call for call in script if call[0] not in IN_SLACK_ALONE] for script in started.scripts
        ]
        with empty_store(kind) as store:
            initial = started.prepare(store)
            process = RecordingService(store, unique)
            api = build_api(
                process.service, tokens=[TOKEN], clock=WallClock(), new_id=ids("reference")
            )
            with serve(api) as url:
                programs = [ApiProgram(url, TOKEN) for _ in scripts]
                threads = [
                    threading.Thread(target=program.follow, args=(script, list(started.events)))
                    for program, script in zip(programs, scripts, strict=True)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            process.background.wait()
            calls = [call for program in programs for call in program.calls]
            assert len(calls) >= sum(map(len, scripts)), "a program failed"
            found = assert_invariants(store)
            find_order(initial, calls, contents_of(found))
            count(
                "histories of events over HTTP, by both judges", count_judged(started.events, calls)
            )
            if not any(call[0] in WITHOUT_PROMOTIONS for script in scripts for call in script):
                assert_promotions_are_in_answers(found, calls)
        count("calls in races over HTTP", len(calls))
        count("histories of races over HTTP", 1)


def assert_promotions_are_in_answers(found: Everything, calls: list[Call]) -> None:
    """Assert that each promotion is in the answer of exactly the call that caused it."""
    written = Counter(
        (event_id, change.user_id)
        for event_id, entries in found.journal.items()
        for entry in entries
        for change in entry.changes
        if change.kind is ChangeKind.PROMOTED
    )
    named = Counter(
        (call.args[0], user_id)
        for call in calls
        if call.answer and call.answer[0] == "left"
        for user_id in call.answer[1]  # type: ignore[attr-defined]
    )
    assert named == written
