"""What people are told when something was refused or went wrong: one sentence for each error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from bot.blocks.formatting import Message, bold, escape, mention, moment, note, ordinal, seats
from bot.slack.errors import MalformedPayload, NotInUse, OtherWorkspace, RefreshFailed
from domain import errors
from domain.enums import ClosedReason, RegistrationStatus
from domain.errors import RollcallError
from domain.models import Event

FAILED = "That did not work"

_TITLES: Mapping[type, str] = {errors.NotConfirmed: "Not confirmed yet", RefreshFailed: "Done"}


class Wrong(StrEnum):
    """What is wrong with a field of a form, where the form itself is the reason; else the domain says it."""

    NO_EVENT = "choose an event"
    NO_WHOLE_NUMBER = "must be a whole number from 1 to 100,000"
    NO_TIME_ZONE = "choose a time zone"
    NO_DAY = "choose a day"
    NO_SUCH_MOMENT = "must be a day and a time that exist"
    DAY_MISSING = "choose a day, too"
    TIME_MISSING = "choose a time, too"
    NOT_THE_TITLE = "this is not the event’s title, and nothing was deleted"


def title(error: Exception) -> str:
    """Return the title of a modal that says what became of a form."""
    return _TITLES.get(type(error), FAILED)


def sentence(error: RollcallError) -> str:
    """Return what the person is told, in mrkdwn."""
    return SENTENCES[type(error)](error)


def message(error: RollcallError) -> Message:
    """Return the sentence as a message."""
    return note(sentence(error))


def to(asker_id: str, error: RollcallError) -> Message:
    """Return what the one who asked is told: of somebody else who is not in an event, not "you"."""
    if isinstance(error, errors.NotRegistered) and error.user_id != asker_id:
        who, title = mention(error.user_id), bold(error.title)
        return note(f"{who} is not in {title} any more. Nothing was changed.")
    return message(error)


def unforeseen(reference: str) -> Message:
    """Return what a person is told of a failure that nobody foresaw."""
    return note(
        "Something went wrong on my side, and I can’t say whether it was done. Please look again in a moment;"
        f" if it stays wrong, tell your admin this reference: `{reference}`"
    )


def too_late() -> Message:
    """Return what a person is told for whom nothing could be opened within Slack's three seconds."""
    return note("That took too long to open. Please try again: you’ll see how things are.")


def _invalid(error: errors.Invalid) -> str:
    return f"That can’t be done: {error.field.replace('_', ' ')}: {escape(error.reason)}."


def _full(error: errors.EventFull) -> str:
    return (
        f"{bold(error.title)} is full: {error.registered} of {seats(error.capacity)} taken,"
        " and there is no waitlist."
    )


def _already(error: errors.AlreadyRegistered) -> str:
    if error.status is RegistrationStatus.REGISTERED or error.position is None:
        return f"You already have a seat in {bold(error.title)}."
    return f"You already wait for {bold(error.title)}: you are {ordinal(error.position)} in line."


def _closed(error: errors.RegistrationClosed) -> str:
    title = bold(error.title)
    since = f" ({moment(error.since, 'UTC')})" if error.since else ""
    return {
        ClosedReason.CLOSED: f"Registration for {title} is closed.",
        ClosedReason.CANCELED: f"{title} was canceled.",
        ClosedReason.STARTED: f"{title} has already started{since}.",
        ClosedReason.DEADLINE: f"Registration for {title} has ended{since}.",
    }[error.reason]


def _below(error: errors.CapacityBelowRegistered) -> str:
    return (
        f"{error.registered} people have a seat already, so the capacity can’t be"
        f" {error.requested}. Nobody is removed by a smaller number: choose {error.registered} or more."
    )


SENTENCES: Mapping[type, Callable[[Any], str]] = {
    errors.Invalid: _invalid,
    errors.UnknownUser: lambda _: (
        "Nothing is stored about you, or it is just being deleted. You can come back in a minute."
    ),
    errors.DuplicateUser: lambda _: "There is a user with this id already.",
    errors.UnknownEvent: lambda _: "This event no longer exists.",
    errors.DuplicateEvent: lambda _: "There is an event with this id already.",
    errors.EventFull: _full,
    errors.AlreadyRegistered: _already,
    errors.NotRegistered: lambda error: (
        f"You are not in {bold(error.title)}: you neither have a seat nor wait for one."
    ),
    errors.RegistrationClosed: _closed,
    errors.CapacityBelowRegistered: _below,
    errors.EventCanceled: lambda _: "This event was canceled, and can’t be changed any more.",
    errors.NotOrganizer: lambda _: (
        "Only the organizers of this event and workspace admins can do that. Nothing was changed."
    ),
    errors.Busy: lambda _: (
        "It is very busy right now, and nothing was changed. Please press again in a moment."
    ),
    errors.NotConfirmed: lambda _: (
        "Not confirmed yet: I’m still finding out whether it was done, and will tell you."
    ),
    RefreshFailed: lambda _: (
        "That is done, but I can’t show it here right now. Please open it again in a moment."
    ),
    MalformedPayload: lambda _: (
        "I can’t read what Slack sent me there, and nothing was changed. Please open it anew and try again."
    ),
    NotInUse: lambda _: "This is no longer in use. `/rollcall help` shows what there is.",
    OtherWorkspace: lambda _: "Rollcall serves another workspace here, and can’t do that for you.",
}


def card_not_posted(event: Event, reason: str, *, is_outside: bool, is_unsure: bool) -> str:
    """Return that an event's card does not stand in its channel, and how to mend it, in mrkdwn."""
    if is_outside:
        return (
            "The card is not posted: I’m not in that channel. Invite me there with"
            f" `/invite @Rollcall`, then press *Post card* in `/event {event.event_id}`."
        )
    if is_unsure:
        return "The card may not be posted: Slack did not answer."
    return f"The card is not posted: Slack says `{reason}`."
