"""Registers listeners with Bolt: hands them the parsed payload, and turns what they return into the acknowledgement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient
from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId, CallbackId
from bot.slack.event_payloads import SlackEvent
from bot.slack.frame_limits import cut_options
from bot.slack.interactions import BlockAction, OptionsRequest, SlashCommand, ViewSubmission
from bot.slack.middleware import interaction_in
from bot.slack.replies import Reply, answer_command, changing_nothing
from bot.slack.reply_sender import ReplySender

CommandListener: TypeAlias = Callable[[SlashCommand], Message | View]
"""Carries out a command. A message is shown to its person alone; a view is opened."""

ActionListener: TypeAlias = Callable[[BlockAction, Reply], None]

SubmissionListener: TypeAlias = Callable[[ViewSubmission], View | None]
"""Handles a submitted form. The view returned takes the form's place; without one, the form closes."""

OptionsListener: TypeAlias = Callable[[OptionsRequest], dict[str, Any]]

RefreshHome: TypeAlias = Callable[[BlockAction | ViewSubmission], None]
"""Updates App Home after a press in it, or after a press or a form in a modal, which may lie over it."""

E = TypeVar("E", bound=SlackEvent)


class Registrar:
    """Registers the listeners of every feature. Work comes first, then the acknowledgement.

    A listener that `refreshes_home` may have changed what App Home shows, or is asked for by a button in it.
    """

    def __init__(
        self, app: App, sender: ReplySender, client: WebClient, refresh_home: RefreshHome
    ) -> None:
        """Create it. `client` opens views before the acknowledgement."""
        self._app = app
        self._sender = sender
        self._client = client
        self._refresh_home = refresh_home
        self.commands: dict[str, CommandListener] = {}
        """The listeners of the commands, by name without the slash; `/rollcall` offers them too."""

    def command(self, name: str, listener: CommandListener) -> None:
        """Have a listener carry out a command."""
        self.commands[name.removeprefix("/")] = listener

        def handle(ack: Ack, context: BoltContext) -> None:
            command = cast("SlashCommand", interaction_in(context))
            result = listener(command)
            if isinstance(result, Message):
                ack(answer_command(result, command, self._sender))
            else:
                with changing_nothing():
                    self._client.views_open(trigger_id=command.trigger_id, view=result)
                ack()

        self._app.command(name)(handle)

    def action(
        self, action_id: ActionId, listener: ActionListener, *, refreshes_home: bool = False
    ) -> None:
        """Have a listener handle presses of a button, or choices in a select."""

        def handle(ack: Ack, context: BoltContext) -> None:
            action = cast("BlockAction", interaction_in(context))
            listener(action, Reply(action, self._sender, self._client))
            if refreshes_home:
                self._refresh_home(action)
            ack()

        self._app.action(action_id)(handle)

    def submission(
        self, callback_id: CallbackId, listener: SubmissionListener, *, refreshes_home: bool = False
    ) -> None:
        """Have a listener handle a submitted form."""

        def handle(ack: Ack, context: BoltContext) -> None:
            submission = cast("ViewSubmission", interaction_in(context))
            view = listener(submission)
            if refreshes_home:
                self._refresh_home(submission)
            if view is None:
                ack()
            else:
                ack(response_action="update", view=view)

        self._app.view(callback_id)(handle)

    def options(self, action_id: ActionId, listener: OptionsListener) -> None:
        """Have a listener offer the options of a select."""

        def handle(ack: Ack, context: BoltContext) -> None:
            ack(cut_options(listener(cast("OptionsRequest", interaction_in(context)))))

        self._app.options(action_id)(handle)

    def event(self, kind: str, listener: Callable[[E], None]) -> None:
        """Have a listener handle an event of Slack's."""

        def handle(ack: Ack, context: BoltContext) -> None:
            listener(cast("E", interaction_in(context)))
            ack()

        self._app.event(kind)(handle)
