"""All sentences that people read live in one place, and help and README say the same."""

from __future__ import annotations

import ast
from pathlib import Path

import bot
from bot.views.messages import HELP

BOT = Path(bot.__file__).parent
README = BOT.parent / "README.md"

MAKE_TEXT = {"section", "context", "note", "plain", "button"}
"""What a text for people is made with."""


def makers_used(path: Path) -> set[str]:
    """Return what a module takes from `bot.views.text` to make text with, and block classes of Slack's."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {alias.name for alias in node.names}
            if node.module == "bot.views.text":
                found |= names & MAKE_TEXT
            elif node.module.startswith("slack_sdk.models.blocks"):
                found |= names
    return found


def test_only_views_make_text_that_people_read() -> None:
    modules = [path for path in BOT.rglob("*.py") if "views" not in path.parts]
    assert {path.name: used for path in modules if (used := makers_used(path))} == {}


def test_a_module_that_makes_text_is_found() -> None:
    """The control."""
    assert makers_used(BOT / "views" / "managing.py")


def test_the_readmes_tour_and_help_say_the_same() -> None:
    said = [line.removeprefix("• ") for line in HELP.splitlines() if line.startswith("• ")]
    written = [
        line.removeprefix("- ")
        for line in README.read_text(encoding="utf-8").splitlines()
        if line.startswith("- ")
    ]
    assert said
    assert [line for line in said if line not in written] == []
