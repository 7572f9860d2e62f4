"""Creating an event: the form, what is wrong with it, the event, its card."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.ids import ActionId, CallbackId, EventOption
from bot.features.cards.posting import is_private, posted
from bot.features.event_form import views as event_form_views
from bot.features.home.publisher import Home
from bot.slack.context import AppContext
from bot.slack.interactions import (
    EventMetadata,
    channel,
    event_draft,
    metadata,
    options,
    person,
    user_id_of,
)

Body = dict[str, Any]

TYPABLE = 10
"""Characters of an event's id: it is typed behind commands. In hex, a million million of them."""


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = CreateListeners(context)
    app.action(ActionId.CREATE_EVENT)(flow.pressed_create)
    app.options(ActionId.TIME_ZONE)(flow.offer_time_zones)
    app.view(CallbackId.CREATE_EVENT)(flow.submitted)


class CreateListeners:
    """The listeners, and the form, which `/event create` opens too."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._home = Home(context)

    def form(self, user_id: str) -> View:
        """Return the form; the event's id is minted here, so that two presses of Submit make one event."""
        return event_form_views.create_form(
            self._context.new_id()[:TYPABLE], self._context.people.time_zone(user_id)
        )

    def pressed_create(self, ack: Ack, body: Body, client: WebClient) -> None:
        """Open the form."""
        client.views_open(trigger_id=body["trigger_id"], view=self.form(user_id_of(body)))
        ack()

    def offer_time_zones(self, ack: Ack, body: Body) -> None:
        """Offer the zones whose name has what is typed in it."""
        wanted = (body.get("value") or "").strip().replace(" ", "_").casefold()
        ack(
            event_form_views.time_zone_options(
                sorted(name for name in available_timezones() if wanted in name.casefold())
            )
        )

    def submitted(self, ack: Ack, body: Body, view: Body) -> None:
        """Create the event and post its card; say how to mend it if the card can't be posted."""
        organizer = self._context.service.ensure_user(person(body))
        channel_id = channel(view)
        listed = EventOption.LISTED in options(view) or not is_private(
            self._context.client, channel_id
        )
        draft = event_draft(
            view,
            event_id=metadata(view, EventMetadata).event_id,
            organizer_id=organizer.user_id,
            listed=listed,
        )
        event, is_new = self._context.service.create_event_once(draft)
        trouble = posted(self._context.cards, event, channel_id) if is_new else None
        if trouble is None:  # else Slack is slow, and the form is to be answered
            self._home.refresh(body)
        ack(response_action="update", view=event_form_views.event_created(event, trouble))
