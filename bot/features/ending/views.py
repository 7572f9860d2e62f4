"""Canceling and deleting an event: the questions and the confirmations (R8.8)."""

from __future__ import annotations

import json

from slack_sdk.models.views import View

from bot.blocks.builders import Message, context, plain, section, warning
from bot.blocks.formatting import headcount, when_and_where
from bot.blocks.ids import BlockId, CallbackId
from bot.blocks.inputs import input_block, line_element, paragraph_element
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import bold
from bot.features.manage.attendee_views import no_one_notified
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.inputs import MAX_REASON_LENGTH
from domain.models import Event


def cancel_form(event: Event) -> View:
    """Ask before an event is canceled, and say what that means."""
    attendees = event.registered_count + event.waitlist_count
    notified, about_list = "No one is registered, so no one will be notified.", []
    if attendees:
        notified = f"{headcount(attendees)} will be notified."
        about_list = [context("The attendee list is kept until you delete the event.")]
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
    return note_modal(_CANCEL, Message(text, [section(text)]), close="Back")


def delete_form(event: Event, *, is_over: bool) -> View:
    """Ask for the title before an event is deleted, and say what that means."""
    attendees = event.registered_count + event.waitlist_count
    has_ended = is_over or event.status is EventStatus.CANCELED
    notified = ""
    if attendees and not has_ended:
        notified = f" {headcount(attendees)} will be notified."
    instead = "export it first" if has_ended else "cancel the event instead"
    return View(
        type="modal",
        callback_id=CallbackId.DELETE_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain(_DELETE),
        submit=plain(_DELETE),
        close=plain("Back"),
        blocks=[
            section(bold(event.title)),
            warning(f"This permanently deletes the event and its attendee list.{notified}"),
            context(f"To keep the list, {instead}."),
            input_block(
                BlockId.CONFIRMATION, "To confirm, type the event’s title", line_element(200)
            ),
        ],
    )


def event_deleted(event: Event, done: bool, *, is_over: bool = False) -> View:
    """Confirm that an event is deleted, or that the deletion has started. Say if no attendee is notified."""
    text = f"{bold(event.title)} has been deleted."
    if not done:
        text = f"{bold(event.title)} is no longer available. Its attendees are still being removed."
    has_ended = is_over or event.status is EventStatus.CANCELED
    if has_ended and event.registered_count + event.waitlist_count:
        text += f" {no_one_notified(event)}"
    return note_modal(_DELETE, Message(text, [section(text)]))


_CANCEL = "Cancel event"
_DELETE = "Delete event"
