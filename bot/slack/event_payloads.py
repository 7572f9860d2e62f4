"""Models of Slack's events: App Home was opened, a member changed, tokens were revoked."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from bot.slack.payload_models import Absent, PayloadPart, SlackRequest, Text
from bot.slack.slack_users import SlackUser
from domain.inputs import Identifier


class _Event(PayloadPart):
    type: Text
    user_team: Text | None = None


class SlackEvent(SlackRequest):
    """An event of Slack's Events API."""

    event: _Event
    user: Absent = None

    def _workspaces(self) -> tuple[str | None, ...]:
        return *super()._workspaces(), self.event.user_team


class _AppHomeOpened(_Event):
    user: Identifier


class AppHomeOpened(SlackEvent):
    """A member opened App Home."""

    event: _AppHomeOpened

    @property
    def user_id(self) -> str:
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
