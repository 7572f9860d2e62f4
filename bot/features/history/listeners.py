"""The history of an event, for its organizers, and of one's own registration, for oneself (R8.10)."""

from __future__ import annotations

from slack_sdk.models.views import View

from bot.blocks.ids import ActionId
from bot.blocks.paging import fill_page
from bot.features.history import views as history_views
from bot.features.manage.modal import ManageModal
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.view_metadata import EventMetadata
from domain.models import JournalEntry, Page

READ_SIZE = 30
"""Entries of an event's history read at a time to find a person's own."""

MOVES = 10
"""Moves of one's own registration on a page; fewer if they are far apart."""


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = HistoryListeners(context)
    registrar.action(ActionId.HISTORY, listeners.open_history)
    registrar.action(ActionId.HISTORY_PAGE, listeners.next_page)
    registrar.action(ActionId.HISTORY_BACK, listeners.first_page)
    registrar.action(
        ActionId.REGISTRATION_HISTORY, listeners.open_registration_history, refreshes_home=True
    )
    registrar.action(ActionId.REGISTRATION_HISTORY_PAGE, listeners.next_registration_page)
    registrar.action(ActionId.REGISTRATION_HISTORY_BACK, listeners.first_registration_page)


class HistoryListeners:
    """Show the two histories."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._manage_modal = ManageModal(context)

    # An event's history

    def open_history(self, action: BlockAction, reply: Reply) -> None:
        """Open an event's history."""
        reply.open_modal(self._history(action.user_id, action.value))

    def next_page(self, action: BlockAction, reply: Reply) -> None:
        """Show older entries."""
        event_id = EventMetadata.of(action.modal).event_id
        reply.update_modal(self._history(action.user_id, event_id, action.value))

    def first_page(self, action: BlockAction, reply: Reply) -> None:
        """Show the newest entries."""
        reply.update_modal(self._history(action.user_id, action.value))

    def _history(self, user_id: str, event_id: str, cursor: str | None = None) -> View:
        event = self._manage_modal.get_event(user_id, event_id)
        page = fill_page(
            lambda after: self._read_history(user_id, event_id, after),
            cursor,
            history_views.HISTORY_PAGE // 2,
        )
        is_cut = page.next_cursor is None and self._service.is_history_cut(event_id)
        made = self._service.get_events(history_views.made_in(page))
        return history_views.event_history(
            event, page, is_first=cursor is None, is_cut=is_cut, made=made
        )

    def _read_history(self, user_id: str, event_id: str, cursor: str | None) -> Page[JournalEntry]:
        """Return entries that say something: a series has commits that only note how far its work is."""
        page = self._members.as_organizer(
            user_id,
            lambda actor: self._service.list_history(
                event_id, limit=history_views.HISTORY_PAGE, cursor=cursor, actor=actor
            ),
        )
        shown = tuple(one for one in page.items if one.changes or one.unreachable)
        return Page(shown, page.next_cursor)

    # One's own history

    def open_registration_history(self, action: BlockAction, reply: Reply) -> None:
        """Open what moved one's own registration."""
        reply.open_modal(self._registration_history(action.user_id, action.value))

    def next_registration_page(self, action: BlockAction, reply: Reply) -> None:
        """Show older moves."""
        event_id = EventMetadata.of(action.modal).event_id
        reply.update_modal(self._registration_history(action.user_id, event_id, action.value))

    def first_registration_page(self, action: BlockAction, reply: Reply) -> None:
        """Show the newest moves."""
        reply.update_modal(self._registration_history(action.user_id, action.value))

    def _registration_history(self, user_id: str, event_id: str, cursor: str | None = None) -> View:
        event = self._service.get_event(event_id)
        page = fill_page(
            lambda after: self._service.list_registration_history(
                event_id, user_id, limit=READ_SIZE, cursor=after
            ),
            cursor,
            MOVES,
        )
        is_cut = page.next_cursor is None and self._service.is_history_cut(event_id)
        return history_views.registration_history(
            event, page, is_first=cursor is None, is_cut=is_cut
        )
