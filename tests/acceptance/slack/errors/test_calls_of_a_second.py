"""A walk through everything while each call to Slack takes a second, in virtual time (R8.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.ids import ActionId, CallbackId
from bot.entrypoints.bootstrap import Background
from bot.slack import member_directory
from bot.slack.request_budget import request_received
from domain.execution.retry import LATEST_SECONDS
from domain.ports import Clock
from playground.client.member_client import MemberClient
from playground.client.transport import ACKNOWLEDGE_SECONDS, BotResponse, into_app
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.fuzz.corpus import parsed
from tests.support.fuzz.walk import OF_THE_CROWD, Walk, prepare
from tests.support.slack.harness import HARUKI, SECRET, SlackHarness, run_bot, stepped

RUSH = {
    f"block_actions {action}"
    for action in (
        ActionId.REGISTER,
        ActionId.CHOOSE_TO_REGISTER,
        ActionId.UNREGISTER,
        ActionId.CHOOSE_TO_UNREGISTER,
        ActionId.GIVE_UP_SEAT,
        ActionId.UNREGISTER_CONFIRMED,
        ActionId.KEEP_REGISTRATION,
    )
} | {
    f"view_submission {CallbackId.REGISTER}",
    f"view_submission {CallbackId.UNREGISTER}",
    "/register yoga",
    "/unregister talk",
}
"""Requests that many people make in the same second."""

PROCESSES: Mapping[str, Callable[[Clock], Background] | None] = {
    "Lambda": None,
    "process that stays": stepped,
}

WITHOUT_SUBMIT = {
    CallbackId.MANAGE,
    CallbackId.HISTORY,
    CallbackId.REGISTRATION_HISTORY,
    CallbackId.ANSWER_TOTALS,
    CallbackId.NOTE,
}


@dataclass(frozen=True)
class Request:
    """One request to the bot: the calls to Slack before its acknowledgement, and the seconds until then."""

    name: str
    calls: tuple[str, ...]
    seconds: float
    cut_off: tuple[str, ...]
    """The calls, also for its reply, for which the request had too little time."""


class SlowClient(MemberClient):
    """Members whose Slack takes some seconds for each call that a request or its reply makes."""

    def __init__(self, harness: SlackHarness, seconds: float) -> None:
        super().__init__(harness.workspace, self._receive, SECRET)
        self.requests: list[Request] = []
        self.harness = harness
        self._seconds = seconds
        self._into_app = into_app(harness.bot.app)
        self._calls: list[str] | None = None
        """None between requests: what the notification worker calls takes no time."""
        self._cut_off: list[str] = []
        self._at_once: int | None = None
        """The calls so far of those that are made at the same time; None while each is made alone."""
        self._ends_at: float | None = None
        harness.api.faults.set_default(self._take_time)
        harness.clock.while_sleeping = lambda: (
            None
        )  # the worker is busy: it posts no card meanwhile

    def send(
        self, body: bytes, content_type: str, more_headers: Mapping[str, str] | None = None
    ) -> tuple[BotResponse | None, str | None]:
        """Deliver a request, and let its reply follow."""
        self._calls, self._cut_off = [], []
        begun, background = self.harness.clock.monotonic(), self.harness.bot.background
        self._ends_at = begun + LATEST_SECONDS
        result = super().send(body, content_type, more_headers)
        calls, seconds = tuple(self._calls), self.harness.clock.monotonic() - begun
        self._ends_at = None
        if background is not None:
            background.replies.run_due_jobs()
        self._calls = None
        if background is not None:
            background.chores.run_due_jobs()
        self.requests.append(Request(_name(body), calls, seconds, tuple(self._cut_off)))
        return result

    def look_up_at_once(
        self, look_up: Callable[[str], object], user_ids: Sequence[str]
    ) -> list[object]:
        """Look members up in the time of one: threads don't share a clock that a test advances."""
        self._at_once = 0
        try:
            return [look_up(user_id) for user_id in user_ids]
        finally:
            self._at_once = None

    def _receive(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        clock = self.harness.clock
        with request_received(clock.monotonic(), clock):
            return self._into_app(body, headers)

    def _take_time(self, method: str) -> Fault | None:
        if self._calls is None:
            return None
        self._calls.append(method)
        if self._at_once is not None:
            self._at_once += 1
            if self._at_once > 1:
                return None
        left = self._seconds
        if self._ends_at is not None:
            left = min(left, max(0.0, self._ends_at - self.harness.clock.monotonic()))
        self.harness.clock.advance(left)
        if left == self._seconds:
            return None
        self._cut_off.append(method)
        return Fault.closed(applied=True)  # as a time-out, without the wait


def _name(body: bytes) -> str:
    kind, payload = parsed(body)
    if kind == "command":
        return f"{payload['command']} {payload['text']}".rstrip()
    if kind == "event":
        return f"event {payload['event']['type']}"
    actions = [one["action_id"] for one in payload.get("actions", ())]
    what = actions or [payload.get("action_id") or payload["view"]["callback_id"]]
    return f"{payload['type']} {what[0]}"


@contextmanager
def slow_client(
    server: tuple[Any, str],
    path: Path,
    seconds: float,
    background: Callable[[Clock], Background] | None,
) -> Iterator[SlowClient]:
    """Run the bot in a workspace whose Slack takes some seconds for each call."""
    with pytest.MonkeyPatch.context() as limits:
        # Each request asks about its member again, as the first one after five minutes does.
        limits.setattr(member_directory, "CACHED_FOR", seconds / 2)
        with run_bot(server, SQLiteStore, path, run_now, background) as harness:
            prepare(harness)
            slack = SlowClient(harness, seconds)
            limits.setattr(member_directory, "at_once", slack.look_up_at_once)
            yield slack
            assert set(harness.workspace.refusals) <= OF_THE_CROWD
            harness.workspace.refusals.clear()


@pytest.fixture(scope="module", params=list(PROCESSES.values()), ids=list(PROCESSES))
def walk(
    request: pytest.FixtureRequest,
    server: tuple[Any, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[list[Request], bool]:
    """Return the requests of a walk while each call takes a second, and whether the process stays."""
    path = tmp_path_factory.mktemp("walk") / "rollcall.sqlite"
    with slow_client(server, path, 1, request.param) as slack:
        Walk(slack.harness, slack).everything()
    return slack.requests, request.param is not None


def test_every_request_is_acknowledged_in_time(walk: tuple[list[Request], bool]) -> None:
    """On Lambda there may be no time for a calendar file, which the reply says, and for refreshing App Home.

    After members were looked up to be added, there is none for the lookup that App Home needs, either.
    """
    requests, stays = walk
    assert [one for one in requests if one.seconds >= ACKNOWLEDGE_SECONDS] == []
    for_home = (f"view_submission {CallbackId.ADD_ATTENDEES}", "users.info")
    cut_off = {(one.name, call) for one in requests for call in one.cut_off} - {for_home}
    assert {call for _, call in cut_off} == (
        set() if stays else {"files.completeUploadExternal", "views.publish"}
    )


def test_presses_of_a_rush_wait_for_no_call(walk: tuple[list[Request], bool]) -> None:
    requests, stays = walk
    waited = {one.name: one.calls for one in requests if one.name in RUSH and one.calls}
    assert waited == {} or not stays
    assert {one.name for one in requests} >= RUSH


def test_walk_makes_every_request(walk: tuple[list[Request], bool]) -> None:
    names = {one.name for one in walk[0]}
    used = {name.split()[-1] for name in names if name.startswith("block_")}
    assert used >= set(ActionId) - {ActionId.INPUT}
    assert names >= {f"view_submission {form}" for form in set(CallbackId) - WITHOUT_SUBMIT}


def test_calls_that_take_longer_are_noticed(server: tuple[Any, str], tmp_path: Path) -> None:
    """Negative control: a guest's status and the picker, of two seconds each."""
    with slow_client(server, tmp_path / "rollcall.sqlite", 2, stepped) as slack:
        slack.command(HARUKI, RANDOM, "/register")
    assert slack.requests[0].cut_off == ("views.open",)
