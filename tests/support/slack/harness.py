"""The real bot on SQLite in a simulated workspace, with the Web API over HTTP and a manual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.blocks.formatting import as_typed
from bot.entrypoints.bootstrap import Bot, assemble
from bot.entrypoints.manifest import PATH
from domain.inputs import EventDraft, UserDraft
from domain.models import Event
from domain.ports import Spawn
from playground.client.member_client import ActionResult, MemberClient
from playground.client.transport import into_app
from playground.demo.http_server import build_server, serve
from playground.demo.seed import EVENTS, demo_workspace
from playground.web_api.server import SlackApi
from playground.workspace.manifest import read_manifest
from playground.workspace.model import Message
from playground.workspace.state import StoredFile, Workspace
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ManualClock, at_once, ids
from tests.support.invariants import Everything, assert_sound, everything_in

SECRET = "not a real signing secret"

AMARA, BJORN, CHLOE = "U0AMARA", "U0BJORN", "U0CHLOE"
DIEGO, HARUKI, PRIYA = "U0DIEGO", "U0HARUKI", "U0PRIYA"


@dataclass
class SlackHarness:
    """A workspace with the bot in it."""

    workspace: Workspace
    api: SlackApi
    store: SQLiteStore
    clock: ManualClock
    client: WebClient
    bot: Bot
    slack: MemberClient

    def event(self, event_id: str = "yoga", **values: Any) -> Event:
        """Create an event by Amara in two days, by default with 2 seats and a waitlist."""
        given: dict[str, Any] = {
            "event_id": event_id,
            "title": "Yoga in the park",
            "location": "Riverside lawn",
            "starts_at": self.clock.now() + timedelta(days=2),
            "time_zone": "Europe/Berlin",
            "organizer_id": AMARA,
            "capacity": 2,
            "has_waitlist": True,
        }
        return self.bot.service.create_event(EventDraft.of(**given | values))

    def card(self, event: Event) -> Message:
        """Post an event's card in #events and return it."""
        self.bot.notification_worker.announce(event, EVENTS)
        return self.workspace.messages(EVENTS)[-1]

    def current_card_text(self) -> str:
        """Run the worker and return the text of the newest card."""
        self.deliver_due()
        return shown(self.workspace.messages(EVENTS, visible_to=AMARA)[-1])

    def register(self, *user_ids: str, event_id: str = "yoga") -> None:
        """Register users directly, without Slack."""
        for user_id in user_ids:
            self.bot.service.ensure_user(self.draft(user_id))
            self.bot.service.register(event_id, user_id)

    def draft(self, user_id: str) -> UserDraft:
        """Return the user that the bot knows from a member's payloads."""
        names = {member.id: member.name for member in self.workspace.members()}
        return UserDraft.of(user_id=user_id, name=names.get(user_id, user_id))

    def deliver_due(self, seconds: float = 3) -> None:
        """Advance the clock by `seconds` while the notification worker runs."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() <= end:
            self.bot.notification_worker.run_due_events()
            self.clock.advance(timedelta(seconds=0.5))

    def direct_messages(self, user_id: str) -> list[str]:
        """Return the texts of the bot's direct messages to a member."""
        return [
            shown(message) for message in self.workspace.messages(self.workspace.dm(user_id).id)
        ]

    def everything(self) -> Everything:
        """Return everything in the store."""
        return everything_in(self.store)

    def assert_invariants(self) -> Everything:
        """Check the invariants (R7.5) and return everything in the store."""
        return assert_sound(self.store)


def shown(message: Message) -> str:
    """Return the text of a message's blocks, with button labels in brackets."""
    return text_of(message.blocks or [])


def text_of(part: Any) -> str:
    """Return the text of blocks, one text object per line."""
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, list):
            for one in part:
                walk(one)
        elif isinstance(part, dict):
            if part.get("type") in ("plain_text", "mrkdwn"):
                found.append(as_typed(str(part["text"])))
            elif part.get("type") == "button":
                found.append(f"[{part['text']['text']}]")
            else:
                for one in part.values():
                    walk(one)

    walk(part)
    return "\n".join(found)


def answer(seen: ActionResult) -> str:
    """Return the text of a response: the ephemeral message, the modal, or the new messages."""
    assert seen.failure is None, seen.failure
    if seen.ephemeral:
        return shown(seen.ephemeral[-1])
    if seen.view is not None:
        return text_of(seen.view.body["blocks"])
    return "\n".join(shown(message) for message in seen.messages)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Any, str]]:
    app = build_server()
    with serve(app) as url:
        yield app, url


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with running(server, SQLiteStore, tmp_path / "rollcall.sqlite", at_once) as harness:
        yield harness


@contextmanager
def running(
    server: tuple[Any, str],
    open_store: Callable[[Path, str], SQLiteStore],
    path: Path,
    spawn: Spawn,
) -> Iterator[SlackHarness]:
    """Run the bot in a fresh workspace. At the end, fail if Slack would have refused any request."""
    app, url = server
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))  # noqa: TID251  # Bolt checks signatures by it
    workspace = demo_workspace(read_manifest(PATH), now=lambda: clock.now().timestamp())
    workspace.url = url
    app.state.slack_api = api = SlackApi(workspace)
    client = WebClient(
        token=workspace.app.bot_token, base_url=f"{url}/api/", retry_handlers=[], timeout=5
    )
    store = open_store(path, workspace.team_id)
    bot = assemble(
        store,
        client,
        workspace_id=workspace.team_id,
        signing_secret=SECRET,
        clock=clock,
        new_id=ids(),
        jitter=lambda: 0.5,
        spawn=spawn,
    )
    slack = MemberClient(workspace, into_app(bot.app), SECRET)
    yield SlackHarness(workspace, api, store, clock, client, bot, slack)
    bot.stop()
    store.close()
    assert workspace.refusals == [], "the bot sent requests that Slack would have refused"


def files(harness: SlackHarness, user_id: str = BJORN) -> list[StoredFile]:
    """Return the files in a member's direct messages."""
    messages = harness.workspace.messages(harness.workspace.dm(user_id).id)
    return [harness.workspace.file(one["id"]) for message in messages for one in message.files]
