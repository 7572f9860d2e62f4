"""Models of Slack's events: App Home was opened, a member changed, tokens were revoked."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from bot.slack.payload_models import Absent, PayloadPart, SlackRequest, Text, workspaces_in
from bot.slack.slack_users import SlackUser
from domain.inputs import Identifier


class _Event(PayloadPart):
    type: Text
    user_team: Text | None = None


class _Authorization(PayloadPart):
    team_id: Text | None = None


class SlackEvent(SlackRequest):
    """An event of Slack's Events API."""

    event: _Event
    user: Absent = None
    authorizations: list[_Authorization] | None = None

    @property
    def workspace_ids(self) -> set[str]:
        """Return the workspaces of the installations that get the event, or else the one where it happened.

        In a channel that workspaces share, `team_id` can be the member's own. For an installation in a whole
        organization, the authorization names no workspace.
        """
        authorized = (authorization.team_id for authorization in self.authorizations or ())
        return workspaces_in(*authorized) or super().workspace_ids

    @property
    def member_team_ids(self) -> set[str]:
        """Return what the event names as the acting member's workspace or organization."""
        named = {self.event.user_team, *super().workspace_ids}
        return {team_id for team_id in named if team_id}

    @property
    def member_id(self) -> str | None:
        """Return the id of the member who acted, if that is known."""
        return None


class _AppHomeOpened(_Event):
    user: Identifier


class AppHomeOpened(SlackEvent):
    """A member opened App Home."""

    event: _AppHomeOpened

    @property
    def user_id(self) -> str:
        """Return the id of the person who opened it."""
        return self.event.user

    @property
    def member_id(self) -> str:
        """Return the id of the person who opened it."""
        return self.event.user


class _UserChange(_Event):
    user: SlackUser


class UserChange(SlackEvent):
    """A member's profile or status changed."""

    event: _UserChange

    @property
    def member(self) -> SlackUser:
        """Return the member as Slack has them now."""
        return self.event.user


class _RevokedTokens(PayloadPart):
    bot: list[Text] = Field(default_factory=list)


class _TokensRevoked(_Event):
    tokens: _RevokedTokens


class TokensRevoked(SlackEvent):
    """Tokens of the app were revoked."""

    event: _TokensRevoked

    @property
    def is_about_bot(self) -> bool:
        """Return whether the bot's own token was revoked, and not a member's."""
        return bool(self.event.tokens.bot)


EVENT_MODELS: Mapping[str, type[SlackEvent]] = {
    "app_home_opened": AppHomeOpened,
    "user_change": UserChange,
    "tokens_revoked": TokensRevoked,
}
"""The models of events from which more than the type is read."""
