"""When people change, and when the app itself is taken away (R8.14)."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt import Ack, App

from bot.features.account.member_sync import follow
from bot.slack.context import AppContext
from bot.slack.interactions import changed_member, revokes_ours

Body = dict[str, Any]

_logger = logging.getLogger(__name__)


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = AccountListeners(context)
    app.event("user_change")(flow.user_changed)
    app.event("app_uninstalled")(flow.uninstalled)
    app.event("tokens_revoked")(flow.tokens_revoked)


class AccountListeners:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service

    def user_changed(self, ack: Ack, body: Body) -> None:
        """Follow a new name; free the seats of somebody whose account is gone."""
        follow(self._service, changed_member(body))
        ack()

    def uninstalled(self, ack: Ack) -> None:
        """Raise the alarm: everything is kept, for who installs the app again finds it as it was."""
        _logger.critical(
            "Slack: the app was uninstalled. All is kept, and what is owed is sent once it is installed again"
        )
        ack()

    def tokens_revoked(self, ack: Ack, body: Body) -> None:
        """Raise the alarm where it is the bot's own token that is gone."""
        if revokes_ours(body):
            _logger.critical(
                "Slack: the bot's token was revoked. All is kept; give it the new SLACK_BOT_TOKEN"
            )
        ack()
