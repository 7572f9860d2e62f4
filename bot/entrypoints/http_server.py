"""The bot over HTTP: Slack's requests, a health check, and the API for programs behind them."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from slack_bolt import App, BoltResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from bot.slack.request_verification import MOST_BYTES, RequestVerifier


def build_http(
    app: App, executor: Executor, signing_secret: str, api: ASGIApp | None = None
) -> Starlette:
    """Return the web application; Bolt's work, which blocks, is done in the executor's threads.

    `api` answers all that is neither Slack's nor the health check; without it there is nothing else.
    """
    request_verifier = RequestVerifier(app, signing_secret)

    async def slack_events(request: Request) -> Response:
        body = await _body(request)
        query, headers = request.url.query, dict(request.headers)
        loop = asyncio.get_running_loop()
        return _response(
            await loop.run_in_executor(executor, request_verifier.answer, body, query, headers)
        )

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    routes: list[BaseRoute] = [
        Route("/slack/events", slack_events, methods=["POST"]),
        Route("/healthz", healthz),
    ]
    if api is not None:
        routes.append(Mount("/", api))
    return Starlette(routes=routes)


async def _body(request: Request) -> bytes:
    """Return the body; of one that is too large, enough to see that it is."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BYTES:
            break
    return bytes(received)


def _response(answer: BoltResponse) -> Response:
    return Response(
        content=answer.body,
        status_code=answer.status,
        headers=answer.first_headers_without_set_cookie(),
    )
