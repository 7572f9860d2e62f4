"""Create an event: show the form, check it, create the event, wait a moment for its card."""

from __future__ import annotations

import unicodedata
from typing import Any

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, BlockId, CallbackId, EventOption
from bot.features.cards.listing import is_private
from bot.features.cards.posting import wait_for_card
from bot.features.event_form import views as event_form_views
from bot.features.event_form.co_organizers import ensure_co_organizers
from bot.features.event_form.form_values import event_draft
from bot.features.home.publisher import HomePublisher
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, OptionsRequest, ViewSubmission
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import EventMetadata
from domain.inputs import time_zones
from domain.models import CREATION_VERSION

EVENT_ID_LENGTH = 10
"""Hexadecimal digits of an event's id: short enough to type after a command, and a million million values."""


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = CreateListeners(context)
    registrar.action(ActionId.CREATE_EVENT, listeners.open_form)
    registrar.options(ActionId.TIME_ZONE, listeners.offer_time_zones)
    registrar.submission(CallbackId.CREATE_EVENT, listeners.create)


class CreateForm:
    """Builds the empty form."""

    def __init__(self, context: AppContext) -> None:
        self._members = context.members
        self._new_id = context.new_id

    def build(self, user_id: str, title: str = "") -> View:
        """Return the form. The event's id is made here, so pressing Submit twice makes one event."""
        event_id = self._new_id()[:EVENT_ID_LENGTH]
        return event_form_views.create_form(event_id, self._members.time_zone(user_id), title)


class CreateListeners:
    """Run the form that creates an event."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._form = CreateForm(context)
        self._home = HomePublisher(context)

    def open_form(self, action: BlockAction, reply: Reply) -> None:
        """Open the form."""
        reply.open_modal(self._form.build(action.user_id))

    def offer_time_zones(self, request: OptionsRequest) -> dict[str, Any]:
        """Offer the time zones whose names contain what is typed, without regard to case and accents."""
        typed = _without_accents((request.value or "").strip().replace(" ", "_").casefold())
        return event_form_views.time_zone_options(
            sorted(name for name in time_zones() if typed in name.casefold())
        )

    def create(self, submission: ViewSubmission) -> View:
        """Create the event and request its card; say where the card is, or why Slack refuses it."""
        context, view = self._context, submission.view
        organizer = context.service.ensure_user(submission.user_draft)
        context.members.meet(organizer.user_id)
        channel_id = view.input(BlockId.CHANNEL).selected_conversation
        # Listed if the organizer says so, and without a channel. Else the channel's privacy decides.
        decides = channel_id if EventOption.LISTED not in view.checked(BlockId.OPTIONS) else None
        private = is_private(context.client, decides) if decides else False
        draft = event_draft(
            view,
            event_id=EventMetadata.of(view).event_id,
            organizer_id=organizer.user_id,
            listed=private is False,
            listing_channel=decides,
            card_channel=channel_id,
        )
        ensure_co_organizers(context, draft.co_organizer_ids)
        event, _ = context.service.create_event_once(draft)
        if private is None:
            context.follow_channel_later(event)
        card = wait_for_card(context, event, CREATION_VERSION, channel_id) if channel_id else None
        is_slack_slow = card is not None and card.is_on_its_way
        if not is_slack_slow:  # else the form needs its reply
            self._home.refresh(submission)
        return event_form_views.event_created(event, card, is_privacy_known=private is not None)


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))
