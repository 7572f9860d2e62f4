"""An event's history for its organizers, and a registration's history for its user (R8.10)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.blocks.builders import context, plain, section, sections
from bot.blocks.formatting import before_start, headcount, long_date, moment
from bot.blocks.ids import ActionId, CallbackId
from bot.blocks.mrkdwn import bold, channel_link, escape, mention, mention_list
from bot.blocks.paging import page_buttons
from bot.blocks.recurrence_text import repeats
from bot.slack.error_messages import WHO_SEES_ATTENDEES
from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    NotificationKind,
    RegistrationStatus,
    Visibility,
)
from domain.models import Change, Event, JournalEntry, Page, RegistrationHistoryEntry
from domain.recurrence import Recurrence

HISTORY_PAGE = 10
"""Entries on one page. The longest takes two blocks, and a view may have 100."""

MAX_VALUE = 90
"""Characters of an old or new value, after escaping."""

MAX_TEXT = 300
"""Characters of a message or a reason, after escaping."""


CUT = "Earlier changes are no longer kept."


def event_history(
    event: Event,
    page: Page[JournalEntry],
    *,
    is_first: bool = True,
    is_cut: bool = False,
    made: Mapping[str, Event] | None = None,
) -> View:
    """Show a page of an event's or a series' history, newest first: who did what, when, and why.

    `is_cut` says that it is the last page, and that what came before is no longer kept (R7.8). `made` has the
    occurrences of a series that the page is about, by id, without those that were deleted.
    """
    blocks: list[Block] = [section(f"{bold(event.title)}, newest first")]
    if event.occurrence is not None:
        blocks.append(
            context(
                f"One date of a series. To manage the series: {_link(event.occurrence.series_id)}"
            )
        )
    for entry in page.items:
        if lines := _lines(entry, event, made or {}):
            blocks += sections([f"*{moment(entry.at, event.time_zone)}*", *lines])
    if is_cut:
        blocks.append(context(CUT))
    blocks += page_buttons(
        ActionId.HISTORY_BACK,
        ActionId.HISTORY_PAGE,
        event.event_id,
        page.next_cursor,
        is_first=is_first,
    )
    title = "Event history" if event.series is None else "Series history"
    return _modal(CallbackId.HISTORY, title, event, blocks)


def _link(event_id: str) -> str:
    """Return the command that opens Manage of an event or a series: Slack has no link to that."""
    return f"`/event {event_id}`"


def made_in(page: Page[JournalEntry]) -> list[str]:
    """Return the ids of the occurrences that a series made in a page of its history."""
    changes = (change for entry in page.items for change in entry.changes)
    return [one.event_id for one in changes if one.event_id is not None]


def registration_history(
    event: Event,
    page: Page[RegistrationHistoryEntry],
    *,
    is_first: bool = True,
    is_cut: bool = False,
) -> View:
    """Show a page of a user's own registration history, newest first. No one else is named.

    `is_cut` is as in `event_history`.
    """
    blocks: list[Block] = [section(f"{bold(event.title)}, newest first")]
    for move in page.items:
        lines = [_own_line(change) for change in move.changes]
        if move.moved_up:
            lines.append(_moved_up(move.moved_up))
        when = moment(move.at, event.time_zone)
        blocks.append(section("\n".join([f"*{when}*", *(f"• {line}" for line in lines)])))
    if is_cut:
        blocks.append(context(CUT))
    elif not page.items:
        older = "No changes on this page. Show more to see older ones."
        blocks.append(context(older if page.next_cursor else "No changes."))
    blocks += page_buttons(
        ActionId.REGISTRATION_HISTORY_BACK,
        ActionId.REGISTRATION_HISTORY_PAGE,
        event.event_id,
        page.next_cursor,
        is_first=is_first,
    )
    return _modal(
        CallbackId.REGISTRATION_HISTORY, "Registration history", event, blocks, close="Close"
    )


def _modal(
    callback_id: CallbackId,
    title: str,
    event: Event,
    blocks: Sequence[Block],
    *,
    close: str = "Back",
) -> View:
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=json.dumps({"event_id": event.event_id}),
        title=plain(title),
        close=plain(close),
        blocks=list(blocks),
    )


# Event history


def _lines(entry: JournalEntry, event: Event, made: Mapping[str, Event]) -> list[str]:
    """Return the lines for an entry. Changes of the same kind share a line."""
    lines: list[str] = []
    groups: dict[tuple[object, ...], list[Change]] = {}
    for number, change in enumerate(entry.changes):
        alike = (
            change.kind,
            change.cause,
            # The actor, unless they changed their own registration.
            change.actor_id if change.actor_id != change.user_id else None,
            change.reason,
            change.note,
            change.channel_id,
            number if change.kind is ChangeKind.ANNOUNCED else None,
        )
        groups.setdefault(alike, []).append(change)
    for changes in groups.values():
        lines.append(f"• {_line(changes, entry, event, made)}")
        for change in changes:
            if change.kind in _WITH_FIELDS:
                lines += _fields(change, event.time_zone)
            if change.note:
                lines.append(f"◦ Note to attendees: {escape(change.note, MAX_TEXT)}")
    return lines + _undelivered(entry)


_WITH_FIELDS = {
    ChangeKind.EDITED,
    ChangeKind.REPAIRED,
    ChangeKind.ORGANIZER_LEFT,
    ChangeKind.TAKEN_OVER,
}


def _undelivered(entry: JournalEntry) -> list[str]:
    """Return the lines for what Slack refused to deliver: direct messages, and cards."""
    refused = [one.user_id for one in entry.unreachable if one.kind is NotificationKind.CARD]
    user_ids = [one.user_id for one in entry.unreachable if one.kind is not NotificationKind.CARD]
    lines = [f"• Slack refused the card in {channel_link(channel_id)}" for channel_id in refused]
    if user_ids:
        lines.append(f"• Couldn’t be notified: {mention_list(user_ids, len(user_ids))}")
    return lines


def _line(
    changes: Sequence[Change], entry: JournalEntry, event: Event, made: Mapping[str, Event]
) -> str:
    first = changes[0]
    whom = (
        mention_list([change.user_id or "" for change in changes], len(changes))
        if first.user_id
        else ""
    )
    by = mention(first.actor_id) if first.actor_id else "Rollcall"
    if event.series is not None and first.kind in _OF_SERIES:
        return _of_series(first, whom, by, made)
    match first.kind:
        case ChangeKind.CREATED if event.occurrence is not None:
            return f"{by} created this date of the series"
        case ChangeKind.EDITED if first.cause is Cause.SERIES:
            return f"{by} changed this date together with the series"
        case ChangeKind.REGISTERED if first.cause is Cause.SERIES:
            return f"{whom} got a seat as part of the series"
        case ChangeKind.WAITLISTED if first.cause is Cause.SERIES:
            return f"{whom} joined the waitlist as part of the series"
        case ChangeKind.REGISTERED:
            return f"{by} registered {whom}" if is_added(first) else f"{whom} got a seat"
        case ChangeKind.WAITLISTED:
            joined = f"{whom} joined the waitlist"
            return f"{by} added {whom} to the waitlist" if is_added(first) else joined
        case ChangeKind.PROMOTED:
            return f"{whom} got a seat from the waitlist: {_why_promoted(first)}"
        case ChangeKind.UNREGISTERED:
            return _left(first, whom, by)
        case ChangeKind.ANSWERED:
            return f"{whom} changed their answers"
        case ChangeKind.ANNOUNCED:
            return _messaged(first, entry, by)
        case ChangeKind.REMINDED:
            return "Rollcall reminded everyone registered"
        case ChangeKind.CARD_POSTED:
            return f"{by} posted the card in {channel_link(first.channel_id or '')}"
        case ChangeKind.ORGANIZER_LEFT:
            is_gone = first.cause is Cause.USER_DEACTIVATED
            why = "is no longer in this workspace" if is_gone else "deleted their data"
            return f"Rollcall changed the organizers, because one of them {why}"
        case ChangeKind.REPAIRED:
            return f"A repair fixed {f'the data of {whom}' if whom else 'the event'}"
    reason = f": {escape(first.reason, MAX_TEXT)}" if first.reason else ""
    return f"{by} {_DONE[first.kind]}{reason}"


_OF_SERIES: Mapping[ChangeKind, str] = {
    ChangeKind.CREATED: "{by} created the series",
    ChangeKind.EDITED: "{by} changed the series",
    ChangeKind.CANCELED: "{by} ended the series{reason}",
    ChangeKind.DELETED: "{by} deleted the series",
    ChangeKind.EXPORTED: "{by} exported the attendees of the series",
    ChangeKind.TAKEN_OVER: "{by} took over the series",
    ChangeKind.OCCURRENCE_MADE: "{by} opened registration for {date}",
    ChangeKind.WAITLISTED: "{whom} registered for all of the series",
    ChangeKind.UNREGISTERED: "{whom} stopped the series for themselves",
}
"""What is said otherwise about a series."""


def _of_series(change: Change, whom: str, by: str, made: Mapping[str, Event]) -> str:
    if change.kind is ChangeKind.UNREGISTERED and change.cause is not Cause.OWN:
        return _left(change, whom, by)
    if change.kind is ChangeKind.WAITLISTED and is_added(change):
        return f"{by} registered {whom} for all of the series"
    event_id = change.event_id or ""
    occurrence = made.get(event_id)
    if occurrence is None:
        created = f"a date that has been deleted since (`{escape(event_id)}`)"
    else:
        created = f"{moment(occurrence.starts_at, occurrence.time_zone)}: {_link(event_id)}"
    reason = f": {escape(change.reason, MAX_TEXT)}" if change.reason else ""
    return _OF_SERIES[change.kind].format(by=by, whom=whom, reason=reason, date=created)


def is_added(change: Change) -> bool:
    """Return whether someone else registered the user (R12.4)."""
    return change.actor_id != change.user_id


_DONE = {
    ChangeKind.CREATED: "created the event",
    ChangeKind.EDITED: "changed the event",
    ChangeKind.CLOSED: "closed registration",
    ChangeKind.REOPENED: "reopened registration",
    ChangeKind.CANCELED: "canceled the event",
    ChangeKind.DELETED: "deleted the event",
    ChangeKind.EXPORTED: "exported the attendee list",
    ChangeKind.TAKEN_OVER: "took over the event",
    ChangeKind.OCCURRENCE_MADE: "created a date of the series",
}

WHY_PROMOTED: Mapping[Cause | None, str] = {
    Cause.SEAT_FREED: "one opened up",
    Cause.CAPACITY_INCREASED: "the capacity was increased",
    Cause.REPAIR: "a repair found one free",
}


def _why_promoted(change: Change) -> str:
    return WHY_PROMOTED.get(change.cause, "one opened up")


def _left(change: Change, whom: str, by: str) -> str:
    match change.cause:
        case Cause.REMOVED:
            why = (
                f": {escape(change.reason, MAX_TEXT)}"
                if change.reason
                else " without giving a reason"
            )
            return f"{by} removed {whom}{why}"
        case Cause.USER_DELETED:
            return f"Rollcall unregistered {whom}: their data was deleted"
        case Cause.USER_DEACTIVATED:
            return f"Rollcall unregistered {whom}: no longer in this workspace"
        case Cause.EVENT_DELETED:
            return f"Rollcall unregistered {whom}: the event was deleted"
        case Cause.REPAIR:
            return f"A repair unregistered {whom}"
    if change.status is RegistrationStatus.WAITLISTED:
        return f"{whom} left the waitlist"
    return f"{whom} unregistered and gave up a seat"


def _messaged(change: Change, entry: JournalEntry, by: str) -> str:
    announcement = next((one for made, one in entry.announcements() if made is change), None)
    if announcement is None:
        return f"{by} sent a message"
    whom = {
        Audience.REGISTERED: "everyone registered",
        Audience.WAITLISTED: "everyone on the waitlist",
        Audience.EVERYONE: "everyone",
    }[announcement.audience]
    return f"{by} messaged {whom}: {escape(announcement.text or '', MAX_TEXT)}"


_FIELDS = {
    "title": "Title",
    "starts_at": "Start",
    "ends_at": "End",
    "time_zone": "Time zone",
    "location": "Location",
    "description": "Description",
    "capacity": "Seats",
    "has_waitlist": "Waitlist",
    "listed": "Shown in event lists",
    "registration_deadline": "Registration deadline",
    "co_organizer_ids": "Co-organizers",
    "organizer_id": "Organizer",
    "reminders": "Reminders",
    "join_link": "Join link",
    "attendees_visible_to": "Who can see who’s going",
    "questions": "Questions",
    "recurrence": "Repeats",
}


def _fields(change: Change, time_zone: str) -> list[str]:
    lines: list[str] = []
    for name, (old, new) in sorted((change.fields or {}).items(), key=_in_order):
        if name == "questions":
            lines.append(_questions(old, new))
        elif name == "recurrence" and old and new:
            lines += _rule_changes(old, new)
        else:
            label = _FIELDS.get(name, escape(name, MAX_VALUE))
            values = _value(name, old, time_zone), _value(name, new, time_zone)
            lines.append(f"{label}: {' → '.join(values)}")
    return [f"◦ {line}" for line in lines]


def _rule_changes(old: str, new: str) -> list[str]:
    """Return what changed in the rule of a series: how it repeats, and which dates it skips."""
    (was_first, was), (is_first, is_now) = _rule(old), _rule(new)
    before, after = repeats(was, was_first), repeats(is_now, is_first)
    lines = [f"Repeats: {before} → {after}"] if before != after else []
    skipped = [day for day in is_now.left_out if day not in was.left_out]
    taken_back = [day for day in was.left_out if day not in is_now.left_out and day >= is_first]
    if skipped:
        lines.append(f"Skipped: {'; '.join(map(long_date, skipped))}")
    if taken_back:
        lines.append(f"No longer skipped: {'; '.join(map(long_date, taken_back))}")
    return lines


def _rule(text: str) -> tuple[date, Recurrence]:
    """Return the first day and the rule that `domain.planning.series` recorded."""
    first, _, rule = text.partition(" ")
    return date.fromisoformat(first), Recurrence.model_validate_json(rule)


def _questions(old: str | None, new: str | None) -> str:
    """Return what changed in the questions, one of which is in each line. Those that stayed are left out."""
    were, are = (text.split("\n") if text and text != "()" else [] for text in (old, new))
    removed = [one for one in were if one not in are]
    added = [one for one in are if one not in were]
    if removed and added:
        return f"Questions: {_quoted(removed)} → {_quoted(added)}"
    if removed or added:
        done, questions = ("added", added) if added else ("removed", removed)
        return f"{'Question' if len(questions) == 1 else 'Questions'} {done}: {_quoted(questions)}"
    return f"Questions: {'asked again' if were == are else 'new order'}"


def _quoted(questions: Sequence[str]) -> str:
    return ", ".join(f"“{escape(one, MAX_VALUE)}”" for one in questions)


def _in_order(field: tuple[str, object]) -> int:
    names = list(_FIELDS)
    return names.index(field[0]) if field[0] in names else len(names)


def _value(name: str, text: str | None, time_zone: str) -> str:
    if not text or (text == "()" and name in ("co_organizer_ids", "reminders")):
        return "none"
    if name in ("has_waitlist", "listed"):
        return "yes" if text == "True" else "no"
    if name in ("starts_at", "ends_at", "registration_deadline"):
        return moment(datetime.fromisoformat(text), time_zone)
    if name == "attendees_visible_to" and text in WHO_SEES_ATTENDEES:
        return WHO_SEES_ATTENDEES[Visibility(text)]
    items = [part.strip(" '") for part in text.strip("()").split(",") if part.strip(" '")]
    if name == "reminders":
        return ", ".join(before_start(int(part)) for part in items)
    if name in ("co_organizer_ids", "organizer_id"):
        return mention_list(items, len(items))
    return escape(text, MAX_VALUE)


# Registration history


def _moved_up(count: int) -> str:
    got = "a seat" if count == 1 else "seats"
    return (
        f"{headcount(count)} ahead of you got {got} or left the waitlist: you moved up by {count}"
    )


def _own_line(change: Change) -> str:
    match change.kind:
        case ChangeKind.REGISTERED if change.cause is Cause.SERIES:
            return "You got a seat, because you registered for the whole series"
        case ChangeKind.WAITLISTED if change.cause is Cause.SERIES:
            return "You joined the waitlist, because you registered for the whole series"
        case ChangeKind.REGISTERED:
            added = "An organizer registered you: you got a seat"
            return added if is_added(change) else "You registered and got a seat"
        case ChangeKind.WAITLISTED:
            added = "An organizer added you to the waitlist"
            return added if is_added(change) else "You registered and joined the waitlist"
        case ChangeKind.PROMOTED:
            return f"You got a seat: {_why_promoted(change)}"
        case ChangeKind.UNREGISTERED if change.cause is Cause.REMOVED:
            why = f": {escape(change.reason, MAX_TEXT)}" if change.reason else ""
            return f"An organizer removed you{why}"
        case ChangeKind.UNREGISTERED if change.cause is Cause.OWN:
            return "You unregistered"
        case ChangeKind.UNREGISTERED:
            return "You were unregistered"
        case ChangeKind.ANSWERED:
            return "You changed your answers"
    return "A repair fixed your registration"
