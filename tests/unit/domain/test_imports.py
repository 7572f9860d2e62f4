"""The domain imports only the standard library, pydantic and dateutil, and nothing imports the tests."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("bot", "domain", "infra", "playground", "storage")


def imported(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the top-level name of each import in a package, and the module that imports it."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], path) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield (node.module or "").partition(".")[0], path


def test_domain_imports_only_the_standard_library_pydantic_and_dateutil() -> None:
    libraries = {"pydantic", "pydantic_core", "dateutil"}
    allowed = (sys.stdlib_module_names | {"domain"} | libraries) - {"importlib"}
    assert [found for found in imported("domain") if found[0] not in allowed] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_the_tests(package: str) -> None:
    assert [found for found in imported(package) if found[0] == "tests"] == []
