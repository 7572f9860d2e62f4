"""App Home: a member's registrations, upcoming events, and the events they organize (R8.6)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock, HeaderBlock
from slack_sdk.models.views import View

from bot.blocks.builders import button, plain, section
from bot.blocks.formatting import when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold
from bot.features.browsing import views as browsing_views
from bot.features.cards import views as cards_views
from bot.slack.view_metadata import HomeMetadata
from domain.models import Event, Page, UserRegistration

PAGE_SIZE = 8
"""Items of each list on one page. All three lists fit into the 100 blocks of a view."""

REGISTRATIONS_HEADING = "Your registrations"
UPCOMING_HEADING = "Upcoming events"
ORGANIZED_HEADING = "Events you organize"

FIRST = "first"
"""The value of a button that leads back to the start of a list."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of App Home: all of the member's registrations, and one page of the other lists."""

    registrations: Sequence[UserRegistration]
    organized: Page[Event]
    upcoming: Page[Event] | str
    """Why the member does not see the list, in mrkdwn, if they don't."""


def home(lists: Lists, shown: HomeMetadata) -> View:
    """Show App Home. `shown` says where each list starts."""
    create = button("Create an event", ActionId.CREATE_EVENT, "new", style="primary")
    blocks: list[Block] = [
        ActionsBlock(elements=[create]),
        HeaderBlock(text=plain(REGISTRATIONS_HEADING)),
        *_registrations(lists.registrations, shown.registrations),
        DividerBlock(),
        HeaderBlock(text=plain(UPCOMING_HEADING)),
        *_upcoming(lists, is_first=shown.upcoming is None),
    ]
    if lists.organized.items or shown.organized is not None:
        blocks += [
            DividerBlock(),
            HeaderBlock(text=plain(ORGANIZED_HEADING)),
            *_organized(lists.organized, is_first=shown.organized is None),
        ]
    return View(type="home", blocks=blocks, private_metadata=json.dumps(shown.model_dump()))


def _registrations(registrations: Sequence[UserRegistration], first: int) -> list[Block]:
    page = registrations[first : first + PAGE_SIZE]
    if not page:
        return [section(browsing_views.NO_REGISTRATIONS)]
    blocks: list[Block] = []
    for one in page:
        blocks += browsing_views.registration_blocks(one)
    following = first + len(page)
    on = str(following) if following < len(registrations) else None
    return blocks + _page_buttons(
        ActionId.HOME_REGISTRATIONS,
        on,
        f"Show {len(registrations) - following} more",
        is_first=first == 0,
    )


def _upcoming(lists: Lists, *, is_first: bool) -> list[Block]:
    page = lists.upcoming
    if isinstance(page, str):
        return [section(page)]
    statuses = {one.event.event_id: browsing_views.status_text(one) for one in lists.registrations}
    blocks: list[Block] = []
    for event in page.items:
        status = statuses.get(event.event_id, "")
        blocks += cards_views.event_blocks(event, is_registered=bool(status), status=status)
    if not page.items:
        blocks.append(section(browsing_views.NO_EVENTS))
    return blocks + _page_buttons(
        ActionId.HOME_UPCOMING, page.next_cursor, "More events", is_first=is_first
    )


def _organized(page: Page[Event], *, is_first: bool) -> list[Block]:
    blocks: list[Block] = [
        section(
            f"{bold(event.title, LISTED)}\n{when_and_where(event, LISTED)}\n{cards_views.occupancy_bar(event)}",
            button("Manage", ActionId.MANAGE, event.event_id),
        )
        for event in page.items
    ]
    return blocks + _page_buttons(
        ActionId.HOME_ORGANIZED, page.next_cursor, "More of your events", is_first=is_first
    )


def _page_buttons(action: ActionId, on: str | None, label: str, *, is_first: bool) -> list[Block]:
    buttons = []
    if not is_first:
        # A view may have an action twice, but a block may not.
        buttons.append(ActionsBlock(elements=[button("Back to the start", action, FIRST)]))
    if on is not None:
        buttons.append(ActionsBlock(elements=[button(label, action, on)]))
    return list(buttons)
