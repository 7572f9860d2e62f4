"""Presses in a `rollcall http` process while Slack is slow or down: acknowledgements, and what people read."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bot.blocks.ids import ActionId
from bot.entrypoints.system import SystemClock
from playground.client import payloads
from playground.client.member_client import find_element
from playground.client.transport import over_http, signed
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Member
from tests.support.slack.harness import SlackHarness, shown
from tests.support.slack.http_process import env

SECRET = "0123456789"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WITHIN = 3.0
"""Seconds from the first press to the last."""

REPLIES_SECONDS = 300
"""Seconds until everybody has been told, at most."""


@dataclass(frozen=True)
class Outcome:
    """The results of the presses."""

    acknowledged: Sequence[float]
    """Seconds until each press was acknowledged with 200, in order."""
    failed: int
    """Presses that Slack would show as failed."""
    replies: dict[str, list[str]]
    """The replies that each person read."""
    log: str


@dataclass(frozen=True)
class SlowSlack:
    """Seconds that Slack takes for each call, at the least and the most, and an outage."""

    least: float
    most: float
    down_from: float = 0
    down_for: float = 0
    """The outage: seconds after the first press, and how long."""


def press_all(
    harness: SlackHarness, path: Path, slack: SlowSlack, *, presses: int, is_stopped: bool
) -> Outcome:
    """Have people press Register, one after the other. With `is_stopped`, SIGTERM comes right after the last press."""
    dice, clock = random.Random(1), SystemClock()
    bodies = _presses(harness, presses)
    environment = env(
        path,
        SLACK_API_URL=f"{harness.workspace.url}/api/",
        SLACK_BOT_TOKEN=harness.workspace.app.bot_token,
        SLACK_SIGNING_SECRET=SECRET,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "http", "--port", "0"],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    log: list[str] = []
    line = next(line for line in process.stderr if "running on" in line)
    reader = threading.Thread(target=log.extend, args=[process.stderr])
    reader.start()
    deliver = over_http(f"{line.split('running on ')[1].split()[0]}/slack/events", 60)
    took: list[float] = []

    def press(number: int) -> int:
        body, due = bodies[number], begun + WITHIN * number / presses
        clock.sleep(max(0.0, due - clock.monotonic()))
        headers = FORM | signed(body, SECRET, int(clock.now().timestamp()))
        status = deliver(body, headers).status
        took.append(clock.monotonic() - due)
        return status

    begun = clock.monotonic()

    def fault(_: str) -> Fault:
        if 0 <= clock.monotonic() - begun - slack.down_from < slack.down_for:
            return Fault.server_error(503)
        return Fault.slow(dice.uniform(slack.least, slack.most))

    try:
        harness.api.faults.set_default(fault)
        with ThreadPoolExecutor(presses) as threads:
            statuses = list(threads.map(press, range(presses)))
        if not is_stopped:
            until = clock.monotonic() + REPLIES_SECONDS
            while clock.monotonic() < until and not all(_replies(harness, presses).values()):
                clock.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(REPLIES_SECONDS)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()
        harness.api.faults.set_default(None)
    failed = sum(status != 200 for status in statuses)
    return Outcome(sorted(took), failed, _replies(harness, presses), "".join(log))


def _id(number: int) -> str:
    return f"U{number:05}"


def _presses(harness: SlackHarness, presses: int) -> list[bytes]:
    workspace = harness.workspace
    card = harness.card(harness.bot.service.get_event("yoga"))
    block, element = find_element(card.blocks, ActionId.REGISTER)
    action = payloads.action(block, element, None, {})
    bodies = []
    for number in range(presses):
        member = Member(_id(number), f"member{number}", f"Member {number}", "Europe/Berlin")
        payload = payloads.block_actions(workspace, workspace.put_member(member), card, action)
        bodies.append(urlencode({"payload": json.dumps(payload)}).encode())
    return bodies


def _replies(harness: SlackHarness, presses: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {
        _id(number): harness.direct_messages(_id(number)) for number in range(presses)
    }
    with harness.workspace.ledger.lock:
        for number in range(presses):
            messages = harness.workspace.messages(EVENTS, visible_to=_id(number))
            found[_id(number)] += [
                shown(one) for one in messages if one.ephemeral_to == _id(number)
            ]
    return found
