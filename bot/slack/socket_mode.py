"""Socket Mode's connection: opens it, replaces it when it is lost or refreshed, and acknowledges its envelopes.

Why this is not slack_sdk's client is in docs/adr/0018-a-socket-mode-client.md.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeAlias

from slack_sdk.errors import SlackClientError
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.envelopes import Envelope

_logger = logging.getLogger(__name__)


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


class SocketModeOff(Exception):
    """Socket Mode is switched off in the app's settings (Slack's reason `link_disabled`)."""


class NotConnected(Exception):
    """No connection could be made for `Timeouts.give_up` seconds. The message has the last reason."""


class _Stopped(Exception):
    """The client is to stop."""


@dataclass(frozen=True, eq=False)
class _Greeted:
    connection: _Connection


@dataclass(frozen=True, eq=False)
class _Lost:
    """The connection is closed, or Slack is about to close it."""

    connection: _Connection
    reason: str


class _Stop:
    """Stop the client."""


class _Off:
    """Socket Mode is switched off."""


_Signal: TypeAlias = _Greeted | _Lost | _Stop | _Off


class SocketModeClient:
    """Keeps one connection to Slack. During a refresh there are two, until the old one has acknowledged."""

    def __init__(
        self,
        open_url: Callable[[float], str],
        answer: Callable[[Envelope], str | None],
        *,
        executor: Executor,
        on_connected: Callable[[], None],
        jitter: Callable[[], float],
        timeouts: Timeouts | None = None,
    ) -> None:
        """Create a client. `open_url` calls apps.connections.open, with at most so many seconds.

        `executor` runs `answer`, which returns an envelope's acknowledgement; None leaves it unacknowledged.
        `jitter` returns a number from 0 to 1.
        """
        self._open_url = open_url
        self._answer = answer
        self._executor = executor
        self._on_connected = on_connected
        self._jitter = jitter
        self._timeouts = timeouts or Timeouts()
        # Unlike an Event's `set`, a SimpleQueue's `put` is safe in a signal handler.
        self._signals: SimpleQueue[_Signal] = SimpleQueue()
        self._is_stopping = False
        self._connections: list[_Connection] = []

    def stop(self) -> None:
        """Take no more envelopes, and have `run` return. A signal handler may call this."""
        self._is_stopping = True
        self._signals.put(_Stop())

    def run(self) -> None:
        """Serve until `stop`. At the end, finish and acknowledge what is in hand, then close the connection.

        Raises `SocketModeOff`, `NotConnected`, and `SlackApiError` if Slack rejects the app token.
        """
        failures = 0
        try:
            while True:
                connection = self._connect(failures)
                _logger.info("connected to Slack")
                self._retire_others(connection)
                self._on_connected()
                greeted_at = time.monotonic()
                lost = self._wait_for(_Lost, connection, None)
                _logger.info("the connection to Slack ends: %s", lost.reason if lost else "")
                is_steady = time.monotonic() - greeted_at >= self._timeouts.steady
                failures = 0 if is_steady else failures + 1
        except _Stopped:
            pass
        finally:
            self._is_stopping = True
            self._executor.shutdown()
            for connection in self._connections:
                connection.close()

    def _connect(self, failures: int) -> _Connection:
        """Return a connection that Slack has greeted. `failures` counts the short connections before it."""
        give_up_at = time.monotonic() + self._timeouts.give_up
        # A connection lost for the first time is replaced immediately.
        pause, attempt = self._pause(failures - 1), 0
        while True:
            self._sleep(min(pause, give_up_at - time.monotonic()))
            timeout = self._timeouts.first_open if attempt == 0 else self._timeouts.open
            try:
                return self._open(timeout)
            except (*FAILURES, WebSocketException) as error:
                pause = self._pause(failures + attempt)
                pause = max(pause, _retry_after(error))
                reason = f"{type(error).__name__}: {error}"
            _logger.warning("no connection to Slack: %s", reason)
            attempt += 1
            if time.monotonic() >= give_up_at:
                raise NotConnected(reason)

    def _open(self, seconds: float) -> _Connection:
        url = self._open_url(seconds)
        self._check_signals()
        connection = _Connection(url, self._timeouts, self._signals, self._take)
        self._connections.append(connection)
        connection.start()
        greeted = self._wait_for(_Greeted, connection, self._timeouts.first_open)
        if greeted is None:
            self._connections.remove(connection)
            connection.close_later()
            raise TimeoutError("Slack did not greet the connection")
        return connection

    def _retire_others(self, current: _Connection) -> None:
        for connection in self._connections:
            if connection is not current:
                connection.retire()
        self._connections = [current]

    def _wait_for(
        self, kind: type[_Greeted | _Lost], connection: _Connection, seconds: float | None
    ) -> Any:
        """Return a connection's signal of this kind; None after these seconds, or if it is lost instead."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            try:
                signal = self._signals.get(timeout=left)
            except Empty:
                return None
            _raise_end(signal)
            if isinstance(signal, _Greeted | _Lost) and signal.connection is connection:
                return signal if isinstance(signal, kind) else None

    def _sleep(self, seconds: float) -> None:
        """Pause, unless the client is to stop. Signals of connections no longer matter by now."""
        end = time.monotonic() + max(0.0, seconds)
        self._check_signals()
        while (left := end - time.monotonic()) > 0:
            with suppress(Empty):
                _raise_end(self._signals.get(timeout=left))

    def _check_signals(self) -> None:
        with suppress(Empty):
            while True:
                _raise_end(self._signals.get_nowait())

    def _pause(self, failures: int) -> float:
        """Return the seconds before the next attempt, longer with each failure, spread by a quarter."""
        if failures < 0:
            return 0.0
        longest = self._timeouts.longest_pause
        return float(min(longest, 0.25 * 2 ** min(failures, 8)) * (0.75 + 0.5 * self._jitter()))

    def _take(self, connection: _Connection, envelope: Envelope) -> None:
        """Have an envelope answered. One that is not taken stays unacknowledged, and Slack sends it again."""
        if self._is_stopping:
            return
        connection.begin()
        try:
            self._executor.submit(self._acknowledge, connection, envelope)
        except RuntimeError:  # the executor is shut down
            connection.finish()

    def _acknowledge(self, connection: _Connection, envelope: Envelope) -> None:
        try:
            text = self._answer(envelope)
            if text is not None and not connection.send(text):
                # Lost meanwhile. Slack sends the envelope again, unless it accepts this.
                any(other.send(text) for other in reversed(self._connections[:]))
        except Exception:  # the end of the thread's work: no caller is left to handle it
            _logger.exception("an envelope could not be answered")
        finally:
            connection.finish()


class _Connection:
    """One WebSocket connection, with the thread that reads it."""

    def __init__(
        self,
        url: str,
        timeouts: Timeouts,
        signals: SimpleQueue[_Signal],
        take: Callable[[_Connection, Envelope], None],
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
            self._signals.put(_Lost(self, reason))

    def _read_message(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
            kind = message.get("type")
        except (ValueError, AttributeError):
            _logger.warning("a message of Slack's could not be read")
            return
        if kind == "hello":
            self._signals.put(_Greeted(self))
        elif kind == "disconnect":
            reason = str(message.get("reason"))
            self._signals.put(_Off() if reason == "link_disabled" else _Lost(self, reason))
        elif "envelope_id" in message and "payload" in message:
            self._take(self, message)


def _raise_end(signal: _Signal) -> None:
    if isinstance(signal, _Stop):
        raise _Stopped
    if isinstance(signal, _Off):
        raise SocketModeOff


def _retry_after(error: Exception) -> float:
    """Return the seconds before Slack may be asked again. Raise the error if asking again is of no use."""
    if not isinstance(error, SlackClientError):
        return 0.0
    classified = classify(error)
    if classified.error_class in (ErrorClass.TEMPORARY, ErrorClass.RATE_LIMITED):
        return classified.retry_after
    raise error
