"""Stop the series: ends a registration for all of it, and keeps the seats that one has (R13.4)."""

from __future__ import annotations

from bot.blocks.ids import ActionId
from bot.features.browsing import series_views
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = SeriesListeners(context)
    registrar.action(ActionId.STOP_SERIES, listeners.stop_series, refreshes_home=True)


class SeriesListeners:
    """Register members for all of a series, and end that."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service

    def stop_series(self, action: BlockAction, reply: Reply) -> None:
        """End the registration for all of a series. The message about one of its events stays as it is."""
        reply.ephemeral(
            series_views.stopped(self._service.stop_series(action.value, action.user_id))
        )
