"""The HTTP API (R11) as an ASGI application: who may come in, and what becomes of errors."""

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
from bot.api import problems, routes
from bot.api.auth import BearerOnly, LimitedBody
from bot.api.openapi import DocumentedApi
from domain.errors import Invalid, NotConfirmed, RollcallError
from domain.ports import Clock, NewId
from domain.service import Service

_logger = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""The largest request body: an event with all that it can have takes a third of it."""

CONFIRMATION_SECONDS = 10.0
"""Seconds for which an answer is held back while it is found out whether a change was made."""

MAX_WAITING_RESPONSES = 8
"""Answers that are held back at once: each has a thread of the forty that all requests share."""

ASSETS = "/docs/assets"

OPEN_TO_ALL = ("/docs", ASSETS, "/openapi.json")
"""What needs no token, with what is below: it says what there is, and nothing of what is in it."""

_DESCRIPTION = """\
Event registration: seats, waitlists and promotions, as in Slack.

Each answer is true of one moment, refusals included; what is listed may lag a little behind. Errors are problem
documents (RFC 9457) with a stable `type`. Whoever is to hear from Slack has their Slack id as `userId`."""


def build_api(service: Service, *, tokens: Sequence[str], clock: Clock, new_id: NewId) -> FastAPI:
    """Return the API of one workspace, for whoever has one of the tokens."""
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
            Middleware(BearerOnly, tokens=tokens, open_to_all=OPEN_TO_ALL),
            Middleware(LimitedBody, most_bytes=MOST_BYTES),
        ],
        # The scheme is for the documentation: nobody without a token gets this far.
        dependencies=[Depends(HTTPBearer(auto_error=False))],
    )
    paths: list[APIRoute] = []
    for add in (routes.users, routes.events, routes.registrations):
        router = APIRouter(
            tags=[add.__name__.capitalize()], route_class=_answering_with_problems(new_id)
        )
        add(router, service, _resolver(clock))
        api.include_router(router)
        paths += [route for route in router.routes if isinstance(route, APIRoute)]
    api.add_route("/docs", _documentation)
    api.mount(ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]))
    api.add_exception_handler(HTTPException, _plain(paths))
    return api


def _documentation(_: Request) -> Response:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Rollcall's HTTP API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon-32x32.png",
    )


def _resolver(clock: Clock) -> routes.Settled:
    slots = threading.BoundedSemaphore(MAX_WAITING_RESPONSES)

    def confirm(change: Callable[[], Any]) -> Any:
        """Return the change's outcome; raises what refused it, `NotConfirmed` after `CONFIRMATION_SECONDS`."""
        try:
            return change()
        except NotConfirmed as unconfirmed:
            if not slots.acquire(blocking=False):
                raise
            try:
                if not _is_resolved(unconfirmed):
                    raise
            finally:
                slots.release()
            result = unconfirmed.result
        return result.result()

    def _is_resolved(unconfirmed: NotConfirmed) -> bool:
        """Return whether the result is known in time."""
        known = threading.Event()
        unconfirmed.result.add_done_callback(lambda _: known.set())
        return clock.wait(known, CONFIRMATION_SECONDS)

    return confirm


def _answering_with_problems(new_id: NewId) -> type[APIRoute]:
    class Answering(APIRoute):
        """Answers whatever its endpoint raised; what nobody foresaw is logged once."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handle(request)
                except HTTPException as error:
                    if error.status_code == 400:
                        # FastAPI's word for a body that is not even text.
                        return problems.refused(Invalid("body", "must be JSON"))
                    raise
                except RequestValidationError as error:
                    return problems.malformed(error.errors()[0])
                except RollcallError as error:
                    telemetry.refused(error)
                    return problems.refused(error)
                except Exception:
                    reference = new_id()[:8]
                    _logger.exception(
                        "unforeseen failure, reference %s",
                        reference,
                        extra={"reference": reference},
                    )
                    return problems.unforeseen(reference)

            return answer

    return Answering


def _plain(paths: Sequence[APIRoute]) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        """Return what says all by its HTTP status: no such route, no such method, too large."""
        if not isinstance(error, HTTPException):
            raise error
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The router names the methods of the first route that has the path.
            fitting = [path for path in paths if path.path_regex.match(request.url.path)]
            methods = set().union(*(one.methods or () for one in fitting))
            headers |= {"Allow": ", ".join(sorted(methods))} if methods else {}
        return problems.plain(error.status_code, error.detail, headers)

    return answer
