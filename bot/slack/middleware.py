"""Bolt middleware: parse each payload once, and refuse what is malformed or comes from another workspace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qsl

from slack_bolt import BoltContext, BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware
from slack_bolt.request.internals import build_context

from bot.slack.event_payloads import SlackEvent
from bot.slack.interactions import Interaction, parse
from bot.slack.member_directory import MemberDirectory
from bot.slack.payload_models import is_organization
from bot.slack.refusals import MalformedPayload, NotInUse, OtherWorkspace
from bot.slack.reply_addresses import reply_to

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
            interaction = req.context[_KEY] = parse(req.body)
        except (MalformedPayload, NotInUse) as error:
            return self._refuse(error, req)
        reply_to(interaction)
        return next()


def _read_command(request: BoltRequest) -> None:
    """Read a command that Bolt left unread.

    Bolt takes a command for an interaction if the word "payload" appears in any field, such as a channel's name.
    """
    if not request.body and request.raw_body:
        request.body = dict(parse_qsl(request.raw_body, keep_blank_values=True))
        build_context(request.context, request.body)


def only_from(workspace_id: str, members: MemberDirectory) -> Callable[..., BoltResponse]:
    """Return middleware that refuses requests for another workspace, or from another's member (R10.2).

    Members of the other workspaces of the same Enterprise organization are served.
    """

    def guard(
        context: BoltContext,
        next: Callable[[], BoltResponse],  # Bolt's name
    ) -> BoltResponse:
        interaction = interaction_in(context)
        if interaction is None or interaction.workspace_ids != {workspace_id}:
            raise OtherWorkspace
        if not _is_from_colleague(interaction, workspace_id, members):
            raise OtherWorkspace
        return next()

    return guard


def _is_from_colleague(
    interaction: Interaction, workspace_id: str, members: MemberDirectory
) -> bool:
    """Return whether the acting member belongs to the workspace or its organization.

    Slack is asked only if the request names something else as the member's. Raises `MembershipUnknown`.
    """
    elsewhere = interaction.member_team_ids - {workspace_id}
    user_id = _acting_member(interaction)
    if user_id is None or not elsewhere:
        return True
    organization_id = members.organization_id()
    if organization_id is None:
        return False
    elsewhere.discard(organization_id)
    if any(is_organization(team_id) for team_id in elsewhere):
        return False
    return not elsewhere or members.is_member_of(user_id, {workspace_id, organization_id})


def _acting_member(interaction: Interaction) -> str | None:
    """Return the id of the person who acts; None for an event that comes from Slack itself."""
    if isinstance(interaction, SlackEvent):
        return interaction.member_id
    return interaction.user_id
