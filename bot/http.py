"""The bot over HTTP: Slack's requests, a health check, and the API for programs behind them."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import Executor

from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

MOST_BYTES = 1_000_000
"""The largest request body: Slack's own views have 250 KB at most."""

SECONDS = re.compile(r"[0-9]{1,12}")
"""A moment as Slack writes it."""

SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def build_http(
    app: App, executor: Executor, signing_secret: str, api: ASGIApp | None = None
) -> Starlette:
    """Return the web application; Bolt's work, which blocks, is done in the executor's threads.

    `api` answers all that is neither Slack's nor the health check; without it there is nothing else.

    What Slack did not sign, or longer ago than five minutes, is 401 before anything is read from it
    (R10.1): Bolt would take the body apart first, and fail on one that is malformed.
    """
    verifier = SignatureVerifier(signing_secret)

    def is_signed(request: Request, body: str) -> bool:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        return (
            SECONDS.fullmatch(timestamp) is not None
            and SIGNATURE.fullmatch(signature) is not None
            and verifier.is_valid(body, timestamp, signature)
        )

    async def slack_events(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        if not is_signed(request, body):
            return PlainTextResponse("no valid signature", 401)
        bolt_request = _parsed(request, body)
        if bolt_request is None:
            return PlainTextResponse("malformed", 400)
        loop = asyncio.get_running_loop()
        return _response(await loop.run_in_executor(executor, app.dispatch, bolt_request))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    routes: list[BaseRoute] = [
        Route("/slack/events", slack_events, methods=["POST"]),
        Route("/healthz", healthz),
    ]
    if api is not None:
        routes.append(Mount("/", api))
    return Starlette(routes=routes)


async def _body(request: Request) -> str | None:
    """Return the body as text, None if it is too large; it is not read beyond that."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BYTES:
            return None
    return received.decode("utf-8", errors="replace")


def _parsed(request: Request, body: str) -> BoltRequest | None:
    """Return the request as Bolt reads it, None if the body is not what its content type says."""
    try:
        return BoltRequest(body=body, query=request.url.query, headers=dict(request.headers))
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _response(answer: BoltResponse) -> Response:
    return Response(
        content=answer.body,
        status_code=answer.status,
        headers=answer.first_headers_without_set_cookie(),
    )
