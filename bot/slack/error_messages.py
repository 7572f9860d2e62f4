"""Messages for refusals and failures, one for each error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.blocks.builders import Message, button, note
from bot.blocks.formatting import (
    headcount,
    long_date,
    moment,
    ordinal,
    seats,
    waitlist_note,
)
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import bold, channel_link, escape, mention
from bot.slack.api_errors import ClassifiedError, ErrorClass
from bot.slack.refusals import (
    GuestRefused,
    GuestStatusUnknown,
    MalformedPayload,
    MembershipUnknown,
    NotForSeries,
    NotInUse,
    NoUseOnceOver,
    OtherWorkspace,
    RefreshFailed,
    SlackBusy,
    SuccessorRefused,
)
from domain import errors
from domain.enums import ClosedReason, RegistrationStatus, Visibility
from domain.errors import RollcallError
from domain.inputs import MAX_DAYS_AHEAD, MAX_OPTIONS_LENGTH
from domain.recurrence import MAX_OCCURRENCES

FAILED = "That didn’t work"

_TITLES: Mapping[type, str] = {
    errors.NotConfirmed: "Not confirmed yet",
    errors.Queued: "In the queue",
    RefreshFailed: "Done",
}


class FieldProblem(StrEnum):
    """Reasons for `Invalid` that only a form can have."""

    NO_EVENT = "choose an event"
    NO_AUDIENCE = "choose who gets the message"
    NO_ATTENDEES = "choose at least one person"
    NO_WHOLE_NUMBER = "must be a whole number from 1 to 100,000"
    NO_TIME_ZONE = "choose a time zone"
    NO_DAY = "choose a date"
    NO_SUCH_MOMENT = "must be a valid date and time"
    DAY_MISSING = "also choose a date"
    TIME_MISSING = "also choose a time"
    ENDS_TOO_EARLY = (
        "must be after the start. If it’s on the next day, type how long the event lasts"
    )
    ENDS_ON_ANOTHER_DAY = "doesn’t match how long the event lasts, so clear one of them"
    CHANGED_MEANWHILE = "someone else just changed the time. Reopen Edit to see it"
    NO_QUESTION = "type the question that these options are for, or clear them"
    NO_OPTIONS = "type the options to choose from, one per line"
    OPTIONS_OF_A_TEXT = (
        "a short text has no options. Clear them, or choose another kind of answer above"
    )
    OPTIONS_TOO_LONG = (
        f"the options of all questions together can have at most {MAX_OPTIONS_LENGTH} characters"
    )
    TOO_MANY_QUESTIONS = (
        "an event can have up to three questions, and someone else just added one. Clear this one or"
        " reopen Edit"
    )
    NO_LAST_DATE = "choose a last date, or type how many times below"
    TWO_ENDS = "a series ends on a date or after a number of times, so clear one of them"
    NO_NUMBER_OF_TIMES = f"must be a whole number from 1 to {MAX_OCCURRENCES}"
    NO_NUMBER_OF_DAYS = f"must be a whole number from 1 to {MAX_DAYS_AHEAD}"
    MISSED_WITHOUT_WAITLIST = (
        "needs a waitlist. Check “Keep a waitlist when the event is full”, or clear this"
    )
    NOT_THE_TITLE = "that’s not the event’s title, so nothing was deleted"


def title(error: Exception) -> str:
    """Return the title of a modal that shows an error."""
    return _TITLES.get(type(error), FAILED)


def sentence(error: RollcallError) -> str:
    """Return an error's message as mrkdwn."""
    return SENTENCES[type(error)](error)


def message(error: RollcallError) -> Message:
    """Return an error's message. Whoever registers again can change their answers (R12.3), or stop a series."""
    buttons = _buttons(error) if isinstance(error, errors.AlreadyRegistered) else []
    return note(sentence(error), *([ActionsBlock(elements=buttons)] if buttons else []))


def _buttons(error: errors.AlreadyRegistered) -> list[ButtonElement]:
    buttons = []
    if error.is_series and not error.is_canceled and not error.is_over:
        stop = button("Stop the series", ActionId.CHOOSE_TO_UNREGISTER, error.event_id)
        buttons.append(stop)
    if error.takes_answers:
        buttons.append(button("Change answers", ActionId.CHANGE_ANSWERS, error.event_id))
    return buttons


def message_for(requester_id: str, error: RollcallError) -> Message:
    """Return an error's message for the user who asked, also if it is about another user."""
    if isinstance(error, errors.NotRegistered) and error.user_id != requester_id:
        who, title = mention(error.user_id), bold(error.title)
        all_of = "all of " if error.is_series else ""
        return note(f"{who} isn’t registered for {all_of}{title} anymore. Nothing changed.")
    if isinstance(error, errors.UnknownUser) and error.user_id != requester_id:
        who = mention(error.user_id)
        return note(f"The data of {who} is being deleted right now. Nothing changed.")
    return message(error)


def field_error(reason: str) -> str:
    """Return what is wrong with a field as a sentence."""
    return f"{reason[:1].upper()}{reason[1:]}."


def option_problem(number: int, reason: str) -> str:
    """Say which of several options is wrong, as a reason for `Invalid`; the first is number 1."""
    return f"option {number} {reason}"


def unexpected(reference: str) -> Message:
    """Return the message for a bug. `reference` finds it in the log."""
    return note(_unexpected(reference))


def _unexpected(reference: str) -> str:
    return (
        "Something went wrong, and I can’t tell whether your request went through. Check again in a"
        f" moment. If it keeps happening, give your admin this reference: `{reference}`"
    )


def too_late() -> Message:
    """Return the message for a modal that could not open within Slack's three seconds."""
    return note("That took too long to open. Please try again.")


def _invalid(error: errors.Invalid) -> str:
    return f"Check the {error.field.replace('_', ' ')}: {escape(error.reason)}."


def _full(error: errors.EventFull) -> str:
    taken = f"{error.registered:,} of {seats(error.capacity)} taken"
    return f"{bold(error.title)} is full ({taken}), and it has no waitlist."


def _too_few_seats(error: errors.TooFewSeats) -> str:
    free = f"only {seats(error.free)} {'is' if error.free == 1 else 'are'} free"
    return (
        f"{bold(error.title)} has no waitlist, and {free if error.free else 'no seats are free'}."
        f" {headcount(error.requested)} can’t be added. Nothing changed."
    )


def _already(error: errors.AlreadyRegistered) -> str:
    title = bold(error.title)
    if error.is_series and (error.is_canceled or error.is_over):
        return _NO_MORE_DATES.format(title)
    if error.is_series:
        return f"You’re already registered for all of {title}."
    if error.is_canceled:
        return f"{title} has been canceled."
    if error.is_over:
        return f"{title} is over."
    if error.status is RegistrationStatus.REGISTERED or error.position is None:
        return f"You already have a seat in {title}."
    more = waitlist_note(has_started=error.has_started)
    return f"You’re already {ordinal(error.position)} on the waitlist for {title}.{more}"


_NO_MORE_DATES = "The series {} has ended, so there won’t be any new dates."


def _closed(error: errors.RegistrationClosed) -> str:
    title = bold(error.title)
    if error.is_series and error.reason is ClosedReason.CLOSED:
        return (
            f"Registration for all of {title} is closed. You can still register for single dates."
        )
    if error.is_series:
        return _NO_MORE_DATES.format(title)
    since = f" ({moment(error.since, 'UTC')})" if error.since else ""
    return {
        ClosedReason.CLOSED: f"Registration for {title} is closed.",
        ClosedReason.CANCELED: f"{title} has been canceled.",
        ClosedReason.STARTED: f"{title} has already started{since}.",
        ClosedReason.DEADLINE: f"Registration for {title} has ended{since}.",
        ClosedReason.OPENING: (
            f"{title} isn’t open yet: those who registered for the whole series get their seats first."
            " Please try again in a minute."
        ),
    }[error.reason]


def _over(error: errors.EventOver) -> str:
    ended = moment(error.since, "UTC")
    return f"{bold(error.title)} is over ({ended}), so you can’t unregister from it anymore."


def capacity_too_low(requested: int, registered: int, day: date | None = None) -> str:
    """Say why a capacity can't be set, and what to do. Of a series: on which day it would be too low."""
    on_day = f" on {long_date(day)}" if day else ""
    return (
        f"Capacity can’t be {requested:,}, because {headcount(registered)} already have a seat{on_day}."
        f" Choose {registered:,} or more, or remove attendees first."
    )


CHOOSE_ANOTHER = "Choose another member of this workspace who isn’t a guest or an app."

WHO_SEES_ATTENDEES: Mapping[Visibility, str] = {
    Visibility.EVERYONE: "everyone who can see the event",
    Visibility.ATTENDEES: "attendees and organizers",
    Visibility.ORGANIZERS: "organizers",
}

SENTENCES: Mapping[type, Callable[[Any], str]] = {
    errors.Invalid: _invalid,
    errors.UnknownUser: lambda _: (
        "There’s no data about you, or it’s being deleted right now. Please try again in a minute."
    ),
    errors.DuplicateUser: lambda _: "A user with this ID already exists.",
    errors.UnknownEvent: lambda _: "This event or series no longer exists.",
    errors.DuplicateEvent: lambda _: "An event with this ID already exists.",
    errors.EventFull: _full,
    errors.TooFewSeats: _too_few_seats,
    errors.TooManyToAdd: lambda error: (
        f"{headcount(error.requested)} are too many to add at once, because some would join the"
        f" waitlist. Add up to {error.most:,} now, then the others. Nothing changed."
    ),
    errors.AlreadyRegistered: _already,
    errors.AnswersNeeded: lambda error: (
        f"{bold(error.title)} has questions that you haven’t answered yet. Please register again to see them."
    ),
    errors.NotRegistered: lambda error: (
        f"You’re not registered for {'all of ' if error.is_series else ''}{bold(error.title)}."
    ),
    errors.RegistrationClosed: _closed,
    errors.EventOver: _over,
    errors.CapacityBelowRegistered: lambda error: capacity_too_low(
        error.requested, error.registered, error.day
    ),
    errors.NotASeries: lambda error: (
        f"{bold(error.title)} doesn’t repeat, so that’s not possible. Nothing changed."
    ),
    errors.EventCanceled: lambda error: (
        "This series has ended, so it can’t be changed."
        if error.is_series
        else "This event has been canceled, so it can’t be changed."
    ),
    errors.NotOrganizer: lambda _: (
        "Only an event’s organizers and workspace admins can do that. Nothing changed."
    ),
    errors.AttendeesHidden: lambda error: (
        f"Only {WHO_SEES_ATTENDEES[error.visible_to]} can see who’s going to {bold(error.title)}."
    ),
    errors.AlreadyOrganized: lambda error: (
        f"{mention(error.organizer_id)} organizes {bold(error.title)} now. Nothing changed."
    ),
    errors.Busy: lambda _: (
        "I’m too busy right now, so nothing changed. Please try again in a moment."
    ),
    errors.OperatorNeeded: lambda _: (
        "My storage isn’t working, so nothing changed. Please tell your admin, and try again later."
    ),
    errors.SeriesBusy: lambda _: (
        "An earlier change of this series is still on its way to its dates, so nothing changed. Please try again"
        " in a minute."
    ),
    errors.TooLate: lambda _: (
        "Your request reached me too late, so nothing changed. Please try again."
    ),
    errors.NotConfirmed: lambda _: (
        "Not confirmed yet. I’m checking whether it went through, and I’ll let you know."
    ),
    errors.Queued: lambda _: (
        "A lot of people are pressing right now. Your request is in the queue, and I’ll reply in a"
        " moment."
    ),
    errors.OutcomeUnknown: lambda _: (
        "I couldn’t find out in time whether that went through. Check in a moment, and try again if"
        " it didn’t."
    ),
    errors.RequestFailed: lambda error: _unexpected(error.reference),
    SlackBusy: lambda _: "Slack is busy. Nothing changed. Please try again.",
    GuestRefused: lambda _: (
        "Guests can’t see or search the workspace’s events. Use an event’s card in your channels,"
        " or `/register` with its ID."
    ),
    GuestStatusUnknown: lambda _: (
        "Slack didn’t tell me in time whether you’re a guest here, so I can’t show you the"
        " workspace’s events yet. Please try again in a minute."
    ),
    SuccessorRefused: lambda error: (
        f"{mention(error.user_id)} can’t take over your events, so nothing was deleted."
        f" {CHOOSE_ANOTHER}"
    ),
    RefreshFailed: lambda _: (
        "That’s done, but I couldn’t update this view. Please reopen it in a moment."
    ),
    NoUseOnceOver: lambda _: "This event is over, so that’s no longer possible. Nothing changed.",
    NotForSeries: lambda _: (
        "That works for one date of a series at a time. Nothing changed. Open *Manage* for that date."
    ),
    MalformedPayload: lambda _: (
        "I couldn’t process that. Nothing changed. Please reopen it and try again."
    ),
    NotInUse: lambda _: "This is no longer in use. Type `/rollcall help` to see what you can do.",
    MembershipUnknown: lambda _: (
        "Slack couldn’t confirm that you belong to this workspace. Nothing changed. Please try again."
    ),
    OtherWorkspace: lambda _: "This Rollcall belongs to another workspace, so it can’t help here.",
}


def why_no_files(reason: str) -> str:
    """Return why files can't be sent here, as a clause. `reason` is Slack's error code."""
    match reason:
        case "missing_scope":
            return "Rollcall isn’t allowed to send files in this workspace"
        case "storage_limit_reached":
            return "this workspace has no space left for files"
    return "this workspace doesn’t allow it"


_OUTSIDE = ("not_in_channel", "channel_not_found")


def card_not_posted(event_id: str, title: str, channel_id: str, failure: ClassifiedError) -> str:
    """Say why Slack refuses an event's card for good, and what to do, in mrkdwn."""
    card = f"the card for {bold(title)} in {channel_link(channel_id)}"
    post_again = f"type `/event {event_id}` and press *Post card*"
    match failure.error_class:
        case ErrorClass.RECIPIENT if failure.reason in _OUTSIDE:
            return (
                f"I can’t post {card} because I’m not in that channel."
                f" Type `/invite @Rollcall` there, then {post_again}."
            )
        case ErrorClass.RECIPIENT:
            return (
                f"Slack doesn’t let me post {card} (`{failure.reason}`)."
                f" To choose another channel, {post_again}."
            )
    return f"I couldn’t post {card}. Slack’s error: `{failure.reason}`"
