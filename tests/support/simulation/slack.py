"""Slack in the simulation: messages, cards and members, slow, limited, down, or with its answers lost."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

if TYPE_CHECKING:
    from tests.support.simulation.process import Process
    from tests.support.simulation.world import World


@dataclass
class Posted:
    """A message, in a channel or to a member, with its present content."""

    ts: str
    channel: str
    content: dict[str, Any]
    at: float
    is_unanswered: bool = False
    """Whether the bot never heard that it was posted."""


class Slack:
    """The workspace: what was posted, by `ts`."""

    def __init__(self) -> None:
        self.posted: dict[tuple[str, str], Posted] = {}
        self._numbers = itertools.count(1)

    def post(self, channel: str, content: dict[str, Any], at: float) -> Posted:
        """Post a message."""
        ts = f"1790000000.{next(self._numbers):06}"
        self.posted[channel, ts] = Posted(ts, channel, content, at)
        return self.posted[channel, ts]

    def messages(self, channel: str) -> list[Posted]:
        """Return the messages in a channel, or to a member."""
        return [one for one in self.posted.values() if one.channel == channel]


class SlackClient(WebClient):
    """A process's connection to Slack."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__(token="xoxb-simulated", retry_handlers=[])
        self._world = world
        self._process = process

    def api_call(  # only what Rollcall uses
        self, api_method: str, *, json: Any = None, params: Any = None, **_: Any
    ) -> SlackResponse:
        """Call a method. Raises `SlackApiError`, and `TimeoutError` for an answer that is lost."""
        world, weights = self._world, self._world.weights
        arguments = {key: value for key, value in (json or params or {}).items() if value}
        self._process.reach_port(api_method, weights.slack_seconds)
        if world.is_slack_down or world.happens(weights.slack_down):
            world.count("Slack is down")
            raise self._error(api_method, {"ok": False, "error": "service_unavailable"}, 503)
        if world.happens(weights.slack_limited):
            world.count("Slack limits the rate")
            raise self._error(api_method, {"ok": False, "error": "ratelimited"}, 429)
        is_lost = world.happens(weights.slack_unanswered)
        data = getattr(self, "_" + api_method.replace(".", "_"))(arguments, is_lost)
        self._process.reach_port(api_method, weights.slack_seconds)
        if is_lost:
            world.count("Slack's answer is lost")
            raise TimeoutError("simulated")
        if not data["ok"]:
            raise self._error(api_method, data, 200)
        return self._response(api_method, data, 200)

    def _chat_postMessage(self, arguments: dict[str, Any], is_lost: bool) -> dict[str, Any]:  # noqa: N802  # Slack's
        channel = arguments.pop("channel")
        posted = self._world.slack.post(channel, arguments, self._world.scheduler.seconds)
        posted.is_unanswered = is_lost
        self._process.in_flight = posted
        return {"ok": True, "channel": channel, "ts": posted.ts}

    def _chat_update(self, arguments: dict[str, Any], _: bool) -> dict[str, Any]:
        key = arguments.pop("channel"), arguments.pop("ts")
        posted = self._world.slack.posted.get(key)
        if posted is None:
            return {"ok": False, "error": "message_not_found"}
        posted.content = arguments
        return {"ok": True, "channel": key[0], "ts": key[1]}

    def _users_list(self, _: dict[str, Any], __: bool) -> dict[str, Any]:
        admin = {"id": self._world.admin, "is_admin": True}
        return {"ok": True, "members": [admin], "response_metadata": {"next_cursor": ""}}

    def _response(self, method: str, data: dict[str, Any], status: int) -> SlackResponse:
        headers = {"Retry-After": "7"} if status == 429 else {}
        return SlackResponse(
            client=self,
            http_verb="POST",
            api_url=f"https://slack.com/api/{method}",
            req_args={},
            data=data,
            headers=headers,
            status_code=status,
        )

    def _error(self, method: str, data: dict[str, Any], status: int) -> SlackApiError:
        return SlackApiError("simulated", self._response(method, data, status))  # type: ignore[no-untyped-call]
