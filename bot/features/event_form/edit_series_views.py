"""Editing a series: the question which dates change, what the form says, and the confirmation (R13.3)."""

from __future__ import annotations

from collections.abc import Set

from slack_sdk.models.blocks import ActionsBlock, Block
from slack_sdk.models.views import View

from bot.blocks.builders import Message, button, context, section
from bot.blocks.formatting import headcount, when
from bot.blocks.ids import ActionId
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold
from bot.features.event_form.views import NO_CHANGES, NOTE_NOT_SENT, NOTE_WITHOUT_READERS
from bot.features.manage.series_views import has_own, local_date
from domain.commands import ChangeOutcome
from domain.models import Event, SeriesOverview

_TITLE = "Edit series"


def what_to_edit(event: Event) -> View:
    """Ask whether only one date of a series changes, or all later ones, too."""
    buttons = [
        button("Only this date", ActionId.EDIT_THIS_DATE, event.event_id),
        button("This and all later dates", ActionId.EDIT_LATER_DATES, event.event_id),
    ]
    blocks: list[Block] = [
        section(
            f"{bold(event.title)} is one date of a series: {when(event)}\nWhat do you want to edit?"
        ),
        ActionsBlock(elements=buttons),
        context(KEEPS_ITS_OWN),
    ]
    return note_modal("Edit event", Message("Edit event", blocks), close="Back")


KEEPS_ITS_OWN = "What you change on one date alone stays when you edit the series later."


def about_edit(series: Event) -> str:
    """Say what a form changes. The series has the times of the first date that changes."""
    return (
        f"This changes {local_date(series)} and all later dates. What was changed on one of them alone stays as it is."
        " If the time or location changes, everyone registered for a date is notified."
        " To change the number of seats, use *Change capacity* in *Manage series*."
    )


def series_edited(
    outcome: ChangeOutcome,
    before: SeriesOverview,
    names: Set[str],
    number: int | None,
    *,
    has_note: bool = False,
    has_new_rule: bool = False,
) -> View:
    """Confirm a change of a series: which dates change, and who is notified.

    `before` is the series as it was, `names` are the fields that changed, from the date `number` on. `has_new_rule`
    says that it repeats otherwise: without another time, that moves no date that is open.
    """
    if not outcome.changed:
        lines = [NO_CHANGES, *([NOTE_NOT_SENT] if has_note else [])]
        return _note(lines)
    reached = [
        one
        for one in before.to_come
        if number is not None and one.occurrence is not None and one.occurrence.number >= number
    ]
    changing = [one for one in reached if not all(has_own(one, name) for name in names)]
    lines = [f"{bold(outcome.event.title)} is being changed.", _which(changing)]
    if kept := len([one for one in reached if any(has_own(one, name) for name in names)]):
        keeps = "1 of them keeps" if kept == 1 else f"{kept:,} of them keep"
        lines.append(f"{keeps} what was changed on that date alone.")
    if has_new_rule and reached and "starts_at" not in names:
        lines.append(OPEN_DATES_STAY)
    if outcome.is_moved:
        attendees = sum(one.registered_count + one.waitlist_count for one in changing)
        lines.append(_who_hears(attendees))
        if has_note and not attendees:
            lines.append(NOTE_WITHOUT_READERS)
    elif has_note:
        lines.append(NOTE_NOT_SENT)
    return _note(lines)


OPEN_DATES_STAY = (
    "Dates that are already open stay as they are. To cancel one, open *Manage* for that date."
)


def _which(changing: list[Event]) -> str:
    if not changing:
        return "All dates that aren’t open yet will have the new values."
    days = "; ".join(map(local_date, changing[:_NAMED]))
    more = len(changing) - _NAMED
    listed = f"{days}; and {more:,} more" if more > 0 else days
    return f"These dates change within a minute: {listed}. All later dates will have the new values, too."


_NAMED = 4


def _who_hears(attendees: int) -> str:
    if not attendees:
        return "No one is registered for these dates, so no one will be notified."
    if attendees == 1:
        return f"{headcount(1)} will be notified of the change."
    return "Everyone registered for these dates will be notified, once for each date."


def _note(lines: list[str]) -> View:
    text = "\n".join(lines)
    return note_modal(_TITLE, Message(text, [section(text)]), close="Back")
