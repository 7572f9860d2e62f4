"""The system's clock, unique ids, and threads for background work."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

_logger = logging.getLogger(__name__)


class SystemClock:
    """The system's clock. Implements `domain.ports.Clock`."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds."""
        time.sleep(seconds)  # the only real sleep that code with a `Clock` gets

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal, at most so many seconds. Return whether it came."""
        return signal.wait(seconds)


def new_id() -> str:
    """Return a new unique id."""
    return uuid.uuid4().hex


class BackgroundThreads:
    """Starts threads for background work. Implements `domain.ports.Spawn`."""

    def __init__(self) -> None:
        self._is_out = False

    def __call__(self, work: Callable[[], None]) -> None:
        """Run the work in a thread, and log its failure. Raises `ThreadNotStarted`, which is logged once."""
        from domain.ports import ThreadNotStarted

        try:
            threading.Thread(target=run_logged, args=(work,), daemon=True).start()
        except RuntimeError as error:
            if not self._is_out:
                _logger.critical(
                    "Rollcall can't start a thread (%s). What waits for one is tried again each minute."
                    " Raise the limits of memory and threads (TasksMax, ulimit -u), or restart Rollcall.",
                    error,
                )
            self._is_out = True
            raise ThreadNotStarted from error
        self._is_out = False


def run_logged(work: Callable[[], None]) -> None:
    """Run work that no caller waits for. What fails is logged."""
    from domain.errors import Busy
    from domain.ports import Unavailable

    try:
        work()
    except (Busy, Unavailable) as error:
        _logger.warning("background work did not finish (%r), and is tried again later", error)
    except Exception:  # the end of the thread: no caller is left to handle it
        _logger.exception("background work failed")


spawn = BackgroundThreads()
