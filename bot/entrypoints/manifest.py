"""The app manifest: the repository's own for Socket Mode, or rewritten for HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parents[2] / "manifest.yml"

ROUTE = "/slack/events"
"""The path of all requests of Slack's, below the bot's address."""


def for_socket_mode() -> str:
    """Return the manifest of the Socket Mode app."""
    return PATH.read_text(encoding="utf-8")


def as_json(text: str) -> str:
    """Return a manifest as JSON."""
    return json.dumps(yaml.safe_load(text), indent=2) + "\n"


def scopes() -> tuple[frozenset[str], frozenset[str]]:
    """Return the scopes that the bot needs, and those that it can do without."""
    declared = yaml.safe_load(for_socket_mode())["oauth_config"]["scopes"]
    optional = frozenset(declared.get("bot_optional", ()))
    return frozenset(declared["bot"]) - optional, optional


def for_http(url: str) -> str:
    """Return the manifest of the same app over HTTP. Slack sends its requests to `/slack/events` below `url`."""
    manifest: dict[str, Any] = yaml.safe_load(for_socket_mode())
    base = url.rstrip("/").removesuffix(ROUTE)
    request_url = base + ROUTE
    for command in manifest["features"]["slash_commands"]:
        command["url"] = request_url
    settings = manifest["settings"]
    settings["socket_mode_enabled"] = False
    settings["event_subscriptions"]["request_url"] = request_url
    settings["interactivity"]["request_url"] = request_url
    settings["interactivity"]["message_menu_options_url"] = request_url
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
    return text
