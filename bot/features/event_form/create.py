"""Create an event: show the form, check it, create the event, wait a moment for its card."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId, EventOption
from bot.blocks.mrkdwn import is_slack_id, shortened
from bot.features.cards.listing import is_private
from bot.features.cards.posting import wait_for_card
from bot.features.event_form import series_views
from bot.features.event_form import views as event_form_views
from bot.features.event_form.co_organizers import ensure_co_organizers
from bot.features.event_form.form_content import (
    MAX_CO_ORGANIZERS,
    FormContent,
    content_in,
    content_of,
)
from bot.features.event_form.form_values import event_draft
from bot.features.event_form.question_inputs import with_one_more
from bot.features.home.publisher import HomePublisher
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, OptionsRequest, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import CreateMetadata
from bot.slack.view_payloads import ViewPayload
from domain.enums import CreationWarning
from domain.inputs import EventDraft, SeriesDraft, time_zones
from domain.models import CREATION_VERSION, Event, occurrence_id

EVENT_ID_LENGTH = 10
"""Hexadecimal digits of an event's id: short enough to type after a command, and a million million values."""


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = CreateListeners(context)
    registrar.action(ActionId.CREATE_EVENT, listeners.open_form)
    registrar.action(ActionId.MORE_OPTIONS, listeners.show_all_inputs)
    registrar.action(ActionId.ADD_QUESTION, listeners.add_question)
    registrar.action(ActionId.REPEATS, listeners.show_series_inputs)
    registrar.action(ActionId.DUPLICATE, listeners.open_copy)
    registrar.options(ActionId.TIME_ZONE, listeners.offer_time_zones)
    registrar.options(ActionId.END, listeners.offer_ends)
    registrar.submission(CallbackId.CREATE_EVENT, listeners.create)


class CreateForm:
    """Builds the form for a new event. The event's id is made here, so pressing Submit twice makes one event."""

    def __init__(self, context: AppContext) -> None:
        self._members = context.members
        self._service = context.service
        self._new_id = context.new_id

    def build(self, user_id: str, title: str = "") -> View:
        """Return the form with no more than a title."""
        content = FormContent(
            self._time_zone(user_id), shortened(title, 120), uses_current_channel=True
        )
        return event_form_views.create_form(self._new_event_id(), content)

    def build_copy(self, event: Event, user_id: str) -> View:
        """Return the form filled in from an event, one week later by the wall clock (R12.5).

        A copy of an occurrence is a single event, unless it is made to repeat.
        """
        others = tuple(one for one in event.organizer_ids if is_slack_id(one) and one != user_id)
        content = replace(
            content_of(event, later_by=timedelta(weeks=1)),
            co_organizer_ids=others[:MAX_CO_ORGANIZERS],
            uses_current_channel=True,
        )
        return event_form_views.create_form(
            self._new_event_id(), content, is_complete=True, is_copy=True
        )

    def _new_event_id(self) -> str:
        return self._new_id()[:EVENT_ID_LENGTH]

    def _time_zone(self, user_id: str) -> str | None:
        """Return the member's time zone: Slack's, or else the stored one, or else None."""
        zone = self._members.time_zone(user_id)
        if zone is not None:
            return zone
        user = self._service.get_users([user_id]).get(user_id)
        return user.time_zone if user is not None else None


class CreateListeners:
    """Run the form that creates an event."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._form = CreateForm(context)
        self._manage_modal = ManageModal(context)
        self._home = HomePublisher(context)

    def open_form(self, action: BlockAction, reply: Reply) -> None:
        """Open the form."""
        reply.open_modal(self._form.build(action.user_id))

    def open_copy(self, action: BlockAction, reply: Reply) -> None:
        """Open the form, filled in from an event of the organizer's."""
        event = self._manage_modal.get_single_event(action.user_id, action.value)
        reply.open_modal(self._form.build_copy(event, action.user_id))

    def show_all_inputs(self, action: BlockAction, reply: Reply) -> None:
        """Show all inputs of the form, with what was typed and chosen so far."""
        shown = CreateMetadata.of(action.modal)
        self._show(shown, content_in(action.modal, shown.time_zone), reply)

    def show_series_inputs(self, action: BlockAction, reply: Reply) -> None:
        """Show the inputs that a series needs, or no longer, likewise."""
        view = action.modal
        shown = CreateMetadata.of(view)
        content = content_in(view, shown.time_zone)
        self._show(shown, content, reply, is_complete=view.shows(BlockId.OPTIONS))

    def add_question(self, action: BlockAction, reply: Reply) -> None:
        """Show the inputs of one more question, likewise."""
        shown = CreateMetadata.of(action.modal)
        content = content_in(action.modal, shown.time_zone)
        content = replace(content, questions=with_one_more(content.questions))
        self._show(shown, content, reply)

    def _show(
        self,
        shown: CreateMetadata,
        content: FormContent,
        reply: Reply,
        *,
        is_complete: bool = True,
    ) -> None:
        form = event_form_views.create_form(
            shown.event_id,
            content,
            is_complete=is_complete,
            is_copy=shown.is_copy,
            warned=shown.warned,
        )
        reply.update_modal(form)

    def offer_time_zones(self, request: OptionsRequest) -> dict[str, Any]:
        """Offer the time zones whose names contain what is typed, without regard to case and accents."""
        typed = _without_accents((request.value or "").strip().replace(" ", "_").casefold())
        return event_form_views.time_zone_options(
            sorted(name for name in time_zones() if typed in name.casefold())
        )

    def offer_ends(self, request: OptionsRequest) -> dict[str, Any]:
        """Offer times of day and durations that fit what is typed."""
        return event_form_views.end_options(request.value or "")

    def create(self, submission: ViewSubmission) -> View:
        """Create the event and request its card; say where the card is, or why Slack refuses it.

        Warn once about a likely mistake before that (R12.6), and show what a series will be like (R13.1).
        """
        context, view = self._context, submission.view
        organizer = context.service.ensure_user(submission.user_draft)
        context.members.meet(organizer.user_id)
        channel_id = view.input(BlockId.CHANNEL).selected_conversation
        # Listed if the organizer says so, and without a channel. Else the channel's privacy decides.
        decides = channel_id if EventOption.LISTED not in view.checked(BlockId.OPTIONS) else None
        private = is_private(context.client, decides) if decides else False
        form = CreateMetadata.of(view)
        draft = event_draft(
            view,
            event_id=form.event_id,
            time_zone=form.time_zone,
            organizer_id=organizer.user_id,
            listed=private is False,
            listing_channel=decides,
            card_channel=channel_id,
        )
        question = self._question(draft, view, form)
        return question or self._create(draft, submission, is_privacy_known=private is not None)

    def _question(self, draft: EventDraft, view: ViewPayload, form: CreateMetadata) -> View | None:
        """Return the form with what its person should know, unless they have seen that before."""
        warnings = self._context.service.warnings_about(draft)
        preview = series_views.preview(draft) if isinstance(draft, SeriesDraft) else []
        warned = _fingerprint(draft, warnings, preview)
        if not (warnings or preview) or warned == form.warned:
            return None
        self._context.service.check_times_of(draft)
        return event_form_views.form_to_confirm(
            form.model_copy(update={"warned": warned}),
            content_in(view, form.time_zone),
            warnings,
            preview,
            is_complete=view.shows(BlockId.OPTIONS),
        )

    def _create(
        self, draft: EventDraft, submission: ViewSubmission, *, is_privacy_known: bool
    ) -> View:
        context, channel_id = self._context, draft.card_channel
        ensure_co_organizers(context, draft.co_organizer_ids)
        event, _ = context.service.create_event_once(draft)
        if not is_privacy_known:
            context.follow_channel_later(event)
        card = None
        if channel_id:
            card_of = event.event_id if event.series is None else occurrence_id(event.event_id, 1)
            card = wait_for_card(context, card_of, CREATION_VERSION, channel_id)
        is_slack_slow = card is not None and card.is_on_its_way
        if not is_slack_slow:  # else the form needs its reply
            self._home.refresh(submission)
        return event_form_views.event_created(event, card, is_privacy_known=is_privacy_known)


def _fingerprint(
    draft: EventDraft, warnings: Sequence[CreationWarning], preview: Sequence[str]
) -> str:
    text = repr((draft.title, draft.starts_at.isoformat(), *map(str, warnings), *preview))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))
