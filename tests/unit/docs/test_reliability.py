"""docs/reliability.md claims nothing that is not shown: each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_each_named_test_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+(?:\.py|/))(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    for path, function in named:
        assert (ROOT / path).exists(), path
        if function:
            tree = ast.parse((ROOT / path).read_text())
            assert function in {
                node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
            }, f"{path}::{function}"


def test_each_promise_names_a_test() -> None:
    promises = PAGE.split("## The promises")[1].split("## ")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][2:]
    assert rows
    for row in rows:
        assert "`tests/" in row, row
