"""One WebSocket connection of Socket Mode, and what it signals to the client that made it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TypeAlias

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bot.slack.envelopes import Envelope

_logger = logging.getLogger(__name__)

_library_logger = logging.getLogger(f"{__name__}.websockets")
# A loss is ordinary and has its own line. The library logs it as an error, with a traceback.
_library_logger.setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a connection takes at most. A loss is noticed and repaired within 5 seconds."""

    first_open: float = 3.0
    """For the first call of apps.connections.open after a loss, and for opening and greeting a connection."""
    open: float = 10.0
    """For all later calls of apps.connections.open: Slack may be slow."""
    ping: float = 1.0
    """Between two pings."""
    pong: float = 2.0
    """For a pong. A peer that is silent for longer is gone."""
    close: float = 0.5
    """For a close handshake. Slack does not always end the TCP connection after it."""
    longest_pause: float = 2.0
    """Between two attempts to connect."""
    steady: float = 5.0
    """After which a connection counts as good. Those lost sooner are replaced with a pause."""
    give_up: float = 60.0
    """Without a connection."""


@dataclass(frozen=True, eq=False)
class Greeted:
    """Slack has said hello."""

    connection: Connection


@dataclass(frozen=True, eq=False)
class Lost:
    """The connection is closed, or Slack is about to close it."""

    connection: Connection
    reason: str


class Stop:
    """Stop the client."""


class Off:
    """Socket Mode is switched off."""


Signal: TypeAlias = Greeted | Lost | Stop | Off


class Connection:
    """One WebSocket connection, with the thread that reads it."""

    def __init__(
        self,
        url: str,
        timeouts: Timeouts,
        signals: SimpleQueue[Signal],
        take: Callable[[Connection, Envelope], None],
    ) -> None:
        """Open the connection. Raises `OSError` and `WebSocketException`."""
        self._signals = signals
        self._take = take
        self._lock = Lock()
        self._in_hand = 0
        self._is_retired = False
        self._websocket: ClientConnection = connect(
            url,
            open_timeout=timeouts.first_open,
            ping_interval=timeouts.ping,
            ping_timeout=timeouts.pong,
            close_timeout=timeouts.close,
            compression=None,
            logger=_library_logger,
            max_size=None,  # Slack's own limits apply: a payload may have megabytes
            legacy=True,  # connects here, instead of in a `with`
        )

    def start(self) -> None:
        """Read the connection in a thread."""
        Thread(target=self._read, name="socket-mode", daemon=True).start()

    def send(self, text: str) -> bool:
        """Send an acknowledgement. Return False if the connection is closed."""
        try:
            self._websocket.send(text)
        except (ConnectionClosed, OSError):
            return False
        return True

    def begin(self) -> None:
        """Count an envelope in hand."""
        with self._lock:
            self._in_hand += 1

    def finish(self) -> None:
        """Count an envelope done. The last one of a retired connection closes it."""
        with self._lock:
            self._in_hand -= 1
            is_over = self._is_retired and self._in_hand == 0
        if is_over:
            self.close_later()

    def retire(self) -> None:
        """Close the connection once its envelopes are acknowledged."""
        with self._lock:
            self._is_retired = True
            is_over = self._in_hand == 0
        if is_over:
            self.close_later()

    def close_later(self) -> None:
        """Close the connection in a thread: the handshake may take a second."""
        Thread(target=self.close, daemon=True).start()

    def close(self) -> None:
        """Close the connection, with a handshake if Slack takes part in one."""
        self._websocket.close()

    def _read(self) -> None:
        reason = "closed"
        try:
            for text in self._websocket:
                self._read_message(text)
        except (ConnectionClosed, OSError) as error:
            reason = str(error)
        finally:
            self._signals.put(Lost(self, reason))

    def _read_message(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
            kind = message.get("type")
        except (ValueError, AttributeError):
            _logger.warning("a message of Slack's could not be read")
            return
        if kind == "hello":
            self._signals.put(Greeted(self))
        elif kind == "disconnect":
            reason = str(message.get("reason"))
            self._signals.put(Off() if reason == "link_disabled" else Lost(self, reason))
        elif "envelope_id" in message and "payload" in message:
            self._take(self, message)
