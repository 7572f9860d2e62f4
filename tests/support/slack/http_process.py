"""Runner of `rollcall http` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def env(path: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process on a SQLite store in this folder."""
    return {"ROLLCALL_STORE": f"sqlite:{path / 'rollcall.sqlite'}", **more}


@contextmanager
def running_http(environment: dict[str, str]) -> Iterator[str]:
    """Run `rollcall http` in a process of its own; yield its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "http", "--port", "0"],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "running on" in line)
        yield line.split("running on ")[1].split()[0]
    finally:
        process.kill()
        process.communicate()
