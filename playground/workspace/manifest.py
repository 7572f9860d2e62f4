"""The installed app, read from its Slack app manifest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from playground.workspace.model import InstalledApp, SlashCommand


def installed_app(manifest: Mapping[str, Any]) -> InstalledApp:
    """Return the app with the scopes, commands, events and tabs that the manifest declares.

    Optional scopes count as granted.
    """
    features = manifest.get("features", {})
    home = features.get("app_home", {})
    settings = manifest.get("settings", {})
    subscribed = settings.get("event_subscriptions", {}).get("bot_events", [])
    scopes = manifest.get("oauth_config", {}).get("scopes", {})
    commands = tuple(
        SlashCommand(
            command["command"],
            command.get("description", ""),
            command.get("usage_hint", ""),
            bool(command.get("should_escape", False)),
        )
        for command in features.get("slash_commands", [])
    )
    name = features.get("bot_user", {}).get("display_name", "Rollcall")
    return InstalledApp(
        frozenset(scopes.get("bot", [])) | frozenset(scopes.get("bot_optional", [])),
        name,
        commands=commands,
        events=frozenset(subscribed),
        home_tab=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", False)),
        messages_read_only=bool(home.get("messages_tab_read_only_enabled", False)),
        socket_mode=bool(settings.get("socket_mode_enabled", False)),
    )


def read_manifest(path: Path) -> InstalledApp:
    """Read the app from a manifest in YAML."""
    return installed_app(yaml.safe_load(path.read_text(encoding="utf-8")))
