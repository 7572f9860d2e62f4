"""The rush, whole: signed presses over HTTP into `rollcall http`, on SQLite, with a Slack for its replies.

It is compared with a Bolt listener that does nothing and one that only replies, behind the same HTTP
server. They alternate. Slack, the client and the bots are separate processes on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode

from bot.blocks.ids import ActionId
from bot.entrypoints.system import SystemClock
from bot.features.cards.views import event_card
from domain.models import Event
from playground.client import payloads
from playground.client.member_client import find_element
from playground.demo.http_server import build_server, serve
from playground.demo.seed import EVENTS, demo_workspace
from playground.web_api.server import SlackApi
from playground.workspace.manifest import read_manifest
from playground.workspace.model import Member, Message
from playground.workspace.state import Workspace
from storage.sqlite.store import SQLiteStore
from tests.benchmarks.figures import Figure, percentile, ratio_of
from tests.benchmarks.rush_store import IN_A_WEEK, service_of
from tests.support.environment import new_event

ROOT = Path(__file__).parents[2]
SECRET = "a-signing-secret-of-nobody"
PRESSES = 2_000
SEATS = 300
ROUNDS = 3

LOAD = 0.8
"""The share of the highest throughput at which response times are measured."""

ROLLCALL = ("bot", "http", "--port", "0")
BOTS = {
    "Rollcall": ROLLCALL,
    "a Bolt listener that does nothing": ("tests.benchmarks.bare_bot", SECRET, "silent"),
    "a Bolt listener that only replies": ("tests.benchmarks.bare_bot", SECRET, "replying"),
}
"""Modules and their arguments. All get the same presses."""

_numbers = count(1)


class Scene:
    """A workspace with a bot, and its members' presses."""

    def __init__(self, folder: Path, workspace: Workspace, api: SlackApi) -> None:
        self.workspace = workspace
        self.api = api
        self.store = SQLiteStore(folder / "rollcall.sqlite", workspace.team_id)
        self.env = {
            **os.environ,
            "ROLLCALL_STORE": f"sqlite:{folder / 'rollcall.sqlite'}",
            "SLACK_API_URL": f"{workspace.url}/api/",
            "SLACK_BOT_TOKEN": workspace.app.bot_token,
            "SLACK_SIGNING_SECRET": SECRET,
        }

    def event(self) -> tuple[Event, Message]:
        """Create an event and its card, which the bot stores at the first press."""
        event_id = f"rush{next(_numbers)}"
        event = new_event(
            service_of(self.store),
            event_id,
            capacity=SEATS,
            starts_at=IN_A_WEEK,
            organizer_id="U0AMARA",
        )
        card = event_card(event).to_dict()
        bot_user_id = self.workspace.app.bot_user_id
        return event, self.workspace.post(EVENTS, bot_user_id, card["text"], blocks=card["blocks"])

    def presses(self, card: Message, users: range) -> list[bytes]:
        """Return the requests of people who press Register on a card."""
        block, element = find_element(card.blocks, ActionId.REGISTER)
        action = payloads.action(block, element, None, {})
        bodies = []
        for number in users:
            # The sweep looks them up: who is not there would be refused.
            member = self.workspace.put_member(
                Member(f"U{number:05}", f"member{number}", f"Member {number}", "Europe/Berlin")
            )
            payload = payloads.block_actions(self.workspace, member, card, action)
            bodies.append(urlencode({"payload": json.dumps(payload)}).encode())
        return bodies


@contextmanager
def a_scene() -> Iterator[Scene]:
    """Yield a workspace with a Slack server, and a file for the bot."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        server = build_server()
        url = stack.enter_context(serve(server))
        workspace = demo_workspace(
            read_manifest(ROOT / "manifest.yml"), now=lambda: SystemClock().now().timestamp()
        )
        workspace.url = url
        server.state.slack_api = api = SlackApi(workspace)
        scene = Scene(folder, workspace, api)
        stack.callback(scene.store.close)
        yield scene


class Served(NamedTuple):
    """A bot in its own process."""

    url: str
    pid: int


@contextmanager
def serving(env: Mapping[str, str], *command: str) -> Iterator[Served]:
    """Run a bot in its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=env,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    log = process.stderr
    line = next(line for line in log if "running on" in line)
    threading.Thread(target=log.read, daemon=True).start()  # drains the log
    try:
        yield Served(line.split("running on ")[1].split()[0], process.pid)
    finally:
        process.terminate()
        process.wait()


def press(url: str, bodies: Sequence[bytes], rate: float = 0) -> tuple[list[float], float]:
    """Send the presses. Return the seconds of each, and the presses a second."""
    command = [sys.executable, "-m", "tests.benchmarks.pressing", url, SECRET, str(rate)]
    done = subprocess.run(
        command, input=b"\n".join(bodies), cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    took, whole = json.loads(done.stdout)
    return took, len(bodies) / whole


def figures() -> Iterator[Figure]:
    """Yield the throughput, compared with bare listeners, and response times under load."""
    found: dict[str, list[float]] = {name: [] for name in BOTS}
    with a_scene() as scene, ExitStack() as stack:
        urls = {
            name: stack.enter_context(serving(scene.env, *command)).url
            for name, command in BOTS.items()
        }
        _, card = scene.event()
        for url in urls.values():  # imports and fills caches
            press(url, scene.presses(card, range(200)))
        updates, clock = [], SystemClock()
        for _ in range(ROUNDS):
            for name, url in urls.items():
                event, card = scene.event()
                before, begun = len(scene.api.calls("chat.update")), clock.monotonic()
                found[name].append(press(url, scene.presses(card, range(PRESSES)))[1])
                if name == "Rollcall":
                    _assert_card_current(scene, event, card)
                    made = len(scene.api.calls("chat.update")) - before
                    # the first update does not wait
                    updates.append((made - 1) / (clock.monotonic() - begun))
        throughput = {name: median(presses) for name, presses in found.items()}
        for name, presses in throughput.items():
            yield Figure(f"{name}: presses a second", presses)
        ours, idle, replying = throughput.values()
        yield Figure(
            "Rollcall over the listener that does nothing",
            ratio_of(ours, idle),
            "times",
            at_least=0.6,
        )
        yield Figure(
            "Rollcall over the listener that only replies", ratio_of(ours, replying), "times"
        )
        event, card = scene.event()
        took, _ = press(urls["Rollcall"], scene.presses(card, range(PRESSES)), LOAD * ours)
        _assert_card_current(scene, event, card)
        yield Figure("at 80 % of that load: median reply", median(took) * 1000, "ms")
        p99 = percentile(took, 99) * 1000
        yield Figure("at 80 % of that load: 99th percentile", p99, "ms", at_most=1_000)
        yield Figure("updates of a card a second, in a rush", max(updates), at_most=1)
        refused = len(scene.workspace.refusals)
        yield Figure("cards that show the final state", ROUNDS + 1, f"of {ROUNDS + 1}")
        yield Figure("calls that Slack would refuse", refused, at_most=0)


def _assert_card_current(scene: Scene, event: Event, card: Message) -> None:
    """Wait until a card shows the stored event with everyone registered. Raises `AssertionError`."""
    clock, stored = SystemClock(), scene.store.get_event(event.event_id)
    assert stored is not None
    assert (stored.registered_count, stored.waitlist_count) == (SEATS, PRESSES - SEATS)
    text = event_card(stored).to_dict()["text"]
    until = clock.monotonic() + 10
    while scene.workspace.message(EVENTS, card.ts).text != text:
        assert clock.monotonic() < until, "the card is outdated"
        clock.sleep(0.05)
