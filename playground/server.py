"""Serves a workspace on the loopback address: Slack's API, and the page if there is a dispatcher for it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from playground import slack_api
from playground.slack_api import SlackApi

HOST = "127.0.0.1"


def build_server(api: SlackApi | None = None) -> Starlette:
    """The web application of one workspace's API.

    Tests may share one running server and set `app.state.slack_api` to a fresh workspace's each.
    """
    app = Starlette(routes=slack_api.routes())
    app.state.slack_api = api
    return app


class _HangUp(H11Protocol):
    """Lets an endpoint close the connection with no answer, which ASGI has no word for."""

    def handle_events(self) -> None:
        super().handle_events()
        if self.scope is not None:
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions["playground.hang_up"] = self.transport.abort


def bind(port: int) -> socket:
    """A listening socket on the loopback address. Raises OSError if the port is taken."""
    listener = socket(AF_INET, SOCK_STREAM)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Runs the application in a thread and yields its base URL, with no slash at the end.

    It stops with the block. Raises OSError if the port is taken.
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
