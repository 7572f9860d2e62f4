"""Access to the API: bearer tokens (R10.3) and a limit on request bodies."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api import problems


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class BearerAuth:
    """Answers 401 to requests without a valid token, except for `public_paths` and paths below them.

    It reads only the request's headers.
    """

    def __init__(self, app: ASGIApp, *, tokens: Iterable[str], public_paths: Sequence[str]) -> None:
        self._app = app
        self._tokens = [_digest(token) for token in tokens]
        self._public_paths = public_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and not self._is_public(scope):
            if not self._is_authorized(Headers(scope=scope)):
                await problems.refusal(problems.NotAuthorized())(scope, receive, send)
                return
            Request(scope).state.auth = "token"
        await self._app(scope, receive, send)

    def _is_public(self, scope: Scope) -> bool:
        path = scope["path"]
        return any(path == one or path.startswith(f"{one}/") for one in self._public_paths)

    def _is_authorized(self, headers: Headers) -> bool:
        """Return whether the request has a valid token.

        Every token is compared, in constant time and as a digest, so the time does not even reveal
        the tokens' lengths.
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        digest, is_known = _digest(given.strip()), False
        for token in self._tokens:
            is_known |= hmac.compare_digest(token, digest)
        return is_known and scheme.lower() == "bearer"


class BodyLimit:
    """Raises `HTTPException` with 413 when an endpoint reads a body of more than `max_bytes`."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and stop reading at the limit."""
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, "Content Too Large")
            return message

        await self._app(scope, receive_counted, send)
