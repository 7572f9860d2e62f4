"""App Home: one's registrations, upcoming events, and the events one organizes, each page by page (R8.6)."""

from __future__ import annotations

import re

from bot.blocks.ids import ActionId, HomeList
from bot.features.home.publisher import HomePublisher
from bot.slack.context import AppContext
from bot.slack.event_payloads import AppHomeOpened
from bot.slack.interactions import BlockAction
from bot.slack.refusals import MalformedPayload
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import HomeMetadata


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = HomeListeners(context)
    registrar.event("app_home_opened", listeners.opened)
    registrar.action(ActionId.HOME_REGISTRATIONS, listeners.show_registrations)
    registrar.action(ActionId.HOME_PAST_REGISTRATIONS, listeners.show_past_registrations)
    registrar.action(ActionId.HOME_ORGANIZED, listeners.show_organized)
    registrar.action(ActionId.HOME_UPCOMING, listeners.show_upcoming)
    registrar.action(ActionId.HOME_BACK, listeners.show_start)


class HomeListeners:
    """Show App Home and the pages of its lists."""

    def __init__(self, context: AppContext) -> None:
        self._home = HomePublisher(context)

    def opened(self, event: AppHomeOpened) -> None:
        """Show the first page of each list."""
        self._home.publish_opened(event.user_id)

    def show_registrations(self, action: BlockAction, reply: Reply) -> None:  # noqa: ARG002  # as all listeners
        """Show another page of one's own registrations to come."""
        self._show_page(action, registrations=_read_offset(action.value), is_past=False)

    def show_past_registrations(self, action: BlockAction, reply: Reply) -> None:  # noqa: ARG002  # as all listeners
        """Show a page of one's registrations for past events."""
        self._show_page(action, registrations=_read_offset(action.value), is_past=True)

    def show_organized(self, action: BlockAction, reply: Reply) -> None:  # noqa: ARG002  # as all listeners
        """Show another page of the events that one organizes."""
        self._show_page(action, organized=action.value)

    def show_upcoming(self, action: BlockAction, reply: Reply) -> None:  # noqa: ARG002  # as all listeners
        """Show another page of upcoming events."""
        self._show_page(action, upcoming=action.value)

    def show_start(self, action: BlockAction, reply: Reply) -> None:  # noqa: ARG002  # as all listeners
        """Show the start of a list."""
        if action.value not in set(HomeList):
            raise MalformedPayload("actions.0.value")
        start = HomeMetadata().model_dump()[action.value]
        self._show_page(action, **{action.value: start})

    def _show_page(self, action: BlockAction, **start: int | str | None) -> None:
        shown = HomeMetadata.of(action.modal).model_copy(update=start)
        self._home.publish(action.user_id, shown)


def _read_offset(value: str) -> int:
    """Return the offset in a value of `ActionId.HOME_REGISTRATIONS`. Raises `MalformedPayload`."""
    if not re.fullmatch(r"[0-9]{1,6}", value):
        raise MalformedPayload("actions.0.value")
    return int(value)
