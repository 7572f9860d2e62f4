"""Managing an event: who is in, its capacity, closing and reopening. For organisers and admins (R8.8, R8.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.answers import once_done, show_again
from bot.ids import ActionId, CallbackId
from bot.listeners.creating import Creating
from bot.parts import Asked, Parts, on_command
from bot.payloads import (
    CapacityMetadata,
    CardMetadata,
    EventMetadata,
    RosterMetadata,
    capacity,
    channel,
    metadata,
    user_id_of,
    value_of,
)
from bot.posting import posted, pressed
from bot.views import managing, messages
from bot.views.modals import note_modal
from bot.views.text import Message
from domain.drafts import EventChanges
from domain.models import Event

Body = dict[str, Any]


def register(app: App, parts: Parts) -> None:
    """Register the listeners of this flow."""
    flow = Managing(parts)
    on_command(app, "/event", flow.event_command)
    app.action(ActionId.MANAGE)(flow.pressed_manage)
    app.action(ActionId.ROSTER_PAGE)(flow.turn_page)
    app.action(ActionId.ROSTER_BACK)(flow.turn_back)
    app.action(ActionId.CLOSE)(flow.close)
    app.action(ActionId.REOPEN)(flow.reopen)
    app.action(ActionId.POST_CARD)(flow.ask_where_to_post)
    app.view(CallbackId.POST_CARD)(flow.post_card)
    app.action(ActionId.CHANGE_CAPACITY)(flow.change_capacity)
    app.view(CallbackId.CAPACITY)(flow.preview_capacity)
    app.view(CallbackId.CAPACITY_CONFIRMED)(flow.set_capacity)


class Managing:
    """The listeners, and the command, which `/rollcall` has too."""

    def __init__(self, parts: Parts) -> None:
        self._service = parts.service
        self._people = parts.people
        self._cards = parts.cards
        self._creating = Creating(parts)

    def event_command(self, asked: Asked) -> Message | View:
        """`/event create` opens the form, `/event EVENT` what its organisers can do."""
        if asked.text.lower() in ("", "create"):
            return self._creating.form(asked.user_id)
        found = self._service.find_events_to_manage(asked.text, asked.user_id)
        if len(found.fitting) != 1:
            return messages.choice(found, ActionId.MANAGE)
        return self._manage(asked.user_id, found.fitting[0].event_id)

    def pressed_manage(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Open what the event's organisers can do."""
        with pressed(self._cards, body, value_of(action)):
            view = self._manage(user_id_of(body), value_of(action))
            client.views_open(trigger_id=body["trigger_id"], view=view)
        ack()

    def turn_page(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show the next page of the roster."""
        shown = metadata(body["view"], RosterMetadata)
        self._show(body, client, shown.event_id, [*shown.turned, value_of(action)])
        ack()

    def turn_back(self, ack: Ack, body: Body, client: WebClient) -> None:
        """Show the page of the roster before."""
        shown = metadata(body["view"], RosterMetadata)
        self._show(body, client, shown.event_id, shown.turned[:-1])
        ack()

    def close(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Close registration."""
        self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.close_event(value_of(action), actor=actor),
        )
        with once_done():
            self._show(body, client, value_of(action))
        ack()

    def reopen(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Reopen registration."""
        self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.reopen_event(value_of(action), actor=actor),
        )
        with once_done():
            self._show(body, client, value_of(action))
        ack()

    def ask_where_to_post(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Ask for the channel that the card is to stand in."""
        event = self._organized(body, value_of(action))
        form = managing.card_form(event, after=self._cards.newest(event.event_id))
        client.views_push(trigger_id=body["trigger_id"], view=form)
        ack()

    def post_card(self, ack: Ack, body: Body, view: Body) -> None:
        """Post the event's card once more; once for each form, however often it is sent."""
        asked = metadata(view, CardMetadata)
        event = self._organized(body, asked.event_id)
        trouble = posted(self._cards, event, channel(view), after=asked.after)
        ack(response_action="update", view=managing.card_posted(event, trouble))

    def change_capacity(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Ask for the new capacity."""
        event = self._organized(body, value_of(action))
        client.views_push(trigger_id=body["trigger_id"], view=managing.capacity_form(event))
        ack()

    def preview_capacity(self, ack: Ack, body: Body, view: Body) -> None:
        """Say what the capacity would do, and ask."""
        event_id, wanted = metadata(view, EventMetadata).event_id, capacity(view)
        preview = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.preview_capacity(event_id, wanted, actor=actor),
        )
        ack(response_action="update", view=managing.capacity_preview(preview))

    def set_capacity(self, ack: Ack, body: Body, view: Body, client: WebClient) -> None:
        """Set the capacity, and show the event as it is now."""
        asked = metadata(view, CapacityMetadata)
        outcome = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.edit_event(
                asked.event_id, EventChanges.of(capacity=asked.capacity), actor=actor
            ),
        )
        root = view.get("root_view_id")
        if root and root != view["id"]:
            with once_done():
                show_again(client, root, self._manage(user_id_of(body), asked.event_id))
        done = messages.capacity_set(outcome)
        ack(response_action="update", view=note_modal("Change capacity", done))

    def _organized(self, body: Body, event_id: str) -> Event:
        return self._people.as_organizer(
            user_id_of(body), lambda actor: self._service.get_event(event_id, actor=actor)
        )

    def _show(
        self, body: Body, client: WebClient, event_id: str, turned: Sequence[str] = ()
    ) -> None:
        view = self._manage(user_id_of(body), event_id, turned)
        show_again(client, body["view"]["id"], view)

    def _manage(self, user_id: str, event_id: str, turned: Sequence[str] = ()) -> View:
        cursor = turned[-1] if turned else None
        listing = self._people.as_organizer(
            user_id,
            lambda actor: self._service.list_registrations_in(
                event_id, limit=managing.ROSTER_PAGE, cursor=cursor, actor=actor
            ),
        )
        return managing.manage(listing, turned)
