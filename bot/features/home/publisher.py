"""Publishing App Home: when it is opened, and after its member has changed something in it."""

from __future__ import annotations

import logging

from slack_sdk import WebClient

from bot.blocks.gathering import gathered
from bot.features.home import views as home_views
from bot.slack.api_errors import FAILURES
from bot.slack.context import AppContext
from bot.slack.interactions import HomeMetadata, Payload, home_metadata, source, user_id_of
from domain.errors import RollcallError

_logger = logging.getLogger(__name__)

READ = 10
"""Events that are read at once; of those, some are not for this list."""


class Home:
    """Publishes it."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        # The hasty one: somebody waits for an answer.
        self._client = context.client

    def publish(self, client: WebClient, user_id: str, shown: HomeMetadata | None = None) -> None:
        """Show a member the lists from these places on; from the beginning without any. Raises `Busy`."""
        shown = shown or HomeMetadata()
        own = self._service.list_registrations_of(user_id)
        if shown.own >= len(own):
            shown = shown.model_copy(update={"own": 0})
        lists = home_views.Lists(
            own,
            gathered(
                lambda cursor: self._service.list_organized(user_id, limit=READ, cursor=cursor),
                shown.organized,
                READ // 2,
            ),
            gathered(
                lambda cursor: self._service.list_events(
                    upcoming=True, limit=home_views.COMING, cursor=cursor
                ),
                shown.coming,
                1,
            ),
        )
        client.views_publish(user_id=user_id, view=home_views.home(lists, shown))

    def follow(self, body: Payload) -> None:
        """Show in App Home what was just done from there, or from a modal over it.

        Where that fails, what was done is done, and answered: the next time that it is opened it is true.
        """
        if source(body).is_view:
            self.refresh(body)

    def refresh(self, body: Payload) -> None:
        """Show App Home as things are now, if that can be done."""
        try:
            shown = home_metadata(body["view"]) if source(body).is_home else None
            self.publish(self._client, user_id_of(body), shown)
        except (RollcallError, *FAILURES):
            _logger.warning("App Home could not be shown anew", exc_info=True)
