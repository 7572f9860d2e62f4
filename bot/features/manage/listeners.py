"""Manage: the roster page by page, one person of it, capacity, closing and reopening, the card, the list as a file."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.formatting import Message
from bot.blocks.ids import ActionId, CallbackId
from bot.features.cards.posting import posted, pressed
from bot.features.event_form.create import CreateListeners
from bot.features.manage import roster_views
from bot.features.manage import views as manage_views
from bot.features.manage.modal import ManageModal
from bot.features.registration import views as registration_views
from bot.slack.context import AppContext, CommandRequest, on_command
from bot.slack.interactions import (
    CapacityMetadata,
    CardMetadata,
    EventMetadata,
    ManageMetadata,
    PersonMetadata,
    capacity,
    channel,
    metadata,
    person_chosen,
    reason,
    user_id_of,
    value_of,
)
from bot.slack.replies import once_done
from domain.inputs import EventChanges

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = ManageListeners(context)
    on_command(app, "/event", flow.event_command)
    app.action(ActionId.MANAGE)(flow.pressed_manage)
    app.action(ActionId.ROSTER_PAGE)(flow.turn_page)
    app.action(ActionId.ROSTER_BACK)(flow.turn_back)
    app.action(ActionId.PERSON)(flow.pressed_person)
    app.action(ActionId.FIND_PERSON)(flow.found_person)
    app.view(CallbackId.REMOVE)(flow.remove)
    app.action(ActionId.CLOSE)(flow.close)
    app.action(ActionId.REOPEN)(flow.reopen)
    app.action(ActionId.EXPORT)(flow.export)
    app.action(ActionId.POST_CARD)(flow.ask_where_to_post)
    app.view(CallbackId.POST_CARD)(flow.post_card)
    app.action(ActionId.CHANGE_CAPACITY)(flow.change_capacity)
    app.view(CallbackId.CAPACITY)(flow.preview_capacity)
    app.view(CallbackId.CAPACITY_CONFIRMED)(flow.set_capacity)


class ManageListeners:
    """The listeners, and the command, which `/rollcall` has too."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._people = context.people
        self._cards = context.cards
        self._creating = CreateListeners(context)
        self._organizing = ManageModal(context)

    def event_command(self, asked: CommandRequest) -> Message | View:
        """`/event create` opens the form, `/event EVENT` what its organizers can do."""
        if asked.text.lower() in ("", "create"):
            return self._creating.form(asked.user_id)
        found = self._service.find_events_to_manage(asked.text, asked.user_id)
        if len(found.matches) != 1:
            return registration_views.choice(found, ActionId.MANAGE)
        return self._organizing.manage(asked.user_id, found.matches[0].event_id)

    def pressed_manage(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Open what the event's organizers can do."""
        with pressed(self._cards, body, value_of(action)):
            view = self._organizing.manage(user_id_of(body), value_of(action))
            client.views_open(trigger_id=body["trigger_id"], view=view)
        ack()

    # The roster

    def turn_page(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show the next page of the roster."""
        shown = metadata(body["view"], ManageMetadata)
        self._organizing.show(body, client, shown.event_id, [*shown.turned, value_of(action)])
        ack()

    def turn_back(self, ack: Ack, body: Body, client: WebClient) -> None:
        """Show the page of the roster before."""
        shown = metadata(body["view"], ManageMetadata)
        self._organizing.show(body, client, shown.event_id, shown.turned[:-1])
        ack()

    def pressed_person(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show one person of the roster, and the form to remove them."""
        self._show_person(body, client, value_of(action))
        ack()

    def found_person(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Show the person who was looked for by name."""
        self._show_person(body, client, person_chosen(action))
        ack()

    def _show_person(self, body: Body, client: WebClient, user_id: str) -> None:
        event = self._organizing.event(body, metadata(body["view"], ManageMetadata).event_id)
        own = self._service.find_registration(event.event_id, user_id)
        users = self._service.get_users([user_id])
        view = (
            roster_views.not_in_event(event, user_id, users)
            if own is None
            else roster_views.person_form(own, users, is_over=self._service.is_over(event))
        )
        client.views_push(trigger_id=body["trigger_id"], view=view)

    def remove(self, ack: Ack, body: Body, view: Body, client: WebClient) -> None:
        """Take the person out, and show who is in now."""
        asked, why = metadata(view, PersonMetadata), reason(view)
        # Before: once it is done, nothing may end as "busy, nothing was changed".
        users = self._service.get_users([asked.user_id])
        outcome = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.remove(
                asked.event_id, asked.user_id, actor=actor, reason=why
            ),
        )
        self._organizing.show_below(body, client, asked.event_id)
        ack(response_action="update", view=roster_views.removed(outcome, users))

    # Registration, and the list as a file

    def close(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Close registration."""
        outcome = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.close_event(value_of(action), actor=actor),
        )
        with once_done():
            note = manage_views.closed_note(outcome)
            self._organizing.show(body, client, value_of(action), note=note)
        ack()

    def reopen(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Reopen registration."""
        self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.reopen_event(value_of(action), actor=actor),
        )
        with once_done():
            self._organizing.show(body, client, value_of(action), note=manage_views.REOPENED)
        ack()

    def export(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Have the list of people sent; once for each time that the modal was shown."""
        shown = metadata(body["view"], ManageMetadata)
        self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.export(
                shown.event_id, request_id=value_of(action), actor=actor
            ),
        )
        with once_done():
            self._organizing.show(
                body, client, shown.event_id, shown.turned, note=manage_views.EXPORTED
            )
        ack()

    # The card

    def ask_where_to_post(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Ask for the channel that the card is to stand in."""
        event = self._organizing.event(body, value_of(action))
        form = manage_views.card_form(event, after=self._cards.newest(event.event_id))
        client.views_push(trigger_id=body["trigger_id"], view=form)
        ack()

    def post_card(self, ack: Ack, body: Body, view: Body) -> None:
        """Post the event's card once more; once for each form, however often it is sent."""
        asked = metadata(view, CardMetadata)
        event = self._organizing.event(body, asked.event_id)
        trouble = posted(self._cards, event, channel(view), after=asked.after)
        ack(response_action="update", view=manage_views.card_posted(event, trouble))

    # Capacity

    def change_capacity(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        """Ask for the new capacity."""
        event = self._organizing.event(body, value_of(action))
        client.views_push(trigger_id=body["trigger_id"], view=manage_views.capacity_form(event))
        ack()

    def preview_capacity(self, ack: Ack, body: Body, view: Body) -> None:
        """Say what the capacity would do, and ask."""
        event_id, wanted = metadata(view, EventMetadata).event_id, capacity(view)
        preview = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.preview_capacity(event_id, wanted, actor=actor),
        )
        ack(response_action="update", view=manage_views.capacity_preview(preview))

    def set_capacity(self, ack: Ack, body: Body, view: Body, client: WebClient) -> None:
        """Set the capacity, and show the event as it is now."""
        asked = metadata(view, CapacityMetadata)
        outcome = self._people.as_organizer(
            user_id_of(body),
            lambda actor: self._service.edit_event(
                asked.event_id, EventChanges.of(capacity=asked.capacity), actor=actor
            ),
        )
        self._organizing.show_below(body, client, asked.event_id)
        ack(response_action="update", view=manage_views.capacity_set(outcome))
