"""The bot over HTTP: Slack's requests, a health check, and the HTTP API."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial

import uvicorn
from slack_bolt import App, BoltResponse
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from bot.entrypoints import manifest
from bot.entrypoints.access_log import AccessLog
from bot.entrypoints.bootstrap import Bot
from bot.entrypoints.bounded_connections import (
    BoundedConnection,
    limit_log,
    raise_file_limit,
)
from bot.entrypoints.settings import Settings
from bot.entrypoints.startup_errors import StartupError
from bot.entrypoints.system import SystemClock, new_id
from bot.slack.request_budget import request_received
from bot.slack.request_verification import MAX_BODY_BYTES, RequestVerifier
from domain.ports import Clock

_logger = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections that wait to be accepted: as many as uvicorn has by default."""

SHUTDOWN_SECONDS = 15
"""How long a stop waits for requests in progress. The HTTP API may hold an answer back for ten."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises `StartupError` if the port is in use, or the address not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, ValueError) as error:  # ValueError: a name that can't be one
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise StartupError(
            f"Rollcall can't listen on {host}:{port}: {reason}. Choose another port with --port, or another"
            " address of this machine with --host."
        ) from error


def serve(bot: Bot, settings: Settings, listener: socket.socket) -> None:
    """Serve the bot until SIGINT or SIGTERM. The HTTP API is off without a token (R10.3)."""
    tokens = settings.api_tokens_of(bot.workspace_id)
    is_for_others = bool(settings.api_tokens) and not tokens
    _logger.log(
        logging.WARNING if is_for_others else logging.INFO,
        "HTTP API: %s (tokens for %s: %d; for other workspaces: %d)",
        "on" if tokens else "off",
        bot.workspace_id,
        len(tokens),
        len(settings.api_tokens) - len(tokens),
    )
    api: ASGIApp | None = None
    if tokens:
        from bot.api.app import build_api

        api = build_api(bot.service, tokens=tokens, clock=SystemClock(), new_id=new_id)
    # uvicorn finishes the requests in progress, then raises the signal again. SIGTERM's default
    # would end the process before the notification worker has stopped.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    host, port = listener.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    config = server_config(
        build_http(
            bot.app,
            bot.executor,
            settings.signing_secret,
            SystemClock(),
            api,
            stalled=bot.notification_worker.stalled,
        )
    )
    _logger.info("Rollcall is running on http://%s:%d (press Ctrl-C to stop it)", address, port)
    uvicorn.Server(config).run(sockets=[listener])


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Return the server's configuration: what its clients can use up is bounded (R10.6)."""
    files = raise_file_limit()
    config = uvicorn.Config(
        AccessLog(app),
        http=partial(BoundedConnection, {}),  # type: ignore[arg-type]  # uvicorn only calls it
        # asyncio accepts so many at once, before it closes any of them.
        backlog=min(BACKLOG, max(64, files // 4)),
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    limit_log()
    return config


def build_http(
    app: App,
    executor: Executor,
    signing_secret: str,
    clock: Clock,
    api: ASGIApp | None = None,
    *,
    stalled: Callable[[], str | None] = lambda: None,
) -> Starlette:
    """Return the web application. Bolt blocks, so it runs in the executor's threads.

    `api` gets every request that is not for Slack's route or the health check. `stalled` says what has
    stopped running in the process.
    """
    request_verifier = RequestVerifier(app, signing_secret, clock)

    async def slack_events(request: Request) -> Response:
        # Before the body is read, and before a thread is free: Slack's three seconds have begun (R8.12).
        received_at = clock.monotonic()
        body = await _body(request)
        query, headers = request.url.query, dict(request.headers)
        refusal = request_verifier.refusal(body, headers)
        if refusal is not None:
            return _response(refusal)  # the threads are for Slack's requests
        request.state.auth = "signature"

        def answer() -> BoltResponse:
            with request_received(received_at, clock):
                return request_verifier.answer(body, query, headers)

        loop = asyncio.get_running_loop()
        return _response(await loop.run_in_executor(executor, answer))

    async def healthz(_: Request) -> Response:
        problem = stalled()
        return PlainTextResponse(problem or "ok", status_code=503 if problem else 200)

    routes: list[BaseRoute] = [
        Route(manifest.ROUTE, slack_events, methods=["POST"]),
        Route("/healthz", healthz),
    ]
    if api is not None:
        routes.append(Mount("/", api))
    return Starlette(routes=routes)


async def _body(request: Request) -> bytes:
    """Return the body. Stop reading once it is larger than allowed."""
    received = bytearray()
    with suppress(ClientDisconnect):  # no one is left to read an answer
        async for chunk in request.stream():
            received += chunk
            if len(received) > MAX_BODY_BYTES:
                break
    return bytes(received)


def _response(response: BoltResponse) -> Response:
    return Response(
        content=response.body,
        status_code=response.status,
        headers=response.first_headers_without_set_cookie(),
    )
