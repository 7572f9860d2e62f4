"""Who's going: shows who has a seat, only to the person who asked (R12.1)."""

from __future__ import annotations

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import is_slack_id
from bot.features.cards.posting import remembering_card
from bot.features.going import views as going_views
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction
from bot.slack.refusals import NotForSeries
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = GoingListeners(context)
    registrar.action(ActionId.GOING, listeners.show_going, refreshes_home=True)
    for action in (ActionId.MORE_GOING, ActionId.GOING_BACK):
        registrar.action(action, listeners.more_going)


class GoingListeners:
    """Show who has a seat."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._cards = context.cards
        self._later = context.later
        self._members = context.members

    def show_going(self, action: BlockAction, reply: Reply) -> None:
        """Show the first page, without changing the card or list."""
        with remembering_card(self._cards, self._later, action, event_id=action.value):
            reply.ephemeral(self._going(action.user_id, action.value))

    def more_going(self, action: BlockAction, reply: Reply) -> None:
        """Show another page in place of this one."""
        event_id, _, cursor = action.value.partition(" ")
        reply.replace(self._going(action.user_id, event_id, cursor or None))

    def _going(self, user_id: str, event_id: str, cursor: str | None = None) -> Message:
        """Return a page of those who have a seat. Raises `UnknownEvent`, `AttendeesHidden`, `NotForSeries`."""
        listing = self._members.as_organizer(
            user_id,
            lambda actor: self._service.list_going(
                event_id, actor=actor, limit=going_views.GOING_PAGE, cursor=cursor
            ),
        )
        if listing.event.series is not None:  # nobody has a seat in it
            raise NotForSeries
        # Slack itself shows its members' names.
        others = [one.user_id for one in listing.registered if not is_slack_id(one.user_id)]
        users = self._service.get_users(others)
        is_over = self._service.is_over(listing.event)
        return going_views.going_list(listing, users, is_over=is_over, is_first=cursor is None)
