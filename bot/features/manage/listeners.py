"""The Manage modal: its attendees, capacity, closing and reopening, the card, the export."""

from __future__ import annotations

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.features.cards.posting import remembering_card, wait_for_card
from bot.features.manage import answer_views, attendee_views
from bot.features.manage import views as manage_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext, CardStatus
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.refusals import MalformedPayload
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply, showing_change
from bot.slack.view_metadata import (
    AttendeeMetadata,
    CapacityMetadata,
    CardMetadata,
    EventMetadata,
    ManageMetadata,
)
from domain.commands import ChangeOutcome
from domain.enums import ClosedReason
from domain.errors import Busy, RegistrationClosed
from domain.inputs import EventChanges
from domain.models import Actor


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = ManageListeners(context)
    registrar.action(ActionId.MANAGE, listeners.open_modal, refreshes_home=True)
    registrar.action(ActionId.ATTENDEES_PAGE, listeners.next_page)
    registrar.action(ActionId.ATTENDEES_BACK, listeners.first_page)
    registrar.action(ActionId.ATTENDEE, listeners.open_attendee)
    registrar.action(ActionId.FIND_ATTENDEE, listeners.find_attendee)
    registrar.action(ActionId.ANSWER_TOTALS, listeners.show_answer_totals)
    registrar.submission(CallbackId.REMOVE, listeners.remove, refreshes_home=True)
    registrar.action(ActionId.CLOSE, listeners.close, refreshes_home=True)
    registrar.action(ActionId.REOPEN, listeners.reopen, refreshes_home=True)
    registrar.action(ActionId.EXPORT, listeners.export)
    registrar.action(ActionId.POST_CARD, listeners.ask_for_channel)
    registrar.submission(CallbackId.POST_CARD, listeners.post_card)
    registrar.action(ActionId.TAKE_OVER, listeners.take_over)
    registrar.action(ActionId.CHANGE_CAPACITY, listeners.ask_for_capacity)
    registrar.submission(CallbackId.CAPACITY, listeners.preview_capacity)
    registrar.submission(CallbackId.CAPACITY_CONFIRMED, listeners.set_capacity, refreshes_home=True)


class ManageListeners:
    """Handle the buttons of the Manage modal and their forms."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._service = context.service
        self._members = context.members
        self._cards = context.cards
        self._later = context.later
        self._modal = ManageModal(context)

    def open_modal(self, action: BlockAction, reply: Reply) -> None:
        """Open the Manage modal."""
        with remembering_card(self._cards, self._later, action, event_id=action.value):
            reply.open_modal(self._modal.build(action.user_id, action.value))

    # Attendees

    def next_page(self, action: BlockAction, reply: Reply) -> None:
        """Show the next page of attendees."""
        event_id = ManageMetadata.of(action.modal).event_id
        reply.update_modal(self._modal.build(action.user_id, event_id, action.value))

    def first_page(self, action: BlockAction, reply: Reply) -> None:
        """Show the first page of attendees."""
        reply.update_modal(self._modal.build(action.user_id, action.value))

    def open_attendee(self, action: BlockAction, reply: Reply) -> None:
        """Show one attendee, and the form to remove them."""
        reply.open_modal(self._attendee_form(action, action.value))

    def find_attendee(self, action: BlockAction, reply: Reply) -> None:
        """Show the attendee who was looked for by name. Do nothing if the select was cleared."""
        attendee_id = action.selected_user_id
        if attendee_id is not None:
            reply.open_modal(self._attendee_form(action, attendee_id))

    def _attendee_form(self, action: BlockAction, attendee_id: str) -> View:
        event_id = ManageMetadata.of(action.modal).event_id
        event = self._modal.get_event(action.user_id, event_id)
        attendee = self._service.find_registration(event_id, attendee_id)
        users = self._service.get_users([attendee_id])
        if attendee is None:
            return attendee_views.not_registered(event, attendee_id, users)
        return attendee_views.attendee_form(
            attendee,
            users,
            has_started=self._service.has_started(event),
            is_over=self._service.is_over(event),
        )

    def show_answer_totals(self, action: BlockAction, reply: Reply) -> None:
        """Show how often each answer was given."""
        self._modal.get_single_event(action.user_id, action.value)
        totals = self._members.as_organizer(
            action.user_id, lambda actor: self._service.count_answers(action.value, actor=actor)
        )
        reply.open_modal(answer_views.answer_totals(totals))

    def remove(self, submission: ViewSubmission) -> View:
        """Remove the attendee, and update the list of attendees."""
        form = AttendeeMetadata.of(submission.view)
        reason = submission.view.text(BlockId.REASON)
        # Read the names first: after the removal, nothing may end as "busy, nothing was changed".
        users = self._service.get_users([form.user_id])
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.remove(
                form.event_id, form.user_id, actor=actor, reason=reason
            ),
        )
        self._modal.update_below(submission, form.event_id)
        return attendee_views.attendee_removed(outcome, users)

    # Registration, and the export

    def close(self, action: BlockAction, reply: Reply) -> None:
        """Close registration."""
        self._require_not_started(action)
        outcome = self._members.as_organizer(
            action.user_id, lambda actor: self._service.close_event(action.value, actor=actor)
        )
        with showing_change():
            note = manage_views.closed_note(outcome)
            reply.update_modal(self._modal.build(action.user_id, action.value, note=note))

    def reopen(self, action: BlockAction, reply: Reply) -> None:
        """Reopen registration."""
        self._require_not_started(action)
        outcome = self._members.as_organizer(
            action.user_id, lambda actor: self._service.reopen_event(action.value, actor=actor)
        )
        with showing_change():
            reason = self._service.closed_reason(outcome.event)
            note = manage_views.reopened_note(reason)
            reply.update_modal(self._modal.build(action.user_id, action.value, note=note))

    def _require_not_started(self, action: BlockAction) -> None:
        """Raise `EventCanceled`, `NoUseOnceOver` or `RegistrationClosed` if neither has an effect anymore."""
        event = self._modal.get_event_to_come(action.user_id, action.value)
        if self._service.has_started(event):
            raise RegistrationClosed(
                event.event_id, event.title, ClosedReason.STARTED, event.starts_at
            )

    def export(self, action: BlockAction, reply: Reply) -> None:
        """Have the list of attendees sent, once for each time that the modal was shown."""
        shown = ManageMetadata.of(action.modal)
        self._members.as_organizer(
            action.user_id,
            lambda actor: self._service.export(
                shown.event_id, request_id=action.value, actor=actor
            ),
        )
        with showing_change():
            view = self._modal.build(
                action.user_id, shown.event_id, shown.cursor, note=manage_views.EXPORTED
            )
            reply.update_modal(view)

    # The card

    def ask_for_channel(self, action: BlockAction, reply: Reply) -> None:
        """Ask for the channel to post the card in."""
        event = self._modal.get_event_to_come(action.user_id, action.value)
        newest_card = self._cards.newest_card(event.event_id)
        reply.open_modal(manage_views.card_form(event, self._context.new_id(), after=newest_card))

    def post_card(self, submission: ViewSubmission) -> View:
        """Have the event's card posted, once for each form, however often it is submitted."""
        form = CardMetadata.of(submission.view)
        channel_id = submission.view.input(BlockId.CHANNEL).selected_conversation
        if channel_id is None:
            raise MalformedPayload("view.state.values.channel")
        self._modal.get_event_to_come(submission.user_id, form.event_id)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.post_card(
                form.event_id,
                channel_id,
                after=form.after,
                request_id=form.request_id,
                actor=actor,
            ),
        )
        card = self._find_card(outcome, channel_id, form)
        return manage_views.card_requested(outcome.event, card)

    def _find_card(self, outcome: ChangeOutcome, channel_id: str, form: CardMetadata) -> CardStatus:
        event = outcome.event
        status = None
        if outcome.changed:
            status = wait_for_card(self._context, event.event_id, event.version, channel_id)
        return status or CardStatus(channel_id, is_posted=self._has_card(channel_id, form))

    def _has_card(self, channel_id: str, form: CardMetadata) -> bool:
        try:
            return self._cards.newest_card(form.event_id, channel_id) > form.after
        except Busy:
            return False  # it comes all the same

    # An event without an organizer (R2.9)

    def take_over(self, action: BlockAction, reply: Reply) -> None:
        """Make an admin the event's organizer, unless someone else is by now."""

        def take_over(actor: Actor) -> ChangeOutcome:
            if actor.is_admin:
                # Stored, so a later deactivation of the account is noticed (R8.14).
                self._service.ensure_user(action.user_draft)
            return self._service.take_over_event(action.value, actor=actor)

        outcome = self._members.as_organizer(action.user_id, take_over)
        reply.replace(manage_views.taken_over(outcome.event))

    # Capacity

    def ask_for_capacity(self, action: BlockAction, reply: Reply) -> None:
        """Ask for the new capacity."""
        event = self._modal.get_event_to_come(action.user_id, action.value)
        reply.open_modal(manage_views.capacity_form(event))

    def preview_capacity(self, submission: ViewSubmission) -> View:
        """Show what the new capacity would do, and ask."""
        event_id = EventMetadata.of(submission.view).event_id
        return self._preview(submission, event_id, submission.view.whole_number(BlockId.CAPACITY))

    def _preview(self, submission: ViewSubmission, event_id: str, capacity: int) -> View:
        self._modal.get_event_to_come(submission.user_id, event_id)
        preview = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.preview_capacity(event_id, capacity, actor=actor),
        )
        return manage_views.capacity_preview(preview)

    def set_capacity(self, submission: ViewSubmission) -> View:
        """Set the capacity that was previewed, and update the Manage modal. Preview another number first."""
        form = CapacityMetadata.of(submission.view)
        capacity = submission.view.whole_number(BlockId.CAPACITY)
        if capacity != form.capacity:
            return self._preview(submission, form.event_id, capacity)
        self._modal.get_event_to_come(submission.user_id, form.event_id)
        outcome = self._members.as_organizer(
            submission.user_id,
            lambda actor: self._service.edit_event(
                form.event_id, EventChanges.of(capacity=form.capacity), actor=actor
            ),
        )
        self._modal.update_below(submission, form.event_id)
        has_started = self._service.has_started(outcome.event)
        return manage_views.capacity_set(outcome, has_started=has_started)
