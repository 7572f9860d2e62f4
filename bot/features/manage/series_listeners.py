"""The Manage modal of a series: its dates, its capacity, and the dates that it skips (R13)."""

from __future__ import annotations

from datetime import date

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.features.manage import series_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.refusals import MalformedPayload
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import CapacityMetadata, EventMetadata, SkippedMetadata
from domain.inputs import EventChanges


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = SeriesListeners(context)
    registrar.action(ActionId.MANAGE_OTHER, listeners.show_other)
    registrar.action(ActionId.CHANGE_SERIES_CAPACITY, listeners.ask_for_capacity)
    registrar.submission(CallbackId.SERIES_CAPACITY, listeners.preview_capacity)
    registrar.submission(
        CallbackId.SERIES_CAPACITY_CONFIRMED, listeners.set_capacity, refreshes_home=True
    )
    registrar.action(ActionId.SKIP_DATES, listeners.ask_for_dates)
    registrar.submission(CallbackId.SKIP_DATES, listeners.skip_dates, refreshes_home=True)


class SeriesListeners:
    """Handle what the Manage modal of a series has and that of an event has not."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._modal = ManageModal(context)

    def show_other(self, action: BlockAction, reply: Reply) -> None:
        """Show the series in place of one of its dates, or a date in place of the series."""
        reply.update_modal(self._modal.build(action.user_id, action.value))

    # Capacity

    def ask_for_capacity(self, action: BlockAction, reply: Reply) -> None:
        """Ask for the new capacity of all dates to come."""
        overview = self._modal.get_series_to_change(action.user_id, action.value)
        reply.open_modal(series_views.capacity_form(overview))

    def preview_capacity(self, submission: ViewSubmission) -> View:
        """Show what the new capacity would do, and ask."""
        series_id = EventMetadata.of(submission.view).event_id
        overview = self._modal.get_series_to_change(submission.user_id, series_id)
        capacity = EventChanges.of(capacity=submission.view.whole_number(BlockId.CAPACITY)).capacity
        return series_views.capacity_preview(overview, capacity)

    def set_capacity(self, submission: ViewSubmission) -> View:
        """Set the capacity that was previewed. Preview another number first."""
        form = CapacityMetadata.of(submission.view)
        if submission.view.whole_number(BlockId.CAPACITY) != form.capacity:
            return self.preview_capacity(submission)
        overview = self._modal.get_series_to_change(submission.user_id, form.event_id)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.edit_series(
                form.event_id,
                EventChanges.of(capacity=form.capacity),
                number=overview.first_number,
                actor=actor,
            ),
        )
        self._modal.update_below(submission, form.event_id)
        return series_views.capacity_set(outcome, overview)

    # Dates that are skipped

    def ask_for_dates(self, action: BlockAction, reply: Reply) -> None:
        """Ask which of the dates that aren't created yet are skipped."""
        overview = self._modal.get_series_to_change(action.user_id, action.value)
        reply.open_modal(series_views.skip_form(overview))

    def skip_dates(self, submission: ViewSubmission) -> View:
        """Skip the dates that were added to the form's, and no longer those that were taken away."""
        form = SkippedMetadata.of(submission.view)
        shown = _days(form.skipped)
        chosen = _days(submission.view.checked(BlockId.SKIPPED))
        self._modal.get_series_to_change(submission.user_id, form.event_id)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.change_left_out(
                form.event_id,
                leave_out=sorted(chosen - shown),
                take_back=sorted(shown - chosen),
                actor=actor,
            ),
        )
        self._modal.update_below(submission, form.event_id)
        return series_views.dates_skipped(outcome)


def _days(texts: list[str]) -> set[date]:
    try:
        return {date.fromisoformat(text) for text in texts}
    except ValueError:
        raise MalformedPayload("days to skip") from None
