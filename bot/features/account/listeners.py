"""Changes to members' accounts, and the removal of the app itself (R8.14)."""

from __future__ import annotations

import logging

from bot.features.account.member_sync import sync_member
from bot.slack.context import AppContext
from bot.slack.event_payloads import SlackEvent, TokensRevoked, UserChange
from bot.slack.registrar import Registrar

_logger = logging.getLogger(__name__)


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = AccountListeners(context)
    registrar.event("user_change", listeners.user_changed)
    registrar.event("app_uninstalled", listeners.app_uninstalled)
    registrar.event("tokens_revoked", listeners.tokens_revoked)


class AccountListeners:
    """Follow Slack's events about accounts."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members

    def user_changed(self, event: UserChange) -> None:
        """Store a member's new name; free the seats of a member whose account was deactivated."""
        self._members.expire(event.member.id)
        sync_member(self._service, event.member)

    def app_uninstalled(self, event: SlackEvent) -> None:  # noqa: ARG002  # as all listeners
        """Raise the alarm. Everything is kept for whoever installs the app again."""
        _logger.critical(
            "Slack: the app was uninstalled. Everything is kept;"
            " pending notifications are sent once it is installed again"
        )

    def tokens_revoked(self, event: TokensRevoked) -> None:
        """Raise the alarm if the bot's own token was revoked."""
        if event.is_about_bot:
            _logger.critical(
                "Slack: the bot's token was revoked. Everything is kept; set the new SLACK_BOT_TOKEN"
            )
