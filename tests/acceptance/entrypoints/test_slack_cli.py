"""`slack run`: Slack's CLI reads .slack/hooks.json and runs its hooks as here.

It runs each hook in a shell in the project's directory. `get-manifest` prints JSON to standard output.
`start` gets the tokens of the installed app, and runs until it is interrupted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.entrypoints import manifest

ROOT = manifest.PATH.parent
HOOKS: dict[str, Any] = json.loads((ROOT / ".slack/hooks.json").read_text())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a checkout with `rollcall` where `make setup` puts it. `socket` prints its environment."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".slack").symlink_to(ROOT / ".slack")
    program = tmp_path / ".venv/bin/rollcall"
    program.write_text(
        f'#!/bin/sh\nif [ $1 = socket ]; then env; else exec {sys.executable} -m bot "$@"; fi\n'
    )
    program.chmod(0o755)
    return tmp_path


def run_hook(project: Path, name: str, **environment: str) -> str:
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    hook = HOOKS["hooks"][name]
    ended = subprocess.run(
        ["sh", "-c", hook],
        cwd=project,
        env=known | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def test_get_manifest_prints_the_repositorys_manifest(project: Path) -> None:
    printed = json.loads(run_hook(project, "get-manifest"))
    assert printed == yaml.safe_load(manifest.for_socket_mode())


@pytest.mark.parametrize("own", [{}, {"ROLLCALL_STORE": "dynamodb"}, {"SLACK_BOT_TOKEN": "xoxb-x"}])
def test_start_runs_the_bot_with_the_tokens_of_the_installed_app(
    project: Path, own: dict[str, str]
) -> None:
    """A token in the shell may be another app's."""
    printed = run_hook(project, "start", SLACK_CLI_XOXB="xoxb-1", SLACK_CLI_XAPP="xapp-1", **own)
    seen = dict(line.split("=", 1) for line in printed.splitlines())
    assert (seen["SLACK_BOT_TOKEN"], seen["SLACK_APP_TOKEN"]) == ("xoxb-1", "xapp-1")
    default = "sqlite:.rollcall/slack-run.sqlite"
    assert seen["ROLLCALL_STORE"] == own.get("ROLLCALL_STORE", default)
    assert (project / ".rollcall").is_dir() == ("ROLLCALL_STORE" not in own)


def test_bot_connects_by_itself_and_the_manifest_is_read_from_here() -> None:
    assert HOOKS["config"]["sdk-managed-connection-enabled"] is True
    assert HOOKS["config"]["protocol-version"] == ["default"]
    config = json.loads((ROOT / ".slack/config.json").read_text())
    assert config["manifest"]["source"] == "local"
