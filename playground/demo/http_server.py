"""Serves a workspace on the loopback address: Slack's API, and the page if there is a dispatcher for it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socket import AF_INET, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from playground.client.member_client import MemberClient
from playground.demo import backstage, web_page
from playground.demo.same_origin import OwnOriginOnly
from playground.web_api import server
from playground.web_api.server import SlackApi

HOST = "127.0.0.1"
_MEMBERS_AT_ONCE = 128


def build_server(
    api: SlackApi | None = None, member_client: MemberClient | None = None
) -> Starlette:
    """The web application of one workspace: its API, and with a dispatcher its page.

    Tests may share one running server and set `app.state.slack_api` (and `.member_client`) before each.
    """
    app = Starlette(
        routes=[*server.routes(), *backstage.routes(), *web_page.routes()],
        middleware=[Middleware(OwnOriginOnly)],
    )
    app.state.slack_api = api
    app.state.member_client = member_client
    app.state.backstage = None
    app.state.executor = ThreadPoolExecutor(_MEMBERS_AT_ONCE, "playground-member")
    return app


class PortTakenError(OSError):
    """The port is in use, or not ours to use."""


class _HangUp(H11Protocol):
    """Lets an endpoint close the connection with no answer, or half of one, which ASGI has no word for."""

    def handle_events(self) -> None:
        super().handle_events()
        if self.scope is not None:
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions["playground.hang_up"] = self.transport.abort
            extensions["playground.close"] = self.transport.close

    def shutdown(self) -> None:
        """Ends the page's open streams too, which would otherwise hold up the stop."""
        super().shutdown()
        self.transport.close()


def bind(port: int) -> socket:
    """A bound socket on the loopback address. Raises PortTakenError."""
    # asyncio sends small packets at once only over a socket that says that it is TCP.
    listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(error.errno, error.strerror) from error
    return listener


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Runs the application in a thread and yields its base URL, with no slash at the end.

    It stops with the block. Raises PortTakenError.
    """
    listener = bind(port)
    config = uvicorn.Config(
        app,
        http=_HangUp,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="playground-server", daemon=True
    )
    thread.start()
    _wait(lambda: server.started or not thread.is_alive())
    if not server.started:
        listener.close()
        raise RuntimeError("the playground's server did not start")
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _wait(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.002)
