"""The words that docs/glossary.md bans appear in no name, and most of them in no text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
GLOSSARY = ROOT / "docs" / "glossary.md"
FOLDERS = ("bot", "domain", "storage", "infra", "playground", "tests", "docs")

EXCEPTIONS = {
    ("bot/features/calendar/entries.py", "cancelled"),  # codespell:ignore
    ("tests/support/calendars.py", "cancelled"),  # codespell:ignore
    ("tests/acceptance/slack/calendar/test_calendar.py", "cancelled"),  # codespell:ignore
    ("storage/older_forms.py", "cancelled"),  # codespell:ignore
    ("storage/older_forms.py", "capacity raise"),
    ("storage/older_forms.py", "untold"),
}
"""Files with a banned word, and why: iCalendar spells its status this way, and earlier versions stored it."""


def banned_words() -> tuple[set[str], set[str]]:
    """Return the words that are banned everywhere, and those banned from names only."""
    rows = re.findall(r"^\| .+ \| .+ \| (.+) \|$", GLOSSARY.read_text(), re.MULTILINE)
    cells = [re.sub(r"<!--.*?-->", "", row) for row in rows[2:]]
    terms = {term.strip() for cell in cells for term in cell.split(",")}
    in_names = {term.removesuffix(" (names)") for term in terms if term.endswith(" (names)")}
    return {term for term in terms if not term.endswith(" (names)")}, in_names


def pattern(terms: set[str], endings: str) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(terms)})(?:{endings})?\b", re.IGNORECASE)


EVERYWHERE, IN_NAMES = banned_words()
IN_TEXT = pattern(EVERYWHERE, "s|d|ed")
IN_NAME = pattern(IN_NAMES, "s")


def in_words(text: str) -> str:
    """Return the text with its names split into words, without line breaks."""
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", text).split())


def names_in(source: str) -> Iterator[str]:
    """Yield the names that a module defines."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def banned_in_text(text: str) -> set[str]:
    return {word.lower() for word in IN_TEXT.findall(in_words(text))}


def banned_in_names(path: str, source: str) -> set[str]:
    if not IN_NAME.search(in_words(path + source)):
        return set()  # parsing every module would take most of the time
    return {
        word.lower() for word in IN_NAME.findall(in_words("\n".join([path, *names_in(source)])))
    }


def files(suffix: str) -> dict[str, str]:
    """Return the texts of all files by path, but for the glossary and this module."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob(f"*{suffix}"))
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in [*ROOT.glob(f"*{suffix}"), *inside]
        if path not in (GLOSSARY, Path(__file__))
    }


def test_no_text_has_a_banned_word() -> None:
    found = {
        (path, word)
        for path, text in (files(".md") | files(".py")).items()
        for word in banned_in_text(f"{path}\n{text}")
    }
    assert found == EXCEPTIONS


def test_no_name_has_a_banned_word() -> None:
    found = {
        (path, word) for path, text in files(".py").items() for word in banned_in_names(path, text)
    }
    assert found == set()


def test_banned_word_is_found() -> None:
    """Negative control."""
    assert banned_in_text("def evict_user(): ...") == {"evict"}
    assert banned_in_text("The people\nin it are Settled.") == {"people in it", "settle"}
    assert banned_in_text("class TakeOut: ...") == {"take out"}
    assert banned_in_names("a.py", "def told_user(places): waiting = 1") == {
        "told",
        "place",
        "waiting",
    }
    assert banned_in_names("people.py", "") == {"people"}
    assert banned_in_names("a.py", "raise Waiting('for a place')") == set()
