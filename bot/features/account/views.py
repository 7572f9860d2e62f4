"""Help, and the replies to `/rollcall forget-me`."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import ActionsBlock, Block, UserSelectElement

from bot.blocks.builders import Message, button, note, plain, section
from bot.blocks.formatting import moment
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape, mention, shortened
from bot.blocks.recurrence_text import repeats
from bot.slack.error_messages import CHOOSE_ANOTHER
from domain.models import Event, UserDeletion

HELP = """*Rollcall* registers you for events, right here in Slack.

*For members*
• Register: press the button on an event’s card, or type `/register [event]`. If it’s full, you join its waitlist.
• Unregister: press *Unregister*, or type `/unregister [event]`. The next person on the waitlist gets your seat.
• Register for all of a series: press *All of the series* on the card of one of its events. *Stop the series* ends it.
• See upcoming events: `/events`.
• See your registrations: `/registrations`, with waitlist position and calendar file. Change your answers there, too.
• See who has a seat: press *Who’s going* on an event’s card. Organizers choose who can see that.
• See everything in one place: the *Home* tab of this app.
• Delete your data: `/rollcall forget-me`.

*For organizers*
• Create an event: `/event create`, or the button on the *Home* tab. Its card is posted in the channel you choose.
• Ask up to three questions: *Add a question* under *More options*, or in *Edit*. Only organizers see the answers.
• Manage it: press *Manage* on the card, or type `/event [event]`. See who’s registered or waitlisted, and find people.
• Repeat it: choose *Repeats* in the form. *Manage series* skips dates and ends it; *Edit* changes one date or more.
• Change it: *Edit* for time, location, and text, *Change capacity* for seats. The people affected are notified.
• Message attendees: everyone registered, everyone waitlisted, or both. Reminders are sent automatically.
• Add people: press *Add people*. Remove one: press *Details* next to their name. They’re notified, with your reason.
• Keep track: *Export CSV* for the attendee list, *Answers* for totals, *History* for who did what, when, and why.
• End it: *Close registration*, *Cancel event* (everyone is notified), or *Delete*.

*If another app uses one of these commands*, put `/rollcall` before it: `/rollcall register yoga`."""


def help_message(unknown: str = "") -> Message:
    """List everything Rollcall does, on one screen. Say first what was typed, if it is no command."""
    if not unknown:
        return note(HELP)
    typed = escape(shortened(unknown, MAX_SHOWN))
    commands = HELP.partition("\n\n")[2]
    return note(f"Unknown command “{typed}”. Here’s what you can type:", section(commands))


MAX_SHOWN = 50
"""Characters of an unknown command that are shown."""


NO_LONGER_SOON = "You’ll no longer organize:"

MAX_NAMED = 7
"""Events that the question and the reply name. They give a count of the others."""


def forget_me_question(
    preview: UserDeletion, chosen: str | None = None, *, is_refused: bool = False
) -> Message:
    """Ask before everything about a user is deleted, and say what becomes of the events they organize.

    `chosen` is who is to take over the events that nobody else organizes, unless that is refused.
    """
    successor_id = None if is_refused else chosen
    lines = _lines(preview, successor_id, "will organize it")
    if _needs_admins(preview, successor_id):
        lines.append(
            "Choose who takes over the events that no one else organizes. If you don’t, I’ll ask the"
            " workspace admins."
        )
    buttons = [
        button("Delete my data", ActionId.FORGET_ME, successor_id or "me", style="danger"),
        button("Keep my data", ActionId.KEEP_DATA, "me"),
    ]
    refusal = []
    if chosen is not None and is_refused:
        who = "You" if chosen == preview.user_id else mention(chosen)
        refused = f":warning: {who} can’t take over your events. {CHOOSE_ANOTHER}"
        refusal.append(section(refused))
    return note(
        "This unregisters you from all events and series, and deletes your data. This can’t be undone. Your Slack ID"
        " stays in the history of events.",
        *_handed_over(NO_LONGER_SOON, lines),
        *_successor_select(preview, successor_id),
        *refusal,
        ActionsBlock(elements=buttons),
    )


def _successor_select(preview: UserDeletion, successor_id: str | None) -> list[Block]:
    """Let a user choose who takes over the events that nobody else organizes."""
    if not _needs_admins(preview, None):
        return []
    select = UserSelectElement(
        action_id=ActionId.SUCCESSOR,
        placeholder=plain("Hand them over to…"),
        initial_user=successor_id,
    )
    return [ActionsBlock(elements=[select])]


def forgotten(deletion: UserDeletion) -> Message:
    """Tell a user that their data is deleted, or that the deletion has started, and who organizes their events."""
    text = "I’ve started to unregister you from your events. After that, your data will be deleted."
    first, takes_over = NO_LONGER_SOON, "will organize it"
    if deletion.is_done:
        text = (
            "You’re no longer registered for any event or series, and your data has been deleted."
        )
        first, takes_over = "You no longer organize:", "organizes it now"
    lines = _lines(deletion, deletion.successor_id, takes_over)
    if _needs_admins(deletion, deletion.successor_id):
        lines.append(
            "I’ll ask the workspace admins to take over the events that no one else organizes."
        )
    return note(text, *_handed_over(first, lines))


def _handed_over(first: str, lines: Sequence[str]) -> list[Block]:
    return [section("\n".join([first, *lines]))] if lines else []


def _lines(deletion: UserDeletion, successor_id: str | None, takes_over: str) -> list[str]:
    """Say of each event that a user organizes what becomes of it (R2.9).

    Events that nobody else organizes come first, so a person who chooses a successor sees the effect.
    """
    organized = sorted(deletion.organized, key=lambda one: not _has_no_other(deletion, one))
    lines = []
    for event in organized[:MAX_NAMED]:
        new = _next_organizer(event, deletion.user_id, successor_id)
        becomes = "no one else organizes it" if new is None else f"{mention(new)} {takes_over}"
        lines.append(f"• {bold(event.title, LISTED)}, {_when(event)} – {becomes}")
    if len(organized) > MAX_NAMED:
        lines.append(f"• and {len(organized) - MAX_NAMED:,} more")
    return lines


def _when(event: Event) -> str:
    """Return the start of an event, or how a series repeats."""
    if event.recurrence is None:
        return moment(event.starts_at, event.time_zone)
    first = event.starts_at.astimezone(ZoneInfo(event.time_zone)).date()
    return repeats(event.recurrence, first)


def _needs_admins(deletion: UserDeletion, successor_id: str | None) -> bool:
    alone = (_has_no_other(deletion, event) for event in deletion.organized)
    return successor_id is None and any(alone)


def _has_no_other(deletion: UserDeletion, event: Event) -> bool:
    return _next_organizer(event, deletion.user_id, None) is None


def _next_organizer(event: Event, user_id: str, successor_id: str | None) -> str | None:
    return next((one for one in event.organizer_ids if one != user_id), successor_id)


def nothing_deleted() -> Message:
    """Tell a user who decided to keep their data that nothing was deleted."""
    return note("Nothing was deleted.")
