"""Register and unregister: by command, by button, and in the picker of events."""

from __future__ import annotations

from typing import Any

from slack_sdk.models.views import View

from bot.blocks import modals
from bot.blocks.builders import Message
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.features.browsing import choice_views, series_views
from bot.features.cards.posting import remembering_card
from bot.features.registration import views as registration_views
from bot.features.registration.answer_views import answers_in, change_form, registration_form
from bot.slack.context import AppContext
from bot.slack.error_messages import FieldProblem
from bot.slack.interactions import BlockAction, OptionsRequest, SlashCommand, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import AnswersMetadata
from bot.slack.view_payloads import ViewPayload
from domain.commands import RegisterOutcome
from domain.errors import AnswersNeeded, Invalid
from domain.inputs import UserDraft
from domain.questions import shown_answers
from domain.search import FoundEvents


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = RegistrationListeners(context)
    registrar.command("/register", listeners.register_command)
    registrar.command("/unregister", listeners.unregister_command)
    registrar.action(ActionId.REGISTER, listeners.press_register, refreshes_home=True)
    registrar.action(ActionId.CHOOSE_TO_REGISTER, listeners.choose_to_register, refreshes_home=True)
    registrar.action(ActionId.ALL_OF_SERIES, listeners.register_for_all, refreshes_home=True)
    registrar.action(ActionId.UNREGISTER, listeners.press_unregister, refreshes_home=True)
    registrar.action(
        ActionId.CHOOSE_TO_UNREGISTER, listeners.choose_to_unregister, refreshes_home=True
    )
    registrar.action(ActionId.GIVE_UP_SEAT, listeners.choose_to_unregister, refreshes_home=True)
    registrar.action(
        ActionId.UNREGISTER_CONFIRMED, listeners.confirm_unregister, refreshes_home=True
    )
    registrar.action(ActionId.KEEP_REGISTRATION, listeners.keep_registration, refreshes_home=True)
    registrar.options(ActionId.EVENT, listeners.offer_events)
    registrar.submission(CallbackId.REGISTER, listeners.submit_register)
    registrar.submission(CallbackId.ANSWERS, listeners.register_with_answers, refreshes_home=True)
    registrar.action(ActionId.CHANGE_ANSWERS, listeners.open_answers)
    registrar.submission(CallbackId.CHANGE_ANSWERS, listeners.change_answers, refreshes_home=True)
    registrar.submission(CallbackId.UNREGISTER, listeners.submit_unregister)


class RegistrationListeners:
    """Register and unregister members."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._clock = context.clock
        self._cards = context.cards
        self._later = context.later
        self._members = context.members

    # Commands

    def register_command(self, command: SlashCommand) -> Message | View:
        """`/register [EVENT]`: register if exactly one event matches, else ask which one."""
        if not command.text:
            if not self._find_events("", command.user_id).matches:
                return choice_views.nothing_to_register_for()
            return modals.picker(CallbackId.REGISTER)
        found = self._find_events(command.text, command.user_id, or_closed=True)
        if len(found.matches) != 1:
            ids = found.first_ids(choice_views.MAX_CHOICES)
            events = self._service.get_events_for(command.user_id, ids)
            return choice_views.event_choice(found, events, ActionId.CHOOSE_TO_REGISTER)
        return self._register_or_ask(found.matches[0].event_id, command.user_draft)

    def unregister_command(self, command: SlashCommand) -> Message | View:
        """`/unregister [EVENT]`: unregister if exactly one of one's registrations matches, else ask which one."""
        found = self._service.find_registrations_of(command.user_id, command.text)
        if not command.text and found.matches:
            return modals.picker(CallbackId.UNREGISTER)
        if len(found.matches) != 1:
            return choice_views.registration_choice(found, command.text)
        return self._unregister_or_ask(found.matches[0].event.event_id, command.user_id)

    # Buttons

    def press_register(self, action: BlockAction, reply: Reply) -> None:
        """Register, and reply without changing the card."""
        with remembering_card(self._cards, self._later, action, event_id=action.value):
            result = self._register_or_ask(action.value, action.user_draft)
            if isinstance(result, View):
                reply.open_modal(result)
            else:
                reply.ephemeral(result)

    def register_for_all(self, action: BlockAction, reply: Reply) -> None:
        """Register for all of a series (R13.4). The card that was pressed is about one of its events."""
        result = self._register_or_ask(action.value, action.user_draft)
        if isinstance(result, View):
            reply.open_modal(result)
        else:
            reply.ephemeral(result)

    def choose_to_register(self, action: BlockAction, reply: Reply) -> None:
        """Register for the event chosen; the reply replaces the question."""
        result = self._register_or_ask(action.value, action.user_draft)
        if isinstance(result, View):
            reply.open_modal(result)
        else:
            reply.replace(result)

    def press_unregister(self, action: BlockAction, reply: Reply) -> None:
        """Unregister, or ask first, without changing the card."""
        with remembering_card(self._cards, self._later, action, event_id=action.value):
            reply.ephemeral(self._unregister_or_ask(action.value, action.user_id))

    def choose_to_unregister(self, action: BlockAction, reply: Reply) -> None:
        """Unregister, or ask first; the reply replaces the message."""
        reply.replace(self._unregister_or_ask(action.value, action.user_id))

    def confirm_unregister(self, action: BlockAction, reply: Reply) -> None:
        """Unregister, after the question said what it costs."""
        outcome = self._service.unregister(action.value, action.user_id)
        reply.replace(registration_views.unregistered(outcome))

    def keep_registration(self, action: BlockAction, reply: Reply) -> None:
        """Change nothing, and show one's registration."""
        registration = self._service.get_registration(action.value, action.user_id)
        is_over = self._service.is_over(registration.event)
        reply.replace(registration_views.registration_kept(registration, is_over=is_over))

    # The picker

    def offer_events(self, request: OptionsRequest) -> dict[str, Any]:
        """Offer the events that match what is typed, else the most similar: open ones, or those to unregister from."""
        text, now = request.value or "", self._clock.now()
        if request.view is not None and request.view.callback_id == CallbackId.UNREGISTER:
            own = self._service.find_registrations_of(request.user_id, text)
            time_zone = self._members.time_zone(request.user_id) or "UTC"
            return modals.registration_options(own.matches or own.suggestions, time_zone, now)
        found = self._find_events(text, request.user_id)
        time_zone = self._members.time_zone(request.user_id) or "UTC"
        events = found.matches or found.suggestions
        same = self._service.get_events_for(request.user_id, modals.alike(events))
        locations = {seen.event.event_id: seen.event.location for seen in same}
        return modals.event_options(events, time_zone, now, locations)

    def submit_register(self, submission: ViewSubmission) -> View:
        """Register for the event picked, or ask its questions first."""
        result = self._register_or_ask(_picked_event(submission.view), submission.user_draft)
        return result if isinstance(result, View) else modals.picked(result)

    def submit_unregister(self, submission: ViewSubmission) -> View:
        """Unregister from the event picked, or ask first."""
        message = self._unregister_or_ask(_picked_event(submission.view), submission.user_id)
        return modals.picked(message)

    # Questions

    def register_with_answers(self, submission: ViewSubmission) -> View:
        """Register with the answers in the form. If the questions have changed, ask again; no answer is lost."""
        form, answers = AnswersMetadata.of(submission.view), answers_in(submission.view)
        try:
            outcome = self._service.register_ensuring_user(
                form.event_id, submission.user_draft, answers, asked=frozenset(form.asked)
            )
        except AnswersNeeded:
            event = self._service.get_event(form.event_id)
            return registration_form(event, answers, has_changed=True)
        return modals.picked(self._registered(outcome))

    def open_answers(self, action: BlockAction, reply: Reply) -> None:
        """Open the form with one's answers, to change them until the event starts."""
        own = self._service.get_registration_to_answer(action.value, action.user_id)
        if own.event.questions:
            reply.open_modal(
                change_form(own.event, shown_answers(own.event.questions, own.registration.answers))
            )
        else:
            reply.ephemeral(registration_views.no_questions(own.event))

    def change_answers(self, submission: ViewSubmission) -> View:
        """Save the answers in the form. If the questions have changed, ask again; no answer is lost."""
        form, answers = AnswersMetadata.of(submission.view), answers_in(submission.view)
        try:
            outcome = self._service.change_answers(
                form.event_id, submission.user_id, answers, asked=frozenset(form.asked)
            )
        except AnswersNeeded:
            return change_form(self._service.get_event(form.event_id), answers, has_changed=True)
        return modals.picked(registration_views.answers_saved(outcome))

    def _find_events(self, text: str, user_id: str, *, or_closed: bool = False) -> FoundEvents:
        """Find events; a guest finds them only by their id (R8.17)."""
        return self._service.find_events(
            text,
            or_closed=or_closed,
            before_listed=lambda: self._members.require_full_member(user_id),
        )

    def _register_or_ask(self, event_id: str, user: UserDraft) -> Message | View:
        """Register, or return the form with the event's questions (R12.3)."""
        try:
            outcome = self._service.register_ensuring_user(event_id, user)
        except AnswersNeeded:
            return registration_form(self._service.get_event(event_id), {})
        return self._registered(outcome)

    def _registered(self, outcome: RegisterOutcome) -> Message:
        self._members.meet(outcome.registration.user_id)
        if outcome.event.series is not None:
            return series_views.registered_for_all(self._service.enroll(outcome))
        return registration_views.registered(outcome)

    def _unregister_or_ask(self, event_id: str, user_id: str) -> Message:
        preview = self._service.preview_unregister(event_id, user_id)
        if preview.registration.event.series is not None:
            return series_views.stopped(self._service.stop_series(event_id, user_id))
        if preview.loses_nothing:
            return registration_views.unregistered(self._service.unregister(event_id, user_id))
        return registration_views.unregister_question(preview)


def _picked_event(view: ViewPayload) -> str:
    """Return the id of the event selected in the picker. Raises `Invalid`."""
    event_id = view.selected(BlockId.EVENT)
    if event_id is None:
        raise Invalid(BlockId.EVENT, FieldProblem.NO_EVENT)
    return event_id
