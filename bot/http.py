"""The bot over HTTP: Slack's requests, and a health check."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Executor

from slack_bolt import App, BoltRequest, BoltResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

MOST_BYTES = 1_000_000
"""The largest request body: Slack's own views have 250 KB at most."""

SECONDS = re.compile(r"[0-9]{1,12}")
"""A moment as Slack writes it."""


def build_http(app: App, executor: Executor) -> Starlette:
    """Return the web application; Bolt's work, which blocks, is done in the executor's threads."""

    async def slack_events(request: Request) -> Response:
        if not SECONDS.fullmatch(request.headers.get("x-slack-request-timestamp", "")):
            # Bolt expects a number, and fails on anything else (R10.1).
            return PlainTextResponse("no valid signature", 401)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        bolt_request = BoltRequest(
            body=body, query=request.url.query, headers=dict(request.headers)
        )
        dispatch: Callable[[BoltRequest], BoltResponse] = app.dispatch
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(executor, dispatch, bolt_request)
        return _response(answer)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/slack/events", slack_events, methods=["POST"]),
            Route("/healthz", healthz),
        ]
    )


async def _body(request: Request) -> str | None:
    """Return the body as text, None if it is too large; it is not read beyond that."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BYTES:
            return None
    return received.decode("utf-8", errors="replace")


def _response(answer: BoltResponse) -> Response:
    return Response(
        content=answer.body,
        status_code=answer.status,
        headers=answer.first_headers_without_set_cookie(),
    )
