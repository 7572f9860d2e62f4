"""A server that speaks Slack's Socket Mode protocol on this machine: apps.connections.open, and real WebSockets.

It sends envelopes, repeats those that were not acknowledged on the next connection, and fails as Slack and networks do.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, TypeAlias
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from bot.slack.frame_limits import FRAME_BYTES

Json: TypeAlias = dict[str, Any]

WAIT = 30.0
"""Seconds after which a test fails that waits for the client."""


@dataclass(eq=False)
class Delivery:
    """One envelope: when it was sent, each time, and how it was acknowledged."""

    envelope: Json
    sent_at: list[float] = field(default_factory=list)
    acknowledged_at: float | None = None
    payload: Any = None
    sent_on: ServerConnection | None = None
    acknowledged_on: ServerConnection | None = None
    is_acknowledged: Event = field(default_factory=Event)

    def wait(self) -> Any:
        """Wait for the acknowledgement; return its payload."""
        assert self.is_acknowledged.wait(WAIT), "the envelope was not acknowledged"
        return self.payload

    @property
    def seconds(self) -> float:
        """Seconds from the last sending to the acknowledgement."""
        assert self.acknowledged_at is not None
        return self.acknowledged_at - self.sent_at[-1]


Opening: TypeAlias = Callable[["SocketModeServer", BaseHTTPRequestHandler], bool]
"""Handles a call of apps.connections.open. Returns whether the server should then answer as usual."""


def slow(seconds: float) -> Opening:
    """Answer after these seconds."""

    def meet(server: SocketModeServer, _: BaseHTTPRequestHandler) -> bool:
        return not server.is_ending.wait(seconds)

    return meet


def hanging(server: SocketModeServer, _: BaseHTTPRequestHandler) -> bool:
    """Do not answer."""
    server.is_ending.wait()
    return False


def cut_off(_: SocketModeServer, request: BaseHTTPRequestHandler) -> bool:
    """Close the connection without an answer."""
    request.close_connection = True
    return False


def status(code: int, **headers: str) -> Opening:
    """Answer with an HTTP status, and no JSON."""

    def meet(_: SocketModeServer, request: BaseHTTPRequestHandler) -> bool:
        _respond(request, code, b"", **headers)
        return False

    return meet


def error(code: str) -> Opening:
    """Answer with one of Slack's errors."""

    def meet(_: SocketModeServer, request: BaseHTTPRequestHandler) -> bool:
        _respond(request, 200, json.dumps({"ok": False, "error": code}).encode())
        return False

    return meet


class SocketModeServer:
    """Slack, as an app in Socket Mode sees it. Calls of other methods go to `api`, the stand-in workspace's Web API."""

    def __init__(self, api: str | None = None) -> None:
        self.openings: deque[Opening] = deque()
        """Handlers of the next calls of apps.connections.open. Without one, the server answers as usual."""
        self.greets = True
        """Whether a new connection gets a hello."""
        self.before_call: Callable[[str], None] = lambda method: None
        """Called with the method before a call is forwarded to the workspace. It may hold the call back."""
        self.is_ending = Event()
        self.deliveries: list[Delivery] = []
        self.opened_at: list[float] = []
        self.greeted_at: list[float] = []
        self.close_codes: list[int | None] = []
        self.most_connections = 0
        self._api = api
        self._changed = Condition()
        self._connections: list[ServerConnection] = []
        self._socket: Server = serve(
            self._serve,
            "127.0.0.1",
            0,
            max_size=FRAME_BYTES,
            ping_interval=None,
            compression=None,
            close_timeout=1,
        )
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/api/"
        """The base URL of the Web API."""

    @contextmanager
    def running(self) -> Iterator[SocketModeServer]:
        """Serve until the block ends."""
        threads = [
            Thread(target=self._socket.serve_forever, daemon=True),
            Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.is_ending.set()
            for connection in self._connections[:]:
                _end_stream(connection)
            self._socket.shutdown()
            self._http.shutdown()
            self._http.server_close()
            for thread in threads:
                thread.join()

    # What Slack does

    def send(self, payload: Json, kind: str = "slash_commands", *, fragments: int = 1) -> Delivery:
        """Send an envelope on the newest connection, or on the next one if there is none."""
        number = len(self.deliveries) + 1
        delivery = Delivery(
            {
                "envelope_id": f"{number:08d}-0000-4000-8000-000000000000",
                "type": kind,
                "accepts_response_payload": kind != "events_api",
                "payload": payload,
            }
        )
        with self._changed:
            self.deliveries.append(delivery)
            connection = self._connections[-1] if self._connections else None
            delivery.sent_on = connection
        if connection is not None:
            self._deliver(connection, delivery, fragments)
        return delivery

    def disconnect(self, reason: str) -> None:
        """Send a disconnect message: `warning`, `refresh_requested` or `link_disabled`."""
        with suppress(ConnectionClosed):
            self.newest.send(json.dumps({"type": "disconnect", "reason": reason}))

    def close(self, code: int = 1000) -> None:
        """Close the newest connection with a close frame."""
        self.newest.close(code)

    def end_stream(self) -> None:
        """End the TCP connection without a close frame."""
        _end_stream(self.newest)

    def fall_silent(self) -> None:
        """Ignore all that the newest connection brings, so pings get no pong."""
        self.newest.protocol.receive_data = lambda data: None  # type: ignore[method-assign]

    # What a test can read and wait for

    @property
    def newest(self) -> ServerConnection:
        """The connection that Slack greeted last."""
        return self._connections[-1]

    @property
    def connection_count(self) -> int:
        """Connections that are open now."""
        return len(self._connections)

    def wait_for_greetings(self, count: int) -> None:
        """Wait until so many connections have been greeted."""
        self.wait_until(lambda: len(self.greeted_at) >= count)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait for a state of the connections."""
        with self._changed:
            assert self._changed.wait_for(is_so, WAIT), "the client did not do what was expected"

    # How it is served

    def open(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a call of apps.connections.open."""
        with self._changed:
            self.opened_at.append(time.monotonic())
            self._changed.notify_all()
            meet = self.openings.popleft() if self.openings else None
        if meet is None or meet(self, request):
            port = self._socket.socket.getsockname()[1]
            answer = {"ok": True, "url": f"ws://127.0.0.1:{port}/link/?ticket=1"}
            _respond(request, 200, json.dumps(answer).encode())

    def forward(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Have the stand-in workspace answer a call."""
        if self._api is None:
            _respond(request, 200, b'{"ok": true, "team_id": "T1"}')
            return
        method = request.path.removeprefix("/api/")
        self.before_call(method)
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        try:
            with urlopen(Request(f"{self._api}{method}", body, headers)) as answer:
                _respond(request, 200, answer.read())
        except HTTPError as refused:
            _respond(request, refused.code, refused.read())

    def _serve(self, connection: ServerConnection) -> None:
        if not self.greets:
            connection.recv_events_thread.join()
            return
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}
        hello["debug_info"] = {"approximate_connection_time": 18060}
        with suppress(ConnectionClosed):
            connection.send(json.dumps(hello))
        with self._changed:
            self._connections.append(connection)
            self.most_connections = max(self.most_connections, len(self._connections))
            self.greeted_at.append(time.monotonic())
            self._changed.notify_all()
        self._deliver_missing()
        try:
            for text in connection:
                self._acknowledge(connection, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._connections.remove(connection)
                sent = connection.protocol.close_sent
                self.close_codes.append(sent.code if sent else connection.close_code)
                self._changed.notify_all()
            self._deliver_missing()

    def _deliver_missing(self) -> None:
        """Send what a connection that is gone left unacknowledged on the newest one."""
        with self._changed:
            if not self._connections:
                return
            newest = self._connections[-1]
            missing = [
                each
                for each in self.deliveries
                if not each.is_acknowledged.is_set() and each.sent_on not in self._connections
            ]
            for delivery in missing:
                delivery.sent_on = newest
        for delivery in missing:
            self._deliver(newest, delivery)

    def _deliver(
        self, connection: ServerConnection, delivery: Delivery, fragments: int = 1
    ) -> None:
        text = json.dumps(delivery.envelope)
        delivery.sent_at.append(time.monotonic())
        size = -(-len(text) // fragments)
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        with suppress(ConnectionClosed):
            connection.send(text if fragments == 1 else parts)

    def _acknowledge(self, connection: ServerConnection, message: Json) -> None:
        for delivery in self.deliveries:
            if delivery.envelope["envelope_id"] == message["envelope_id"]:
                if delivery.acknowledged_at is None:
                    delivery.acknowledged_at = time.monotonic()
                    delivery.payload = message.get("payload")
                    delivery.acknowledged_on = connection
                delivery.is_acknowledged.set()


def _end_stream(connection: ServerConnection) -> None:
    with suppress(OSError):
        connection.socket.shutdown(2)


def _handler(server: SocketModeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/api/apps.connections.open":
                server.open(self)
            else:
                server.forward(self, body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler


def _respond(request: BaseHTTPRequestHandler, code: int, body: bytes, **headers: str) -> None:
    request.send_response(code)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    with suppress(OSError):
        request.wfile.write(body)
