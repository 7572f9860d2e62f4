"""Permissions of the SQLite file: only its owner can read it (R10.6)."""

from __future__ import annotations

import logging
import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

_logger = logging.getLogger(__name__)

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_creating = threading.Lock()

_SUFFIXES = ("", "-wal", "-shm")
"""SQLite gives the write-ahead log and its index the file's permissions when it creates them."""


def create(path: str) -> bool:
    """Create the file for its owner only, whatever the umask. Return False if it exists. Raise `OSError`."""
    # If a process closes a file, it loses the locks that its other connections have there. So no other
    # thread may use the file before it is closed here, and one that exists is not opened.
    with _creating:
        try:
            file = os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            return False
        os.close(file)
        return True


def require(path: str) -> None:
    """Raise `ValueError` unless there is a file that this process may read and write."""
    file = Path(path)
    if not file.exists():
        raise ValueError(f"{path} doesn't exist. Check the path")
    if not file.is_file():
        raise ValueError(f"{path} is not a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise ValueError(
            f"you can't read and write {path}: check its permissions, and whether the disk is read-only"
        )


def restrict(path: str) -> None:
    """Take the permissions of all but the owner from the file and its log, or warn that they have them.

    A file in write-ahead mode is of no use to a group that can only read it: SQLite's readers write, too.
    """
    real = os.path.realpath(path)  # the log is beside the file, not beside a link to it
    for file in (Path(real + suffix) for suffix in _SUFFIXES):
        if not file.exists() or not _others_can(file):
            continue
        mode = stat.S_IMODE(file.stat().st_mode)
        with suppress(OSError):  # another user's file: the warning says what to do
            file.chmod(mode & ~_OTHERS)
        if _others_can(file):
            _logger.warning("others can read %s. Run: chmod 600 %s", file, file)
        else:
            _logger.warning("others could read %s (mode %03o): only its owner can now", file, mode)


def _others_can(file: Path) -> bool:
    return bool(file.stat().st_mode & _OTHERS)
