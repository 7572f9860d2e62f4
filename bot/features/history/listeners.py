"""What happened: to an event, for its organizers; to one's own place, for oneself (R8.10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.gathering import gathered
from bot.blocks.ids import ActionId
from bot.features.history import views as history_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import PagedMetadata, metadata, user_id_of, value_of
from bot.slack.replies import open_modal, show_again

Body = dict[str, Any]

LOOKED_THROUGH = 30
"""Entries of an event's history that are read at once for a person's own."""

MOVES = 10
"""Moves of one's own place on a page: fewer where they are far apart."""


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = HistoryListeners(context)
    app.action(ActionId.HISTORY)(flow.pressed_history)
    app.action(ActionId.HISTORY_PAGE)(flow.turn_page)
    app.action(ActionId.HISTORY_BACK)(flow.turn_back)
    app.action(ActionId.REGISTRATION_HISTORY)(flow.pressed_my_place)
    app.action(ActionId.REGISTRATION_HISTORY_PAGE)(flow.turn_my_page)
    app.action(ActionId.REGISTRATION_HISTORY_BACK)(flow.turn_my_page_back)


class HistoryListeners:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._people = context.people
        self._organizing = ManageModal(context)

    def pressed_history(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Open an event's history."""
        open_modal(body, client, self._history(body, value_of(action)))
        ack()

    def turn_page(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show what was before."""
        shown = metadata(body["view"], PagedMetadata)
        view = self._history(body, shown.event_id, [*shown.turned, value_of(action)])
        show_again(client, body["view"]["id"], view)
        ack()

    def turn_back(self, ack: Ack, body: Body, client: WebClient) -> None:
        """Show what was after."""
        shown = metadata(body["view"], PagedMetadata)
        view = self._history(body, shown.event_id, shown.turned[:-1])
        show_again(client, body["view"]["id"], view)
        ack()

    def _history(self, body: Body, event_id: str, turned: Sequence[str] = ()) -> View:
        event = self._organizing.event(body, event_id)
        page = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.list_history(
                event_id,
                limit=history_views.HISTORY_PAGE,
                cursor=turned[-1] if turned else None,
                actor=actor,
            ),
        )
        return history_views.event_history(event, page, turned)

    # One's own

    def pressed_my_place(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Open what moved one's own place."""
        open_modal(body, client, self._my_place(body, value_of(action)))
        ack()

    def turn_my_page(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show what was before."""
        shown = metadata(body["view"], PagedMetadata)
        view = self._my_place(body, shown.event_id, [*shown.turned, value_of(action)])
        show_again(client, body["view"]["id"], view)
        ack()

    def turn_my_page_back(self, ack: Ack, body: Body, client: WebClient) -> None:
        """Show what was after."""
        shown = metadata(body["view"], PagedMetadata)
        view = self._my_place(body, shown.event_id, shown.turned[:-1])
        show_again(client, body["view"]["id"], view)
        ack()

    def _my_place(self, body: Body, event_id: str, turned: Sequence[str] = ()) -> View:
        event = self._service.get_event(event_id)
        page = gathered(
            lambda cursor: self._service.list_own_history(
                event_id, user_id_of(body), limit=LOOKED_THROUGH, cursor=cursor
            ),
            turned[-1] if turned else None,
            MOVES,
        )
        return history_views.registration_history(event, page, turned)
