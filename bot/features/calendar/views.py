"""Replies to "Add to calendar" and "Update calendar" (R8.16)."""

from __future__ import annotations

from slack_sdk.models.blocks import Block

from bot.blocks.builders import Message, context, note
from bot.blocks.formatting import ordinal, waitlist_note, when_and_where
from bot.blocks.mrkdwn import bold, escape, web_address
from bot.blocks.recurrence_text import repeats_at
from bot.features.calendar.calendar_file import change_in_calendar
from bot.features.calendar.calendar_links import google_link, outlook_link
from bot.slack.error_messages import why_no_files
from domain.enums import EventStatus
from domain.models import Event, UserRegistration

TITLE = "Your calendar"
"""The title of a reply in a modal."""


def file_sent(
    event: Event, join_link: str = "", *, is_update: bool = False, is_here: bool = False
) -> Message:
    """Tell a user where the calendar file is. `is_here`: in the conversation that has the button."""
    title = bold(event.title)
    if event.status is EventStatus.CANCELED:
        file = "this file" if is_here else "the file that I sent you in a direct message"
        text = f"To {change_in_calendar(event, title, is_update=is_update)}, open {file}."
    elif is_here:
        text = f"Here’s the calendar file for {title}."
    else:
        text = f"I sent you the calendar file for {title} in a direct message."
    return note(text, *_links(event, join_link, is_update=is_update), title=TITLE)


def _links(event: Event, join_link: str, *, is_update: bool) -> list[Block]:
    """Return the links that add the event to a calendar.

    A canceled event has none. Nor has one that moved: a link can't change an entry, and would add a second one.
    """
    if is_update or event.status is EventStatus.CANCELED:
        return []
    google, outlook = google_link(event, join_link), outlook_link(event, join_link)
    links = ((google, "Google Calendar"), (outlook, "Outlook"))
    return [context(f"Or add it to {web_address(address, label)}") for address, label in links]


def no_seat_yet(registration: UserRegistration) -> Message:
    """Tell a waitlisted user that there is nothing to add to a calendar yet, or no more (R4.7), or to remove."""
    position, title = ordinal(registration.position or 0), bold(registration.event.title)
    if registration.event.status is EventStatus.CANCELED:
        text = f"You were on the waitlist for {title}, so there’s nothing to remove from your calendar."
        return note(text, title=TITLE)
    more = (
        waitlist_note(has_started=True)
        if registration.has_started
        else " If you get a seat, I’ll message you so you can add the event to your calendar."
    )
    return note(f"You’re {position} on the waitlist for {title}.{more}", title=TITLE)


def not_registered(event: Event) -> Message:
    """Tell someone who has left an event what to do about its entry in their calendar."""
    return note(
        f"You’re not registered for {bold(event.title)}. If it’s in your calendar, please delete it there.",
        title=TITLE,
    )


def nothing_to_update(event: Event) -> Message:
    """Tell an attendee that an event is over, so its entry needs no update."""
    text = f"{bold(event.title)} is over, so there’s nothing to update in your calendar."
    return note(text, title=TITLE)


def file_not_sent(event: Event, join_link: str = "", *, is_update: bool = False) -> Message:
    """Tell a user that Slack did not take the calendar file."""
    return note(
        f"Slack didn’t accept the calendar file for {bold(event.title)}."
        " Please try again in a moment.",
        *_links(event, join_link, is_update=is_update),
        title=TITLE,
    )


def no_files_here(
    event: Event, reason: str, join_link: str = "", *, is_update: bool = False
) -> Message:
    """Tell a user that Slack takes no files here; `reason` is Slack's error code."""
    change = change_in_calendar(event, bold(event.title), is_update=is_update)
    return note(
        f"I can’t send you a calendar file, because {why_no_files(reason)}."
        f" Please {change} yourself: {when_and_where(event)}",
        *_links(event, join_link, is_update=is_update),
        title=TITLE,
    )


def series_file_sent(series: Event, *, is_here: bool = False) -> Message:
    """Tell a user where the file with all of a series is."""
    what = f"the calendar file for all of {bold(series.title)}"
    text = f"Here’s {what}." if is_here else f"I sent you {what} in a direct message."
    later = "It has the dates as they are now. If they change, ask for it again, and open it to update your calendar."
    return note(text, context(later), title=TITLE)


def not_registered_for_all(series: Event) -> Message:
    """Tell someone who is not registered for all of a series which dates they can add."""
    return note(
        f"You’re not registered for all of {bold(series.title)}. To add a date for which you’re registered, use"
        " *Add to calendar* below it in `/registrations`.",
        title=TITLE,
    )


def no_dates_left(series: Event) -> Message:
    """Tell a user that a series has no dates for them."""
    text = f"There are no more dates of {bold(series.title)} to add to your calendar."
    return note(text, title=TITLE)


def series_file_not_sent(series: Event) -> Message:
    """Tell a user that Slack did not take the file with all of a series."""
    return note(
        f"Slack didn’t accept the calendar file for all of {bold(series.title)}."
        " Please try again in a moment.",
        title=TITLE,
    )


def no_files_for_series(series: Event, reason: str) -> Message:
    """Tell a user that Slack takes no files here; `reason` is Slack's error code."""
    where = f" · {escape(series.location)}" if series.location else ""
    return note(
        f"I can’t send you a calendar file, because {why_no_files(reason)}. Please add all of"
        f" {bold(series.title)} to your calendar yourself: {repeats_at(series)}{where}",
        title=TITLE,
    )
