"""`/rollcall`: every command under one name, help, and being forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.features.account import views as account_views
from bot.features.browsing.listeners import BrowsingListeners
from bot.features.manage.listeners import ManageListeners
from bot.features.registration.listeners import RegistrationListeners
from bot.slack.context import AppContext, Command, CommandRequest, on_command
from bot.slack.interactions import user_id_of
from bot.slack.replies import Reply

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    flow = Rollcall(context)
    on_command(app, "/rollcall", flow.command)
    app.action(ActionId.FORGET_ME)(flow.forget)
    app.action(ActionId.KEEP_DATA)(flow.keep)


class Rollcall:
    """The listeners."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        registering, browsing = RegistrationListeners(context), BrowsingListeners(context)
        self._commands: dict[str, Command] = {
            "register": registering.register_command,
            "unregister": registering.unregister_command,
            "events": browsing.events_command,
            "registrations": browsing.registrations_command,
            "event": ManageListeners(context).event_command,
            "forget-me": lambda _: account_views.forget_me_question(),
        }

    def command(self, asked: CommandRequest) -> Message | View:
        """Carry out the command named by the first word; else say what there is."""
        name, _, rest = asked.text.partition(" ")
        do = self._commands.get(name.lower())
        return account_views.help_message() if do is None else do(replace(asked, text=rest.strip()))

    def forget(self, ack: Ack, body: Body, respond: Respond, client: WebClient) -> None:
        """Delete what is stored about the person."""
        done = self._service.delete_user(user_id_of(body))
        Reply(body, respond, client).replace(account_views.forgotten(done))
        ack()

    def keep(self, ack: Ack, body: Body, respond: Respond, client: WebClient) -> None:
        """Delete nothing."""
        Reply(body, respond, client).replace(account_views.nothing_deleted())
        ack()
