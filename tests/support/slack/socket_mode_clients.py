"""Clients of Socket Mode, to be compared: Rollcall's, and those of slack_sdk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient as BuiltInClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

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


def built_in(server: SocketModeServer) -> Stop:
    """Start slack_sdk's own client, as Bolt's handler does."""
    return sdk_client(BuiltInClient, server)


def sdk_client(kind: Any, server: SocketModeServer) -> Stop:
    """Start a client of slack_sdk's."""
    client = kind(app_token="xapp-1", web_client=WebClient(base_url=server.url), concurrency=64)

    def answer(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "Done"}))

    client.socket_mode_request_listeners.append(answer)
    client.connect()
    return lambda: client.close()
