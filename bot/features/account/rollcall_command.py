"""`/rollcall`: every other command under one name, help, and deleting one's own data."""

from __future__ import annotations

from collections.abc import Mapping

from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import is_slack_id
from bot.features.account import views as account_views
from bot.features.account.successor import can_succeed, ensure_successor
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, SlashCommand
from bot.slack.registrar import CommandListener, Registrar
from bot.slack.replies import Reply


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = RollcallCommandListeners(context, registrar.commands)
    registrar.command("/rollcall", listeners.rollcall_command)
    registrar.action(ActionId.FORGET_ME, listeners.forget_me)
    registrar.action(ActionId.SUCCESSOR, listeners.choose_successor)
    registrar.action(ActionId.KEEP_DATA, listeners.keep_data)


class RollcallCommandListeners:
    """Run `/rollcall`, and the two commands that only it has."""

    def __init__(self, context: AppContext, commands: Mapping[str, CommandListener]) -> None:
        self._context = context
        self._service = context.service
        self._commands = commands
        self._own: dict[str, CommandListener] = {
            "forget-me": self._ask_to_forget,
            "rollcall": lambda _: account_views.help_message(),
        }

    def rollcall_command(self, command: SlashCommand) -> Message | View:
        """`/rollcall COMMAND …`: run the command named by the first word, or show help, as also for an unknown one."""
        name, _, rest = command.text.partition(" ")
        run = self._own.get(name.lower()) or self._commands.get(name.lower())
        if run is None:
            is_help = name.lower() in ("", "help")
            return account_views.help_message("" if is_help else name)
        return run(command.model_copy(update={"text": rest.strip()}))

    def forget_me(self, action: BlockAction, reply: Reply) -> None:
        """Delete what is stored about the person. The successor they chose gets their events."""
        preview = self._service.preview_user_deletion(action.user_id)
        # The select has a choice that came too late to be in the button.
        chosen = action.user_chosen_in(ActionId.SUCCESSOR) or action.value
        successor_id = chosen if is_slack_id(chosen) else None
        if successor_id is not None and not preview.has_started:
            ensure_successor(self._context, action.user_id, successor_id)
        deletion = self._service.delete_previewed_user(preview, successor_id)
        reply.replace(account_views.forgotten(deletion))

    def choose_successor(self, action: BlockAction, reply: Reply) -> None:
        """Ask again, and say what the choice of a successor changes."""
        preview = self._service.preview_user_deletion(action.user_id)
        if preview.has_started:
            reply.replace(account_views.forgotten(preview))
            return
        chosen = action.selected_user_id
        is_refused = chosen is not None and not can_succeed(self._context, action.user_id, chosen)
        reply.replace(account_views.forget_me_question(preview, chosen, is_refused=is_refused))

    def _ask_to_forget(self, command: SlashCommand) -> Message:
        preview = self._service.preview_user_deletion(command.user_id)
        if preview.has_started:
            return account_views.forgotten(preview)
        return account_views.forget_me_question(preview)

    def keep_data(self, action: BlockAction, reply: Reply) -> None:
        """Delete nothing, unless the deletion was started elsewhere."""
        preview = self._service.preview_user_deletion(action.user_id)
        is_late = preview.has_started
        reply.replace(
            account_views.forgotten(preview) if is_late else account_views.nothing_deleted()
        )
