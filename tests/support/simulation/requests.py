"""Requests of members in Slack: each one is signed, goes to a process, and records the replies to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from playground.client.member_client import ActionResult, MemberClient
from playground.client.transport import ACKNOWLEDGE_SECONDS, BotResponse
from tests.support.simulation.process import SECRET, Process, ProcessDied
from tests.support.simulation.slack import Posted

if TYPE_CHECKING:
    from tests.support.simulation.world import World


@dataclass(eq=False)
class SlackRequest:
    """A request of Slack's, what the service answered to it, and what its member got to see."""

    user_id: str
    name: str
    begun: float
    process: Process | None = field(default=None, repr=False)
    acknowledgement: BotResponse | None = field(default=None, repr=False)
    response_url: str = ""
    is_lost: bool = False
    """Whether neither Slack nor the store took its reply, and Slack has shown that it failed."""
    answers: list[object] = field(default_factory=list)
    """The results and errors of the service, in order. The member must get the last one as the reply."""

    errors: list[str] = field(default_factory=list)
    """The texts of what went wrong, as its member may hear in a direct message if a modal can't show them."""

    later: str | None = None
    """The text of the result of a command that waited in a queue, if its member was told to wait."""

    lists: list[str] = field(default_factory=list)
    """The texts of lists and choices that a command showed, as its member may hear likewise."""

    def texts(self, replies: Mapping[str, list[Posted]]) -> list[str]:
        """Return the texts that this request got as its acknowledgement or at its response URL."""
        texts = [str(one.content.get("text")) for one in replies.get(self.response_url, ())]
        if self.acknowledgement is not None and self.acknowledgement.body:
            texts.append(str(json.loads(self.acknowledgement.body).get("text")))
        return texts


class Acting:
    """Sends the requests of one member."""

    def __init__(self, world: World, user_id: str) -> None:
        self._world = world
        self._user_id = user_id

    def act(self, name: str, act: Callable[[MemberClient], ActionResult]) -> ActionResult:
        """Act in Slack: command, click, or submit. Return what the member sees once it is acknowledged."""
        world = self._world
        request = SlackRequest(self._user_id, name, world.scheduler.seconds)
        world.judge.replies.requests.append(request)

        def deliver(body: bytes, headers: Mapping[str, str]) -> BotResponse:
            return self._deliver(request, body, headers)

        workspace = world.slack.workspace
        world.note(name, self._user_id)
        world.situations.has_pressed(self._user_id)
        try:
            with world.nights.acting():
                result = act(MemberClient(workspace, deliver, SECRET, workspace.now))
        finally:
            world.situations.is_acknowledged(self._user_id)
        request.acknowledgement = result.response
        return result

    def _deliver(
        self, request: SlackRequest, body: bytes, headers: Mapping[str, str]
    ) -> BotResponse:
        """Deliver a request. Raises `ConnectionError` if its process dies, and `TimeoutError` as Slack does."""
        process = self._world.some_process()
        request.process, request.response_url = process, _response_url(body, headers)
        try:
            return process.deliver(request, body, headers, ACKNOWLEDGE_SECONDS)
        except ProcessDied as error:
            self._world.count("a process dies with a request")
            raise ConnectionError from error
        except TimeoutError:
            self._world.judge.replies.was_not_acknowledged(request)
            raise


def _response_url(body: bytes, headers: Mapping[str, str]) -> str:
    if headers["Content-Type"] == "application/json":
        return ""
    fields: dict[str, Any] = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if "payload" in fields:
        fields = json.loads(fields["payload"])
    return str(fields.get("response_url", ""))
