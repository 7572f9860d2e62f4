"""Who and what gets to the API: whoever has a token of this workspace (R10.3), with no more than so many bytes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api import problems


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class BearerOnly:
    """Answers 401 to requests without one of the tokens, but for what is, or is below, `open_to_all`.

    Nothing but the request's head is read before.
    """

    def __init__(self, app: ASGIApp, *, tokens: Iterable[str], open_to_all: Sequence[str]) -> None:
        self._app = app
        self._tokens = [_digest(token) for token in tokens]
        self._open = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or self._is_open(scope) or self._knows(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        await problems.refused(problems.NotAuthorized())(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        path = scope["path"]
        return any(path == one or path.startswith(f"{one}/") for one in self._open)

    def _knows(self, headers: Headers) -> bool:
        """Return whether the token is one of ours; each is compared, in constant time.

        As digests: not even how long ours are can be told from the time that it takes.
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        digest, is_known = _digest(given.strip()), False
        for token in self._tokens:
            is_known |= hmac.compare_digest(token, digest)
        return is_known and scheme.lower() == "bearer"


class LimitedBody:
    """Raises `HTTPException` with 413 where an endpoint reads more than so many bytes."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; what is too much of it is not read."""
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise HTTPException(413, "Content Too Large")
            return message

        await self._app(scope, receive_counted, send)
