"""App Home: a member's registrations, the events they organize, and upcoming events (R8.6).

An event is shown once. One that the member organizes is among those, with the member's own status and
a button to manage it. One that the member is registered for is among the registrations. So is a past one
that the member organized, while past registrations are shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock, HeaderBlock
from slack_sdk.models.views import View

from bot.blocks.builders import button, context, plain, section
from bot.blocks.formatting import when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold
from bot.features.browsing import views as browsing_views
from bot.features.cards import views as cards_views
from bot.slack.view_metadata import HomeMetadata
from domain.models import Event, Page, PastRegistrations, RegistrationsToCome, UserRegistration

PAGE_SIZE = 8
"""Items of each list that are read at a time. All three lists fit into the 100 blocks of a view."""

REGISTRATIONS_HEADING = "Your registrations"
UPCOMING_HEADING = "Upcoming events"
ORGANIZED_HEADING = "Events you organize"
NO_OTHER_EVENTS = "No other upcoming events."

FIRST = "first"
"""The value of a button that leads back to the start of a list."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of App Home: all of the member's registrations, and one page of the other lists."""

    user_id: str
    to_come: RegistrationsToCome
    past: PastRegistrations | None
    """The registrations for past events, if they are to be shown in place of those to come."""
    organized: Page[Event]
    over: Mapping[str, UserRegistration]
    """The member's registrations for those organized events that are over, by event id."""
    open_ids: frozenset[str]
    """The ids of those organized events that accept newcomers."""
    upcoming: Page[Event] | str
    """Why the member does not see the list, in mrkdwn, if they don't."""


def home(lists: Lists, shown: HomeMetadata) -> View:
    """Show App Home. `shown` says where each list starts."""
    create = button("Create an event", ActionId.CREATE_EVENT, "new", style="primary")
    blocks: list[Block] = [
        ActionsBlock(elements=[create]),
        *(_registrations(lists, shown) if lists.past is None else _past(lists.past, lists.user_id)),
    ]
    if lists.organized.items or lists.organized.next_cursor or shown.organized is not None:
        blocks += [
            DividerBlock(),
            HeaderBlock(text=plain(ORGANIZED_HEADING)),
            *_organized(lists, is_first=shown.organized is None),
        ]
    blocks += [
        DividerBlock(),
        HeaderBlock(text=plain(UPCOMING_HEADING)),
        *_upcoming(lists, is_first=shown.upcoming is None),
    ]
    return View(type="home", blocks=blocks, private_metadata=json.dumps(shown.model_dump()))


def _registrations(lists: Lists, shown: HomeMetadata) -> list[Block]:
    """Show the registrations to come, but those for events that the member organizes: these are below."""
    own = [one for one in lists.to_come.items if not one.event.is_organizer(lists.user_id)]
    first = shown.registrations if shown.registrations < len(own) else 0
    page = own[first : first + PAGE_SIZE]
    blocks: list[Block] = [HeaderBlock(text=plain(REGISTRATIONS_HEADING))]
    for one in page:
        blocks += browsing_views.registration_blocks(one)
    organized = [one for one in lists.to_come.items if one.event.is_organizer(lists.user_id)]
    if organized:
        blocks.append(context(_also_organized(organized, is_all=not own)))
    elif not own:
        blocks.append(section(browsing_views.NO_REGISTRATIONS))
    blocks += _offset_buttons(ActionId.HOME_REGISTRATIONS, first, len(page), len(own))
    if lists.to_come.past_count:
        label = f"{browsing_views.PAST_REGISTRATIONS} ({lists.to_come.past_count:,})"
        past = button(label, ActionId.HOME_PAST_REGISTRATIONS, FIRST)
        blocks.append(ActionsBlock(elements=[past]))
    return blocks


def _also_organized(registrations: Sequence[UserRegistration], *, is_all: bool) -> str:
    also = "" if is_all else "also "
    count = len(registrations)
    if count == 1:
        what = f"an event that you organize. It’s under “{ORGANIZED_HEADING}”."
    else:
        what = f"{count:,} events that you organize. They’re under “{ORGANIZED_HEADING}”."
    return f"You’re {also}{_shared_status(registrations)} {what}"


def _shared_status(registrations: Sequence[UserRegistration]) -> str:
    """Return "registered for", "on the waitlist for", or both if some of them differ."""
    statuses = {one.position is None for one in registrations}
    if statuses == {True}:
        return "registered for"
    return "on the waitlist for" if statuses == {False} else "registered or waitlisted for"


def _past(past: PastRegistrations, user_id: str) -> list[Block]:
    blocks: list[Block] = [HeaderBlock(text=plain(browsing_views.PAST_REGISTRATIONS))]
    for one in past.items:
        is_own = one.event.is_organizer(user_id)
        blocks += _organized_past(one) if is_own else browsing_views.past_registration_blocks(one)
    if not past.items:
        blocks.append(section(browsing_views.NO_PAST_REGISTRATIONS))
    blocks += _offset_buttons(
        ActionId.HOME_PAST_REGISTRATIONS, past.first, len(past.items), past.count
    )
    upcoming = button("Upcoming registrations", ActionId.HOME_REGISTRATIONS, FIRST)
    return [*blocks, ActionsBlock(elements=[upcoming])]


def _organized(lists: Lists, *, is_first: bool) -> list[Block]:
    own = {one.event.event_id: one for one in lists.to_come.items}
    blocks: list[Block] = []
    for event in lists.organized.items:
        event_id = event.event_id
        if event_id in lists.over:
            blocks += _organized_past(lists.over[event_id])
            continue
        is_open = event_id in lists.open_ids
        blocks += _organized_event(event, own.get(event_id), is_open=is_open)
    return blocks + _page_buttons(
        ActionId.HOME_ORGANIZED,
        lists.organized.next_cursor,
        "More of your events",
        is_first=is_first,
    )


def _organized_past(registration: UserRegistration) -> list[Block]:
    """Show a past event to its organizer, who was registered for it."""
    text, history = browsing_views.past_registration(registration)
    manage = button("Manage", ActionId.MANAGE, registration.event.event_id)
    return [section(text, manage), ActionsBlock(elements=[history])]


def _organized_event(
    event: Event, registration: UserRegistration | None, *, is_open: bool
) -> list[Block]:
    """Show an event to its organizer, with the organizer's own registration, or a button to register."""
    title = bold(event.title, LISTED)
    if registration is not None:
        title += f" · {browsing_views.status_text(registration)}"
    text = f"{title}\n{when_and_where(event, LISTED)}\n{cards_views.occupancy_bar(event)}"
    blocks: list[Block] = [section(text, button("Manage", ActionId.MANAGE, event.event_id))]
    if registration is not None:
        buttons = browsing_views.registration_buttons(registration)
        blocks.append(ActionsBlock(elements=buttons))
    elif is_open:
        blocks.append(ActionsBlock(elements=[cards_views.register_button(event)]))
    return blocks


def _upcoming(lists: Lists, *, is_first: bool) -> list[Block]:
    page = lists.upcoming
    if isinstance(page, str):
        return [section(page)]
    blocks: list[Block] = []
    for event in page.items:
        blocks += cards_views.event_blocks(event, is_registered=False)
    if not page.items and page.next_cursor is None:
        has_others = lists.to_come.items or lists.organized.items or not is_first
        blocks.append(section(NO_OTHER_EVENTS if has_others else browsing_views.NO_EVENTS))
    return blocks + _page_buttons(
        ActionId.HOME_UPCOMING, page.next_cursor, "More events", is_first=is_first
    )


def _offset_buttons(action: ActionId, first: int, count: int, of: int) -> list[Block]:
    following = first + count
    on = str(following) if following < of else None
    return _page_buttons(action, on, f"Show {of - following:,} more", is_first=first == 0)


def _page_buttons(action: ActionId, on: str | None, label: str, *, is_first: bool) -> list[Block]:
    buttons = []
    if not is_first:
        # A view may have an action twice, but a block may not.
        buttons.append(ActionsBlock(elements=[button("Back to the start", action, FIRST)]))
    if on is not None:
        buttons.append(ActionsBlock(elements=[button(label, action, on)]))
    return list(buttons)
