"""What people are told by direct message because of somebody else's deed (R9)."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock

from bot.ids import ActionId
from bot.views.text import (
    Message,
    bold,
    button,
    context,
    escape,
    mention,
    note,
    section,
    when_and_where,
)
from domain.models import EventSummary, JournalEntry, Notice, Unreached
from domain.statuses import NoticeKind


def notice_message(notice: Notice, entry: JournalEntry) -> Message:
    """Return the message of a notice: which event, when and where as it was decided, and what helps."""
    event = _about(entry)
    title = bold(event.title)
    where = context(when_and_where(event))
    leave = ActionsBlock(elements=[button("Give up my seat", ActionId.GIVE_UP, entry.event_id)])
    match notice.kind:
        case NoticeKind.PROMOTED:
            return note(f"A seat came free: you have a seat in {title}.", where, leave)
        case NoticeKind.REMOVED:
            reason = f" The reason given: {escape(notice.reason)}" if notice.reason else ""
            return note(f"An organiser took you out of {title}.{reason}", where)
        case NoticeKind.MOVED:
            return note(f"{title} was moved. {_move(notice.before, event)}")
        case NoticeKind.CANCELLED:
            return note(f"{title} was cancelled.", where)
        case NoticeKind.DELETED:
            return note(f"{title} was deleted, and your registration with it.", where)


_NEWS = {
    NoticeKind.PROMOTED: "Got a seat",
    NoticeKind.REMOVED: "Taken out",
    NoticeKind.MOVED: "Event moved",
    NoticeKind.CANCELLED: "Event cancelled",
    NoticeKind.DELETED: "Event deleted",
}


def unreached_message(entry: JournalEntry, people: Sequence[Unreached], more: int) -> Message:
    """Return what organisers are told of people whom no direct message reaches (R9.2).

    `more` says how many there are besides those who are named.
    """
    event = _about(entry)
    first = (
        f"Not everyone could be told by direct message about {bold(event.title)}. "
        "Please reach them another way:"
    )
    named = [
        f"• {news}: {', '.join(mention(user_id) for user_id in user_ids)}"
        for kind, news in _NEWS.items()
        if (user_ids := [person.user_id for person in people if person.kind is kind])
    ]
    if more:
        named.append(f"• and {more} more")
    return Message(
        "\n".join([first, *named]),
        [section(first), context(when_and_where(event)), *map(section, named)],
    )


def _about(entry: JournalEntry) -> EventSummary:
    if entry.about is None:
        raise ValueError(f"version {entry.version} of {entry.event_id} has notices about nothing")
    return entry.about


def _move(before: EventSummary | None, after: EventSummary) -> str:
    now = f"It is now: {when_and_where(after)}"
    return f"{now}\nIt was: {when_and_where(before)}" if before else now
