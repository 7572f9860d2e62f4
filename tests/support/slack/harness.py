"""The real bot on SQLite, in a workspace whose Slack answers over HTTP. Time moves by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.blocks.mrkdwn import as_typed
from bot.entrypoints.bootstrap import Bot, assemble
from bot.entrypoints.manifest import PATH
from domain.inputs import EventDraft, UserDraft
from domain.models import Event
from domain.ports import Spawn
from playground.client.member_client import MemberClient, Seen
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

SECRET = "a signing secret of nobody's"

AMARA, BJORN, CHLOE = "U0AMARA", "U0BJORN", "U0CHLOE"
DIEGO, HARUKI, PRIYA = "U0DIEGO", "U0HARUKI", "U0PRIYA"


@dataclass
class Town:
    """A workspace with the bot in it."""

    workspace: Workspace
    api: SlackApi
    store: SQLiteStore
    clock: ManualClock
    client: WebClient
    bot: Bot
    slack: MemberClient

    def event(self, event_id: str = "yoga", **values: Any) -> Event:
        """Create an event of Amara's in two days, with 2 seats and a waitlist unless told otherwise."""
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
        """Post an event's card in the channel for events; return it."""
        self.bot.notification_worker.announce(event, EVENTS)
        return self.workspace.messages(EVENTS)[-1]

    def card_now(self) -> str:
        """Return all that the newest card shows, once what is due is done."""
        self.settle()
        return shown(self.workspace.messages(EVENTS, seen_by=AMARA)[-1])

    def register(self, *user_ids: str, event_id: str = "yoga") -> None:
        """Register people, past Slack."""
        for user_id in user_ids:
            self.bot.service.ensure_user(self.draft(user_id))
            self.bot.service.register(event_id, user_id)

    def draft(self, user_id: str) -> UserDraft:
        """Return a member as the bot knows them from Slack's payloads."""
        known = {member.id: member.name for member in self.workspace.members()}
        return UserDraft.of(user_id=user_id, name=known.get(user_id, user_id))

    def settle(self, seconds: float = 3) -> None:
        """Let time pass, and the notifier do what is due meanwhile."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() <= end:
            self.bot.notification_worker.run_due_events()
            self.clock.advance(timedelta(seconds=0.5))

    def told(self, user_id: str) -> list[str]:
        """Return the direct messages that the bot sent to a member."""
        return [
            shown(message) for message in self.workspace.messages(self.workspace.dm(user_id).id)
        ]

    def everything(self) -> Everything:
        """Return all that is stored."""
        return everything_in(self.store)

    def sound(self) -> Everything:
        """Assert R7.5; return all that is stored."""
        return assert_sound(self.store)


def shown(message: Message) -> str:
    """Return all text of a message, and the action ids of its buttons in brackets."""
    return text_of(message.blocks or [])


def text_of(part: Any) -> str:
    """Return all text of blocks, one piece per line, and the action ids of buttons in brackets."""
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, list):
            for one in part:
                walk(one)
        elif isinstance(part, dict):
            if part.get("type") in ("plain_text", "mrkdwn"):
                found.append(as_typed(str(part["text"])))
            elif part.get("type") == "button":
                found.append(f"[{part['action_id']}]")
            else:
                for one in part.values():
                    walk(one)

    walk(part)
    return "\n".join(found)


def answer(seen: Seen) -> str:
    """Return what one person was answered: a message that only they see, or a modal."""
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
def town(server: tuple[Any, str], tmp_path: Path) -> Iterator[Town]:
    with running(server, SQLiteStore, tmp_path / "rollcall.sqlite", at_once) as town:
        yield town


@contextmanager
def running(
    server: tuple[Any, str],
    open_store: Callable[[Path, str], SQLiteStore],
    path: Path,
    spawn: Spawn,
) -> Iterator[Town]:
    """Run the bot in a fresh workspace; at the end, whatever Slack would have refused is a failure."""
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
    yield Town(workspace, api, store, clock, client, bot, slack)
    bot.stop()
    store.close()
    assert workspace.refusals == [], "the bot sent what Slack would not have taken"


def files(town: Town, user_id: str = BJORN) -> list[StoredFile]:
    """Return the files in a member's direct messages."""
    messages = town.workspace.messages(town.workspace.dm(user_id).id)
    return [town.workspace.file(one["id"]) for message in messages for one in message.files]
