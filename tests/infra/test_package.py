"""The folder that Lambda runs, built for real: it needs the registry of Python's packages, and Python 3.13."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import pytest

from infra.package import BUILT_FROM, CannotBuild, build
from tests.support.infra.service_calls import ROOT

ELF, AARCH64 = b"\x7fELF", 183
"""How a compiled library begins, and the processor's number in it (its bytes 18 and 19)."""

MAGIC_OF_3_13 = 3571
"""The number of Python 3.13's bytecode: the first two bytes of each file."""

UNPACKED_LIMIT = 250 * 1024 * 1024
"""Bytes: Lambda's limit on a package."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder. Where it can't be built, the tests are skipped; with CI set, they fail."""
    target = tmp_path_factory.mktemp("package") / "lambda"
    try:
        build(ROOT, target)
    except CannotBuild as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    return target


def test_it_has_what_the_functions_import_and_nothing_else_of_ours(package: Path) -> None:
    ours = {"bot", "domain", "storage", "infra", "playground", "tests"}
    assert {name for name in ours if (package / name).exists()} == {"bot", "domain", "storage"}
    for library in ("slack_bolt", "pydantic", "boto3", "fastapi", "mangum", "tzdata"):
        assert (package / library / "__init__.py").is_file()


def test_what_is_compiled_is_for_lambdas_processor(package: Path) -> None:
    libraries = list(package.rglob("*.so"))
    assert libraries
    for library in libraries:
        head = library.read_bytes()[:20]
        assert head[:4] == ELF
        assert struct.unpack("<H", head[18:20]) == (AARCH64,), library


def test_every_module_has_bytecode_of_lambdas_python_that_is_not_checked(package: Path) -> None:
    """A zip loses the times by which bytecode is checked otherwise: all would be compiled at each start."""
    modules = [path for path in package.rglob("*.py") if path.parent != package]
    assert len(modules) > 1000
    for module in modules:
        bytecode = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        magic, flags = struct.unpack("<HxxI", bytecode.read_bytes()[:8])
        assert (magic, flags) == (MAGIC_OF_3_13, 0b01), bytecode


def test_it_fits(package: Path) -> None:
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    assert size < UNPACKED_LIMIT


def test_the_same_source_gives_the_same_folder(package: Path, tmp_path: Path) -> None:
    """So that a deployment without a change changes nothing."""
    again = tmp_path / "elsewhere"
    build(ROOT, again)
    assert digests(again) == digests(package)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_is_not_built_again_without_a_change(package: Path) -> None:
    marker = package / "untouched"
    marker.touch()
    build(ROOT, package)
    assert marker.exists()
    marker.unlink()


def test_it_is_built_again_after_a_change(tmp_path: Path) -> None:
    """What can't be built is not taken for built; the reason is said."""
    (tmp_path / "requirements.txt").write_text("no-such-library-of-ours==1.0 --hash=sha256:00\n")
    target = tmp_path / "lambda"
    target.mkdir()
    (target / BUILT_FROM).write_text("something else")
    with pytest.raises(CannotBuild, match=r"Python 3\.13"):
        build(tmp_path, target)
    assert not (target / BUILT_FROM).exists()
