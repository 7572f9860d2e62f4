"""Losses of a Socket Mode connection, and how long a client takes to recover: a table of docs/performance.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tests.support.slack.socket_mode_server import (
    Delivery,
    SocketModeServer,
    cut_off,
    hanging,
    slow,
    status,
)

COMMAND = {"command": "/register", "text": "yoga"}

Scenario: TypeAlias = Callable[[SocketModeServer], list[Delivery]]
"""Harms the connection, and returns the envelopes that were sent meanwhile."""

Stop: TypeAlias = Callable[[], None]
Start: TypeAlias = Callable[[SocketModeServer], Stop]
"""Starts a client of this server, and returns what stops it."""


@dataclass(frozen=True)
class Result:
    """One scenario's figures, in seconds."""

    recovery: float
    """From the harm to the acknowledgement of an envelope that was sent right after it."""
    lost: int
    """Envelopes that were never acknowledged."""
    latest: float
    """The longest time from an envelope's last sending to its acknowledgement."""
    processor: float
    """Processor time during the recovery, as a part of it, server and client together."""


def _after(harm: Callable[[SocketModeServer], None], *opening: object) -> Scenario:
    def play(server: SocketModeServer) -> list[Delivery]:
        server.openings.extend(opening)  # type: ignore[arg-type]  # openings, by name
        harm(server)
        return [server.send(COMMAND)]

    return play


def _refresh(reason: str) -> Scenario:
    def play(server: SocketModeServer) -> list[Delivery]:
        greeted = len(server.greeted_at)
        server.disconnect(reason)
        on_the_old = server.send(COMMAND)
        server.wait_for_greetings(greeted + 1)
        return [on_the_old, server.send(COMMAND)]

    return play


SCENARIOS: Mapping[str, Scenario] = {
    "close frame": _after(SocketModeServer.close),
    "TCP end without a close frame": _after(SocketModeServer.end_stream),
    "silence without pongs": _after(SocketModeServer.fall_silent),
    "`warning`": _refresh("warning"),
    "`refresh_requested`": _refresh("refresh_requested"),
    "loss, then a slow opening (2.5 s)": _after(SocketModeServer.end_stream, slow(2.5)),
    "loss, then an opening that hangs": _after(SocketModeServer.end_stream, hanging),
    "loss, then an opening that is cut off": _after(SocketModeServer.end_stream, cut_off),
    "loss, then 503 twice": _after(SocketModeServer.end_stream, status(503), status(503)),
    "loss, then 429 for 1 s": _after(SocketModeServer.end_stream, status(429, Retry_After="1")),
    "message in three fragments": lambda server: [server.send(COMMAND, fragments=3)],
    "burst of 200": lambda server: [server.send(COMMAND) for _ in range(200)],
    "payload of 1 MB": lambda server: [server.send({**COMMAND, "text": "x" * 1_000_000})],
}


def measure(start: Start, scenario: Scenario, *, seconds: float) -> Result:
    """Run one scenario with a new client. Envelopes not acknowledged after these seconds count as lost."""
    with SocketModeServer().running() as server:
        stop = start(server)
        try:
            server.wait_for_greetings(1)
            assert server.send(COMMAND).is_acknowledged.wait(seconds)
            begun, processor = time.monotonic(), time.process_time()
            deliveries = scenario(server)
            for delivery in deliveries:
                delivery.is_acknowledged.wait(max(0.0, begun + seconds - time.monotonic()))
            took = time.monotonic() - begun
            used = (time.process_time() - processor) / took
            done = [delivery.seconds for delivery in deliveries if delivery.acknowledged_at]
            return Result(took, len(deliveries) - len(done), max(done, default=0.0), used)
        finally:
            stop()
