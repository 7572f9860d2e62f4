"""The end of an event: cancel it and notify its attendees, or delete it once its title is typed (R8.8)."""

from __future__ import annotations

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.mrkdwn import as_typed
from bot.features.ending import views as ending_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.error_messages import FieldProblem
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.refusals import MalformedPayload
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply, showing_change, update_view
from bot.slack.view_metadata import EndSeriesMetadata, EventMetadata
from bot.slack.view_payloads import ViewPayload
from domain.enums import EventStatus
from domain.errors import EventCanceled, Invalid
from domain.models import Event, SeriesOverview
from domain.search import is_same_title


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = EndingListeners(context)
    registrar.action(ActionId.CANCEL_EVENT, listeners.ask_to_cancel)
    registrar.submission(CallbackId.CANCEL_EVENT, listeners.cancel, refreshes_home=True)
    registrar.action(ActionId.END_SERIES, listeners.ask_to_end_series)
    registrar.submission(CallbackId.END_SERIES, listeners.end_series, refreshes_home=True)
    registrar.action(ActionId.DELETE_EVENT, listeners.ask_to_delete)
    registrar.submission(CallbackId.DELETE_EVENT, listeners.delete, refreshes_home=True)


class EndingListeners:
    """Cancel and delete events."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._client = context.reply_client
        self._manage_modal = ManageModal(context)

    def ask_to_cancel(self, action: BlockAction, reply: Reply) -> None:
        """Show what canceling means, and ask."""
        event = self._manage_modal.get_event_to_come(action.user_id, action.value)
        reply.open_modal(ending_views.cancel_form(event))

    def cancel(self, submission: ViewSubmission) -> View:
        """Cancel the event, with a reason if one was typed."""
        event_id = EventMetadata.of(submission.view).event_id
        reason = submission.view.text(BlockId.REASON)
        self._manage_modal.require_not_over(submission.user_id, event_id)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.cancel_event(event_id, actor=actor, reason=reason),
        )
        self._manage_modal.update_below(submission, event_id)
        return ending_views.event_canceled(outcome)

    def ask_to_end_series(self, action: BlockAction, reply: Reply) -> None:
        """Show what ending a series means, and ask whether the dates that were created take place."""
        overview = self._manage_modal.get_series(action.user_id, action.value)
        _require_use(overview)
        reply.open_modal(ending_views.end_series_form(overview))

    def end_series(self, submission: ViewSubmission) -> View:
        """End the series, or cancel the dates of one that has ended."""
        view = submission.view
        series_id = EventMetadata.of(view).event_id
        reason = view.text(BlockId.REASON)
        overview = self._manage_modal.get_series(submission.user_id, series_id)
        cancels = _cancels(view)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.end_series(
                series_id, cancels=cancels, actor=actor, reason=reason
            ),
        )
        self._manage_modal.update_below(submission, series_id)
        return ending_views.series_ended(outcome, overview, cancels=cancels)

    def ask_to_delete(self, action: BlockAction, reply: Reply) -> None:
        """Show what deleting means, and ask for the title."""
        event = self._manage_modal.get_event(action.user_id, action.value)
        is_over = self._service.is_over(event)
        reply.open_modal(ending_views.delete_form(event, is_over=is_over))

    def delete(self, submission: ViewSubmission) -> View | None:
        """Delete the event if its title was typed. The form closes if the modal below shows the result."""
        view = submission.view
        event_id = EventMetadata.of(view).event_id
        event = self._manage_modal.get_event(submission.user_id, event_id)
        _require_title(view, event)
        is_done = self._members.as_organizer(
            submission.user_id, lambda actor: self._service.delete_event(event_id, actor=actor)
        )
        is_over = self._service.is_over(event)
        result = ending_views.event_deleted(event, is_done, is_over=is_over)
        if view.view_below is None:
            return result
        with showing_change():
            update_view(self._client, view.view_below, result)
        return None


def _require_use(overview: SeriesOverview) -> None:
    """Raise `EventCanceled` if a series has ended, and there is nothing left to cancel."""
    if overview.series.status is EventStatus.CANCELED and not overview.to_come:
        raise EventCanceled(overview.series.event_id, is_series=True)


def _cancels(view: ViewPayload) -> bool:
    """Return whether the dates that were created are canceled: as was chosen, or as the form without a choice said."""
    if not view.shows(BlockId.CREATED_DATES):
        return EndSeriesMetadata.of(view).cancels
    chosen = view.selected(BlockId.CREATED_DATES)
    if chosen not in ending_views.CHOICES:
        raise MalformedPayload("view.state.values.created_dates")
    return chosen == ending_views.CANCEL_THEM


def _require_title(view: ViewPayload, event: Event) -> None:
    """Raise `Invalid` unless the event's title was typed."""
    # A title copied from a message carries the characters that keep it from formatting anything.
    typed = as_typed(view.text(BlockId.CONFIRMATION))
    if not is_same_title(typed, as_typed(event.title)):
        raise Invalid(BlockId.CONFIRMATION, FieldProblem.NOT_THE_TITLE)
