"""Canceling and deleting an event: the questions and the confirmations (R8.8)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from slack_sdk.models.blocks import Block, RadioButtonsElement
from slack_sdk.models.views import View

from bot.blocks.builders import Message, context, plain, section, warning
from bot.blocks.formatting import headcount, when_and_where
from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.blocks.inputs import input_block, line_element, option, paragraph_element
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold
from bot.blocks.recurrence_text import when_or_rule
from bot.features.manage.attendee_views import no_one_notified
from bot.features.manage.series_views import local_date
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.inputs import MAX_REASON_LENGTH
from domain.models import Event, SeriesOverview


def cancel_form(event: Event) -> View:
    """Ask before an event is canceled, and say what that means."""
    attendees = event.registered_count + event.waitlist_count
    notified = "No one is registered, so no one will be notified."
    about_list: list[Block] = []
    if attendees:
        notified = f"{headcount(attendees)} will be notified."
        about_list = [context("The attendee list is kept until you delete the event.")]
    if event.occurrence is not None:
        about_list.append(context("This cancels only this date. The series goes on."))
    return View(
        type="modal",
        callback_id=CallbackId.CANCEL_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain(_CANCEL),
        submit=plain(_CANCEL),
        close=plain("Back"),
        blocks=[
            section(f"{bold(event.title)}\n{when_and_where(event)}"),
            warning(
                f"{notified} No one will be able to register anymore, and this can’t be undone."
            ),
            *about_list,
            input_block(
                BlockId.REASON,
                "Reason for canceling",
                paragraph_element(MAX_REASON_LENGTH),
                optional=True,
                hint="Attendees will see it in the message." if attendees else None,
            ),
        ],
    )


def event_canceled(outcome: ChangeOutcome) -> View:
    """Confirm that an event is canceled, and say who is notified."""
    event = outcome.event
    attendees = event.registered_count + event.waitlist_count
    text = f"{bold(event.title)} has been canceled."
    if not outcome.changed:
        text = f"{bold(event.title)} was already canceled. Nothing changed."
    elif attendees and outcome.notifies:
        text += f" {headcount(attendees)} will be notified."
    elif attendees:
        text += " The event is over, so no one will be notified."
    if event.occurrence is not None and outcome.changed:
        text += " Only this date is canceled: the other dates of the series stay as they are."
    return note_modal(_CANCEL, Message(text, [section(text)]), close="Back")


CANCEL_THEM = "cancel"
KEEP_THEM = "keep"
CHOICES = {KEEP_THEM: "They take place as planned", CANCEL_THEM: "They are canceled, too"}


def end_series_form(overview: SeriesOverview) -> View:
    """Ask before a series ends whether the dates that were created take place, and say what that means.

    If the series has ended already, ask only whether to cancel these dates.
    """
    series, to_come = overview.series, overview.to_come
    has_ended = series.status is EventStatus.CANCELED
    warned = _before_end(series) if not has_ended else _before_canceling(to_come)
    blocks: list[Block] = [
        section(f"{bold(series.title)}\n{when_or_rule(series)}"),
        warning(f"{warned} This can’t be undone."),
    ]
    if to_come:
        blocks.append(context(_created(to_come)))
    if to_come and not has_ended:
        options = [option(label, value) for value, label in CHOICES.items()]
        radio = RadioButtonsElement(
            action_id=ActionId.INPUT, options=options, initial_option=options[0]
        )
        blocks.append(input_block(BlockId.CREATED_DATES, "What happens to these dates?", radio))
    blocks.append(
        input_block(
            BlockId.REASON,
            "Reason",
            paragraph_element(MAX_REASON_LENGTH),
            optional=True,
            hint="Everyone who is notified will see it.",
        )
    )
    title = _CANCEL_DATES if has_ended else _END_SERIES
    return View(
        type="modal",
        callback_id=CallbackId.END_SERIES,
        private_metadata=json.dumps({"event_id": series.event_id, "cancels": has_ended}),
        title=plain(title),
        submit=plain(title),
        close=plain("Back"),
        blocks=blocks,
    )


def _before_end(series: Event) -> str:
    count = series.waitlist_count
    notified = f"{headcount(count)} registered for all of it will be notified." if count else ""
    return f"There won’t be any new dates. {notified}".strip()


def _before_canceling(to_come: Sequence[Event]) -> str:
    attendees = sum(one.registered_count + one.waitlist_count for one in to_come)
    return (
        "The attendees of these dates will be notified."
        if attendees
        else "No one is registered for these dates, so no one will be notified."
    )


def _created(to_come: Sequence[Event]) -> str:
    """Name the dates to come that were created, with how many people signed up for each."""
    named = [
        f"{local_date(one)} ({headcount(one.registered_count + one.waitlist_count)})"
        for one in to_come[:_NAMED]
    ]
    more = len(to_come) - len(named)
    return f"Dates that are already open: {'; '.join([*named, *([f'and {more:,} more'] if more else [])])}"


_NAMED = 6


def series_ended(outcome: ChangeOutcome, before: SeriesOverview, *, cancels: bool) -> View:
    """Confirm that a series has ended, say what becomes of its dates, and who is notified. `before` is as it was."""
    series, to_come = outcome.event, before.to_come
    had_ended = before.series.status is EventStatus.CANCELED
    title = _CANCEL_DATES if had_ended else _END_SERIES
    if not outcome.changed:
        lines = [f"{bold(series.title)} had already ended. Nothing changed."]
        return _series_note(title, lines)
    lines = [] if had_ended else [f"{bold(series.title)} has ended. There won’t be any new dates."]
    if to_come:
        count = "1 date" if len(to_come) == 1 else f"{len(to_come):,} dates"
        done = "is" if len(to_come) == 1 else "are"
        then = "canceled, and the attendees are notified" if cancels else "will take place"
        then = f"{done} {then}" if cancels else then
        lines.append(f"{count} that {done} already open {then}.")
    if series.waitlist_count and outcome.notifies:
        count = headcount(series.waitlist_count)
        lines.append(
            f"{count} registered for all of the series will be notified that it has ended."
        )
    return _series_note(title, lines)


def _series_note(title: str, lines: Sequence[str]) -> View:
    text = "\n".join(lines)
    return note_modal(title, Message(text, [section(text)]), close="Back")


def delete_form(event: Event, *, is_over: bool) -> View:
    """Ask for the title before an event or a series is deleted, and say what that means."""
    attendees = event.registered_count + event.waitlist_count
    has_ended = is_over or event.status is EventStatus.CANCELED
    notified = ""
    if attendees and not has_ended:
        notified = f" {headcount(attendees)} will be notified."
    instead = "export it first" if has_ended else "cancel the event instead"
    what, about = "event", "This permanently deletes the event and its attendee list."
    more: list[Block] = []
    if event.series is not None:
        what, about = (
            "series",
            "This permanently deletes the series and the list of who registered for all of it.",
        )
        instead = "export it first" if has_ended else "end the series instead"
        more.append(context(KEEPS_DATES))
    elif event.occurrence is not None:
        more.append(context("This deletes only this date. The series goes on."))
    return View(
        type="modal",
        callback_id=CallbackId.DELETE_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain(f"Delete {what}"),
        submit=plain(f"Delete {what}"),
        close=plain("Back"),
        blocks=[
            section(bold(event.title)),
            warning(f"{about}{notified}"),
            context(f"To keep the list, {instead}."),
            *more,
            input_block(
                BlockId.CONFIRMATION, f"To confirm, type the {what}’s title", line_element(200)
            ),
        ],
    )


def event_deleted(event: Event, done: bool, *, is_over: bool = False) -> View:
    """Confirm that an event is deleted, or that the deletion has started. Say if no attendee is notified."""
    text = f"{bold(event.title)} has been deleted."
    if not done:
        text = f"{bold(event.title)} is no longer available. Its attendees are still being removed."
    if event.series is not None:
        text = f"The series {bold(event.title)} has been deleted. {KEEPS_DATES}"
    has_ended = is_over or event.status is EventStatus.CANCELED
    if has_ended and event.registered_count + event.waitlist_count:
        text += f" {no_one_notified(event)}"
    title = _DELETE if event.series is None else "Delete series"
    return note_modal(title, Message(text, [section(text)]))


KEEPS_DATES = "Its dates that are already open stay, and can be managed and deleted one by one."
_END_SERIES = "End series"
_CANCEL_DATES = "Cancel dates"
_CANCEL = "Cancel event"
_DELETE = "Delete event"
