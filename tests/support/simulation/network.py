"""The network between the simulation's processes and Slack: slow, limited, down, or with its answers lost.

It takes the place of the connections of `urllib.request`, which Slack's SDK uses, and of urllib3, which posts to
response URLs. Everything above them is the product's own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.request import HTTPHandler, Request
from urllib.response import addinfourl

import pytest
from urllib3.exceptions import ReadTimeoutError

from bot.slack import response_urls
from playground.web_api.server import ApiResponse

if TYPE_CHECKING:
    from tests.support.simulation.world import World

RATE_LIMITED = ApiResponse(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "7"})
DOWN = ApiResponse(503, {"ok": False, "error": "service_unavailable"})


class Network:
    """Carries the requests of the processes of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Carry all requests that are made meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HTTPHandler, "http_open", lambda _, request: self._open(request))
            patch.setattr(response_urls, "_pool", lambda *_: self)
            yield

    def _open(self, request: Request) -> addinfourl:
        """Do what a handler of `urllib.request` does."""
        data: Any = request.data
        timeout = request.timeout or inf
        if data is not None and not isinstance(data, bytes):
            data = self._world.exports.upload(data, timeout)
        body = b"" if data is None else data
        answer = self._exchange(request.full_url, request.headers, body, timeout)
        response = addinfourl(io.BytesIO(_text(answer)), _headers(answer), "", answer.status)
        response.msg = ""  # type: ignore[attr-defined]  # read by urllib
        return response

    def request(
        self,
        _: str,
        url: str,
        *,
        body: bytes,
        timeout: float,
        headers: Mapping[str, str],
        **__: Any,
    ) -> _Response:
        """Do what urllib3's pools do. Raises `ReadTimeoutError`."""
        try:
            return _Response(self._exchange(url, headers, body, timeout))
        except TimeoutError as error:
            raise ReadTimeoutError(self, url, "simulated") from error  # type: ignore[arg-type]  # it is only shown

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> ApiResponse:
        """Send a request and return its answer. Raises `TimeoutError`; then it may arrive all the same."""
        world, process = self._world, self._world.scheduler.owner()
        there, back = (world.dice.random() * world.weights.slack_seconds for _ in range(2))
        name = url.split("/")[-1] if "/api/" in url else url.split("/")[-2]
        if there >= timeout:
            world.count("Slack hears of something too late")
            self._arrive_later(there, url, headers, body, process.lease_key())
            process.reach_port(name, timeout)
            raise TimeoutError("simulated")
        process.reach_port(name, there)
        if world.is_slack_down or world.happens(world.weights.slack_down):
            world.count("Slack is down")
            return DOWN
        if world.happens(world.weights.slack_limited):
            world.count("Slack limits the rate")
            world.situations.is_limited(process)
            return RATE_LIMITED
        answer, posted = world.slack.answer(url, headers, body, process.lease_key())
        world.note(f"{name}: {answer.status}", *([posted.channel, posted.text] if posted else []))
        is_lost = world.happens(world.weights.slack_unanswered)
        process.has_posted(posted, is_unanswered=is_lost or there + back >= timeout)
        if is_lost or there + back >= timeout:
            world.count("Slack's answer is lost")
            process.reach_port(name, timeout - there)
            raise TimeoutError("simulated")
        process.reach_port(name, back)
        return answer

    def _arrive_later(
        self, seconds: float, url: str, headers: Mapping[str, str], body: bytes, key: str
    ) -> None:
        def arrive() -> None:
            self._world.scheduler.sleep(seconds)
            _, posted = self._world.slack.answer(url, headers, body, key)
            if posted is not None:
                posted.is_unanswered = True

        self._world.scheduler.spawn("a late request", None, arrive)


class _Response:
    """The answer as urllib3 hands it out."""

    def __init__(self, answer: ApiResponse) -> None:
        self.status = answer.status
        self.headers = dict(answer.headers)
        self._body = _text(answer)

    def read(self) -> bytes:
        """Return the body."""
        return self._body


def _text(answer: ApiResponse) -> bytes:
    return (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()


def _headers(answer: ApiResponse) -> Message:
    message = Message()
    message["Content-Type"] = "application/json; charset=utf-8"
    for name, value in answer.headers.items():
        message[name] = value
    return message
