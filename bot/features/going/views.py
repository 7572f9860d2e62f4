"""The list of those who have a seat (R12.1)."""

from __future__ import annotations

from collections.abc import Mapping

from slack_sdk.models.blocks import Block

from bot.blocks.builders import Message, context, section
from bot.blocks.formatting import headcount
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import bold, name_of
from bot.blocks.paging import page_buttons
from domain.enums import EventStatus
from domain.models import Event, EventRegistrations, User

GOING_PAGE = 30
"""People on one page. With names of `NAME_LENGTH`, they fit into the 3,000 characters of one section."""

NAME_LENGTH = 80
"""Characters of the name of someone who is not in Slack, after escaping."""

NO_ONE_HERE = "No one is on this page."


def going_list(
    listing: EventRegistrations,
    users: Mapping[str, User],
    *,
    is_over: bool,
    is_first: bool = True,
) -> Message:
    """List a page of those who have a seat, and the length of the waitlist.

    `users` has those among them who are not in Slack.
    """
    event = listing.event
    heading = _heading(event, is_over=is_over)
    blocks: list[Block] = [section(heading)]
    if event.registered_count:
        names = [name_of(one.user_id, users, NAME_LENGTH) for one in listing.registered]
        blocks.append(section(", ".join(names) or NO_ONE_HERE))
    if event.waitlist_count:
        blocks.append(context(f"{event.waitlist_count:,} on the waitlist"))
    cursor = listing.next_cursor
    blocks += page_buttons(
        ActionId.GOING_BACK,
        ActionId.MORE_GOING,
        event.event_id,
        None if cursor is None else f"{event.event_id} {cursor}",
        is_first=is_first,
    )
    return Message(heading, blocks, "Who’s going")


def _heading(event: Event, *, is_over: bool) -> str:
    """Return "12 people have a seat in *Yoga*:", in the past tense if the event is over or canceled."""
    count, is_canceled = event.registered_count, event.status is EventStatus.CANCELED
    have = "had" if is_over or is_canceled else "have" if count > 1 else "has"
    who = headcount(count) if count else "No one"
    why = ", which has been canceled" if is_canceled else ""
    return f"{who} {have} a seat in {bold(event.title)}{why}{':' if count else '.'}"
