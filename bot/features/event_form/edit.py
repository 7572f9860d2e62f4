"""Editing an event: the form, what is wrong with it, who is told (R8.8)."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks.ids import ActionId, CallbackId
from bot.features.event_form import views as event_form_views
from bot.features.event_form.changed_fields import shown_values, touched
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import EditMetadata, event_values, metadata, user_id_of, value_of

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = EditListeners(context)
    app.action(ActionId.EDIT)(flow.pressed_edit)
    app.view(CallbackId.EDIT_EVENT)(flow.submitted)


class EditListeners:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._people = context.people
        self._organizing = ManageModal(context)

    def pressed_edit(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Open the form, filled in."""
        event = self._organizing.event(body, value_of(action))
        form = event_form_views.edit_form(event, shown_values(event))
        client.views_push(trigger_id=body["trigger_id"], view=form)
        ack()

    def submitted(self, ack: Ack, body: Body, view: Body, client: WebClient) -> None:
        """Change what was touched, and show the event as it is now."""
        form = metadata(view, EditMetadata)
        event = self._organizing.event(body, form.event_id)
        changes = touched(event_values(view, event), form.shown)
        outcome = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.edit_event(form.event_id, changes, actor=actor),
        )
        self._organizing.show_below(body, client, form.event_id)
        ack(response_action="update", view=event_form_views.event_edited(outcome))
