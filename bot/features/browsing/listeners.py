"""What is coming up, and one's own registrations, page by page."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.blocks.formatting import Message
from bot.blocks.ids import ActionId
from bot.features.cards import views as cards_views
from bot.features.registration import views as registration_views
from bot.slack.context import AppContext, CommandRequest, on_command
from bot.slack.interactions import shown_already, user_id_of, value_of
from bot.slack.replies import Reply
from domain.enums import RegistrationStatus
from domain.models import Event, Page

Body = dict[str, Any]

EVENTS_PAGE = 8
"""Events in one message: with their descriptions cut, they fit into Slack's 50 blocks and into its text."""


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = BrowsingListeners(context)
    on_command(app, "/events", flow.events_command)
    on_command(app, "/registrations", flow.registrations_command)
    app.action(ActionId.MORE_EVENTS)(flow.more_events)
    app.action(ActionId.MORE_REGISTRATIONS)(flow.more_registrations)
    app.action(ActionId.SHOW_EVENTS)(flow.show_events)


class BrowsingListeners:
    """The listeners, and the two commands, which `/rollcall` has too."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service

    def events_command(self, asked: CommandRequest) -> Message:  # noqa: ARG002  # it takes no argument
        """`/events`: what is coming up."""
        return self._events(None)

    def registrations_command(self, asked: CommandRequest) -> Message:
        """`/registrations [registered|waitlisted]`: one's own (R5)."""
        status = _STATUSES.get(asked.text.lower())
        if asked.text and status is None:
            return registration_views.bad_status(asked.text)
        return self._registrations(asked.user_id, status)

    def more_events(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Show the next page of what is coming up."""
        Reply(body, respond, client).replace(self._events(value_of(action)))
        ack()

    def more_registrations(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Show the next of one's own registrations."""
        status, first = shown_already(action)
        message = self._registrations(user_id_of(body), _STATUSES.get(status), first)
        Reply(body, respond, client).replace(message)
        ack()

    def show_events(self, ack: Ack, body: Body, respond: Respond, client: WebClient) -> None:
        """Show what is coming up beside the message that offered it."""
        Reply(body, respond, client).ephemeral(self._events(None))
        ack()

    def _events(self, cursor: str | None) -> Message:
        page = self._page(cursor)
        while not page.items and page.next_cursor is not None:
            page = self._page(page.next_cursor)
        return cards_views.event_list(page)

    def _page(self, cursor: str | None) -> Page[Event]:
        return self._service.list_events(upcoming=True, limit=EVENTS_PAGE, cursor=cursor)

    def _registrations(
        self, user_id: str, status: RegistrationStatus | None, first: int = 0
    ) -> Message:
        own = self._service.list_registrations_of(user_id, status=status)
        return registration_views.registrations(own, status, first)


_STATUSES = {status.value: status for status in RegistrationStatus}
