"""Edit an event: show the form, check it, change what the organizer touched (R8.8)."""

from __future__ import annotations

from dataclasses import replace

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.mrkdwn import shortened
from bot.features.event_form import views as event_form_views
from bot.features.event_form.changed_fields import as_it_is_shown, changed_fields
from bot.features.event_form.co_organizers import ensure_co_organizers
from bot.features.event_form.form_content import content_in, content_of
from bot.features.event_form.form_values import edited_values
from bot.features.event_form.question_inputs import edited_questions, with_one_more
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import EditMetadata
from domain.inputs import MAX_REASON_LENGTH


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = EditListeners(context)
    registrar.action(ActionId.EDIT, listeners.open_form)
    registrar.action(ActionId.ADD_QUESTION_TO_EVENT, listeners.add_question)
    registrar.submission(CallbackId.EDIT_EVENT, listeners.edit, refreshes_home=True)


class EditListeners:
    """Run the form that edits an event."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._service = context.service
        self._members = context.members
        self._manage_modal = ManageModal(context)

    def open_form(self, action: BlockAction, reply: Reply) -> None:
        """Open the form, filled in."""
        event = self._manage_modal.get_event_to_change(action.user_id, action.value)
        reply.open_modal(event_form_views.edit_form(as_it_is_shown(event), content_of(event)))

    def add_question(self, action: BlockAction, reply: Reply) -> None:
        """Show the inputs of one more question, with what was typed and chosen so far."""
        view = action.modal
        form, content = EditMetadata.of(view), content_in(view, None)
        self._manage_modal.get_event_to_change(action.user_id, form.event_id)
        reply.update_modal(
            event_form_views.edit_form(
                form,
                replace(content, questions=with_one_more(content.questions)),
                note=shortened(view.text(BlockId.NOTE), MAX_REASON_LENGTH),
            )
        )

    def edit(self, submission: ViewSubmission) -> View:
        """Change the fields that were touched."""
        form = EditMetadata.of(submission.view)
        event = self._manage_modal.get_event(submission.user_id, form.event_id)
        questions = edited_questions(submission.view, form.questions, event)
        values = edited_values(submission.view, event)
        changes = changed_fields(values, form.shown, event, questions)
        ensure_co_organizers(self._context, changes.co_organizer_ids)
        note = submission.view.text(BlockId.NOTE)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.edit_event(form.event_id, changes, actor=actor, note=note),
        )
        self._manage_modal.update_below(submission, form.event_id)
        return event_form_views.event_edited(outcome, has_note=bool(note))
