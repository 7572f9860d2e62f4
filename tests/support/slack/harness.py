"""Harness of the Slack tests: the real bot on SQLite, in the stand-in workspace over HTTP, with a manual clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot import app as bot_app
from bot.blocks.mrkdwn import as_typed
from bot.entrypoints.bootstrap import Background, Bot, assemble
from bot.entrypoints.manifest import PATH
from bot.slack import web_client
from bot.slack.job_queue import JobQueue
from bot.slack.reply_sender import MAX_PENDING
from domain.inputs import EventDraft, UserDraft
from domain.models import Event, ExportJob
from domain.ports import Clock, Spawn
from playground.client.member_client import ActionResult, MemberClient
from playground.client.transport import into_app
from playground.demo.http_server import build_server, serve
from playground.demo.seed import EVENTS, demo_workspace
from playground.web_api.server import SlackApi
from playground.workspace.manifest import read_manifest
from playground.workspace.model import InstalledApp, Message
from playground.workspace.state import StoredFile, Workspace
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ManualClock, ids, run_now
from tests.support.invariants import Everything, assert_invariants, everything_in
from tests.support.slack.cards import put_card

SECRET = "an invented signing secret"

PATIENT_SECONDS = 10
"""Seconds for a lookup, in place of the 1 that people wait for."""

AMARA, BJORN, CHLOE = "U0AMARA", "U0BJORN", "U0CHLOE"
DIEGO, HARUKI, PRIYA = "U0DIEGO", "U0HARUKI", "U0PRIYA"

REGISTER_COMMAND = {
    "command": "/register",
    "text": "yoga",
    "user_id": BJORN,
    "user_name": "bjorn",
    "team_id": "T0PLAYGRND",
    "channel_id": EVENTS,
    "trigger_id": "1.2.3",
    "response_url": "http://127.0.0.1:9/nothing",
}
"""The fields of `/register yoga` as Slack sends them; nothing listens at its response URL."""


@dataclass
class SlackHarness:
    """Bot in a workspace, with its store, its clock, and the members' client."""

    workspace: Workspace
    api: SlackApi
    store: SQLiteStore
    clock: ManualClock
    client: WebClient
    bot: Bot
    slack: MemberClient

    def event(self, event_id: str = "yoga", **values: Any) -> Event:
        """Create an event of Amara's, by default in two days, with 2 seats and a waitlist."""
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
        """Post an event's card in the events channel; return the message."""
        return self.card_in(EVENTS, event)

    def card_in(self, channel_id: str, event: Event) -> Message:
        """Post an event's card in a channel and store it; return the message."""
        put_card(self.client, self.store, event, channel_id)
        self.bot.notification_worker.schedule(event.event_id)
        return self.workspace.messages(channel_id)[-1]

    def current_card_text(self) -> str:
        """Return the text of the newest card, after everything due is delivered."""
        self.deliver_due()
        return shown(self.workspace.messages(EVENTS, visible_to=AMARA)[-1])

    def register(self, *user_ids: str, event_id: str = "yoga") -> None:
        """Register users without Slack."""
        for user_id in user_ids:
            self.bot.service.ensure_user(self.draft(user_id))
            self.bot.service.register(event_id, user_id)

    def draft(self, user_id: str) -> UserDraft:
        """Return a member's draft, with the name that people see in Slack."""
        members = self.workspace.members()
        names = {member.id: member.display_name or member.real_name for member in members}
        return UserDraft.of(user_id=user_id, name=names.get(user_id, user_id))

    def deliver_due(self, seconds: float = 3) -> None:
        """Let time pass, and let the notification worker deliver what is due."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() <= end:
            self.bot.notification_worker.process_due_events()
            self.bot.notification_worker.exports.process_due_jobs()
            self.clock.advance(0.5)

    def direct_messages(self, user_id: str) -> list[str]:
        """Return the texts of the bot's direct messages to a member."""
        return [
            shown(message) for message in self.workspace.messages(self.workspace.dm(user_id).id)
        ]

    def everything(self) -> Everything:
        """Return everything that is stored."""
        return everything_in(self.store)

    def assert_invariants(self) -> Everything:
        """Assert R7.5; return everything that is stored."""
        return assert_invariants(self.store)


def shown(message: Message) -> str:
    """Return the text of a message's blocks, with buttons in brackets."""
    return text_of(message.blocks or [])


def text_of(part: Any) -> str:
    """Return the text in blocks, one piece per line, with buttons in brackets."""
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, list):
            for one in part:
                walk(one)
        elif isinstance(part, dict):
            if part.get("type") in ("plain_text", "mrkdwn"):
                found.append(as_typed(str(part["text"])))
            elif part.get("type") == "rich_text_section":
                found.append(
                    "".join(each.get("text", each.get("url")) for each in part["elements"])
                )
            elif part.get("type") == "button":
                found.append(f"[{part['action_id']}]")
            else:
                for one in part.values():
                    walk(one)

    walk(part)
    return "\n".join(found)


def loggers_that_warned(caplog: pytest.LogCaptureFixture) -> set[str]:
    return {record.name for record in caplog.records if record.levelno == logging.WARNING}


def reply(result: ActionResult) -> str:
    """Return the text of the reply: an ephemeral message, a modal, or new messages."""
    assert result.failure is None, result.failure
    if result.ephemeral:
        return shown(result.ephemeral[-1])
    if result.view is not None:
        return text_of(result.view.body["blocks"])
    return "\n".join(shown(message) for message in result.messages)


@cache
def _installed_app() -> InstalledApp:
    return read_manifest(PATH)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Any, str]]:
    """Run one HTTP server for all tests of a worker."""
    app = build_server()
    with serve(app) as url:
        yield app, url


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    """Run the bot in a new workspace."""
    with run_bot(server, SQLiteStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


@contextmanager
def run_bot(
    server: tuple[Any, str],
    open_store: Callable[[Path, str], SQLiteStore],
    path: Path,
    spawn: Spawn,
    background: Callable[[Clock], Background] | None = None,
) -> Iterator[SlackHarness]:
    """Run the bot in a new workspace; at the end, fail if Slack would have refused a request.

    Its notification worker delivers while a request sleeps, and when a test calls it.
    Without `background`, replies go out before acknowledgements, as on Lambda.
    """
    app, url = server
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))  # noqa: TID251  # Bolt checks signatures by it
    workspace = demo_workspace(_installed_app(), now=lambda: clock.now().timestamp())
    workspace.url = url
    app.state.slack_api = api = SlackApi(workspace)
    client = WebClient(
        token=workspace.app.bot_token, base_url=f"{url}/api/", retry_handlers=[], timeout=5
    )
    store = open_store(path, workspace.team_id)
    with patient_lookups():
        bot = assemble(
            store,
            client,
            workspace_id=workspace.team_id,
            signing_secret=SECRET,
            clock=clock,
            new_id=ids(),
            jitter=lambda: 0.5,
            spawn=spawn,
            background=background(clock) if background else None,
        )
    clock.while_sleeping = lambda: deliver_undelivered(bot, store)
    slack = MemberClient(workspace, into_app(bot.app), SECRET)
    yield SlackHarness(workspace, api, store, clock, client, bot, slack)
    bot.stop()
    store.close()
    assert workspace.refusals == [], "the bot sent a request that Slack would refuse"


def stepped(clock: Clock) -> Background:
    """Return queues whose jobs run when a test says so."""
    return Background(
        JobQueue("replies", clock, threads=0, limit=MAX_PENDING),
        JobQueue("chores", clock, threads=0, limit=100),
    )


def deliver_undelivered(bot: Bot, store: SQLiteStore) -> None:
    """Deliver each event once, without a sweep, as a worker's thread does while a request waits."""
    for event_id in store.list_undelivered(limit=100).items:
        if ExportJob.of(event_id) is None:
            bot.notification_worker.process_event(event_id)


@contextmanager
def patient_lookups() -> Iterator[None]:
    """Let a bot that is assembled meanwhile wait longer for Slack: a busy machine may take a second."""
    with pytest.MonkeyPatch.context() as limits:
        for module in (bot_app, web_client):
            limits.setattr(module, "LOOKUP_SECONDS", PATIENT_SECONDS)
        yield


def files(harness: SlackHarness, user_id: str = BJORN) -> list[StoredFile]:
    """Return the files in the bot's direct messages to a member."""
    messages = harness.workspace.messages(harness.workspace.dm(user_id).id)
    return [harness.workspace.file(one["id"]) for message in messages for one in message.files]
