"""Register, unregister, and everything on the way: naming an event, asking before a leave, changing one's mind."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks import modals
from bot.blocks.formatting import Message
from bot.blocks.ids import ActionId, CallbackId
from bot.features.cards.posting import pressed
from bot.features.home.publisher import Home
from bot.features.registration import views as registration_views
from bot.slack.context import AppContext, CommandRequest, on_command
from bot.slack.interactions import Payload, person, selected_event, user_id_of, value_of
from bot.slack.replies import Reply

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = RegistrationListeners(context)
    on_command(app, "/register", flow.register_command)
    on_command(app, "/unregister", flow.unregister_command)
    app.action(ActionId.REGISTER)(flow.pressed_register)
    app.action(ActionId.CHOOSE_TO_REGISTER)(flow.chose_to_register)
    app.action(ActionId.LEAVE)(flow.pressed_leave)
    app.action(ActionId.CHOOSE_TO_LEAVE)(flow.chose_to_leave)
    app.action(ActionId.GIVE_UP)(flow.chose_to_leave)
    app.action(ActionId.LEAVE_CONFIRMED)(flow.confirmed_leave)
    app.action(ActionId.STAY)(flow.stay)
    app.options(ActionId.EVENT)(flow.offer_events)
    app.view(CallbackId.REGISTER)(flow.submitted_register)
    app.view(CallbackId.UNREGISTER)(flow.submitted_unregister)


class RegistrationListeners:
    """The listeners, and the two commands, which `/rollcall` has too."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._cards = context.cards
        self._home = Home(context)

    # Commands

    def register_command(self, asked: CommandRequest) -> Message | View:
        """`/register [EVENT]`: register at once where one event fits, else ask which."""
        if not asked.text:
            return modals.picker(CallbackId.REGISTER)
        found = self._service.find_events(asked.text)
        if len(found.matches) != 1:
            return registration_views.choice(found, ActionId.CHOOSE_TO_REGISTER)
        return self._register(asked.body, found.matches[0].event_id)

    def unregister_command(self, asked: CommandRequest) -> Message | View:
        """`/unregister [EVENT]`: leave at once where one of one's own events fits, else ask which."""
        if not asked.text:
            return modals.picker(CallbackId.UNREGISTER)
        found = self._service.find_registrations_of(asked.user_id, asked.text)
        if len(found.matches) != 1:
            return registration_views.choice_of_own(found, asked.text)
        return self._leave_or_ask(asked.user_id, found.matches[0].event.event_id)

    # Buttons

    def pressed_register(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Register, and answer beside the card."""
        with pressed(self._cards, body, value_of(action)):
            message = self._register(body, value_of(action))
            Reply(body, respond, client).ephemeral(message)
            self._home.follow(body)
        ack()

    def chose_to_register(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Register for the event chosen, and answer in the question's place."""
        Reply(body, respond, client).replace(self._register(body, value_of(action)))
        ack()

    def pressed_leave(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Leave, or ask first, beside the card."""
        with pressed(self._cards, body, value_of(action)):
            message = self._leave_or_ask(user_id_of(body), value_of(action))
            Reply(body, respond, client).ephemeral(message)
            self._home.follow(body)
        ack()

    def chose_to_leave(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Leave, or ask first, in the place of the message."""
        message = self._leave_or_ask(user_id_of(body), value_of(action))
        Reply(body, respond, client).replace(message)
        self._home.follow(body)
        ack()

    def confirmed_leave(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Leave: what it costs was said."""
        outcome = self._service.unregister(value_of(action), user_id_of(body))
        Reply(body, respond, client).replace(registration_views.left(outcome))
        self._home.follow(body)
        ack()

    def stay(self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient) -> None:
        """Stay, and say what one has."""
        own = self._service.get_registration(value_of(action), user_id_of(body))
        Reply(body, respond, client).replace(registration_views.stayed(own))
        ack()

    # The picker

    def offer_events(self, ack: Ack, body: Body) -> None:
        """Offer the events that fit what is typed: the open ones, or one's own to leave."""
        text = body.get("value") or ""
        if (body.get("view") or {}).get("callback_id") == CallbackId.UNREGISTER:
            found = self._service.find_registrations_of(user_id_of(body), text)
            ack(modals.own_options(found.matches))
        else:
            ack(modals.event_options(self._service.find_events(text).matches))

    def submitted_register(self, ack: Ack, body: Body, view: Body) -> None:
        """Register for the event picked."""
        message = self._register(body, selected_event(view))
        ack(response_action="update", view=modals.picked(CallbackId.REGISTER, message))

    def submitted_unregister(self, ack: Ack, body: Body, view: Body) -> None:
        """Leave the event picked, or ask first."""
        message = self._leave_or_ask(user_id_of(body), selected_event(view))
        ack(response_action="update", view=modals.picked(CallbackId.UNREGISTER, message))

    # One service call each

    def _register(self, body: Payload, event_id: str) -> Message:
        return registration_views.placed(
            self._service.register_ensuring_user(event_id, person(body))
        )

    def _leave_or_ask(self, user_id: str, event_id: str) -> Message:
        preview = self._service.preview_leave(event_id, user_id)
        if preview.is_free:
            return registration_views.left(self._service.unregister(event_id, user_id))
        return registration_views.leave_question(preview)
