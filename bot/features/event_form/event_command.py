"""`/event`: create an event, or manage one."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.features.browsing import choice_views
from bot.features.event_form.create import CreateForm
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import SlashCommand
from bot.slack.registrar import Registrar
from domain.errors import NotOrganizer
from domain.models import Actor, EventForUser
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
        found = self._service.find_events_to_manage(
            command.text,
            command.user_id,
            before_listed=lambda: self._members.require_full_member(command.user_id),
        )
        if len(found.matches) != 1:
            return self._choice(found, command.user_id)
        return self._manage_modal.build(command.user_id, found.matches[0].event_id)

    def _choice(self, found: FoundEvents, user_id: str) -> Message:
        """Offer the events that the member may manage. Raises `NotOrganizer` if that is none of those found."""
        ids = found.first_ids(choice_views.MAX_CHOICES)
        events = self._service.get_events_for(user_id, ids)
        own = self._members.as_organizer(user_id, lambda actor: _manageable(events, actor))
        return choice_views.event_choice(found, own, ActionId.MANAGE)


def _manageable(events: Sequence[EventForUser], actor: Actor) -> Sequence[EventForUser]:
    own = [one for one in events if actor.is_admin or one.event.is_organizer(actor.user_id)]
    if events and not own:
        raise NotOrganizer(events[0].event.event_id, actor.user_id)
    return own
