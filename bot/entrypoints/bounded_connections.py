"""HTTP connections, bounded in time and number: requests that are never finished must not use up the process (R10.6).

uvicorn waits without end for the rest of a request. Behind a proxy that buffers requests this changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_logger = logging.getLogger(__name__)

HEADER_SECONDS = 10.0
"""Time for a request's headers. Slack itself gives up after three seconds."""

REQUEST_SECONDS = 30.0
"""Time for a whole request with its body, which has at most 1 MB."""

MAX_INCOMPLETE = 256
"""Connections without a complete request. Beyond that, the one that has waited longest is closed."""

MAX_FILES = 65_536
"""Open files and connections that the process asks the system for."""

QUIET_SECONDS = 60.0
"""Time between two log lines of one kind that anybody on the network can cause."""

Incomplete = dict["BoundedConnection", None]
"""The connections without a complete request, the longest waiting first."""


class BoundedConnection(H11Protocol):
    """A connection that is closed unless a complete request arrives in time."""

    def __init__(self, incomplete: Incomplete, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # uvicorn's has each request that anybody sends: see `access_log`
        self._incomplete = incomplete
        self._since = 0.0
        self._seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio has BaseTransport
        """Start to wait for a request, and close the connection that has waited longest if there are too many."""
        super().connection_made(transport)
        self._look()
        while len(self._incomplete) > MAX_INCOMPLETE:
            next(iter(self._incomplete)).close()

    def data_received(self, data: bytes) -> None:
        """Take data, and see whether the request is complete."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect no request of it any more."""
        self._forget()
        super().connection_lost(exc)

    def _should_upgrade(self) -> bool:
        # uvicorn would log each upgrade to WebSocket, and keep a connection that nothing bounds.
        return False

    def close(self) -> None:
        """Close the connection without a response."""
        self._forget()
        self.transport.abort()

    def _look(self) -> None:
        """Wait for what is missing of a request, if anything is."""
        state = self.conn.their_state
        if self.transport.is_closing() or state not in (h11.IDLE, h11.SEND_BODY):
            self._forget()
            return
        seconds = HEADER_SECONDS if state is h11.IDLE else REQUEST_SECONDS
        if self._timer is None:
            self._since = self.loop.time()
            self._incomplete[self] = None
        elif seconds == self._seconds:
            return
        else:
            self._timer.cancel()
        self._seconds = seconds
        self._timer = self.loop.call_at(self._since + seconds, self.close)

    def _forget(self) -> None:
        self._incomplete.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def raise_file_limit() -> int:
    """Let the process open as many files and connections as the system allows; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            _logger.warning("can't raise the limit of open files from %d: %s", soft, error)
            return soft
    return wanted if soft == resource.RLIM_INFINITY else max(soft, wanted)


def limit_log() -> None:
    """Bound the log lines that anybody on the network can cause. Call this after uvicorn has set up its loggers."""
    for name in ("asyncio", "uvicorn.error"):
        logger = logging.getLogger(name)
        if not any(isinstance(one, OnceAMinute) for one in logger.filters):
            logger.addFilter(OnceAMinute())


class OnceAMinute(logging.Filter):
    """Passes each kind of warning and error of a library once a minute, with the number of those left out."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._passed: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log this record."""
        if record.levelno < logging.WARNING:
            return True
        kind = (record.name, str(record.msg)[:40])
        now = self._monotonic()
        passed_at, left_out = self._passed.get(kind, (now - QUIET_SECONDS, 0))
        if now - passed_at < QUIET_SECONDS:
            self._passed[kind] = (passed_at, left_out + 1)
            return False
        self._passed[kind] = (now, 0)
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} times since the last such line)"
            record.args = ()
        return True
