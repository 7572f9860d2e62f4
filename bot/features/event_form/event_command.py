"""`/event`: create an event, or manage one."""

from __future__ import annotations

from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.features.browsing import choice_views
from bot.features.event_form.create import CreateForm
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import SlashCommand
from bot.slack.registrar import Registrar
from domain.models import Actor
from domain.search import FoundEvents


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listener."""
    registrar.command("/event", EventCommand(context).event_command)


class EventCommand:
    """Run `/event`."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._create_form = CreateForm(context)
        self._manage_modal = ManageModal(context)

    def event_command(self, command: SlashCommand) -> Message | View:
        """`/event [create [TITLE]]`: open the form. `/event EVENT`: open what the event's organizers can do."""
        verb, _, title = command.text.partition(" ")
        if verb.lower() in ("", "create"):
            return self._create_form.build(command.user_id, title.strip())
        actor = Actor(command.user_id)
        found = self._service.find_events_to_manage(command.text, actor)
        if not found.is_exact and self._members.is_admin(command.user_id):
            actor = Actor(command.user_id, is_admin=True)
            found = self._service.find_events_to_manage(command.text, actor)
        if len(found.matches) != 1:
            return self._choice(found, actor)
        return self._manage_modal.build(command.user_id, found.matches[0].event_id)

    def _choice(self, found: FoundEvents, actor: Actor) -> Message:
        """Offer the events that match, or say that there is none that the member may manage."""
        ids = found.first_ids(choice_views.MAX_CHOICES)
        events = self._service.get_events_for(actor.user_id, ids)
        return choice_views.choice_to_manage(found, events, is_admin=actor.is_admin)
