"""What happened to an event, for its organizers; and to one's own place in it, for oneself (R8.10)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.blocks.formatting import (
    before_start,
    bold,
    context,
    escape,
    mention,
    moment,
    people,
    persons,
    plain,
    section,
)
from bot.blocks.ids import ActionId, CallbackId
from bot.blocks.paging import latest, turning
from domain.enums import Audience, Cause, ChangeKind, RegistrationStatus
from domain.models import Change, Event, JournalEntry, Page, RegistrationMove

HISTORY_PAGE = 10
"""Entries on one page: the longest is two blocks of the 100 that a view may have."""

VALUE = 90
"""Characters, escaped, of an old or new value."""

SECTION = 3_000
"""Characters of a section, by Slack's page on blocks."""

SAID = 300
"""Characters, escaped, of what an organizer said or gave as a reason."""


def history(event: Event, page: Page[JournalEntry], turned: Sequence[str] = ()) -> View:
    """Return a page of an event's history, newest first: who did what, when, and why."""
    blocks: list[Block] = [section(f"{bold(event.title)}: what happened, newest first")]
    for entry in page.items:
        if lines := _lines(entry, event.time_zone):
            blocks += _sections([f"*{moment(entry.at, event.time_zone)}*", *lines])
    blocks += turning(
        ActionId.HISTORY_BACK,
        ActionId.HISTORY_PAGE,
        event.event_id,
        page.next_cursor,
        is_first=not turned,
    )
    return _paged(CallbackId.HISTORY, "History", event, blocks, turned)


def my_place(event: Event, page: Page[RegistrationMove], turned: Sequence[str] = ()) -> View:
    """Return what moved a person's own place, newest first; nobody else is named."""
    blocks: list[Block] = [section(f"{bold(event.title)}: how your place moved, newest first")]
    for move in page.items:
        lines = [_own_line(change) for change in move.changes]
        if move.moved_up:
            lines.append(
                f"{persons(move.moved_up)} ahead of you got a seat or left: you moved up by {move.moved_up}"
            )
        when = moment(move.at, event.time_zone)
        blocks.append(section("\n".join([f"*{when}*", *(f"• {line}" for line in lines)])))
    if not page.items:
        more = " on this page; there is more further back" if page.next_cursor else ""
        blocks.append(context(f"Nothing moved it{more}."))
    blocks += turning(
        ActionId.MY_PLACE_BACK,
        ActionId.MY_PLACE_PAGE,
        event.event_id,
        page.next_cursor,
        is_first=not turned,
    )
    return _paged(CallbackId.MY_PLACE, "How my place moved", event, blocks, turned, close="Close")


def _paged(
    callback_id: CallbackId,
    title: str,
    event: Event,
    blocks: Sequence[Block],
    turned: Sequence[str],
    *,
    close: str = "Back",
) -> View:
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=json.dumps({"event_id": event.event_id, "turned": latest(turned)}),
        title=plain(title),
        close=plain(close),
        blocks=list(blocks),
    )


# An event's entries


def _lines(entry: JournalEntry, time_zone: str) -> list[str]:
    """Return what an entry says, those with the same kind of thing in one line."""
    lines: list[str] = []
    groups: dict[tuple[object, ...], list[Change]] = {}
    for number, change in enumerate(entry.changes):
        alike = (
            change.kind,
            change.cause,
            # Who did something to the event, or to somebody else.
            change.actor_id if change.actor_id != change.user_id else None,
            change.reason,
            number if change.kind is ChangeKind.MESSAGED else None,
        )
        groups.setdefault(alike, []).append(change)
    for changes in groups.values():
        lines.append(f"• {_line(changes, entry)}")
        for change in changes:
            if change.kind in (ChangeKind.EDITED, ChangeKind.REPAIRED):
                lines += _fields(change, time_zone)
    if entry.unreachable:
        count = len(entry.unreachable)
        who = people([person.user_id for person in entry.unreachable], count)
        lines.append(f"• Could not be told of it: {who}")
    return lines


def _sections(lines: Sequence[str]) -> list[Block]:
    """Return lines as sections, as few as hold them: one takes 3,000 characters."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + 1 + len(line) <= SECTION:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [section(text) for text in packed]


def _line(changes: Sequence[Change], entry: JournalEntry) -> str:
    first = changes[0]
    whom = (
        people([change.user_id or "" for change in changes], len(changes)) if first.user_id else ""
    )
    by = mention(first.actor_id) if first.actor_id else "Rollcall"
    match first.kind:
        case ChangeKind.REGISTERED:
            return f"{whom} got a seat"
        case ChangeKind.WAITLISTED:
            return f"{whom} joined the line"
        case ChangeKind.PROMOTED:
            return (
                f"{whom} moved up to a seat: {_WHY_PROMOTED.get(first.cause, 'a seat came free')}"
            )
        case ChangeKind.LEFT:
            return _left(first, whom, by)
        case ChangeKind.MESSAGED:
            return _messaged(first, entry, by)
        case ChangeKind.REMINDED:
            return "Everyone registered was reminded"
        case ChangeKind.REPAIRED:
            return f"A repair set something right{f' for {whom}' if whom else ''}"
    return f"{by} {_DONE[first.kind]}"


_DONE = {
    ChangeKind.CREATED: "created the event",
    ChangeKind.EDITED: "changed the event",
    ChangeKind.CLOSED: "closed registration",
    ChangeKind.REOPENED: "reopened registration",
    ChangeKind.CANCELED: "canceled the event",
    ChangeKind.DELETED: "deleted the event",
    ChangeKind.EXPORTED: "exported the list of people",
}

_WHY_PROMOTED: Mapping[Cause | None, str] = {
    Cause.SEAT_FREED: "a seat came free",
    Cause.CAPACITY_INCREASED: "the capacity was raised",
    Cause.REPAIR: "a repair found a free seat",
}


def _left(change: Change, whom: str, by: str) -> str:
    match change.cause:
        case Cause.REMOVED:
            why = f": {escape(change.reason, SAID)}" if change.reason else ", with no reason given"
            return f"{by} removed {whom}{why}"
        case Cause.USER_DELETED:
            return f"{whom} left: deleted from Rollcall"
        case Cause.USER_DEACTIVATED:
            return f"{whom} left: no longer in this workspace"
        case Cause.EVENT_DELETED:
            return f"{whom} left: the event was deleted"
        case Cause.REPAIR:
            return f"{whom} was taken out by a repair"
    waited = change.status is RegistrationStatus.WAITLISTED
    return f"{whom} left {'the line' if waited else 'and gave up a seat'}"


def _messaged(change: Change, entry: JournalEntry, by: str) -> str:
    said = next((one for wrote, one in entry.messages() if wrote is change), None)
    if said is None:
        return f"{by} wrote to people"
    whom = {
        Audience.REGISTERED: "everyone registered",
        Audience.WAITLISTED: "everyone waiting",
        Audience.EVERYONE: "everyone registered or waiting",
    }[said.audience]
    return f"{by} wrote to {whom}: {escape(said.text or '', SAID)}"


_FIELDS = {
    "title": "Title",
    "starts_at": "Start",
    "ends_at": "End",
    "time_zone": "Time zone",
    "location": "Place",
    "description": "Description",
    "capacity": "Seats",
    "has_waitlist": "Waitlist",
    "listed": "Shown in lists",
    "registration_deadline": "Registration ends",
    "co_organizer_ids": "Co-organizers",
    "organizer_id": "Organizer",
    "reminders": "Reminders",
}


def _fields(change: Change, time_zone: str) -> list[str]:
    return [
        f"◦ {_FIELDS.get(name, escape(name, VALUE))}:"
        f" {_value(name, old, time_zone)} → {_value(name, new, time_zone)}"
        for name, (old, new) in sorted((change.fields or {}).items(), key=_in_order)
    ]


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
    items = [part.strip(" '") for part in text.strip("()").split(",") if part.strip(" '")]
    if name == "reminders":
        return ", ".join(before_start(int(part)) for part in items)
    if name in ("co_organizer_ids", "organizer_id"):
        return people(items, len(items))
    return escape(text, VALUE)


# One's own


def _own_line(change: Change) -> str:
    match change.kind:
        case ChangeKind.REGISTERED:
            return "You registered, and got a seat"
        case ChangeKind.WAITLISTED:
            return "You registered, and joined the line"
        case ChangeKind.PROMOTED:
            return f"You got a seat: {_WHY_PROMOTED.get(change.cause, 'a seat came free')}"
        case ChangeKind.LEFT if change.cause is Cause.REMOVED:
            why = f": {escape(change.reason, SAID)}" if change.reason else ""
            return f"An organizer removed you{why}"
        case ChangeKind.LEFT if change.cause is Cause.OWN:
            return "You left"
        case ChangeKind.LEFT:
            return "You were taken out"
    return "A repair set your registration right"
