"""Replies to Add to calendar (R8.16)."""

from __future__ import annotations

from bot.blocks.builders import Message, note
from bot.blocks.formatting import ordinal
from bot.blocks.mrkdwn import bold
from domain.models import Event, UserRegistration


def file_sent(event: Event) -> Message:
    """Return where a calendar file is."""
    return note(f"The calendar file of {bold(event.title)} is in your direct messages with me.")


def no_seat_yet(own: UserRegistration) -> Message:
    """Return that who waits has nothing to put into a calendar yet."""
    return note(
        f"In {bold(own.event.title)} you have no seat yet: you are {ordinal(own.position or 0)} in line."
        " Once you have one, I’ll message you, and the file for your calendar is there."
    )


def file_not_sent(event: Event) -> Message:
    """Return that Slack did not take a calendar file."""
    return note(
        f"Slack did not take the calendar file of {bold(event.title)} just now. Please press again in a moment."
    )
