"""App Home: what one has, what one organizes, and what is coming (R8.6)."""

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
from bot.slack.interactions import HomeMetadata
from domain.models import Event, Page, UserRegistration

OWN = 8
ORGANIZED = 8
COMING = 8
"""How many of each stand on one page: with what surrounds them, in the 100 blocks that a view may have."""

FIRST = "first"
"""The value of a button that leads back to a list's beginning."""


@dataclass(frozen=True, slots=True)
class Lists:
    """What App Home shows: all of one's own, and a page of each of the others."""

    own: Sequence[UserRegistration]
    organized: Page[Event]
    coming: Page[Event]


def home(lists: Lists, shown: HomeMetadata) -> View:
    """Return the page that a member sees on opening the app; `shown` says where its lists begin."""
    create = button("Create an event", ActionId.CREATE_EVENT, "new", style="primary")
    blocks: list[Block] = [
        ActionsBlock(elements=[create]),
        HeaderBlock(text=plain("Your registrations")),
        *_own(lists.own, shown.own),
        DividerBlock(),
        HeaderBlock(text=plain("Coming up")),
        *_coming(lists, is_first=shown.coming is None),
    ]
    if lists.organized.items or shown.organized is not None:
        blocks += [
            DividerBlock(),
            HeaderBlock(text=plain("You organize")),
            *_organized(lists.organized, is_first=shown.organized is None),
        ]
    return View(type="home", blocks=blocks, private_metadata=json.dumps(shown.model_dump()))


def _own(own: Sequence[UserRegistration], first: int) -> list[Block]:
    page = own[first : first + OWN]
    if not page:
        return [section("You are not registered for anything yet.")]
    blocks: list[Block] = []
    for one in page:
        blocks += browsing_views.registration_blocks(one)
    following = first + len(page)
    on = str(following) if following < len(own) else None
    return blocks + _turn(
        ActionId.HOME_OWN, on, f"{len(own) - following} more", is_first=first == 0
    )


def _coming(lists: Lists, *, is_first: bool) -> list[Block]:
    page = lists.coming
    mine = {one.event.event_id: browsing_views.status_text(one) for one in lists.own}
    blocks: list[Block] = []
    for event in page.items:
        place = mine.get(event.event_id, "")
        blocks += cards_views.event_blocks(event, is_in=bool(place), place=place)
    if not page.items:
        blocks.append(section("Nothing is coming up."))
    return blocks + _turn(
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
    return blocks + _turn(
        ActionId.HOME_ORGANIZED, page.next_cursor, "More of yours", is_first=is_first
    )


def _turn(action: ActionId, on: str | None, label: str, *, is_first: bool) -> list[Block]:
    turn = []
    if not is_first:
        # One action may stand twice in a view, but not in one block.
        turn.append(ActionsBlock(elements=[button("Back to the first", action, FIRST)]))
    if on is not None:
        turn.append(ActionsBlock(elements=[button(label, action, on)]))
    return list(turn)
