"""Rollcall's client of Socket Mode against the server of the tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Thread

from slack_sdk import WebClient

from bot.slack.envelopes import Envelope
from bot.slack.frame_limits import compact
from bot.slack.socket_connection import Timeouts
from bot.slack.socket_mode import SocketModeClient
from tests.support.slack.socket_mode_losses import Stop
from tests.support.slack.socket_mode_server import SocketModeServer


def open_url(server: SocketModeServer, seconds: float) -> str:
    """Call apps.connections.open, for at most so many seconds."""
    client = WebClient(base_url=server.url, retry_handlers=[])
    client.timeout = seconds  # type: ignore[assignment]  # the socket takes fractions
    return str(client.apps_connections_open(app_token="xapp-1")["url"])


def acknowledge(envelope: Envelope) -> str:
    """Return an acknowledgement, without work."""
    return compact({"envelope_id": envelope["envelope_id"], "payload": {"text": "Done"}})


def rollcall(server: SocketModeServer, timeouts: Timeouts | None = None) -> Stop:
    """Start Rollcall's client."""
    client = SocketModeClient(
        lambda seconds: open_url(server, seconds),
        acknowledge,
        executor=ThreadPoolExecutor(64),
        on_connected=lambda: None,
        jitter=lambda: 0.5,
        timeouts=timeouts,
    )
    thread = Thread(target=client.run)
    thread.start()

    def stop() -> None:
        client.stop()
        thread.join()

    return stop
