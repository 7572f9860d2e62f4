"""Fixtures: a demo workspace with a manual clock, its server, and a small Bolt app as the bot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from playground.client.member_client import MemberClient
from playground.client.transport import into_app
from playground.demo.http_server import build_server, serve
from playground.demo.seed import demo_workspace
from playground.web_api.server import SlackApi
from playground.workspace.model import InstalledApp, Json, SlashCommand
from playground.workspace.state import Workspace

SECRET = "shh"
SCOPES = frozenset(
    {
        "chat:write",
        "channels:read",
        "groups:read",
        "im:read",
        "im:write",
        "users:read",
        "files:write",
        "commands",
    }
)


@dataclass
class Clock:
    """A clock that only `advance` moves; it starts on 2026-11-23."""

    time: float = 1_795_392_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Slack:
    """A workspace with its Web API and a client."""

    workspace: Workspace
    api: SlackApi
    client: WebClient


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    commands = (SlashCommand("/register"), SlashCommand("/mention", should_escape=True))
    return demo_workspace(InstalledApp(SCOPES, commands=commands), now=clock)


@pytest.fixture(scope="module")
def playground_server() -> Iterator[tuple[object, str]]:
    """Run one server for a module; `slack` puts a fresh workspace into it for each test."""
    app = build_server()
    with serve(app) as url:
        yield app, url


@pytest.fixture
def slack(playground_server: tuple[object, str], workspace: Workspace) -> Slack:
    app, url = playground_server
    workspace.url = url
    api = SlackApi(workspace)
    app.state.slack_api = api  # type: ignore[attr-defined]
    return Slack(workspace, api, client_of(workspace))


def client_of(workspace: Workspace, token: str | None = None) -> WebClient:
    """Return Slack's own client for the workspace, without retries."""
    return WebClient(
        token=token or workspace.app.bot_token,
        base_url=f"{workspace.url}/api/",
        retry_handlers=[],
        timeout=5,
    )


@pytest.fixture
def bot(slack: Slack) -> App:
    """Return a Bolt app without listeners, which checks signatures."""
    app = slack.workspace.app
    return App(
        client=slack.client,
        signing_secret=SECRET,
        process_before_response=True,
        raise_error_for_unhandled_request=False,
        authorize=lambda: AuthorizeResult(
            enterprise_id=None,
            team_id=slack.workspace.team_id,
            bot_token=app.bot_token,
            bot_id=app.bot_id,
            bot_user_id=app.bot_user_id,
        ),
    )


@pytest.fixture
def member_client(slack: Slack, bot: App) -> MemberClient:
    return MemberClient(slack.workspace, into_app(bot), SECRET)


def recording(payloads: list[Json]) -> Callable[..., None]:
    """Return a listener that records the payload and acknowledges."""

    def listener(ack: Ack, body: Json) -> None:
        payloads.append(body)
        ack()

    return listener


def button(action_id: str, value: str = "1", label: str = "Press", **more: object) -> Json:
    """Return a button, for an actions block or a section."""
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": action_id, "text": text, "value": value, **more}


def section(text: str, **more: object) -> Json:
    """Return a section with this mrkdwn text."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def field(block_id: str, element: Json, **more: object) -> Json:
    """Return an input block whose label is its id and whose element's action id is `value`."""
    label = {"type": "plain_text", "text": block_id}
    return {
        "type": "input",
        "block_id": block_id,
        "label": label,
        "element": {"action_id": "value", **element},
        **more,
    }


def modal(*blocks: Json, **more: object) -> Json:
    """Return a modal with a submit button."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Title"},
        "submit": {"type": "plain_text", "text": "Submit"},
        "blocks": list(blocks),
        **more,
    }
