"""A log line for each request with a valid signature or token. The others anybody can send, without end (R10.6)."""

from __future__ import annotations

import logging
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_logger = logging.getLogger(__name__)

MAX_PATH = 200
"""Characters of a request's path in a line. It may have 64 KB, and a signature covers only the body."""


class AccessLog:
    """Logs the requests that the application, or an application in it, marks with `request.state.auth`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log its status."""
        state = scope.setdefault(
            "state", {}
        )  # applications in this one copy the scope, but share this

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start" and "auth" in state:
                path = quote(scope["path"])[:MAX_PATH]
                _logger.info('"%s %s" %d', scope["method"], path, message["status"])
            await send(message)

        await self._app(scope, receive, send_logged)
