"""App Home: a member's registrations, upcoming events, and the events they organize (R8.6).

An event is shown once. One that the member organizes is among those, with the member's own status and
a button to manage it. One that the member is registered for is among the registrations. So is a past one
that the member organized, while past registrations are shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock, HeaderBlock
from slack_sdk.models.views import View

from bot.blocks.builders import button, context, plain, section
from bot.blocks.formatting import headcount, when_and_where
from bot.blocks.ids import ActionId, HomeList
from bot.blocks.mrkdwn import LISTED, bold
from bot.blocks.paging import page_buttons
from bot.blocks.recurrence_text import when_or_rule
from bot.features.browsing import views as browsing_views
from bot.features.cards import views as cards_views
from bot.slack.view_metadata import HomeMetadata
from domain.enums import EventStatus
from domain.models import (
    Event,
    EventForUser,
    Page,
    PastRegistrations,
    RegistrationsToCome,
    UserRegistration,
)

PAGE_SIZE = 6
"""Items of each list that are read at a time. All three lists fit into the 100 blocks of a view."""

REGISTRATIONS_HEADING = "Your registrations"
UPCOMING_HEADING = "Upcoming events"
ORGANIZED_HEADING = "Events you organize"
NO_OTHER_EVENTS = "No other upcoming events."

START = "0"
"""The value of a button that shows the first of one's registrations."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of App Home: all of the member's registrations, and one page of the other lists."""

    user_id: str
    to_come: RegistrationsToCome
    past: PastRegistrations | None
    """The registrations for past events, if they are to be shown in place of those to come."""
    organized: Page[EventForUser]
    upcoming: Page[EventForUser] | str
    """Why the member does not see the list, in mrkdwn, if they don't."""


def home(lists: Lists, shown: HomeMetadata) -> View:
    """Show App Home. `shown` says where each list starts."""
    create = button("Create an event", ActionId.CREATE_EVENT, "new", style="primary")
    blocks: list[Block] = [
        ActionsBlock(elements=[create]),
        *(_registrations(lists, shown) if lists.past is None else _past(lists.past, lists.user_id)),
        DividerBlock(),
        HeaderBlock(text=plain(UPCOMING_HEADING)),
        *_upcoming(lists, is_first=shown.upcoming is None),
    ]
    if lists.organized.items or lists.organized.next_cursor or shown.organized is not None:
        blocks += [
            DividerBlock(),
            HeaderBlock(text=plain(ORGANIZED_HEADING)),
            *_organized(lists.organized, is_first=shown.organized is None),
        ]
    return View(type="home", blocks=blocks, private_metadata=json.dumps(shown.model_dump()))


def _registrations(lists: Lists, shown: HomeMetadata) -> list[Block]:
    """Show the registrations to come, but those for events that the member organizes: these are below.

    A series shows its organizer there only how it goes on, so their registration for all of it is here.
    """
    own = [one for one in lists.to_come.items if not _is_below(one.event, lists.user_id)]
    first = shown.registrations if shown.registrations < len(own) else 0
    page = own[first : first + PAGE_SIZE]
    groups = list(map(browsing_views.registration_blocks, page))
    organized = [one for one in lists.to_come.items if _is_below(one.event, lists.user_id)]
    if organized:
        groups.append([context(_also_organized(organized, is_all=not own))])
    elif not own:
        groups.append([section(browsing_views.NO_REGISTRATIONS)])
    past = []
    if lists.to_come.past_count:
        label = browsing_views.past_label(lists.to_come.past_count)
        past.append(button(label, ActionId.HOME_PAST_REGISTRATIONS, START))
    row = _offset_buttons(ActionId.HOME_REGISTRATIONS, first, len(page), len(own), past)
    heading = HeaderBlock(text=plain(REGISTRATIONS_HEADING))
    return [heading, *browsing_views.separated([*groups, row])]


def _is_below(event: Event, user_id: str) -> bool:
    return event.is_organizer(user_id) and event.series is None


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
    upcoming = button("Upcoming registrations", ActionId.HOME_REGISTRATIONS, START)
    action = ActionId.HOME_PAST_REGISTRATIONS
    return blocks + _offset_buttons(action, past.first, len(past.items), past.count, [upcoming])


def _upcoming(lists: Lists, *, is_first: bool) -> list[Block]:
    page = lists.upcoming
    if isinstance(page, str):
        return [section(page)]
    groups = list(map(browsing_views.event_blocks, page.items))
    if not page.items and page.next_cursor is None:
        has_others = lists.to_come.items or lists.organized.items or not is_first
        groups.append([section(NO_OTHER_EVENTS if has_others else browsing_views.NO_EVENTS)])
    row = page_buttons(
        ActionId.HOME_BACK,
        ActionId.HOME_UPCOMING,
        HomeList.UPCOMING,
        page.next_cursor,
        is_first=is_first,
    )
    return browsing_views.separated([*groups, row])


def _organized(page: Page[EventForUser], *, is_first: bool) -> list[Block]:
    row = page_buttons(
        ActionId.HOME_BACK,
        ActionId.HOME_ORGANIZED,
        HomeList.ORGANIZED,
        page.next_cursor,
        is_first=is_first,
    )
    return browsing_views.separated([*map(_organized_event, page.items), row])


def _organized_event(seen: EventForUser) -> list[Block]:
    """Show an event to its organizer, with the organizer's own registration, or a button to register."""
    event, own = seen.event, seen.registration
    if event.series is not None:
        return _organized_series(seen)
    if own is not None and seen.is_over:
        return _organized_past(own)
    title = browsing_views.title_and_status(seen)
    text = f"{title}\n{when_and_where(event, LISTED)}\n{cards_views.occupancy_bar(event)}"
    blocks: list[Block] = [section(text, button("Manage", ActionId.MANAGE, event.event_id))]
    if own is not None:
        blocks += browsing_views.join_blocks(own)
    if buttons := browsing_views.event_buttons(seen):
        blocks.append(ActionsBlock(elements=buttons))
    return blocks


def _organized_series(seen: EventForUser) -> list[Block]:
    """Show a series to its organizer, with their own registration for all of it, if they have one."""
    event = seen.event
    count = f"{headcount(event.waitlist_count)} registered for all of it"
    if event.status is EventStatus.CANCELED:
        count = "The series has ended"
    title = f"{bold(event.title, LISTED)} · Series"
    if seen.registration is not None:
        title = browsing_views.title_and_status(seen)
    text = f"{title}\n{when_or_rule(event, LISTED)}\n{count}"
    blocks: list[Block] = [section(text, button("Manage", ActionId.MANAGE, event.event_id))]
    if seen.registration is not None and (buttons := browsing_views.event_buttons(seen)):
        blocks.append(ActionsBlock(elements=buttons))
    return blocks


def _organized_past(registration: UserRegistration) -> list[Block]:
    """Show a past event to its organizer, who was registered for it."""
    manage = button("Manage", ActionId.MANAGE, registration.event.event_id)
    blocks: list[Block] = [section(browsing_views.past_text(registration), manage)]
    buttons = browsing_views.history_buttons(registration)
    buttons += cards_views.going_buttons(registration.event, is_attendee=True)
    if buttons:
        blocks.append(ActionsBlock(elements=buttons))
    return blocks


def _offset_buttons(
    action: ActionId, first: int, count: int, of: int, more: Sequence[ButtonElement]
) -> list[Block]:
    following = first + count
    return page_buttons(
        ActionId.HOME_BACK,
        action,
        HomeList.REGISTRATIONS,
        str(following) if following < of else None,
        is_first=first == 0,
        left=of - following,
        more=more,
    )
