"""The package for Lambda, built for real. It needs the registry of Python's packages and Python 3.13."""

from __future__ import annotations

import hashlib
import os
import struct
from functools import partial
from pathlib import Path

import pytest

from infra.package import BUILT_FROM, CannotBuild, build
from tests.support.infra.service_calls import ROOT
from tests.support.once import once_per_session

ELF, AARCH64 = b"\x7fELF", 183
"""The first bytes of a compiled library, and the processor's number (its bytes 18 and 19)."""

MAGIC_OF_3_13 = 3571
"""The number of Python 3.13's bytecode, in the first two bytes of each file."""

UNPACKED_LIMIT = 250 * 1024 * 1024
"""Lambda's limit on a package, in bytes."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the package. Skip the tests if it can't be built. Fail them instead if CI is set."""
    try:
        return once_per_session(tmp_path_factory, "package", partial(build, ROOT))
    except CannotBuild as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


def test_package_has_what_the_functions_import_and_no_other_code(package: Path) -> None:
    ours = {"bot", "domain", "storage", "infra", "playground", "tests"}
    assert {name for name in ours if (package / name).exists()} == {"bot", "domain", "storage"}
    for library in ("slack_bolt", "pydantic", "boto3", "fastapi", "mangum", "tzdata"):
        assert (package / library / "__init__.py").is_file()


def test_compiled_libraries_are_for_lambdas_processor(package: Path) -> None:
    libraries = list(package.rglob("*.so"))
    assert libraries
    for library in libraries:
        head = library.read_bytes()[:20]
        assert head[:4] == ELF
        assert struct.unpack("<H", head[18:20]) == (AARCH64,), library


def test_every_module_has_unchecked_bytecode_for_lambdas_python(package: Path) -> None:
    """Zips lose file times. Checked bytecode would be compiled again at each start."""
    modules = [path for path in package.rglob("*.py") if path.parent != package]
    assert len(modules) > 1000
    for module in modules:
        bytecode = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        magic, flags = struct.unpack("<HxxI", bytecode.read_bytes()[:8])
        assert (magic, flags) == (MAGIC_OF_3_13, 0b01), bytecode


def test_package_is_below_lambdas_limit(package: Path) -> None:
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    assert size < UNPACKED_LIMIT


def test_same_source_gives_the_same_package(package: Path, tmp_path: Path) -> None:
    """A deployment without a change must change nothing."""
    again = tmp_path / "elsewhere"
    build(ROOT, again)
    assert digests(again) == digests(package)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_unchanged_source_is_not_built_again(package: Path) -> None:
    before = (package / BUILT_FROM).stat().st_mtime_ns
    build(ROOT, package)
    assert (package / BUILT_FROM).stat().st_mtime_ns == before


def test_changed_source_is_built_again(tmp_path: Path) -> None:
    """A failed build is not mistaken for a finished one, and the error gives the reason."""
    (tmp_path / "requirements.txt").write_text("no-such-library-of-ours==1.0 --hash=sha256:00\n")
    target = tmp_path / "lambda"
    target.mkdir()
    (target / BUILT_FROM).write_text("something else")
    with pytest.raises(CannotBuild, match=r"Python 3\.13"):
        build(tmp_path, target)
    assert not (target / BUILT_FROM).exists()
