"""A message to everyone registered, waiting, or both: written, looked at, sent (R8.8)."""

from __future__ import annotations

import hashlib
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks.ids import ActionId, CallbackId
from bot.features.announcement import views as announcement_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import MessageMetadata, message_draft, metadata, user_id_of, value_of
from domain.inputs import MessageDraft

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = AnnouncementListeners(context)
    app.action(ActionId.MESSAGE_ATTENDEES)(flow.pressed_message)
    app.view(CallbackId.MESSAGE)(flow.submitted)


class AnnouncementListeners:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._people = context.people
        self._new_id = context.new_id
        self._organizing = ManageModal(context)

    def pressed_message(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Open the form; the request's id is minted here, so that it is sent once (R8.13)."""
        event = self._organizing.event(body, value_of(action))
        form = announcement_views.announcement_form(event, request_id=self._new_id())
        client.views_push(trigger_id=body["trigger_id"], view=form)
        ack()

    def submitted(self, ack: Ack, body: Body, view: Body) -> None:
        """Show what people will get; send it once it is submitted as it was shown."""
        form, draft = metadata(view, MessageMetadata), message_draft(view)
        if _fingerprint(draft) != form.previewed:
            event = self._organizing.event(body, form.event_id)
            preview = announcement_views.announcement_form(
                event,
                request_id=form.request_id,
                draft=draft,
                previewed=_fingerprint(draft),
                by=user_id_of(body),
                is_changed=bool(form.previewed),
            )
            ack(response_action="update", view=preview)
            return
        outcome = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.message(
                form.event_id, draft, request_id=form.request_id, actor=actor
            ),
        )
        ack(
            response_action="update",
            view=announcement_views.announcement_sent(outcome, draft.audience),
        )


def _fingerprint(draft: MessageDraft) -> str:
    return hashlib.sha256(f"{draft.audience} {draft.text}".encode()).hexdigest()[:16]
