"""Sentences that people read are in views only, and help and README say the same."""

from __future__ import annotations

import ast
from pathlib import Path

import bot
from bot.features.account.views import HELP

BOT = Path(bot.__file__).parent
README = BOT.parent / "README.md"

SPEAK = {"Invalid", "note_modal"}

MAKE_TEXT = {"section", "context", "warning", "note", "plain", "button"}
"""Functions that build text for people."""


VIEWS = {
    "views.py",
    "answer_views.py",
    "attendee_views.py",
    "choice_views.py",
    "edit_series_views.py",
    "series_views.py",
    "input_views.py",
    "repetition_views.py",
    "messages.py",
    "error_messages.py",
    "calendar_file.py",
    "spreadsheet.py",
}


def is_view(path: Path) -> bool:
    """Return whether a module may hold sentences that people read."""
    return path.name in VIEWS or path.parent.name == "blocks"


def makers_used(path: Path) -> set[str]:
    """Return the text builders and Slack block classes that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {alias.name for alias in node.names}
            if node.module == "bot.blocks.builders":
                found |= names & MAKE_TEXT
            elif node.module.startswith("slack_sdk.models.blocks"):
                found |= names
    return found


def words_given(path: Path) -> list[str]:
    """Return the literals that a module passes to field errors and modals."""
    calls = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
    named = [(ast.unparse(call.func).rpartition(".")[2], call.args) for call in calls]
    given = [args[1:] if name == "Invalid" else args for name, args in named if name in SPEAK]
    return [
        ast.unparse(part)
        for args in given
        for part in args
        if isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str))
    ]


def test_field_errors_and_modal_titles_are_in_views() -> None:
    modules = [path for path in BOT.rglob("*.py") if not is_view(path) and "api" not in path.parts]
    assert {path.name: words for path in modules if (words := words_given(path))} == {}


def test_text_in_module_is_found() -> None:
    """Negative control."""
    assert "'Post card'" in words_given(BOT / "features" / "manage" / "views.py")


def test_only_views_build_text() -> None:
    modules = [path for path in BOT.rglob("*.py") if not is_view(path)]
    assert {path.name: used for path in modules if (used := makers_used(path))} == {}


def test_module_that_builds_text_is_found() -> None:
    """Negative control."""
    assert makers_used(BOT / "features" / "manage" / "views.py")


def test_readme_equals_help() -> None:
    """Compare line by line."""
    section = README.read_text(encoding="utf-8").partition("\n## What it does\n")[2]
    written = [
        line for line in section.partition("\n## ")[0].splitlines() if line[:2] in ("- ", "**")
    ]
    said = [line for line in HELP.splitlines() if line[:2] in ("• ", "*F")]
    assert len(said) > 10
    assert [line.strip("*-• ") for line in written] == [line.strip("*-• ") for line in said]
