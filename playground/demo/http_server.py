"""HTTP server of a workspace on the loopback address: the Web API and the demo page."""

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
from playground.demo.same_origin import SameOriginMiddleware
from playground.web_api import server
from playground.web_api.server import SlackApi

HOST = "127.0.0.1"
_MAX_CONCURRENT_MEMBERS = 128


def build_server(
    api: SlackApi | None = None, member_client: MemberClient | None = None
) -> Starlette:
    """Return the web application of one workspace. The page needs a `member_client`.

    Tests share one running server and set `app.state.slack_api` and `.member_client` for each test.
    """
    app = Starlette(
        routes=[*server.routes(), *backstage.routes(), *web_page.routes()],
        middleware=[Middleware(SameOriginMiddleware)],
    )
    app.state.slack_api = api
    app.state.member_client = member_client
    app.state.backstage = None
    app.state.executor = ThreadPoolExecutor(_MAX_CONCURRENT_MEMBERS, "playground-member")
    return app


class PortUnavailableError(OSError):
    """The port is in use or not permitted."""


class _AbortableProtocol(H11Protocol):
    """An HTTP protocol that lets an endpoint close its connection, which ASGI does not support."""

    def handle_events(self) -> None:
        super().handle_events()
        if self.scope is not None:
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions["playground.abort"] = self.transport.abort
            extensions["playground.close"] = self.transport.close

    def shutdown(self) -> None:
        """Close the page's open streams as well; they would delay the shutdown."""
        super().shutdown()
        self.transport.close()


def bind(port: int) -> socket:
    """Return a socket bound to the loopback address. Raises `PortUnavailableError`."""
    # asyncio sets TCP_NODELAY only if the socket was created with IPPROTO_TCP.
    listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortUnavailableError(error.errno, error.strerror) from error
    except OverflowError as error:
        listener.close()
        raise PortUnavailableError(0, "a port is a number from 0 to 65535") from error
    return listener


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Run the application in a thread and yield its base URL, without a trailing slash.

    It stops when the block ends. Raises `PortUnavailableError`.
    """
    listener = bind(port)
    config = uvicorn.Config(
        app,
        http=_AbortableProtocol,
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
        raise RuntimeError("the playground server did not start")
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _wait(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.002)
