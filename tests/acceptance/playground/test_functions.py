"""Backstage's rush through Lambda functions: the deployed handlers, with a request queue in memory."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.entrypoints.system import SystemClock
from playground.__main__ import MANIFEST, SIGNING_SECRET, DemoBot
from playground.client.member_client import MemberClient
from playground.demo import functions
from playground.demo.clock import DemoClock
from playground.demo.functions import EventSourceMapping
from playground.demo.rush import Counts, Rush, primary_buttons
from playground.demo.seed import demo_workspace, seed_events
from playground.web_api.server import SlackApi
from playground.workspace.manifest import read_manifest

AMARA = "U0AMARA"
POSITION = re.compile(r"(\d+)(?:st|nd|rd|th) on the waitlist")


@pytest.fixture
def bot(playground_server: tuple[Any, str], tmp_path: Path) -> Iterator[DemoBot]:
    """Run the demo's bot, with its two events."""
    app, url = playground_server
    clock = SystemClock()  # the demo's parts have it, too
    workspace = demo_workspace(read_manifest(MANIFEST), now=lambda: clock.now().timestamp())
    workspace.url = url
    app.state.slack_api = SlackApi(workspace)
    bot = DemoBot(workspace, tmp_path, DemoClock(tmp_path / "clock"))
    bot.start(partial(seed_events, workspace=workspace, now=clock.now()))
    yield bot
    bot.stop()


def rush_through_functions(bot: DemoBot, size: int) -> Any:
    """Have members press *Register* for the event with one free seat. Return the rush's report."""
    members = MemberClient(bot.workspace, bot.deliver_to_functions, SIGNING_SECRET)
    button = next(one for one in primary_buttons(members, AMARA) if one.title.startswith("Yoga"))
    counts = Counts(bot.commits, lambda: bot.functions_started)
    rush = Rush(members, button, size, counts, within=0, is_on_lambda=True)
    rush.run()
    return rush.as_json()


def test_rush_through_functions_leaves_no_gap_and_shares_commits(bot: DemoBot) -> None:
    report = rush_through_functions(bot, 40)
    texts = [one["text"] for one in report["results"]]
    assert sum("You have a seat" in text for text in texts) == 1
    positions = sorted(int(found[1]) for text in texts if (found := POSITION.search(text)))
    assert positions == list(range(1, 40))
    assert report["functions"] > 1
    # A function handles one press at a time: only the queue puts several into one commit.
    assert report["commits"] < 40


def test_functions_of_the_last_rush_serve_the_next(bot: DemoBot) -> None:
    assert rush_through_functions(bot, 3)["functions"] > 0
    assert rush_through_functions(bot, 1)["functions"] == 0


def test_restarted_bot_has_functions_of_its_own(bot: DemoBot) -> None:
    rush_through_functions(bot, 3)
    bot.stop()
    bot.start()
    assert rush_through_functions(bot, 1)["functions"] == 1


def test_stopped_bot_has_no_functions(bot: DemoBot) -> None:
    bot.stop()
    with pytest.raises(ConnectionRefusedError):
        bot.deliver_to_functions(b"", {})


def test_batch_that_fails_is_handed_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("RETRY_SECONDS", "STREAM_SECONDS"):
        monkeypatch.setattr(functions, pause, 0.0)  # nobody watches
    calls: list[list[str]] = []
    all_there, done = threading.Event(), threading.Event()

    def function(event: Any, _: object) -> Any:
        all_there.wait(60)
        calls.append([one["dynamodb"]["SequenceNumber"] for one in event["Records"]])
        match len(calls):
            case 1:
                raise RuntimeError
            case 2:
                return {"batchItemFailures": [{"itemIdentifier": "2"}]}
        done.set()
        return {"batchItemFailures": []}

    mapping = EventSourceMapping("queue", function, 10)
    for number in ("1", "2", "3"):
        mapping.hand_over({"dynamodb": {"SequenceNumber": number}})
    all_there.set()
    assert done.wait(60)
    mapping.stop()
    assert calls[1:] == [["1", "2", "3"], ["2", "3"]]
