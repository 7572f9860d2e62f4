"""Slow work that a session does once for all its workers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once_per_session(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Return the folder that `make` fills. The first worker fills it, and the others wait.

    A worker that fails leaves the work to the next. Raises what `make` raises.
    """
    own = tmp_path_factory.getbasetemp()
    # Workers have folders of their own side by side.
    session = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, done = session / name, session / f"{name}.done"
    with (session / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder
