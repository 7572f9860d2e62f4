"""Client of Socket Mode: opens a connection, replaces it when it is lost or refreshed, and acknowledges its envelopes.

Why this is not slack_sdk's client is in docs/adr/0018-a-socket-mode-client.md.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from slack_sdk.errors import SlackClientError
from websockets.exceptions import WebSocketException

from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.envelopes import Envelope
from bot.slack.socket_connection import Connection, Greeted, Lost, Off, Signal, Stop, Timeouts

_logger = logging.getLogger(__name__)


CHECK_SECONDS = 30.0
"""Seconds between two looks at what else must run in the process."""

MAX_ANSWERS = 1_000
"""Answers kept. Slack sends again within seconds."""


class SocketModeOff(Exception):
    """Socket Mode is switched off in the app's settings (Slack's reason `link_disabled`)."""


class NotConnected(Exception):
    """No connection could be made for `Timeouts.give_up` seconds. The message has the last reason."""


class Stalled(Exception):
    """Something that must run in the process has stopped. The message says what, and what to do."""


class _Stopped(Exception):
    """The client is to stop."""


class SocketModeClient:
    """Keeps one connection to Slack. During a refresh there are two, until the old one has acknowledged."""

    def __init__(
        self,
        open_url: Callable[[float], str],
        answer: Callable[[Envelope, float], str | None],
        *,
        executor: Executor,
        on_connected: Callable[[], None],
        jitter: Callable[[], float],
        timeouts: Timeouts | None = None,
        stalled: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Create a client. `open_url` calls apps.connections.open, with at most so many seconds.

        `executor` runs `answer` with an envelope and the moment of its arrival, on the monotonic clock. It returns the
        acknowledgement; None leaves the envelope unacknowledged.
        `jitter` returns a number from 0 to 1. `stalled` returns what has stopped running in the process, and
        what to do.
        """
        self._stalled = stalled
        self._open_url = open_url
        self._answer = answer
        self._executor = executor
        self._on_connected = on_connected
        self._jitter = jitter
        self._timeouts = timeouts or Timeouts()
        # Unlike an Event's `set`, a SimpleQueue's `put` is safe in a signal handler.
        self._signals: SimpleQueue[Signal] = SimpleQueue()
        self._is_stopping = False
        self._connections: list[Connection] = []
        self._lock = Lock()
        self._answers: OrderedDict[str, Future[str | None]] = OrderedDict()
        """The answers to the last envelopes, by envelope id. Slack sends an envelope again after a loss."""

    def stop(self) -> None:
        """Take no more envelopes, and have `run` return. A signal handler may call this."""
        self._is_stopping = True
        self._signals.put(Stop())

    def run(self) -> None:
        """Serve until `stop`. At the end, finish and acknowledge what is in hand, then close the connection.

        Raises `SocketModeOff`, `NotConnected`, `Stalled`, and `SlackApiError` if Slack rejects the app token.
        """
        failures = 0
        try:
            while True:
                connection = self._connect(failures)
                _logger.info("connected to Slack")
                self._retire_others(connection)
                self._on_connected()
                greeted_at = time.monotonic()
                lost = self._wait_until_lost(connection)
                _logger.info("the connection to Slack ends: %s", lost.reason)
                is_steady = time.monotonic() - greeted_at >= self._timeouts.steady
                failures = 0 if is_steady else failures + 1
        except _Stopped:
            pass
        finally:
            self._is_stopping = True
            self._executor.shutdown()
            for connection in self._connections:
                connection.close()

    def _wait_until_lost(self, connection: Connection) -> Lost:
        """Return why a connection ends. Raises `Stalled`."""
        while True:
            lost: Lost | None = self._wait_for(Lost, connection, CHECK_SECONDS)
            if lost is not None:
                return lost
            problem = self._stalled()
            if problem is not None:
                raise Stalled(problem)

    def _connect(self, failures: int) -> Connection:
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

    def _open(self, seconds: float) -> Connection:
        url = self._open_url(seconds)
        self._check_signals()
        connection = Connection(url, self._timeouts, self._signals, self._take)
        self._connections.append(connection)
        connection.start()
        greeted = self._wait_for(Greeted, connection, self._timeouts.first_open)
        if greeted is None:
            self._connections.remove(connection)
            connection.close_later()
            raise TimeoutError("Slack did not greet the connection")
        return connection

    def _retire_others(self, current: Connection) -> None:
        for connection in self._connections:
            if connection is not current:
                connection.retire()
        self._connections = [current]

    def _wait_for(
        self, kind: type[Greeted | Lost], connection: Connection, seconds: float | None
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
            if isinstance(signal, Greeted | Lost) and signal.connection is connection:
                if isinstance(signal, kind):
                    return signal
                if isinstance(signal, Lost):
                    return None

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

    def _take(self, connection: Connection, envelope: Envelope) -> None:
        """Have an envelope answered. One that is not taken stays unacknowledged, and Slack sends it again."""
        if self._is_stopping:
            return
        connection.begin()
        try:
            future = self._answer_once(envelope)
        except RuntimeError:  # the executor is shut down
            connection.finish()
            return
        future.add_done_callback(partial(self._acknowledge, connection))

    def _answer_once(self, envelope: Envelope) -> Future[str | None]:
        """Return the answer to an envelope; carry it out unless it has one. Raises `RuntimeError` after the end."""
        envelope_id = str(envelope["envelope_id"])
        with self._lock:
            future = self._answers.get(envelope_id)
            # None asks Slack to send the envelope again, for example because Slack itself was busy.
            if future is None or (future.done() and future.result() is None):
                future = self._answers[envelope_id] = self._executor.submit(
                    self._carry_out, envelope, time.monotonic()
                )
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        return future

    def _carry_out(self, envelope: Envelope, arrived_at: float) -> str | None:
        try:
            return self._answer(envelope, arrived_at)
        except Exception:  # the end of the thread's work: no caller is left to handle it
            _logger.exception("an envelope could not be answered")
            return None

    def _acknowledge(self, connection: Connection, answer: Future[str | None]) -> None:
        text = answer.result()
        try:
            if text is not None and not connection.send(text):
                # Lost meanwhile. Slack sends the envelope again, unless it accepts this.
                any(other.send(text) for other in reversed(self._connections[:]))
        finally:
            connection.finish()


def _raise_end(signal: Signal) -> None:
    if isinstance(signal, Stop):
        raise _Stopped
    if isinstance(signal, Off):
        raise SocketModeOff


def _retry_after(error: Exception) -> float:
    """Return the seconds before Slack may be asked again. Raise the error if asking again is of no use."""
    if not isinstance(error, SlackClientError):
        return 0.0
    classified = classify(error)
    if classified.error_class in (ErrorClass.TEMPORARY, ErrorClass.RATE_LIMITED):
        return classified.retry_after
    raise error
