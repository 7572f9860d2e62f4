"""The ends of an event: canceled, or deleted, each asked first (R8.8)."""

from __future__ import annotations

import json

from slack_sdk.models.views import View

from bot.blocks.formatting import Message, bold, persons, plain, section, when_and_where
from bot.blocks.ids import BlockId, CallbackId
from bot.blocks.inputs import input_block, line_element
from bot.blocks.modals import note_modal
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.models import Event


def cancel_form(event: Event, *, is_over: bool) -> View:
    """Return what canceling means, and the button to do it."""
    told = event.registered_count + event.waitlist_count
    who = (
        f"{persons(told)} in it will be told" if told else "Nobody is in it, so that nobody is told"
    )
    if is_over:
        who = "It is over, so that nobody is told"
    return View(
        type="modal",
        callback_id=CallbackId.CANCEL_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Cancel event"),
        submit=plain("Cancel the event"),
        close=plain("Back"),
        blocks=[
            section(f"{bold(event.title)}\n{when_and_where(event)}"),
            section(
                f"{who}. Nobody can register any more, and it can’t be undone."
                " The list of people stays, until you delete the event."
            ),
        ],
    )


def canceled(outcome: ChangeOutcome) -> View:
    """Return that an event is called off."""
    event = outcome.event
    told = event.registered_count + event.waitlist_count
    text = f"{bold(event.title)} is canceled."
    if not outcome.changed:
        text = f"{bold(event.title)} was canceled already. Nothing was changed."
    elif told and outcome.notifies:
        text += f" {persons(told)} in it will be told."
    return note_modal("Cancel event", Message(text, [section(text)]), close="Back")


def delete_form(event: Event, *, is_over: bool) -> View:
    """Return what deleting means, and the form that has the title typed to confirm it."""
    told = event.registered_count + event.waitlist_count
    who = ""
    if told and not is_over and event.status is not EventStatus.CANCELED:
        who = f" {persons(told)} in it will be told."
    return View(
        type="modal",
        callback_id=CallbackId.DELETE_EVENT,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain("Delete event"),
        submit=plain("Delete for good"),
        close=plain("Back"),
        blocks=[
            section(
                f"This deletes {bold(event.title)} with its list of people, for good.{who}"
                " To call it off and keep the list, cancel it instead."
            ),
            input_block(
                BlockId.CONFIRMATION,
                "To confirm, type the title of the event",
                line_element(200),
            ),
        ],
    )


def deleted(event: Event, done: bool) -> View:
    """Return that an event is gone, or soon will be."""
    how = "is deleted" if done else "can’t be found any more, and its people are being taken out"
    text = f"{bold(event.title)} {how}."
    return note_modal("Delete event", Message(text, [section(text)]))
