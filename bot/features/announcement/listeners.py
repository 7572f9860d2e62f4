"""An organizer's message to attendees: write it, preview it, send it (R8.8)."""

from __future__ import annotations

import hashlib

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.features.announcement import views as announcement_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import AnnouncementMetadata
from domain.inputs import AnnouncementDraft


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = AnnouncementListeners(context)
    registrar.action(ActionId.MESSAGE_ATTENDEES, listeners.open_form)
    registrar.submission(CallbackId.ANNOUNCEMENT, listeners.preview_or_send)


class AnnouncementListeners:
    """Run the form of a message to attendees."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._new_id = context.new_id
        self._manage_modal = ManageModal(context)

    def open_form(self, action: BlockAction, reply: Reply) -> None:
        """Open the form. The request's id is made here, so the message is sent only once (R8.13)."""
        event = self._manage_modal.get_event(action.user_id, action.value)
        reply.open_modal(announcement_views.announcement_form(event, request_id=self._new_id()))

    def preview_or_send(self, submission: ViewSubmission) -> View:
        """Preview the message; send it once it is submitted as it was previewed."""
        form = AnnouncementMetadata.of(submission.view)
        draft = AnnouncementDraft.of(
            text=submission.view.text(BlockId.TEXT),
            audience=submission.view.selected(BlockId.AUDIENCE),
        )
        if _fingerprint(draft) != form.previewed:
            event = self._manage_modal.get_event(submission.user_id, form.event_id)
            return announcement_views.announcement_form(
                event,
                request_id=form.request_id,
                draft=draft,
                previewed=_fingerprint(draft),
                by=submission.user_id,
                is_changed=bool(form.previewed),
            )
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.announce(
                form.event_id, draft, request_id=form.request_id, actor=actor
            ),
        )
        return announcement_views.announcement_sent(outcome, draft.audience)


def _fingerprint(draft: AnnouncementDraft) -> str:
    return hashlib.sha256(f"{draft.audience} {draft.text}".encode()).hexdigest()[:16]
