"""One budget for everything that a request does before its acknowledgement, counted from its receipt (R8.12)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient
from starlette.testclient import TestClient

from bot.blocks.ids import ActionId
from bot.entrypoints.bootstrap import assemble
from bot.entrypoints.http_server import build_http
from bot.entrypoints.system import SystemClock
from bot.slack import request_budget
from bot.slack.error_messages import SENTENCES
from bot.slack.kept_replies import KeptReplies
from bot.slack.reply_sender import ReplySender
from bot.slack.request_budget import request_received
from bot.slack.web_client import LOOKUP_SECONDS, PATIENT_SECONDS, REPLY_SECONDS, bounded_client
from domain.errors import TooLate
from domain.execution.retry import LATEST_SECONDS
from playground.client.member_client import ActionResult, MemberClient
from playground.client.transport import BotResponse, into_app
from playground.demo.seed import RANDOM
from tests.support.environment import ManualClock, ids, run_now
from tests.support.slack.harness import AMARA, BJORN, REGISTER_COMMAND, SECRET, SlackHarness
from tests.support.slack.signing import signed_headers


@dataclass
class LateExecutor(Executor):
    """Runs work after a while, as if all threads were busy until then."""

    clock: ManualClock
    seconds: float

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.clock.advance(timedelta(seconds=self.seconds))
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.mark.parametrize(
    ("seconds", "answer"), [(2.5, "You have a seat"), (2.7, SENTENCES[TooLate](None))]
)
def test_wait_for_a_thread_counts(harness: SlackHarness, seconds: float, answer: str) -> None:
    """A late start makes one attempt; a later one says that nothing changed, and not that something is busy."""
    harness.event()
    body = urlencode(REGISTER_COMMAND)
    late = LateExecutor(harness.clock, seconds)
    headers = signed_headers(harness.clock, body)
    with TestClient(build_http(harness.bot.app, late, SECRET, harness.clock)) as web:
        response = web.post("/slack/events", content=body, headers=headers)
    assert answer in response.json()["text"]
    seated = harness.assert_invariants().seated("yoga")
    assert seated == ([BJORN] if seconds < LATEST_SECONDS else [])


def test_calls_to_slack_share_what_is_left() -> None:
    clock, slack = ManualClock(), WebClient(token="xoxb-1")
    lookup = bounded_client(slack, token="xoxb-1", seconds=LOOKUP_SECONDS)
    reply = bounded_client(slack, token="xoxb-1", seconds=REPLY_SECONDS)
    assert (lookup.timeout, reply.timeout) == (LOOKUP_SECONDS, REPLY_SECONDS)
    with request_received(clock.monotonic(), clock):
        clock.advance(timedelta(seconds=1))
        assert lookup.timeout == LOOKUP_SECONDS
        assert reply.timeout == pytest.approx(LATEST_SECONDS - 1)
        clock.advance(timedelta(seconds=LATEST_SECONDS - 1))
        with pytest.raises(TimeoutError):
            reply.users_info(user=BJORN)  # nothing is sent
    assert lookup.timeout == LOOKUP_SECONDS


def test_calls_of_a_function_end_with_its_time() -> None:
    """Its replies are no request's: a call must end before Lambda ends the function."""
    left = 0.4
    reply = bounded_client(
        WebClient(token="xoxb-1"), token="xoxb-1", seconds=REPLY_SECONDS, left=lambda: left
    )
    assert reply.timeout == left
    left = 0
    with pytest.raises(TimeoutError):
        reply.users_info(user=BJORN)  # nothing is sent


def test_reply_that_no_acknowledgement_waits_for_gives_slack_its_time() -> None:
    """A slow Slack takes a reply late: given up before, it would be sent again, as a direct message."""
    sender = ReplySender(
        WebClient(token="xoxb-1"),
        ManualClock(),
        lambda: 0.5,
        cast("KeptReplies", None),
        left=lambda: 60,
    )
    assert sender._bounded_client.timeout == PATIENT_SECONDS


# A Slack that accepts connections and never responds


@pytest.fixture
def silent(harness: SlackHarness, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemberClient]:
    """Return a member client of a bot that has half a second for each request, and no answer from Slack."""
    monkeypatch.setattr(request_budget, "LATEST_SECONDS", 0.5)
    clock = SystemClock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/api/"
        bot = assemble(
            harness.store,
            WebClient(token=harness.client.token, base_url=url, retry_handlers=[]),
            workspace_id=harness.workspace.team_id,
            signing_secret=SECRET,
            clock=harness.clock,
            new_id=ids("other"),
            jitter=lambda: 0.5,
            spawn=run_now,
        )
        deliver = into_app(bot.app)

        def deliver_in_time(body: bytes, headers: Any) -> BotResponse:
            begun = clock.monotonic()
            with request_received(begun, clock):
                response = deliver(body, headers)
            assert clock.monotonic() - begun < LOOKUP_SECONDS, "time-outs added up"
            return response

        yield MemberClient(harness.workspace, deliver_in_time, SECRET)
        bot.stop()


ACTS: dict[str, Callable[[SlackHarness, MemberClient], ActionResult]] = {
    "Manage by an admin": lambda harness, slack: slack.command(AMARA, RANDOM, "/event", "yoga"),
    "list, as somebody who may be a guest": lambda harness, slack: slack.command(
        BJORN, RANDOM, "/events"
    ),
    "App Home": lambda harness, slack: slack.open_home(BJORN),
    "press in App Home": lambda harness, slack: slack.click(
        BJORN, _home(harness), ActionId.REGISTER
    ),
    "form": lambda harness, slack: slack.click(BJORN, _home(harness), ActionId.CREATE_EVENT),
}


def _home(harness: SlackHarness) -> Any:
    """Return the App Home that another process has published."""
    return harness.slack.open_home(BJORN).home


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.timeout(30)
def test_time_outs_do_not_add_up(name: str, harness: SlackHarness, silent: MemberClient) -> None:
    """Each request is acknowledged before even one lookup may time out."""
    harness.event(organizer_id=BJORN)
    ACTS[name](harness, silent)
