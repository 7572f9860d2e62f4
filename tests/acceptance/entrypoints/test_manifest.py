"""The manifest names exactly what the bot registers and calls."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
import yaml
from slack_bolt import App
from slack_sdk import WebClient

import bot
import bot.features
from bot.entrypoints import manifest
from bot.slack.context import AppContext
from bot.slack.member_directory import MemberDirectory
from bot.slack.registrar import Registrar
from playground.demo.seed import EVENTS
from playground.workspace.manifest import read_manifest
from tests.support.environment import ids
from tests.support.slack.harness import BJORN, SlackHarness

SCOPES = {
    "apps_connections_open": set[str](),  # it takes the app-level token
    "auth_test": set(),
    "blocks_validate": set(),
    "chat_postMessage": {"chat:write", "chat:write.public"},
    "chat_update": {"chat:write"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "files_getUploadURLExternal": {"files:write"},
    "files_completeUploadExternal": {"files:write"},
    "users_info": {"users:read"},
    "users_list": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_push": set(),
    "views_update": set(),
}
"""Scopes that each method requires by Slack's documentation, for public and private channels, joined or not."""


Registered: TypeAlias = list[tuple[str, str | re.Pattern[str]]]
"""Kinds of listeners, each with the names that it is registered for."""


class RecordingApp:
    """Fake Bolt app that records what listeners are registered for."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, str | re.Pattern[str]]] = []

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def register(names: str | re.Pattern[str]) -> Callable[..., None]:
            self.registered.append((kind, names))
            return lambda _: None

        return register


@pytest.fixture
def registered(harness: SlackHarness) -> Registered:
    client = harness.bot.app.client
    context = AppContext(
        harness.bot.service,
        harness.bot.notification_worker,
        MemberDirectory(client, harness.clock, harness.workspace.team_id),
        client,
        client,
        new_id=ids(),
        workspace_id="T1",
        follow_channel_later=lambda event: None,
        later=lambda key, work: work(),
        clock=harness.clock,
    )
    sender = harness.bot.reply_sender
    registrar = Registrar(sender, client, lambda interaction: None)
    for module in pkgutil.walk_packages(bot.features.__path__, "bot.features."):
        flow = importlib.import_module(module.name)
        if hasattr(flow, "add_listeners"):
            flow.add_listeners(registrar, context)
    app = RecordingApp()
    registrar.register(cast("App", app))
    return app.registered


def test_commands_match_the_listeners(registered: Registered) -> None:
    (names,) = (names for kind, names in registered if kind == "command")
    assert isinstance(names, re.Pattern)
    commands = [command.name for command in read_manifest(manifest.PATH).commands or ()]
    assert all(names.search(name) for name in commands)
    assert names.pattern.count("|") == len(commands) - 1


def test_events_match_the_listeners(registered: Registered) -> None:
    events = {names for kind, names in registered if kind == "event"}
    assert events == set(read_manifest(manifest.PATH).events or ())


def test_manifest_enables_every_kind_of_listener(registered: Registered) -> None:
    assert {kind for kind, _ in registered} == {"command", "event", "action", "view", "options"}
    settings = yaml.safe_load(manifest.for_http("https://rollcall.example"))["settings"]
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["interactivity"]["message_menu_options_url"]  # for "options"


def test_every_command_of_the_manifest_is_answered(harness: SlackHarness) -> None:
    """`build_app` registers every module with listeners."""
    harness.event()
    for command in read_manifest(manifest.PATH).commands or ():
        result = harness.slack.command(BJORN, EVENTS, command.name, "")
        assert result.failure is None
        assert result.view is not None or "no longer in use" not in str(result.ephemeral)


def test_scopes_are_the_least_that_the_called_methods_need() -> None:
    needed = {"commands"}.union(*(SCOPES[method] for method in set(methods_called())))
    assert needed == read_manifest(manifest.PATH).scopes


def test_optional_scopes_are_among_all_scopes() -> None:
    """Optional scopes are also in the list of all scopes, as in Slack's own examples."""
    scopes = yaml.safe_load(manifest.for_socket_mode())["oauth_config"]["scopes"]
    assert set(scopes) == {"bot", "bot_optional"}
    assert set(scopes["bot_optional"]) < set(scopes["bot"])
    assert manifest.scopes() == (
        frozenset(scopes["bot"]) - frozenset(scopes["bot_optional"]),
        frozenset(scopes["bot_optional"]),
    )


def methods_called() -> Iterator[str]:
    """Yield the Web API methods that the bot's code calls."""
    for path in Path(bot.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and "_" in node.attr:
                is_method = node.attr in vars(WebClient) and not node.attr.startswith("_")
                if is_method:
                    yield node.attr


def test_every_scope_has_a_comment_with_its_reason() -> None:
    lines = manifest.for_socket_mode().splitlines()
    for scope in read_manifest(manifest.PATH).scopes:
        (line,) = [line for line in lines if line.strip().startswith(f"- {scope} ")]
        assert "#" in line


def test_commands_have_descriptions_and_get_text_as_typed() -> None:
    """A command that takes arguments has a usage hint, and Slack does not rewrite mentions."""
    for command in read_manifest(manifest.PATH).commands or ():
        assert command.description
        assert bool(command.usage_hint) == (command.name != "/events")
        assert not command.should_escape


def test_both_tabs_and_socket_mode_are_on() -> None:
    raw = yaml.safe_load(manifest.for_socket_mode())
    assert raw["features"]["app_home"]["home_tab_enabled"] is True
    assert raw["features"]["app_home"]["messages_tab_enabled"] is True
    assert raw["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize("path", ["", "/", "/slack/events"])
def test_http_manifest_differs_only_in_its_addresses(path: str) -> None:
    http = yaml.safe_load(manifest.for_http(f"https://rollcall.example{path}"))
    url = "https://rollcall.example/slack/events"
    for command in http["features"]["slash_commands"]:
        assert command.pop("url") == url
    settings = http["settings"]
    assert settings["event_subscriptions"].pop("request_url") == url
    assert settings["interactivity"].pop("request_url") == url
    assert settings["interactivity"].pop("message_menu_options_url") == url
    assert settings["socket_mode_enabled"] is False
    settings["socket_mode_enabled"] = True
    assert http == yaml.safe_load(manifest.for_socket_mode())
