"""What people are told by direct message because of somebody else's deed (R9)."""

from __future__ import annotations

from slack_sdk.models.blocks import ActionsBlock

from bot.ids import ActionId
from bot.views.text import Message, bold, button, context, escape, note, when_and_where
from domain.models import EventSummary, JournalEntry, Notice
from domain.statuses import NoticeKind


def notice_message(notice: Notice, entry: JournalEntry) -> Message:
    """Return the message of a notice: which event, when and where as it was decided, and what helps."""
    event = entry.about
    if event is None:
        raise ValueError(f"version {entry.version} of {entry.event_id} has notices about nothing")
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


def _move(before: EventSummary | None, after: EventSummary) -> str:
    now = f"It is now: {when_and_where(after)}"
    return f"{now}\nIt was: {when_and_where(before)}" if before else now
