"""The ends of an event: canceled, with everyone told, or deleted, once its title is typed (R8.8)."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.mrkdwn import as_typed
from bot.features.ending import views as ending_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.error_messages import Wrong
from bot.slack.interactions import EventMetadata, confirmation, metadata, user_id_of, value_of
from bot.slack.replies import once_done, show_again
from domain.errors import Invalid

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = EndingListeners(context)
    app.action(ActionId.CANCEL_EVENT)(flow.pressed_cancel)
    app.view(CallbackId.CANCEL_EVENT)(flow.cancel)
    app.action(ActionId.DELETE_EVENT)(flow.pressed_delete)
    app.view(CallbackId.DELETE_EVENT)(flow.delete)


class EndingListeners:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._people = context.people
        self._organizing = ManageModal(context)

    def pressed_cancel(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Say what canceling means, and ask."""
        event = self._organizing.event(body, value_of(action))
        form = ending_views.cancel_form(event, is_over=self._service.is_over(event))
        client.views_push(trigger_id=body["trigger_id"], view=form)
        ack()

    def cancel(self, ack: Ack, body: Body, view: Body, client: WebClient) -> None:
        """Cancel the event."""
        event_id = metadata(view, EventMetadata).event_id
        outcome = self._people.as_organizer(
            user_id_of(body), lambda actor: self._service.cancel_event(event_id, actor=actor)
        )
        self._organizing.show_below(body, client, event_id)
        ack(response_action="update", view=ending_views.event_canceled(outcome))

    def pressed_delete(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Say what deleting means, and ask for the title."""
        event = self._organizing.event(body, value_of(action))
        form = ending_views.delete_form(event, is_over=self._service.is_over(event))
        client.views_push(trigger_id=body["trigger_id"], view=form)
        ack()

    def delete(self, ack: Ack, body: Body, view: Body, client: WebClient) -> None:
        """Delete the event, if that is its title."""
        event_id = metadata(view, EventMetadata).event_id
        event = self._organizing.event(body, event_id)
        if _plain(confirmation(view)) != _plain(event.title):
            raise Invalid(BlockId.CONFIRMATION, Wrong.NOT_THE_TITLE)
        done = self._people.as_organizer(
            user_id_of(body), lambda actor: self._service.delete_event(event_id, actor=actor)
        )
        gone = ending_views.event_deleted(event, done)
        root = view.get("root_view_id")
        if not root or root == view["id"]:
            ack(response_action="update", view=gone)
            return
        with once_done():
            show_again(client, root, gone)
        # The form goes, and what lies under it says so.
        ack()


def _plain(title: str) -> str:
    # Who copies a title from a message has in it what keeps it from formatting anything.
    return " ".join(as_typed(title).casefold().split())
