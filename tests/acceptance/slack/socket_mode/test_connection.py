"""Socket Mode's connection, against a server with Slack's protocol: losses, refreshes, and acknowledgements."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Event, Semaphore, Thread
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.entrypoints.socket_mode import open_url
from bot.slack.envelopes import Envelope
from bot.slack.frame_limits import FRAME_BYTES, compact
from bot.slack.socket_connection import Timeouts
from bot.slack.socket_mode import NotConnected, SocketModeClient, SocketModeOff
from tests.support.slack.socket_mode_client import APP_TOKEN, acknowledge
from tests.support.slack.socket_mode_losses import COMMAND
from tests.support.slack.socket_mode_server import (
    WAIT,
    Opening,
    SocketModeServer,
    cut_off,
    error,
    hanging,
    slow,
    status,
)

QUICK = Timeouts(
    first_open=0.3,
    open=1.0,
    ping=0.1,
    pong=0.2,
    close=0.1,
    longest_pause=0.1,
    steady=0.0,
    give_up=20.0,
)
"""Timeouts short enough for a test of them. On a busy machine they also replace good connections."""

STEADY = replace(QUICK, first_open=WAIT, pong=WAIT)
"""Timeouts that lose no connection on a busy machine."""


class Running:
    """A client that runs in a thread, and how it ended."""

    def __init__(
        self,
        server: SocketModeServer,
        answer: Callable[[Envelope], str | None] = acknowledge,
        timeouts: Timeouts = STEADY,
    ) -> None:
        self.error: Exception | None = None
        self.connections = Semaphore(0)
        self.client = SocketModeClient(
            partial(open_url, server.url, APP_TOKEN),
            lambda envelope, _: answer(envelope),
            executor=ThreadPoolExecutor(8),
            on_connected=self.connections.release,
            jitter=lambda: 0.0,
            timeouts=timeouts,
        )
        self._thread = Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def wait(self) -> Exception | None:
        """Wait until the client has ended; return its error."""
        self._thread.join(WAIT)
        assert not self._thread.is_alive()
        return self.error

    def _run(self) -> None:
        try:
            self.client.run()
        except (SlackApiError, SocketModeOff, NotConnected) as error:
            self.error = error


@pytest.fixture
def server() -> Iterator[SocketModeServer]:
    with SocketModeServer().running() as server:
        yield server


@contextmanager
def connected(server: SocketModeServer, **values: Any) -> Iterator[Running]:
    """Run a client that the server has greeted; at the end, it must stop without an error."""
    running = Running(server, **values)
    running.start()
    try:
        server.wait_for_greetings(1)
        yield running
    finally:
        running.client.stop()
        assert running.wait() is None


@pytest.mark.parametrize(
    "lose",
    [
        SocketModeServer.end_stream,
        SocketModeServer.fall_silent,
        SocketModeServer.close,
        lambda server: server.close(1011),
        lambda server: server.disconnect("warning"),
        lambda server: server.disconnect("refresh_requested"),
        lambda server: server.disconnect("too_many_websockets"),
    ],
    ids=["end", "silence", "close 1000", "close 1011", "warning", "refresh", "too many"],
)
def test_lost_connection_is_replaced(
    server: SocketModeServer, lose: Callable[[SocketModeServer], None]
) -> None:
    with connected(server, timeouts=QUICK):
        lose(server)
        server.wait_for_greetings(2)
        assert server.send(COMMAND).wait() == {"text": "Done"}


@pytest.mark.parametrize(
    "opening",
    [
        slow(0.1),
        hanging,
        cut_off,
        status(503),
        status(429, Retry_After="0"),
        error("internal_error"),
    ],
    ids=["slow", "hanging", "cut off", "503", "rate limited", "internal error"],
)
def test_connection_is_made_after_a_failed_opening(
    server: SocketModeServer, opening: Opening
) -> None:
    with connected(server, timeouts=QUICK):
        server.openings.append(opening)
        server.end_stream()
        server.wait_for_greetings(2)
        assert server.send(COMMAND).wait() == {"text": "Done"}


def test_connection_without_hello_is_given_up(server: SocketModeServer) -> None:
    server.greets = False
    running = Running(server, timeouts=QUICK)
    running.start()
    server.wait_until(lambda: len(server.opened_at) >= 2)
    server.greets = True
    server.wait_for_greetings(1)
    running.client.stop()
    assert running.wait() is None


def test_refreshed_connection_acknowledges_what_it_brought(server: SocketModeServer) -> None:
    """There are two connections until the old one has nothing in hand, then one."""
    begun, go_on = Event(), Event()

    def answer(envelope: Envelope) -> str:
        begun.set()
        assert go_on.wait(WAIT)
        return acknowledge(envelope)

    with connected(server, answer=answer) as running:
        old = server.newest
        delivery = server.send(COMMAND)
        assert begun.wait(WAIT)
        server.disconnect("refresh_requested")
        for _ in range(2):
            assert running.connections.acquire(timeout=WAIT)
        assert server.connection_count == 2
        go_on.set()
        delivery.wait()
        assert delivery.acknowledged_on is old
        server.wait_until(lambda: server.connection_count == 1)
        assert server.most_connections == 2
        assert server.close_codes == [1000]


def test_stop_during_a_refresh_takes_no_more(server: SocketModeServer) -> None:
    """The old connection still brings envelopes while Slack does not open the new one."""
    running = Running(server, timeouts=replace(STEADY, first_open=1.0))
    running.start()
    server.wait_for_greetings(1)
    opened = len(server.opened_at)
    server.openings.append(hanging)
    server.disconnect("refresh_requested")
    server.wait_until(lambda: len(server.opened_at) > opened)
    running.client.stop()
    delivery = server.send(COMMAND)
    assert running.wait() is None
    assert not delivery.is_acknowledged.is_set()


def test_envelope_in_hand_is_acknowledged_after_a_loss(server: SocketModeServer) -> None:
    """Slack sends it again on the new connection, and it is carried out once."""
    begun, go_on = Event(), Event()
    carried_out: list[str] = []

    def answer(envelope: Envelope) -> str:
        carried_out.append(envelope["envelope_id"])
        begun.set()
        assert go_on.wait(WAIT)
        return acknowledge(envelope)

    with connected(server, answer=answer):
        delivery = server.send(COMMAND)
        assert begun.wait(WAIT)
        server.end_stream()
        server.wait_for_greetings(2)
        server.wait_until(lambda: len(delivery.sent_at) == 2)
        go_on.set()
        assert delivery.wait() == {"text": "Done"}
    assert carried_out == [delivery.envelope["envelope_id"]]


def test_second_greeting_is_no_loss(
    server: SocketModeServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="bot.slack"), connected(server):
        server.newest.send(json.dumps({"type": "hello"}))
        assert server.send(COMMAND).wait() == {"text": "Done"}
    assert caplog.messages == ["connected to Slack"]


def test_message_in_fragments_is_read(server: SocketModeServer) -> None:
    with connected(server):
        assert server.send(COMMAND, fragments=3).wait() == {"text": "Done"}


def test_payload_of_a_megabyte_is_read(server: SocketModeServer) -> None:
    with connected(server):
        assert server.send({**COMMAND, "text": "x" * 1_100_000}).wait() == {"text": "Done"}


def test_every_envelope_of_a_burst_is_acknowledged(server: SocketModeServer) -> None:
    with connected(server):
        deliveries = [server.send(COMMAND) for _ in range(200)]
        assert [delivery.wait() for delivery in deliveries] == [{"text": "Done"}] * 200
        assert len(server.greeted_at) == 1


def test_frame_over_the_limit_closes_the_connection(server: SocketModeServer) -> None:
    """Slack closes the connection with 1009 and sends the envelope again. The tests' server does the same."""

    def answer(envelope: Envelope) -> str:
        return compact({"envelope_id": envelope["envelope_id"], "payload": "x" * FRAME_BYTES})

    with connected(server, answer=answer):
        delivery = server.send(COMMAND)
        server.wait_until(lambda: len(delivery.sent_at) == 2)
        assert server.close_codes[0] == 1009
        assert not delivery.is_acknowledged.is_set()


def test_envelope_that_fails_leaves_the_connection(
    server: SocketModeServer, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(envelope: Envelope) -> str | None:
        if envelope["payload"]["text"] == "fail":
            raise ValueError(envelope["payload"]["text"])
        return acknowledge(envelope)

    with connected(server, answer=answer):
        failing = server.send({**COMMAND, "text": "fail"})
        server.send(COMMAND).wait()
        assert len(server.greeted_at) == 1
    assert not failing.is_acknowledged.is_set()
    assert "could not be answered" in caplog.text


def test_envelope_without_an_acknowledgement_is_carried_out_again(
    server: SocketModeServer,
) -> None:
    """A busy Slack, for example, gets no acknowledgement of an event, so that it sends it again (R8.12)."""
    carried_out = Semaphore(0)
    answers = iter([None, acknowledge])

    def answer(envelope: Envelope) -> str | None:
        carried_out.release()
        answer = next(answers)
        return answer(envelope) if answer else None

    with connected(server, answer=answer):
        delivery = server.send(COMMAND)
        assert carried_out.acquire(timeout=WAIT)
        server.end_stream()
        assert delivery.wait() == {"text": "Done"}
        assert len(delivery.sent_at) == 2


def test_stop_acknowledges_what_is_in_hand_and_takes_no_more(server: SocketModeServer) -> None:
    begun, go_on = Event(), Event()

    def answer(envelope: Envelope) -> str:
        begun.set()
        assert go_on.wait(WAIT)
        return acknowledge(envelope)

    running = Running(server, answer=answer)
    running.start()
    server.wait_for_greetings(1)
    in_hand = server.send(COMMAND)
    assert begun.wait(WAIT)
    running.client.stop()
    later = server.send(COMMAND)
    go_on.set()
    assert running.wait() is None
    assert in_hand.wait() == {"text": "Done"}
    assert not later.is_acknowledged.is_set()
    server.wait_until(lambda: server.close_codes == [1000])


def test_switched_off_socket_mode_ends_the_client(server: SocketModeServer) -> None:
    running = Running(server)
    running.start()
    server.wait_for_greetings(1)
    server.disconnect("link_disabled")
    assert isinstance(running.wait(), SocketModeOff)


@pytest.mark.parametrize("code", ["invalid_auth", "not_allowed_token_type", "forbidden_team"])
def test_rejected_token_ends_the_client(server: SocketModeServer, code: str) -> None:
    server.openings.append(error(code))
    running = Running(server)
    running.start()
    assert isinstance(running.wait(), SlackApiError)
    assert len(server.opened_at) == 1


def test_client_ends_without_a_connection_for_too_long(server: SocketModeServer) -> None:
    server.openings.extend([status(503)] * 100)
    running = Running(server, timeouts=Timeouts(longest_pause=0.05, give_up=0.3))
    running.start()
    assert isinstance(running.wait(), NotConnected)
    # A pause grows to its maximum, so failing does not spin.
    assert len(server.opened_at) <= 12


def test_connections_that_end_at_once_are_replaced_with_pauses(server: SocketModeServer) -> None:
    """No spinning: in the time of four pauses there are not more than five connections."""
    pauses = Timeouts(close=0.1, longest_pause=0.2, steady=5.0)
    with connected(server, timeouts=pauses):
        for count in range(1, 6):
            server.wait_for_greetings(count)
            server.end_stream()
    # The jitter is 0 here, so each pause is three quarters of 0.2 seconds.
    assert server.greeted_at[4] - server.greeted_at[0] >= 4 * 0.15
