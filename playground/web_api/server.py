"""Slack's Web API over HTTP: authentication, the record of calls, injected faults, and the routes."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from playground.web_api import chat_methods, validation_methods, view_methods, web_methods
from playground.web_api.arguments import Arguments
from playground.web_api.fault_injection import Fault, Faults
from playground.web_api.rate_limits import RateLimits
from playground.workspace.model import Json, SlackError
from playground.workspace.state import Workspace

METHODS = (
    web_methods.METHODS | chat_methods.METHODS | view_methods.METHODS | validation_methods.METHODS
)
_CALLS_KEPT = 10_000


@dataclass(frozen=True)
class Call:
    """A recorded Web API call: its arguments without the token, and its response.

    A POST to a response URL is recorded as the method `response_url`.
    """

    method: str
    args: Json
    response: Json
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """Whether the caller got a response that says `ok`."""
        return bool(self.response.get("ok")) and (self.fault is None or self.fault.is_only_late)


@dataclass(frozen=True)
class ApiResponse:
    """The HTTP response to a call, and the fault that may keep it from arriving."""

    status: int
    body: Json | str
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None


class SlackApi:
    """The Web API of one workspace. Thread-safe."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.faults = Faults()
        self.rate_limits = RateLimits(workspace.now)
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=_CALLS_KEPT)

    def fail_next(self, method: str, fault: Fault, times: int = 1) -> None:
        """Apply `fault` to the next `times` calls of `method`."""
        self.faults.enqueue(method, fault, times)

    def calls(self, method: str | None = None) -> list[Call]:
        """Return the calls of one method or all, oldest first."""
        with self._lock:
            return [call for call in self._calls if method in (None, call.method)]

    def latest(self, limit: int) -> list[Call]:
        """Return the latest calls, newest first."""
        with self._lock:
            return list(islice(reversed(self._calls), limit))

    def call(self, method: str, token: str | None, args: Mapping[str, Any]) -> ApiResponse:
        """Execute a call as strictly as Slack, and record it."""
        fault = self.faults.pop(method)
        retry_after = self.rate_limits.take(method)
        if retry_after is not None:
            fault = Fault.rate_limited(retry_after)
        response = {"ok": False, "error": "fault"}
        if fault is None or fault.applied:
            response = self._execute(method, token, args)
        with self._lock:
            self._calls.append(Call(method, dict(args), response, fault))
        scopes = ",".join(sorted(self.workspace.app.scopes))
        return _with_fault(fault, ApiResponse(200, response, {"X-OAuth-Scopes": scopes}))

    def post_to_response_url(self, key: str, body: Json) -> ApiResponse:
        """Execute a POST to a response URL, and record it."""
        fault = self.faults.pop("response_url")
        response: Json = {"ok": False, "error": "fault"}
        if fault is None or fault.applied:
            response = self._post_to_response_url(key, body)
        with self._lock:
            self._calls.append(Call("response_url", body, response, fault))
        if response["ok"]:
            return _with_fault(fault, ApiResponse(200, "ok"))
        status = 404 if response["error"] in {"expired_url", "used_url"} else 400
        return _with_fault(fault, ApiResponse(status, response))

    def upload(self, file_id: str, content: bytes) -> ApiResponse:
        """Take the bytes of a file, once, as Slack's upload URL does."""
        try:
            file = self.workspace.file(file_id)
        except SlackError:
            return ApiResponse(404, "not found")
        if file.content is not None or len(content) != file.length:
            return ApiResponse(400, "wrong length")
        self.workspace.put_file(replace(file, content=content))
        return ApiResponse(200, f"OK - {len(content)}")

    def _execute(self, method: str, token: str | None, args: Mapping[str, Any]) -> Json:
        try:
            if method not in METHODS:
                raise SlackError("unknown_method", req_method=method)
            if method != "api.test":
                self._authenticate(token)
            return {"ok": True} | METHODS[method](self.workspace, Arguments(args))
        except SlackError as error:
            return self._refusal(method, error)

    def _post_to_response_url(self, key: str, body: Json) -> Json:
        try:
            target = self.workspace.response_urls.use(key)
            chat_methods.post_to_response_url(self.workspace, target, body)
        except SlackError as error:
            return self._refusal("response_url", error)
        return {"ok": True}

    def _authenticate(self, token: str | None) -> None:
        if not token:
            raise SlackError("not_authed")
        if token != self.workspace.app.bot_token:
            raise SlackError("invalid_auth")

    def _refusal(self, method: str, error: SlackError) -> Json:
        details = error.details.get("response_metadata", {}).get("messages", "")
        self.workspace.refusals.append(f"{method}: {error.error} {details}".strip())
        return {"ok": False, "error": error.error, **error.details}


def _with_fault(fault: Fault | None, response: ApiResponse) -> ApiResponse:
    """Return the response that the caller gets under this fault."""
    if fault is None or fault.is_only_late:
        return replace(response, fault=fault)
    body: Json | str = {"ok": False, "error": fault.error} if fault.error else "upstream failure"
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return ApiResponse(fault.status, body, headers, fault)


def _api(request: Request) -> SlackApi:
    api: SlackApi = request.app.state.slack_api
    return api


class _TruncatedResponse(Response):
    """A response that announces more bytes than it sends, then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"%d" % (len(self.body) + 1))]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        scope["extensions"]["playground.close"]()
        await _wait_for_disconnect(receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(request: Request, response: ApiResponse) -> Response:
    fault = response.fault
    if fault is not None and fault.delay:
        await asyncio.sleep(fault.delay)
    while fault is not None and fault.until is not None and not fault.until.is_set():  # noqa: ASYNC110  # see below
        await asyncio.sleep(0.005)  # another thread sets it
    if fault is not None and fault.drops_connection:
        request.scope["extensions"]["playground.abort"]()
    if fault is not None and fault.never_answers:
        await _wait_for_disconnect(request.receive)
    if fault is not None and fault.is_truncated:
        return _TruncatedResponse(b'{"ok": tr', response.status)
    if isinstance(response.body, str):
        return PlainTextResponse(response.body, response.status, dict(response.headers))
    return JSONResponse(response.body, response.status, dict(response.headers))


async def _method(request: Request) -> Response:
    """Handle a Web API call in the event loop, since it is too short to be worth a thread."""
    args: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            parsed = json.loads(body or b"{}")
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_json"})
        if not isinstance(parsed, dict):
            return JSONResponse({"ok": False, "error": "json_not_object"})
        args |= parsed
    else:
        args |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    token = bearer or args.get("token")
    args.pop("token", None)
    return await _send(request, _api(request).call(request.path_params["method"], token, args))


async def _response_url(request: Request) -> Response:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return PlainTextResponse("invalid_payload", 400)
    return await _send(
        request, _api(request).post_to_response_url(request.path_params["key"], body)
    )


async def _upload(request: Request) -> Response:
    content = await request.body()
    return await _send(request, _api(request).upload(request.path_params["file_id"], content))


def routes() -> list[Route]:
    """Return the routes of the Web API. The application's state must have a `slack_api`."""
    return [
        Route("/api/{method}", _method, methods=["GET", "POST"]),
        Route("/response/{key}", _response_url, methods=["POST"]),
        Route("/upload/{file_id}", _upload, methods=["POST"]),
    ]
