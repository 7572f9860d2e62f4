"""A stop signal: requests in progress are finished and their replies sent, unless a second signal comes (R8.12)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints.system import SystemClock
from playground.client import payloads
from playground.client.member_client import find_element
from playground.client.transport import over_http, signed
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Json
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, SlackHarness, shown
from tests.support.slack.http_process import env
from tests.support.slack.socket_mode_server import SocketModeServer

SECRET = "0123456789"

STOP_SECONDS = 20
"""Seconds for a stop. A first pause between tries takes one, and the machine may be busy."""


@dataclass
class Running:
    """A process, how to press a button there, and the text that it has logged since."""

    process: subprocess.Popen[str]
    press: Callable[[Json], None]
    logged: list[str]
    reader: threading.Thread

    def wait(self) -> str:
        """Wait for the process's end; return what it logged."""
        self.process.wait(STOP_SECONDS)
        self.reader.join()
        return "".join(self.logged)


@contextmanager
def running(
    command: list[str], environment: dict[str, str], press: Any, word: str
) -> Iterator[Running]:
    script = (
        "import signal, sys\nfrom bot.entrypoints.cli import main\n"
        # a shell's background job ignores it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.exit(main({command!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    logged: list[str] = []
    line = next((line for line in process.stderr if word in line), "")
    assert line, process.wait()
    reader = threading.Thread(target=logged.extend, args=[process.stderr], daemon=True)
    reader.start()
    try:
        yield Running(process, press(line), logged, reader)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()


@contextmanager
def http(harness: SlackHarness, path: Path) -> Iterator[Running]:
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api/",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_SIGNING_SECRET": SECRET,
    }

    def press_at(line: str) -> Callable[[Json], None]:
        url = line.split("running on ")[1].split()[0]
        deliver = over_http(f"{url}/slack/events", STOP_SECONDS)

        def press(payload: Json) -> None:
            body = urlencode({"payload": json.dumps(payload)}).encode()
            headers = signed(body, SECRET, int(SystemClock().now().timestamp()))
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert deliver(body, headers | form).status == 200

        return press

    with running(["http", "--port", "0"], env(path, **slack), press_at, "running on") as process:
        yield process


@contextmanager
def socket(harness: SlackHarness, path: Path) -> Iterator[Running]:
    with SocketModeServer(f"{harness.workspace.url}/api/").running() as server:
        slack = {
            "SLACK_API_URL": server.url,
            "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
            "SLACK_APP_TOKEN": "xapp-1",
        }

        def press(payload: Json) -> None:
            server.send(payload, "interactive").wait()

        with running(["socket"], env(path, **slack), lambda _: press, "connected") as process:
            yield process


MODES = {"http": http, "socket": socket}


def press_of(harness: SlackHarness) -> Json:
    """Return Björn's press on Register."""
    card = harness.card(harness.event())
    block, element = find_element(card.blocks, ActionId.REGISTER)
    action = payloads.action(block, element, None, {})
    member = harness.workspace.member(BJORN)
    return payloads.block_actions(harness.workspace, member, card, action)


@pytest.mark.parametrize("mode", MODES)
def test_reply_goes_out_before_the_process_ends(
    mode: str, harness: SlackHarness, tmp_path: Path
) -> None:
    """Slack is down when the signal comes."""
    payload = press_of(harness)
    harness.api.fail_next("response_url", Fault.server_error(503))
    with MODES[mode](harness, tmp_path) as running:
        running.press(payload)
        running.process.send_signal(signal.SIGTERM)
        logged = running.wait()
    assert running.process.returncode == 0, logged
    assert "Rollcall has stopped" in logged
    replies = harness.workspace.messages(EVENTS, visible_to=BJORN)
    (reply,) = [shown(one) for one in replies if one.ephemeral_to == BJORN]
    assert sentences.seat() in reply


@pytest.mark.parametrize("mode", MODES)
def test_second_signal_ends_the_process_at_once(
    mode: str, harness: SlackHarness, tmp_path: Path
) -> None:
    payload = press_of(harness)
    harness.api.faults.set_default(
        lambda method: Fault.server_error(503) if method == "response_url" else None
    )
    with MODES[mode](harness, tmp_path) as running:
        running.press(payload)
        running.process.send_signal(signal.SIGINT)
        clock = SystemClock()
        until = clock.monotonic() + STOP_SECONDS
        while not any("press Ctrl-C to lose them" in line for line in running.logged):
            assert clock.monotonic() < until
            clock.sleep(0.01)
        running.process.send_signal(signal.SIGINT)
        logged = running.wait()
    assert running.process.returncode == 130, logged
    assert "Traceback" not in logged
