"""The HTTP API (R11) as an ASGI application: access, errors, and its documentation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from bot import telemetry
from bot.api import problems, routes, series_routes
from bot.api.auth import BearerAuth, BodyLimit
from bot.api.openapi import DocumentedApi
from domain.errors import Invalid, NotConfirmed, RollcallError
from domain.ports import Clock, NewId
from domain.service import Service

_logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
"""The largest request body. An event with everything at its limit takes a third of it."""

CONFIRMATION_SECONDS = 10.0
"""How long a response waits for the result of an unconfirmed change."""

MAX_UNCONFIRMED_RESPONSES = 8
"""Responses that may wait at the same time. Each takes one of the 40 threads that all requests share."""

ASSETS = "/docs/assets"

PUBLIC_PATHS = ("/docs", ASSETS, "/openapi.json")
"""Paths that need no token, with everything below them. They contain no data of a workspace."""

_DESCRIPTION = """\
Event registration: seats, waitlists and promotions, as in Slack.

Each response is consistent as of one moment, and so is each refusal. Lists may lag slightly behind. Errors are
problem documents (RFC 9457) with a stable `type`. To notify people in Slack, use their Slack ids as `userId`."""


def build_api(service: Service, *, tokens: Sequence[str], clock: Clock, new_id: NewId) -> FastAPI:
    """Return the API of one workspace. Clients need one of the tokens."""
    api = DocumentedApi(
        title="Rollcall",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(BearerAuth, tokens=tokens, public_paths=PUBLIC_PATHS),
            Middleware(BodyLimit, max_bytes=MAX_BODY_BYTES),
        ],
        # For the documentation only: a request without a token does not get this far.
        dependencies=[Depends(HTTPBearer(auto_error=False))],
    )
    paths: list[APIRoute] = []
    for add in (routes.users, routes.events, routes.registrations, series_routes.series):
        route_class = _problem_route(new_id, of_series=add is series_routes.series)
        router = APIRouter(tags=[add.__name__.capitalize()], route_class=route_class)
        add(router, service, _build_confirm(clock))
        api.include_router(router)
        paths += [route for route in router.routes if isinstance(route, APIRoute)]
    api.add_route("/docs", _documentation)
    api.mount(ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]))
    api.add_exception_handler(HTTPException, _http_error_handler(paths))
    return api


def _documentation(_: Request) -> Response:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Rollcall HTTP API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon-32x32.png",
    )


def _build_confirm(clock: Clock) -> routes.Confirm:
    slots = threading.BoundedSemaphore(MAX_UNCONFIRMED_RESPONSES)

    def confirm(change: Callable[[], Any]) -> Any:
        """Make the change. Raises its refusal, or `NotConfirmed` after `CONFIRMATION_SECONDS`."""
        try:
            return change()
        except NotConfirmed as unconfirmed:
            if not slots.acquire(blocking=False):
                raise
            try:
                if not _wait_for_result(unconfirmed):
                    raise
            finally:
                slots.release()
            result = unconfirmed.result
        return result.result()

    def _wait_for_result(unconfirmed: NotConfirmed) -> bool:
        """Wait for the result. Return whether it came in time."""
        known = threading.Event()
        unconfirmed.result.add_done_callback(lambda _: known.set())
        return clock.wait(known, CONFIRMATION_SECONDS)

    return confirm


def _problem_route(new_id: NewId, *, of_series: bool) -> type[APIRoute]:
    class ProblemRoute(APIRoute):
        """Turns every error of its endpoint into a problem document, and logs unexpected ones."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def respond(request: Request) -> Response:
                try:
                    return await handle(request)
                except HTTPException as error:
                    if error.status_code == 400:
                        # FastAPI raises this for a body that is not text.
                        return problems.refusal(Invalid("body", "must be JSON"))
                    raise
                except RequestValidationError as error:
                    return problems.malformed(error.errors()[0])
                except RollcallError as error:
                    telemetry.log_refusal(error)
                    return problems.refusal(error, of_series=of_series)
                except Exception:  # answered with a reference that the log has too
                    reference = new_id()[:8]
                    _logger.exception(
                        "unexpected failure, reference %s",
                        reference,
                        extra={"reference": reference},
                    )
                    return problems.unexpected(reference)

            return respond

    return ProblemRoute


def _http_error_handler(paths: Sequence[APIRoute]) -> Callable[[Request, Exception], Response]:
    def respond(request: Request, error: Exception) -> Response:
        """Return the problem document for an unknown path or method, or too large a body."""
        if not isinstance(error, HTTPException):
            raise error
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The router names only the methods of the first route with this path.
            matches = [path for path in paths if path.path_regex.match(request.url.path)]
            methods = set().union(*(one.methods or () for one in matches))
            headers |= {"Allow": ", ".join(sorted(methods))} if methods else {}
        return problems.http_error(error.status_code, error.detail, headers)

    return respond
