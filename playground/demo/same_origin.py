"""Protection from other web sites: the server answers its own loopback origin only."""

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


class SameOriginMiddleware:
    """Middleware that responds 403 unless `Host`, and `Origin` if sent, are this server's own.

    The `Host` check stops DNS rebinding. The `Origin` check stops scripts of other sites.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle or refuse a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own = {f"{name}:{scope['server'][1]}" for name in ("127.0.0.1", "localhost")}
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in own or (origin is not None and origin != f"http://{host}"):
            refusal = PlainTextResponse("Requests from other origins are refused.", 403)
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
