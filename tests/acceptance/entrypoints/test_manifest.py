"""manifest.yml against what the bot registers and calls: nothing missing, nothing too much."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from slack_bolt import App
from slack_sdk import WebClient

import bot
import bot.features
from bot.entrypoints import manifest
from bot.slack.context import AppContext
from bot.slack.member_directory import MemberDirectory
from playground.demo.seed import EVENTS
from playground.workspace.manifest import read_manifest
from tests.support.environment import ids
from tests.support.slack.harness import BJORN, SlackHarness

SCOPES = {
    "auth_test": set[str](),
    "chat_postMessage": {"chat:write"},
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
"""What Slack's pages on each method ask for, public and private channels both."""


class Registering:
    """Stands in for Bolt's app, and keeps what listeners are registered for."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def register(name: str) -> Callable[..., None]:
            self.kept.append((kind, str(name)))
            return lambda _: None

        return register


@pytest.fixture
def registered(harness: SlackHarness) -> set[tuple[str, str]]:
    client = harness.bot.app.client
    context = AppContext(
        harness.bot.service,
        harness.bot.notification_worker,
        MemberDirectory(client, harness.clock),
        client,
        new_id=ids(),
        workspace_id="T1",
    )
    app = Registering()
    for module in pkgutil.walk_packages(bot.features.__path__, "bot.features."):
        flow = importlib.import_module(module.name)
        if hasattr(flow, "register"):
            flow.register(cast("App", app), context)
    assert len(app.kept) == len(set(app.kept)), "the second of two listeners is never called"
    return set(app.kept)


def named(registered: set[tuple[str, str]], kind: str) -> set[str]:
    return {name for of_kind, name in registered if of_kind == kind}


def test_commands_are_those_registered(registered: set[tuple[str, str]]) -> None:
    installed = read_manifest(manifest.PATH)
    assert named(registered, "command") == {command.name for command in installed.commands or ()}


def test_events_are_those_registered(registered: set[tuple[str, str]]) -> None:
    assert named(registered, "event") == set(read_manifest(manifest.PATH).events or ())


def test_what_is_registered_is_of_a_kind_that_the_manifest_enables(
    registered: set[tuple[str, str]],
) -> None:
    assert {kind for kind, _ in registered} == {"command", "event", "action", "view", "options"}
    settings = yaml.safe_load(manifest.for_http("https://rollcall.example"))["settings"]
    assert settings["interactivity"]["is_enabled"] is True
    assert settings["interactivity"]["message_menu_options_url"]  # for "options"


def test_build_app_answers_every_command_of_the_manifest(harness: SlackHarness) -> None:
    """No listener file was forgotten: an unhandled command would have no answer of ours."""
    harness.event()
    for command in read_manifest(manifest.PATH).commands or ():
        seen = harness.slack.command(BJORN, EVENTS, command.name, "")
        assert seen.failure is None
        assert seen.view is not None or "no longer in use" not in str(seen.ephemeral)


def test_scopes_are_those_of_the_methods_called() -> None:
    """The least: each scope is of a method that the bot calls, or of its commands."""
    needed = {"commands"}.union(*(SCOPES[method] for method in set(methods_called())))
    assert needed == read_manifest(manifest.PATH).scopes


def methods_called() -> Iterator[str]:
    """Yield the Web API methods that the bot's sources call."""
    for path in Path(bot.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and "_" in node.attr:
                is_method = node.attr in vars(WebClient) and not node.attr.startswith("_")
                if is_method:
                    yield node.attr


def test_every_scope_has_its_reason_beside_it() -> None:
    lines = manifest.for_socket_mode().splitlines()
    for scope in read_manifest(manifest.PATH).scopes:
        (line,) = [line for line in lines if line.strip().startswith(f"- {scope} ")]
        assert "#" in line


def test_commands_have_descriptions_and_take_text_as_typed() -> None:
    """A command that takes words says which; mentions are not rewritten (`should_escape`)."""
    for command in read_manifest(manifest.PATH).commands or ():
        assert command.description
        assert bool(command.usage_hint) == (command.name != "/events")
        assert not command.should_escape


def test_home_and_messages_tab_are_on_and_socket_mode_is_the_way() -> None:
    raw = yaml.safe_load(manifest.for_socket_mode())
    assert raw["features"]["app_home"]["home_tab_enabled"] is True
    assert raw["features"]["app_home"]["messages_tab_enabled"] is True
    assert raw["settings"]["socket_mode_enabled"] is True


def test_over_http_every_request_goes_to_the_given_address_and_nothing_else_changes() -> None:
    http = yaml.safe_load(manifest.for_http("https://rollcall.example/"))
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
