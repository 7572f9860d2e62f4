"""Keeps other web sites out: only this server's own loopback origin is answered."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class OwnOriginOnly:
    """Answers 403 unless `Host` is this server's loopback address, and `Origin`, if sent, its own.

    The first stops a name that was rebound to 127.0.0.1, the second another site's script.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own = {f"{name}:{scope['server'][1]}" for name in ("127.0.0.1", "localhost")}
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in own or (origin is not None and origin != f"http://{host}"):
            refusal = PlainTextResponse("Only this machine's own page is answered.", 403)
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
