"""The demo in a process of its own, used through the page's endpoints."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playground.demo.seed import EVENTS
from tests.support.slack import sentences
from tests.support.slack.page_client import Browser

AMARA, BJORN, DIEGO = "U0AMARA", "U0BJORN", "U0DIEGO"


@contextmanager
def running_demo(data: Path, number: signal.Signals = signal.SIGINT) -> Iterator[str]:
    """Run the demo on a free port. Stop it as Ctrl-C does, and expect a clean exit."""
    process = subprocess.Popen(
        [sys.executable, "-m", "playground", "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield next(word for word in line.split() if word.startswith("http://"))
        process.send_signal(number)
        _, trouble = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, trouble) == (0, "")


def until(browser: Browser, look: Callable[[], Any]) -> Any:
    """Return the result of `look`, retried after each change that the server announces."""
    stream = f"{browser.url}/page/stream?member={browser.member}"
    with urllib.request.urlopen(stream, timeout=20) as changes:
        for _ in changes:
            if found := look():
                return found
    raise AssertionError("the server closed its stream")


def messages(browser: Browser, channel: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.get("/page/messages", channel=channel)
    return found


def direct_messages(browser: Browser) -> list[dict[str, Any]]:
    channels = browser.get("/page/state")["channels"]
    (own,) = [channel["id"] for channel in channels if channel["is_im"]]
    return messages(browser, own)


def card_of(browser: Browser, event_id: str) -> dict[str, Any]:
    (card,) = [
        message for message in messages(browser, EVENTS) if f"event:{event_id}" in str(message)
    ]
    return card


def press(browser: Browser, message: dict[str, Any], action_id: str) -> None:
    (block_id, value), *_ = [
        (block["block_id"], element["value"])
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == action_id
    ]
    where = {"channel": message["channel_id"], "ts": message["ts"], "block_id": block_id}
    answer = browser.act("click", action_id=action_id, value=value, **where)
    assert answer["failure"] is None


def test_promotion_and_a_restart_that_keeps_everything(tmp_path: Path) -> None:
    """Two members take the last seat and join the waitlist, one leaves, the other is promoted and notified."""
    with running_demo(tmp_path) as url:
        amara, bjorn, diego = (Browser(url, user_id) for user_id in (AMARA, BJORN, DIEGO))
        assert "3 of 4 seats" in str(card_of(amara, "demo-yoga"))
        press(amara, card_of(amara, "demo-yoga"), "register")
        press(bjorn, card_of(bjorn, "demo-yoga"), "register")
        until(bjorn, lambda: "1st on the waitlist" in str(messages(bjorn, EVENTS)[-1]))
        until(amara, lambda: sentences.taken(4, 4, waitlist=1) in str(card_of(amara, "demo-yoga")))
        press(diego, card_of(diego, "demo-yoga"), "unregister")
        until(diego, lambda: "unregister_confirmed" in str(messages(diego, EVENTS)[-1]))
        press(diego, messages(diego, EVENTS)[-1], "unregister_confirmed")
        (message,) = until(bjorn, lambda: direct_messages(bjorn))
        assert sentences.promoted() in str(message)
        until(amara, lambda: "on the waitlist" not in str(card_of(amara, "demo-yoga")))
    with running_demo(tmp_path, signal.SIGTERM) as url:
        bjorn = Browser(url, BJORN)
        assert len(direct_messages(bjorn)) == 1
        assert "4 of 4 seats" in str(card_of(bjorn, "demo-yoga"))
        bjorn.act("command", channel=EVENTS, name="/registrations", text="")
        assert "Yoga in the park" in str(messages(bjorn, EVENTS)[-1])
