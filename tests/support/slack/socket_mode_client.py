"""Rollcall's client of Socket Mode against the server of the tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread

from bot.entrypoints.socket_mode import open_url
from bot.slack.envelopes import Envelope
from bot.slack.frame_limits import compact
from bot.slack.socket_connection import Timeouts
from bot.slack.socket_mode import SocketModeClient
from tests.support.slack.socket_mode_losses import Stop
from tests.support.slack.socket_mode_server import SocketModeServer

APP_TOKEN = "xapp-1"


def acknowledge(envelope: Envelope) -> str:
    """Return an acknowledgement, without work."""
    return compact({"envelope_id": envelope["envelope_id"], "payload": {"text": "Done"}})


def rollcall(server: SocketModeServer, timeouts: Timeouts | None = None) -> Stop:
    """Start Rollcall's client."""
    client = SocketModeClient(
        partial(open_url, server.url, APP_TOKEN),
        lambda envelope, _: acknowledge(envelope),
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
