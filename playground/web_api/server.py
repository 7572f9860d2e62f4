"""Slack's Web API over HTTP: who may call, what is recorded, which faults are ordered, and the routes."""

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

from playground.web_api import chat_methods, view_methods, web_methods
from playground.web_api.arguments import Arguments
from playground.web_api.fault_injection import Fault, Faults
from playground.workspace.model import Json, SlackError
from playground.workspace.state import Workspace

METHODS = web_methods.METHODS | chat_methods.METHODS | view_methods.METHODS
_CALLS_KEPT = 10_000


@dataclass(frozen=True)
class Call:
    """One Web API call as it came (without the token), and what it was answered.

    A POST to a response URL is recorded as the method `response_url`.
    """

    method: str
    args: Json
    answer: Json
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer that the caller got says so."""
        return bool(self.answer.get("ok")) and (self.fault is None or self.fault.late > 0)


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP, or with a fault, what may get in its way (see faults.py)."""

    status: int
    body: Json | str
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None


class SlackApi:
    """The Web API of one workspace. Thread-safe; `calls` are kept, newest last."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.faults = Faults()
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=_CALLS_KEPT)

    def fail_next(self, method: str, fault: Fault, times: int = 1) -> None:
        """The next `times` calls of `method` meet `fault` (see faults.py)."""
        self.faults.line_up(method, fault, times)

    def calls(self, method: str | None = None) -> list[Call]:
        """The calls so far, of one method or all."""
        with self._lock:
            return [call for call in self._calls if method in (None, call.method)]

    def latest(self, most: int) -> list[Call]:
        """The newest calls, newest first."""
        with self._lock:
            return list(islice(reversed(self._calls), most))

    def answer(self, method: str, token: str | None, args: Mapping[str, Any]) -> Answer:
        """Carries out one call, as strict as Slack, and records it."""
        fault = self.faults.take(method)
        answer = {"ok": False, "error": "fault"}
        if fault is None or fault.applied:
            answer = self._carry_out(method, token, args)
        with self._lock:
            self._calls.append(Call(method, dict(args), answer, fault))
        return _met(fault, self._over_http(answer))

    def respond(self, key: str, body: Json) -> Answer:
        """Carries out one POST to a response URL."""
        fault = self.faults.take("response_url")
        answer: Json = {"ok": False, "error": "fault"}
        if fault is None or fault.applied:
            answer = self._respond(key, body)
        with self._lock:
            self._calls.append(Call("response_url", body, answer, fault))
        if answer["ok"]:
            return _met(fault, Answer(200, "ok"))
        status = 404 if answer["error"] in {"expired_url", "used_url"} else 400
        return _met(fault, Answer(status, answer))

    def _carry_out(self, method: str, token: str | None, args: Mapping[str, Any]) -> Json:
        try:
            if method not in METHODS:
                raise SlackError("unknown_method", req_method=method)
            if method != "api.test":
                self._authenticate(token)
            return {"ok": True} | METHODS[method](self.workspace, Arguments(args))
        except SlackError as error:
            return self._refusal(method, error)

    def _respond(self, key: str, body: Json) -> Json:
        try:
            target = self.workspace.response_urls.use(key)
            chat_methods.respond(self.workspace, target, body)
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

    def _over_http(self, answer: Json) -> Answer:
        scopes = ",".join(sorted(self.workspace.app.scopes))
        return Answer(200, answer, {"X-OAuth-Scopes": scopes})


def _met(fault: Fault | None, answer: Answer) -> Answer:
    """What becomes of an answer that meets a fault."""
    if fault is None or fault.late:
        return replace(answer, fault=fault)
    body: Json | str = {"ok": False, "error": fault.error} if fault.error else "upstream failure"
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Answer(fault.status, body, headers, fault)


def _api(request: Request) -> SlackApi:
    api: SlackApi = request.app.state.slack_api
    return api


class _CutOff(Response):
    """Promises more than it sends, and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"%d" % (len(self.body) + 1))]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        scope["extensions"]["playground.close"]()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(request: Request, answer: Answer) -> Response:
    fault = answer.fault
    if fault is not None and fault.late:
        await asyncio.sleep(fault.late)
    if fault is not None and fault.dropped:
        request.scope["extensions"]["playground.hang_up"]()
    if fault is not None and fault.silent:
        await _gone(request.receive)
    if fault is not None and fault.cut:
        return _CutOff(b'{"ok": tr', answer.status)
    if isinstance(answer.body, str):
        return PlainTextResponse(answer.body, answer.status, dict(answer.headers))
    return JSONResponse(answer.body, answer.status, dict(answer.headers))


async def _method(request: Request) -> Response:
    """Runs in the event loop: a call is a few dictionary look-ups, and must not wait for a thread."""
    given: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            parsed = json.loads(body or b"{}")
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_json"})
        if not isinstance(parsed, dict):
            return JSONResponse({"ok": False, "error": "json_not_object"})
        given |= parsed
    else:
        given |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    token = bearer or given.pop("token", None)
    given.pop("token", None)
    return await _send(request, _api(request).answer(request.path_params["method"], token, given))


async def _response_url(request: Request) -> Response:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return PlainTextResponse("invalid_payload", 400)
    return await _send(request, _api(request).respond(request.path_params["key"], body))


async def _upload(request: Request) -> Response:
    workspace = _api(request).workspace
    try:
        file = workspace.file(request.path_params["file_id"])
    except SlackError:
        return PlainTextResponse("not found", 404)
    content = await request.body()
    if file.content is not None or len(content) != file.length:
        return PlainTextResponse("wrong length", 400)
    workspace.put_file(replace(file, content=content))
    return PlainTextResponse(f"OK - {len(content)}")


def routes() -> list[Route]:
    """Slack's side of the server; the app's state must hold a `slack_api`."""
    return [
        Route("/api/{method}", _method, methods=["GET", "POST"]),
        Route("/response/{key}", _response_url, methods=["POST"]),
        Route("/upload/{file_id}", _upload, methods=["POST"]),
    ]
