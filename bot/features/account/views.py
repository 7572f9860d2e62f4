"""Help, and deleting one's data."""

from __future__ import annotations

from slack_sdk.models.blocks import ActionsBlock

from bot.blocks.builders import Message, button, note
from bot.blocks.ids import ActionId

HELP = """*Rollcall* registers you for events, right here in Slack.

*For members*
• Register: press the button on an event’s card, or type `/register [event]`. If it is full, you join the line.
• Leave: press *Leave*, or type `/unregister [event]`. Your seat goes to the next in line, who is told at once.
• See what is coming: `/events`.
• See where you are in: `/registrations`, with your place in line, how it moved, and a file for your calendar.
• Have all of that in one place: the *Home* tab of this app.
• Be forgotten: `/rollcall forget-me` deletes all that is stored about you.

*For organizers*
• Make an event: `/event create`, or the button in *Home*. Its card goes into the channel that you choose.
• Run it: press *Manage* on the card, or type `/event [event]`. See who is in and who waits, and find people by name.
• Change it: *Edit* for time, place and text, *Change capacity* for seats. Whoever that concerns is told.
• Talk to people: *Message people* writes to all registered, waiting, or both. Reminders go out by themselves.
• Remove somebody: *Details* beside the name, with a reason that the person is told.
• Keep track: *Export CSV* for a list, *History* for who did what, when and why.
• End it: *Close registration*, *Cancel event*, where everyone is told, or *Delete*.

*Where another app has taken a command*, put `/rollcall` before it: `/rollcall register yoga`."""


def help_message() -> Message:
    """Return everything there is, in one screen."""
    return note(HELP)


def forget_me_question() -> Message:
    """Return what forgetting means, and two buttons."""
    buttons = ActionsBlock(
        elements=[
            button("Delete my data", ActionId.FORGET_ME, "me", style="danger"),
            button("Keep it", ActionId.KEEP_DATA, "me"),
        ]
    )
    return note(
        "This gives up all your seats and places in line, and deletes what is stored about you."
        " It can’t be undone.",
        buttons,
    )


def forgotten(done: bool) -> Message:
    """Return that a person is forgotten, or soon will be."""
    if done:
        return note("Your registrations and what was stored about you are deleted.")
    return note("Started: your registrations are being given back, then your data is deleted.")


def nothing_deleted() -> Message:
    """Return that nothing was deleted."""
    return note("Nothing was deleted.")
