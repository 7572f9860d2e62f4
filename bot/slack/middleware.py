"""Bolt middleware: parse each payload once, and refuse what is malformed or comes from another workspace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qsl

from slack_bolt import BoltContext, BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware
from slack_bolt.request.internals import build_context

from bot.slack.interactions import Interaction, parse
from bot.slack.refusals import MalformedPayload, NotInUse, OtherWorkspace

_logger = logging.getLogger(__name__)

_KEY = "interaction"
"""The key of the parsed payload in Bolt's context."""


def interaction_in(context: BoltContext) -> Interaction | None:
    """Return the payload's model; None for a payload that could not be parsed."""
    return cast("Interaction | None", context.get(_KEY))


class ParsePayload(Middleware):
    """Keeps each payload's model in Bolt's context. The signature is checked by then.

    `refuse` answers requests whose payload is malformed or of a kind that Rollcall does not take.
    """

    def __init__(self, refuse: Callable[[Exception, BoltRequest], BoltResponse]) -> None:
        self._refuse = refuse

    def process(
        self,
        *,
        req: BoltRequest,
        resp: BoltResponse,  # noqa: ARG002  # Bolt's names
        next: Callable[[], BoltResponse],
    ) -> BoltResponse:
        """Parse the payload and pass the request on.

        Slack's message `app_rate_limited` is only logged. It is no event, and has no person.
        """
        _read_command(req)
        match req.body.get("type"):
            case "url_verification":
                return next()
            case "app_rate_limited":
                _logger.warning("Slack held back events: more than 30,000 in an hour")
                return BoltResponse(status=200, body="")
        try:
            req.context[_KEY] = parse(req.body)
        except (MalformedPayload, NotInUse) as error:
            return self._refuse(error, req)
        return next()


def _read_command(request: BoltRequest) -> None:
    """Read a command that Bolt left unread.

    Bolt takes a command for an interaction if the word "payload" appears in any field, such as a channel's name.
    """
    if not request.body and request.raw_body:
        request.body = dict(parse_qsl(request.raw_body, keep_blank_values=True))
        build_context(request.context, request.body)


def only_from(workspace_id: str) -> Callable[..., BoltResponse]:
    """Return middleware that refuses requests that name another workspace, or none (R10.2)."""

    def guard(
        context: BoltContext,
        next: Callable[[], BoltResponse],  # Bolt's name
    ) -> BoltResponse:
        interaction = interaction_in(context)
        if interaction is None or interaction.workspace_ids != {workspace_id}:
            raise OtherWorkspace
        return next()

    return guard
