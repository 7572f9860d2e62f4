"""App Home: what one has, what one organizes, what is coming, each list page by page (R8.6)."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks.ids import ActionId
from bot.features.home.publisher import Home
from bot.features.home.views import FIRST
from bot.slack.context import AppContext
from bot.slack.interactions import home_metadata, home_place, user_id_of, value_of

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = HomeListeners(context)
    app.event("app_home_opened")(flow.opened)
    app.action(ActionId.HOME_OWN)(flow.turn_own)
    app.action(ActionId.HOME_ORGANIZED)(flow.turn_organized)
    app.action(ActionId.HOME_UPCOMING)(flow.turn_coming)


class HomeListeners:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._home = Home(context)

    def opened(self, ack: Ack, body: Body, client: WebClient) -> None:
        """Show it as things are now, from the beginning of each list."""
        self._home.publish(client, user_id_of(body))
        ack()

    def turn_own(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show other ones of one's registrations."""
        self._turn(body, client, own=home_place(action))
        ack()

    def turn_organized(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show other events that one organizes."""
        self._turn(body, client, organized=_cursor(action))
        ack()

    def turn_coming(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show other events that are coming."""
        self._turn(body, client, coming=_cursor(action))
        ack()

    def _turn(self, body: Body, client: WebClient, **where: int | str | None) -> None:
        shown = home_metadata(body["view"]).model_copy(update=where)
        self._home.publish(client, user_id_of(body), shown)


def _cursor(action: Body) -> str | None:
    value = value_of(action)
    return None if value == FIRST else value
