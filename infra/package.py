"""The package that Lambda runs: a folder with Rollcall and its libraries for arm64, compiled without Docker.

CDK zips the folder. `python -m infra.package FOLDER` only builds it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_28"
"""Lambda's Python runs on Amazon Linux 2023, whose C library is 2.34."""

OURS = ("bot", "domain", "storage")
PINS = "requirements.txt"

SERVICES = frozenset({"dynamodb", "secretsmanager"})
"""The services that Rollcall uses. Botocore's descriptions of the other 400 take 25 MB."""

UNUSED = (
    *("PIL/_avif.*", "PIL/_webp.*", "PIL/_imagingcms.*", "PIL/_imagingtk.*"),
    *("pillow.libs/libavif-*", "pillow.libs/libwebp*", "pillow.libs/libsharpyuv-*"),
    "pillow.libs/liblcms2-*",
)
"""Compiled code of Pillow that its PNG files and its texts don't need, 8 MB."""

BUILT_FROM = ".built-from"
"""File in the folder with the digest of its source. An unchanged source is not built again."""


class CannotBuild(Exception):
    """A step of the build failed. Its output says why."""


def build(root: Path, target: Path) -> None:
    """Build the folder `target` from the checkout `root`, unless the source is unchanged.

    The build needs the registry of Python's packages and Python 3.13, which uv fetches if it is
    missing. Raise `CannotBuild`.
    """
    source = _digest(root)
    stamp = target / BUILT_FROM
    if stamp.exists() and stamp.read_text(encoding="utf-8") == source:
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    _install(root / PINS, target)
    _trim(target)
    for name in OURS:
        shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(target)
    stamp.write_text(source, encoding="utf-8")


def _digest(root: Path) -> str:
    """Return a digest of every file that goes into the folder, and of this one."""
    files = [root / PINS, Path(__file__)]
    for name in OURS:
        files += (path for path in (root / name).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in sorted(path for path in files if "__pycache__" not in path.parts):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _install(pins: Path, target: Path) -> None:
    """Install the pinned libraries for Lambda's processor and Python, as wheels."""
    _uv(
        *(
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--requirements",
            str(pins),
        ),
        *("--target", str(target), "--only-binary", ":all:"),
        *("--python-platform", PLATFORM, "--python-version", PYTHON),
        # Files must not be links to uv's cache.
        *("--link-mode", "copy"),
    )
    shutil.rmtree(target / "bin", ignore_errors=True)  # commands with another machine's Python


def _trim(target: Path) -> None:
    for service in (target / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    for pattern in UNUSED:
        for path in target.glob(pattern):
            path.unlink()


def _compile(target: Path) -> None:
    """Write bytecode, so a cold start compiles nothing. It is unchecked, because zips lose file times."""
    compileall = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    # Tracebacks show the paths that the files have in Lambda.
    where = ("-s", str(target), "-p", "/var/task", str(target))
    if sys.version_info[:2] == (3, 13):
        _run(sys.executable, *compileall, *where)
    else:
        _uv(
            "run",
            "--quiet",
            "--no-project",
            "--python",
            PYTHON,
            "--",
            "python",
            *compileall,
            *where,
        )


def _uv(*arguments: str) -> None:
    _run(sys.executable, "-m", "uv", *arguments)


def _run(*command: str) -> None:
    # pyenv's shims start a Python only if this variable names it.
    environment = {**os.environ, "PYENV_VERSION": PYTHON}
    try:
        subprocess.run(command, check=True, env=environment)  # noqa: S603  # no argument comes from outside
    except subprocess.CalledProcessError as error:
        raise CannotBuild(
            f"the package for Lambda could not be built: {' '.join(command[:5])} … exited with"
            f" {error.returncode}. It needs the registry of Python's packages, and Python {PYTHON}."
        ) from error


if __name__ == "__main__":
    build(Path(__file__).parents[1], Path(sys.argv[1]).resolve())
