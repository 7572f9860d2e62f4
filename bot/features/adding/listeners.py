"""Adding people: choose them, preview who gets a seat, add them in one commit (R12.4)."""

from __future__ import annotations

import hashlib

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.features.adding import views as adding_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.error_messages import FieldProblem
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import AdditionMetadata
from domain.commands import AddOutcome
from domain.errors import Invalid


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = AddingListeners(context)
    registrar.action(ActionId.ADD_ATTENDEES, listeners.open_form)
    registrar.submission(CallbackId.ADD_ATTENDEES, listeners.preview_or_add, refreshes_home=True)


class AddingListeners:
    """Run the form that adds people."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._new_id = context.new_id
        self._manage_modal = ManageModal(context)

    def open_form(self, action: BlockAction, reply: Reply) -> None:
        """Open the form. The request's id is made here, so people are added only once (R8.13)."""
        event = self._manage_modal.get_single_event(action.user_id, action.value)
        reply.open_modal(adding_views.adding_form(event, request_id=self._new_id()))

    def preview_or_add(self, submission: ViewSubmission) -> View:
        """Preview who would be added how; add them once the same people, who still can be, are submitted again."""
        form = AdditionMetadata.of(submission.view)
        chosen = submission.view.input(BlockId.ATTENDEES).selected_users or []
        if not chosen:
            raise Invalid(BlockId.ATTENDEES, FieldProblem.NO_ATTENDEES)
        event = self._manage_modal.get_single_event(submission.user_id, form.event_id)
        members = self._members.members_among(chosen)
        able = [user_id for user_id in chosen if user_id in members]
        unable = [user_id for user_id in chosen if user_id not in members]
        fingerprint = _fingerprint(chosen, able)
        if fingerprint != form.previewed:
            outcome = self._preview(submission.user_id, form.event_id, able) if able else None
            return adding_views.adding_form(
                outcome.event if outcome else event,
                request_id=form.request_id,
                chosen=chosen,
                preview=adding_views.Preview(outcome, unable, is_changed=bool(form.previewed)),
                previewed=fingerprint,
            )
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.add_attendees(
                form.event_id, able, actor=actor, request_id=form.request_id, creates_users=True
            ),
        )
        for one in outcome.added:
            self._members.meet(one.registration.user_id)
        self._manage_modal.update_below(submission, form.event_id)
        return adding_views.attendees_added(outcome)

    def _preview(self, user_id: str, event_id: str, able: list[str]) -> AddOutcome:
        return self._members.as_organizer(
            user_id, lambda actor: self._service.preview_addition(event_id, able, actor=actor)
        )


def _fingerprint(chosen: list[str], able: list[str]) -> str:
    return hashlib.sha256(" ".join([*chosen, "/", *able]).encode()).hexdigest()[:16]
