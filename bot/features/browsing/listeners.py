"""Upcoming events and one's own registrations, page by page."""

from __future__ import annotations

import re

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.blocks.paging import fill_page
from bot.features.browsing import views as browsing_views
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, SlashCommand
from bot.slack.refusals import MalformedPayload
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from domain.enums import RegistrationStatus
from domain.models import EventForUser, Page

EVENTS_PAGE = 8
"""Events in one message: with their descriptions cut, they fit Slack's limits of 50 blocks and on text."""


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = BrowsingListeners(context)
    registrar.command("/events", listeners.events_command)
    registrar.command("/registrations", listeners.registrations_command)
    registrar.action(ActionId.MORE_EVENTS, listeners.more_events)
    registrar.action(ActionId.EVENTS_BACK, listeners.first_events)
    for action in (ActionId.MORE_REGISTRATIONS, ActionId.REGISTRATIONS_BACK):
        registrar.action(action, listeners.more_registrations)
    for action in (ActionId.PAST_REGISTRATIONS, ActionId.PAST_REGISTRATIONS_BACK):
        registrar.action(action, listeners.past_registrations)
    registrar.action(ActionId.SHOW_EVENTS, listeners.show_events)


class BrowsingListeners:
    """Show the lists."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members

    def events_command(self, command: SlashCommand) -> Message:
        """`/events`: list upcoming events."""
        return self._events(command.user_id, None)

    def registrations_command(self, command: SlashCommand) -> Message:
        """`/registrations [registered|waitlisted]`: list one's own registrations to come (R5)."""
        status = _STATUSES.get(command.text.lower())
        if command.text and status is None:
            return browsing_views.unknown_filter(command.text)
        return self._registrations(command.user_id, status)

    def more_events(self, action: BlockAction, reply: Reply) -> None:
        """Show the next page of upcoming events."""
        reply.replace(self._events(action.user_id, action.value))

    def first_events(self, action: BlockAction, reply: Reply) -> None:
        """Show the first page of upcoming events."""
        reply.replace(self._events(action.user_id, None))

    def more_registrations(self, action: BlockAction, reply: Reply) -> None:
        """Show another page of one's own registrations to come."""
        status, offset = _read_offset(action.value)
        reply.replace(self._registrations(action.user_id, _STATUSES.get(status), offset))

    def past_registrations(self, action: BlockAction, reply: Reply) -> None:
        """Show a page of one's registrations for past events."""
        word, offset = _read_offset(action.value)
        status = _STATUSES.get(word)
        past = self._service.list_past_registrations(
            action.user_id, status=status, first=offset, limit=browsing_views.MAX_LISTED
        )
        reply.replace(browsing_views.past_registration_list(past, status))

    def show_events(self, action: BlockAction, reply: Reply) -> None:
        """Show upcoming events, below the message that offers them."""
        reply.ephemeral(self._events(action.user_id, None))

    def _events(self, user_id: str, cursor: str | None) -> Message:
        """List upcoming events as a member sees them. Guests don't see them (R8.17)."""
        self._members.require_full_member(user_id)

        def read(cursor: str | None) -> Page[EventForUser]:
            return self._service.list_upcoming_for(user_id, limit=EVENTS_PAGE, cursor=cursor)

        page = fill_page(read, cursor, 1)
        return browsing_views.event_list(page, is_first=cursor is None)

    def _registrations(
        self, user_id: str, status: RegistrationStatus | None, offset: int = 0
    ) -> Message:
        registrations = self._service.list_registrations_to_come(user_id, status=status)
        return browsing_views.registration_list(registrations, status, offset)


_STATUSES = {status.value: status for status in RegistrationStatus}

_OFFSET = re.compile(r"([a-z]*):([0-9]{1,6})")


def _read_offset(value: str) -> tuple[str, int]:
    """Return the status and offset in a value of `MORE_REGISTRATIONS`. Raises `MalformedPayload`."""
    found = _OFFSET.fullmatch(value)
    if found is None:
        raise MalformedPayload("actions.0.value")
    return found[1], int(found[2])
