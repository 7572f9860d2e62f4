"""Registers listeners with Bolt: hands them the parsed payload, and turns what they return into the acknowledgement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

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
L = TypeVar("L")


class Registrar:
    """Takes the listeners of every feature, and registers them with Bolt. Work comes first, then the acknowledgement.

    A listener that `refreshes_home` may have changed what App Home shows, or is asked for by a button in it. Two
    listeners for one thing raise `ValueError`.
    """

    def __init__(self, sender: ReplySender, client: WebClient, refresh_home: RefreshHome) -> None:
        """Create it. `client` opens views before the acknowledgement."""
        self._sender = sender
        self._client = client
        self._refresh_home = refresh_home
        self.commands: dict[str, CommandListener] = {}
        """The listeners of the commands, by name without the slash; `/rollcall` offers them too."""
        self._actions: dict[str, tuple[ActionListener, bool]] = {}
        """The listener of each action, and whether it refreshes App Home."""
        self._submissions: dict[str, tuple[SubmissionListener, bool]] = {}
        self._options: dict[str, OptionsListener] = {}
        self._events: dict[str, Callable[[Any], None]] = {}

    def command(self, name: str, listener: CommandListener) -> None:
        """Have a listener carry out a command."""
        _add(self.commands, name.removeprefix("/"), listener)

    def action(
        self, action_id: ActionId, listener: ActionListener, *, refreshes_home: bool = False
    ) -> None:
        """Have a listener handle presses of a button, or choices in a select."""
        _add(self._actions, action_id, (listener, refreshes_home))

    def submission(
        self, callback_id: CallbackId, listener: SubmissionListener, *, refreshes_home: bool = False
    ) -> None:
        """Have a listener handle a submitted form."""
        _add(self._submissions, callback_id, (listener, refreshes_home))

    def options(self, action_id: ActionId, listener: OptionsListener) -> None:
        """Have a listener offer the options of a select."""
        _add(self._options, action_id, listener)

    def event(self, kind: str, listener: Callable[[E], None]) -> None:
        """Have a listener handle an event of Slack's."""
        _add(self._events, kind, listener)

    def register(self, app: App) -> None:
        """Register all listeners: one with Bolt for each kind of payload.

        Bolt asks one after the other whether a payload is theirs. With one for each of seventy buttons and forms,
        that would be a quarter of its work for a press, and much of a function's start.
        """
        app.action(_any_of(self._actions))(self._handling(self._act))
        app.command(_any_of(f"/{name}" for name in self.commands))(self._handling(self._command))
        app.view(_any_of(self._submissions))(self._handling(self._submit))
        app.options(_any_of(self._options))(self._handling(self._offer))
        for kind, listener in self._events.items():
            app.event(kind)(self._handling(_event_handler(listener)))

    @staticmethod
    def _handling(handle: Callable[[Any, Ack], None]) -> Callable[[Ack, BoltContext], None]:
        """Return what Bolt calls: it passes arguments by their names."""

        def handle_payload(ack: Ack, context: BoltContext) -> None:
            handle(interaction_in(context), ack)

        return handle_payload

    def _command(self, command: SlashCommand, ack: Ack) -> None:
        result = self.commands[command.command.removeprefix("/")](command)
        if isinstance(result, Message):
            ack(answer_command(result, command, self._sender))
        else:
            with changing_nothing():
                self._client.views_open(trigger_id=command.trigger_id, view=result)
            ack()

    def _act(self, action: BlockAction, ack: Ack) -> None:
        listener, refreshes_home = self._actions[action.actions[0].action_id]
        listener(action, Reply(action, self._sender, self._client))
        if refreshes_home:
            self._refresh_home(action)
        ack()

    def _submit(self, submission: ViewSubmission, ack: Ack) -> None:
        listener, refreshes_home = self._submissions[submission.view.callback_id]
        view = listener(submission)
        if refreshes_home:
            self._refresh_home(submission)
        if view is None:
            ack()
        else:
            ack(response_action="update", view=view)

    def _offer(self, request: OptionsRequest, ack: Ack) -> None:
        ack(cut_options(self._options[request.action_id](request)))


def _event_handler(listener: Callable[[Any], None]) -> Callable[[Any, Ack], None]:
    def handle(event: SlackEvent, ack: Ack) -> None:
        listener(event)
        ack()

    return handle


def _add(listeners: dict[str, L], name: str, listener: L) -> None:
    if name in listeners:
        raise ValueError(f"{name} has a listener already")
    listeners[name] = listener


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\A(?:{'|'.join(map(re.escape, names))})\Z")
