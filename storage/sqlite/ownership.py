"""Who can read the SQLite file: its owner only (R10.6)."""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

_logger = logging.getLogger(__name__)

_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_SUFFIXES = ("", "-wal", "-shm")
"""SQLite gives the write-ahead log and its index the file's permissions when it creates them."""


def create(path: str) -> bool:
    """Create the file for its owner only, whatever the umask. Return False if it exists."""
    is_new = not Path(path).exists()
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    return is_new


def restrict(path: str) -> None:
    """Take the permissions of all but the owner from the file and its log, or warn that they have them.

    A file in write-ahead mode is of no use to a group that can only read it: SQLite's readers write, too.
    """
    for file in (Path(path + suffix) for suffix in _SUFFIXES):
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
