"""What people are told by direct message because of somebody else's deed, or of the time (R9, R8.15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, SectionBlock

from bot.blocks.builders import Message, button, context, note, plain, section
from bot.blocks.formatting import when_and_where
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape, mention
from domain.enums import Cause, ChangeKind, NotificationKind, RegistrationStatus
from domain.models import EventSummary, JournalEntry, Notification, UnreachableRecipient


def notification_message(notification: Notification, entry: JournalEntry) -> Message:
    """Return the message of a notice: which event, when and where as it was decided, and what helps."""
    return _RENDERED[notification.kind](notification, entry)


def _promoted(notification: Notification, entry: JournalEntry) -> Message:
    raised = any(
        change.user_id == notification.user_id and change.cause is Cause.CAPACITY_INCREASED
        for change in entry.changes
    )
    why = "There are more seats now" if raised else "A seat came free"
    return _note(
        f"{why}: you have a seat in {_title(entry)}.", entry, _give_up(entry), _calendar(entry)
    )


def _removed(notification: Notification, entry: JournalEntry) -> Message:
    reason = f" The reason given: {escape(notification.reason)}" if notification.reason else ""
    return _note(f"An organizer took you out of {_title(entry)}.{reason}", entry, _others())


def _moved(notification: Notification, entry: JournalEntry) -> Message:
    lines = [f"{_title(entry)} was moved.", f"It is now: {when_and_where(_about(entry))}"]
    if notification.before is not None:
        lines.append(f"It was: {when_and_where(notification.before)}")
    buttons = ActionsBlock(elements=[_calendar(entry, "Update my calendar"), _leave(entry)])
    return Message("\n".join(lines), [*map(section, lines), buttons])


def _canceled(_: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"{_title(entry)} was canceled.", entry, _calendar(entry, "Take it off my calendar")
    )


def _deleted(_: Notification, entry: JournalEntry) -> Message:
    return _note(f"{_title(entry)} was deleted, and your registration with it.", entry, _others())


def _closed(_: Notification, entry: JournalEntry) -> Message:
    by_clock = all(change.kind is not ChangeKind.CLOSED for change in entry.changes)
    how = "has ended" if by_clock else "was closed"
    return _note(
        f"Registration for {_title(entry)} {how}. You have no seat, but you are still in line:"
        " a seat that comes free goes to whoever is next.",
        entry,
        _leave(entry, "Leave the line"),
    )


def _reminder(_: Notification, entry: JournalEntry) -> Message:
    return _note(f"A reminder: you have a seat in {_title(entry)}.", entry, _give_up(entry))


def _said(notification: Notification, entry: JournalEntry) -> Message:
    text = notification.text or ""
    # Others may have registered, or written, in the same commit.
    author = next((wrote.actor_id for wrote, one in entry.messages() if one == notification), None)
    who = mention(author) if author else "An organizer"
    return Message(
        f"{who} about {_title(entry)}: {escape(text, LISTED)}",
        [
            section(f"{who} writes to you about {_title(entry)}:"),
            SectionBlock(text=plain(text)),
            context(when_and_where(_about(entry))),
            ActionsBlock(elements=[_leave(entry)]),
        ],
    )


def _deactivated(notification: Notification, entry: JournalEntry) -> Message:
    who = mention(notification.about_user_id or "")
    waited, heir = _given_up(notification.about_user_id, entry)
    had = "place in line" if waited else "seat"
    given = f" {mention(heir)} has it now." if heir else ""
    return _note(
        f"{who} is no longer in this workspace, and gave up a {had} in {_title(entry)}.{given}",
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def _given_up(user_id: str | None, entry: JournalEntry) -> tuple[bool, str | None]:
    """Return whether someone who left had waited, and who has the seat now: others may have left in the same commit."""
    for number, change in enumerate(entry.changes):
        if change.user_id == user_id and change.kind is ChangeKind.LEFT:
            following = entry.changes[number + 1 : number + 2]
            heirs = [one.user_id for one in following if one.cause is Cause.SEAT_FREED]
            return change.status is RegistrationStatus.WAITLISTED, heirs[0] if heirs else None
    return False, None


_RENDERED: Mapping[NotificationKind, Callable[[Notification, JournalEntry], Message]] = {
    NotificationKind.PROMOTED: _promoted,
    NotificationKind.REMOVED: _removed,
    NotificationKind.MOVED: _moved,
    NotificationKind.CANCELED: _canceled,
    NotificationKind.DELETED: _deleted,
    NotificationKind.CLOSED: _closed,
    NotificationKind.REMINDER: _reminder,
    NotificationKind.MESSAGE: _said,
    NotificationKind.DEACTIVATED: _deactivated,
}
"""Of an export there is a file instead: `bot.features.export.spreadsheet`."""


_NEWS = {
    NotificationKind.PROMOTED: "Got a seat",
    NotificationKind.REMOVED: "Taken out",
    NotificationKind.MOVED: "Event moved",
    NotificationKind.CANCELED: "Event canceled",
    NotificationKind.DELETED: "Event deleted",
    NotificationKind.CLOSED: "Registration closed",
    NotificationKind.REMINDER: "Reminder",
    NotificationKind.MESSAGE: "Your message",
    NotificationKind.DEACTIVATED: "Somebody left the workspace",
    NotificationKind.EXPORT: "The list of people",
}


def unreachable_message(
    entry: JournalEntry, people: Sequence[UnreachableRecipient], more: int
) -> Message:
    """Return what organizers are told of people whom no direct message reaches (R9.2).

    `more` says how many there are besides those who are named.
    """
    first = (
        f"Not everyone could be told by direct message about {_title(entry)}. "
        "Please reach them another way:"
    )
    named = [
        f"• {news}: {', '.join(mention(user_id) for user_id in user_ids)}"
        for kind, news in _NEWS.items()
        if (user_ids := [person.user_id for person in people if person.kind is kind])
    ]
    if more:
        named.append(f"• and {more} more")
    manage = ActionsBlock(elements=[button("Manage", ActionId.MANAGE, entry.event_id)])
    return Message(
        "\n".join([first, *named]),
        [section(first), context(when_and_where(_about(entry))), *map(section, named), manage],
    )


def _note(text: str, entry: JournalEntry, *buttons: ButtonElement) -> Message:
    blocks: list[Block] = [context(when_and_where(_about(entry)))]
    return note(text, *blocks, ActionsBlock(elements=list(buttons)))


def _title(entry: JournalEntry) -> str:
    return bold(_about(entry).title)


def _give_up(entry: JournalEntry) -> ButtonElement:
    return button("Give up my seat", ActionId.GIVE_UP_SEAT, entry.event_id)


def _leave(entry: JournalEntry, label: str = "Leave") -> ButtonElement:
    return button(label, ActionId.CHOOSE_TO_UNREGISTER, entry.event_id)


def _calendar(entry: JournalEntry, label: str = "Add to calendar") -> ButtonElement:
    return button(label, ActionId.ADD_TO_CALENDAR, entry.event_id)


def _others() -> ButtonElement:
    return button("What else is coming", ActionId.SHOW_EVENTS, "all")


def _about(entry: JournalEntry) -> EventSummary:
    if entry.about is None:
        raise ValueError(f"version {entry.version} of {entry.event_id} has notices about nothing")
    return entry.about
