"""Edit an event: show the form, check it, change what the organizer touched (R8.8)."""

from __future__ import annotations

from dataclasses import replace

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.mrkdwn import shortened
from bot.features.event_form import edit_series_views as series_views
from bot.features.event_form import views as event_form_views
from bot.features.event_form.changed_fields import as_it_is_shown, changed_fields
from bot.features.event_form.co_organizers import ensure_co_organizers
from bot.features.event_form.form_content import content_in, content_of
from bot.features.event_form.form_values import edited_values
from bot.features.event_form.question_inputs import edited_questions, with_one_more
from bot.features.event_form.repetition import changed_rule, rule_fingerprint
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import EditMetadata
from domain.enums import EventStatus
from domain.errors import EventCanceled, NotASeries
from domain.inputs import MAX_REASON_LENGTH, EventChanges, RecurrenceDraft
from domain.models import Event


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = EditListeners(context)
    registrar.action(ActionId.EDIT, listeners.open_form)
    registrar.action(ActionId.EDIT_THIS_DATE, listeners.open_form_of_date)
    registrar.action(ActionId.EDIT_LATER_DATES, listeners.open_form_of_later_dates)
    registrar.action(ActionId.EDIT_SERIES, listeners.open_form_of_series)
    registrar.action(ActionId.ADD_QUESTION_TO_EVENT, listeners.add_question)
    registrar.submission(CallbackId.EDIT_EVENT, listeners.edit, refreshes_home=True)


class EditListeners:
    """Run the form that edits an event, or a series from one of its dates on."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._service = context.service
        self._members = context.members
        self._manage_modal = ManageModal(context)

    def open_form(self, action: BlockAction, reply: Reply) -> None:
        """Open the form, filled in. Of a series that goes on, ask first whether later dates change, too (R13.3)."""
        event = self._manage_modal.get_event_to_change(action.user_id, action.value)
        series = self._manage_modal.find_series_of(event)
        if series is not None and not self._has_ended(series):
            reply.open_modal(series_views.what_to_edit(event))
        else:
            reply.open_modal(_form_of(event))

    def _has_ended(self, series: Event) -> bool:
        return series.status is EventStatus.CANCELED or self._service.is_over(series)

    def open_form_of_date(self, action: BlockAction, reply: Reply) -> None:
        """Show the form for one date of a series in place of the question."""
        event = self._manage_modal.get_event_to_change(action.user_id, action.value)
        reply.update_modal(_form_of(event))

    def open_form_of_later_dates(self, action: BlockAction, reply: Reply) -> None:
        """Show the form for a date of a series and all later ones in place of the question."""
        event = self._manage_modal.get_event_to_change(action.user_id, action.value)
        made = event.occurrence
        if made is None:
            raise NotASeries(event.event_id, event.title)
        form = EditMetadata(
            event_id=event.event_id, shown={}, series_id=made.series_id, number=made.number
        )
        reply.update_modal(self._form_of_series(action.user_id, form))

    def open_form_of_series(self, action: BlockAction, reply: Reply) -> None:
        """Open the form for all dates of a series that are to come."""
        overview = self._manage_modal.get_series_to_change(action.user_id, action.value)
        series_id = overview.series.event_id
        form = EditMetadata(
            event_id=series_id, shown={}, series_id=series_id, number=overview.first_number
        )
        reply.open_modal(self._form_of_series(action.user_id, form))

    def _form_of_series(self, user_id: str, form: EditMetadata) -> View:
        series = self._get(user_id, form)
        shown = as_it_is_shown(series)
        content, about = content_of(series), series_views.about_edit(series)
        rule = {"recurrence": rule_fingerprint(content.repetition)}
        filled = form.model_copy(update={"shown": shown.shown | rule, "questions": shown.questions})
        return event_form_views.edit_form(filled, content, about=about)

    def _get(self, user_id: str, form: EditMetadata) -> Event:
        """Return what a form changes, as it is now: an event, or a series with the times of one of its dates.

        Raises `NotForSeries` if the form of an event names a series, and `EventCanceled` for a series that has ended.
        """
        series_id = form.series_id
        if series_id is None:
            return self._manage_modal.get_single_event(user_id, form.event_id)
        series = self._members.as_organizer(
            user_id,
            lambda actor: self._service.get_series_as_of(series_id, form.number, actor=actor),
        )
        if series.status is EventStatus.CANCELED:
            raise EventCanceled(series_id, is_series=True)
        return series

    def add_question(self, action: BlockAction, reply: Reply) -> None:
        """Show the inputs of one more question, with what was typed and chosen so far."""
        view = action.modal
        form, content = EditMetadata.of(view), content_in(view, None)
        event = self._get(action.user_id, form)
        if event.status is EventStatus.CANCELED:
            raise EventCanceled(event.event_id)
        about = "" if event.series is None else series_views.about_edit(event)
        reply.update_modal(
            event_form_views.edit_form(
                form,
                replace(content, questions=with_one_more(content.questions)),
                note=shortened(view.text(BlockId.NOTE), MAX_REASON_LENGTH),
                about=about,
            )
        )

    def edit(self, submission: ViewSubmission) -> View:
        """Change the fields that were touched."""
        form = EditMetadata.of(submission.view)
        event = self._get(submission.user_id, form)
        questions = edited_questions(submission.view, form.questions, event)
        values = edited_values(submission.view, event)
        changes = changed_fields(values, form.shown, event, questions)
        ensure_co_organizers(self._context, changes.co_organizer_ids)
        note = submission.view.text(BlockId.NOTE)
        if form.series_id is not None:
            rule = None
            if event.recurrence is not None:
                rule = changed_rule(submission.view, form.shown.get("recurrence"), event.recurrence)
            return self._edit_series(submission, form, form.series_id, changes, rule)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.edit_event(form.event_id, changes, actor=actor, note=note),
        )
        self._manage_modal.update_below(submission, form.event_id)
        return event_form_views.event_edited(outcome, has_note=bool(note))

    def _edit_series(
        self,
        submission: ViewSubmission,
        form: EditMetadata,
        series_id: str,
        changes: EventChanges,
        rule: RecurrenceDraft | None,
    ) -> View:
        note = submission.view.text(BlockId.NOTE)
        before = self._manage_modal.get_series(submission.user_id, series_id)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.edit_series(
                series_id, changes, number=form.number, recurrence=rule, actor=actor, note=note
            ),
        )
        self._manage_modal.update_below(submission, form.event_id)
        names = frozenset(changes.model_fields_set)
        return series_views.series_edited(
            outcome, before, names, form.number, has_note=bool(note), has_new_rule=rule is not None
        )


def _form_of(event: Event) -> View:
    return event_form_views.edit_form(as_it_is_shown(event), content_of(event))
