"""Direct messages: notifications and reminders for attendees and organizers (R9, R8.15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ContextBlock

from bot.blocks.builders import Message, button, context, note, section
from bot.blocks.formatting import (
    headcount,
    in_how_long,
    join_line,
    moment_to_the_second,
    when,
    when_and_where,
)
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import LISTED, bold, escape, mention, web_address
from bot.blocks.recurrence_text import when_or_rule
from bot.features.announcement.views import announcement_blocks
from bot.slack.api_errors import ClassifiedError
from bot.slack.error_messages import card_not_posted, why_no_files
from domain.enums import Cause, ChangeKind, NotificationKind, RegistrationStatus
from domain.models import EventSummary, JournalEntry, Notification, UnreachableRecipient


def notification_message(notification: Notification, entry: JournalEntry) -> Message:
    """Render a notification: the event as it was at the commit, and buttons that help.

    A reminder says how soon after `entry.at` the event starts.
    """
    if entry.about is not None and entry.about.recurrence is not None:
        render = _OF_SERIES.get(notification.kind, _RENDERED[notification.kind])
        return render(notification, entry)
    return _RENDERED[notification.kind](notification, entry)


def moved_message(
    notification: Notification, entry: JournalEntry, calendar_file: str | None
) -> Message:
    """Render the notification about a moved event for someone with a seat (R8.16).

    `calendar_file` is the address of its new file. Without one, a button sends it.
    """
    text, lines = _move(notification, entry)
    if calendar_file is None:
        update = button("Update calendar", ActionId.UPDATE_CALENDAR, entry.event_id)
        return Message(text, [*lines, ActionsBlock(elements=[update, _unregister(entry)])])
    line = f"Open the {web_address(calendar_file, 'new calendar file')} to update your calendar."
    buttons = ActionsBlock(elements=[_unregister(entry)])
    return Message(f"{text}\n{line}", [*lines, context(line), buttons])


def canceled_message(notification: Notification, entry: JournalEntry) -> Message:
    """Render the notification about a canceled event for someone with a seat (R8.16)."""
    remove = _calendar(entry, "Remove from calendar")
    return _note(_cancellation(notification, entry), entry, remove)


def late_note(at: datetime) -> ContextBlock:
    """Return what goes below a reply that was kept."""
    return context(
        "This reply is late because Slack didn’t accept it at first. It was true as of"
        f" {moment_to_the_second(at)}."
    )


def _added(notification: Notification, entry: JournalEntry) -> Message:
    who = mention(notification.actor_id) if notification.actor_id else "An organizer"
    if _is_waitlisted(notification, entry):
        return _note(
            f"{who} added you to the waitlist for {_title(entry)}. I’ll message you if you get a seat.",
            entry,
            _unregister(entry, "Leave waitlist"),
            *_questions(entry),
        )
    return _note(
        f"{who} registered you for {_title(entry)}. You have a seat.",
        entry,
        button("Give up my seat", ActionId.GIVE_UP_SEAT, entry.event_id),
        _calendar(entry),
        *_questions(entry),
        is_for_seated=True,
    )


def _is_waitlisted(notification: Notification, entry: JournalEntry) -> bool:
    """Return whether the commit put the recipient on the waitlist."""
    return any(
        change.user_id == notification.user_id and change.kind is ChangeKind.WAITLISTED
        for change in entry.changes
    )


def _enrolled(notification: Notification, entry: JournalEntry) -> Message:
    """Render it for someone who registered for all of the series (R13.4)."""
    why = "because you registered for the whole series"
    answer, questions = [], ""
    if notification.text:
        questions = f"Please also answer: {_listed(notification.text)}"
        answer.append(button("Answer questions", ActionId.CHANGE_ANSWERS, entry.event_id))
    if _is_waitlisted(notification, entry):
        return _note(
            f"You’re on the waitlist for {_title(entry)}, {why}. I’ll message you if you get a seat.",
            entry,
            *answer,
            _unregister(entry, "Skip this one"),
            _stop_series(entry),
            more=questions,
        )
    return _note(
        f"You have a seat in {_title(entry)}, {why}.",
        entry,
        *answer,
        button("Skip this one", ActionId.GIVE_UP_SEAT, entry.event_id),
        _calendar(entry),
        _stop_series(entry),
        is_for_seated=True,
        more=questions,
    )


def _not_enrolled(_: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"{_title(entry)} is full and has no waitlist, so you don’t have a seat this time. You’re still"
        " registered for the rest of the series.",
        entry,
        _stop_series(entry),
    )


def _stop_series(entry: JournalEntry) -> ButtonElement:
    """Return the button for the series of an event, or for a series itself."""
    series_id = _about(entry).series_id or entry.event_id
    return button("Stop the series", ActionId.STOP_SERIES, series_id)


def _questions(entry: JournalEntry) -> list[ButtonElement]:
    """Return the button for someone who was not asked at registration, if the event has questions (R12.3)."""
    if not _about(entry).has_questions:
        return []
    return [button("Answer questions", ActionId.CHANGE_ANSWERS, entry.event_id)]


def _questions_added(notification: Notification, entry: JournalEntry) -> Message:
    return _note(
        _please_answer(notification, _title(entry)),
        entry,
        button("Answer", ActionId.CHANGE_ANSWERS, entry.event_id, style="primary"),
        _unregister(entry),
    )


def _please_answer(notification: Notification, what: str) -> str:
    text = notification.text or ""
    these = "this question" if len(text.splitlines()) == 1 else "these questions"
    return f"Please answer {these} for {what}: {_listed(text)}"


def _listed(text: str) -> str:
    """Return the only line of a text, or a list of all of them."""
    lines = text.splitlines()
    if len(lines) == 1:
        return escape(lines[0])
    return "".join(f"\n• {escape(one)}" for one in lines)


def _promoted(notification: Notification, entry: JournalEntry) -> Message:
    has_more_seats = any(
        change.user_id == notification.user_id and change.cause is Cause.CAPACITY_INCREASED
        for change in entry.changes
    )
    why = "Capacity was increased" if has_more_seats else "One opened up"
    return _note(
        f"You got a seat in {_title(entry)}! {why}, and you were next on the waitlist.",
        entry,
        button("Unregister", ActionId.GIVE_UP_SEAT, entry.event_id),
        _calendar(entry),
        is_for_seated=True,
    )


def _removed(notification: Notification, entry: JournalEntry) -> Message:
    text = f"You’ve been removed from {_title(entry)}.{_reason(notification)}"
    return _note(text, entry, _events())


def _moved(notification: Notification, entry: JournalEntry) -> Message:
    """Render it for someone on the waitlist, who has nothing in their calendar yet."""
    text, lines = _move(notification, entry)
    return Message(text, [*lines, ActionsBlock(elements=[_unregister(entry, "Leave waitlist")])])


def _move(notification: Notification, entry: JournalEntry) -> tuple[str, list[Block]]:
    about, before = _about(entry), notification.before
    lines = _what_changed(_title(entry), before, about)
    if notification.note:
        who = mention(notification.actor_id) if notification.actor_id else "the organizer"
        lines.append(f"Note from {who}: {escape(notification.note)}")
    return "\n".join(lines), [section(line) for line in lines]


def _what_changed(title: str, before: EventSummary | None, after: EventSummary) -> list[str]:
    """Say what of an event's time and location changed, and how that is now and was before."""
    now = f"Now: {when_and_where(after)}"
    if before is None:
        return [f"The time or location of {title} has changed.", now]
    before_location = escape(before.location) or "no location"
    has_moved = before.location != after.location
    if has_moved and not after.location:
        now += " · no location"
    if (before.starts_at, before.ends_at) != (after.starts_at, after.ends_at):
        if has_moved:
            was = f"{when(before)} · {before_location}"
            return [f"The time and location of {title} have changed.", now, f"Before: {was}"]
        return [f"The time of {title} has changed.", now, f"Before: {when(before)}"]
    if has_moved:
        return [f"The location of {title} has changed.", now, f"Before: {before_location}"]
    if before.time_zone == after.time_zone:  # the same commit moved the event back
        return [f"The time or location of {title} has changed.", now]
    return [
        f"The time zone of {title} has changed from {before.time_zone} to {after.time_zone}.",
        f"The event starts at the same moment as before: {when_and_where(after)}",
    ]


def _canceled(notification: Notification, entry: JournalEntry) -> Message:
    """Render it for someone on the waitlist, who has nothing in their calendar to remove."""
    return _note(_cancellation(notification, entry), entry, _events())


def _cancellation(notification: Notification, entry: JournalEntry) -> str:
    by = f" by {mention(notification.actor_id)}" if notification.actor_id else ""
    return f"{_title(entry)} has been canceled{by}.{_reason(notification)}"


def _reason(notification: Notification) -> str:
    return f" Reason: {escape(notification.reason)}" if notification.reason else ""


def _deleted(_: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"{_title(entry)} has been deleted, along with your registration. If you added it to your"
        " calendar, please remove it there.",
        entry,
        _events(),
    )


def _closed(_: Notification, entry: JournalEntry) -> Message:
    by_clock = all(change.kind is not ChangeKind.CLOSED for change in entry.changes)
    how = "has ended" if by_clock else "has been closed"
    return _note(
        f"Registration for {_title(entry)} {how}. You don’t have a seat, but you’re still on the"
        " waitlist in case one opens up.",
        entry,
        _unregister(entry, "Leave waitlist"),
    )


def _reminder(_: Notification, entry: JournalEntry) -> Message:
    about = _about(entry)
    text = f"Reminder: {_title(entry)} starts {in_how_long(about.starts_at - entry.at)}."
    if about.waitlist_count:
        are = "is" if about.waitlist_count == 1 else "are"
        text += (
            f" {headcount(about.waitlist_count)} {are} on the waitlist,"
            " so please unregister if you can’t come."
        )
    return _note(
        text,
        entry,
        button("Unregister", ActionId.GIVE_UP_SEAT, entry.event_id),
        is_for_seated=True,
    )


def _announcement(notification: Notification, entry: JournalEntry) -> Message:
    text = notification.text or ""
    # One commit may also hold registrations, and messages of other organizers.
    author = next(
        (wrote.actor_id for wrote, one in entry.announcements() if one == notification), None
    )
    who = mention(author) if author else "An organizer"
    leave = _unregister(entry) if _about(entry).recurrence is None else _stop_series(entry)
    return Message(
        f"{who} about {_title(entry)}: {escape(text, LISTED)}",
        [
            *announcement_blocks(who, _about(entry), text),
            ActionsBlock(elements=[leave]),
        ],
    )


def _deactivated(notification: Notification, entry: JournalEntry) -> Message:
    who = mention(notification.about_user_id or "")
    was_waitlisted, promoted_id = _seat_given_up(notification.about_user_id, entry)
    what = "the waitlist for " if was_waitlisted else ""
    given = f" {mention(promoted_id)} gets the seat." if promoted_id else ""
    return _note(
        f"{who} is no longer in this workspace and was removed from {what}{_title(entry)}.{given}",
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def _organizer_added(notification: Notification, entry: JournalEntry) -> Message:
    by = f" {mention(notification.actor_id)} added you." if notification.actor_id else ""
    return _note(
        f"You’re now an organizer of {_title(entry)}.{by}",
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def _organizer_left(notification: Notification, entry: JournalEntry) -> Message:
    text = f"{mention(notification.about_user_id or '')} {_why_left(entry)}"
    new = _new_organizer(entry)
    if new == notification.user_id:
        text += f", so you’re now the organizer of {_title(entry)}."
    else:
        text += f" and no longer organizes {_title(entry)}."
        text += f" {mention(new)} is now the organizer." if new else ""
    return _note(text, entry, button("Manage", ActionId.MANAGE, entry.event_id))


def _orphaned(notification: Notification, entry: JournalEntry) -> Message:
    who = notification.about_user_id
    why = (
        f"{_title(entry)} has no organizer, because its series has none."
        if who is None
        else f"{_title(entry)} no longer has an organizer: {mention(who)} {_why_left(entry)}."
    )
    return _note(
        f"{why} Nothing changes for attendees. As a workspace admin, you can take it over.",
        entry,
        button("Take over", ActionId.TAKE_OVER, entry.event_id, style="primary"),
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def _why_left(entry: JournalEntry) -> str:
    """Return why an organizer left. Several who leave in one commit are rare, and the first one speaks."""
    causes = (one.cause for one in entry.changes if one.kind is ChangeKind.ORGANIZER_LEFT)
    is_gone = next(causes, None) is Cause.USER_DEACTIVATED
    return "is no longer in this workspace" if is_gone else "deleted their data"


def _new_organizer(entry: JournalEntry) -> str | None:
    """Return who became the organizer in a commit, or None if that did not change."""
    changes = (
        (one.fields or {}).get("organizer_id")
        for one in entry.changes
        if one.kind is ChangeKind.ORGANIZER_LEFT
    )
    return next((new for field in changes if field is not None for new in field[1:]), None)


def _seat_given_up(user_id: str | None, entry: JournalEntry) -> tuple[bool, str | None]:
    """Return whether a user was waitlisted, and who got their seat. Others may have left in the same commit."""
    for number, change in enumerate(entry.changes):
        if change.user_id == user_id and change.kind is ChangeKind.UNREGISTERED:
            following = entry.changes[number + 1 : number + 2]
            promoted = [one.user_id for one in following if one.cause is Cause.SEAT_FREED]
            return change.status is RegistrationStatus.WAITLISTED, promoted[0] if promoted else None
    return False, None


# Of a series, to those who registered for all of it


def _added_to_series(notification: Notification, entry: JournalEntry) -> Message:
    who = mention(notification.actor_id) if notification.actor_id else "An organizer"
    return _note(
        f"{who} registered you for all of {_title(entry)}. I’ll message you about each date.",
        entry,
        _stop_series(entry),
        *_questions(entry),
    )


def _removed_from_series(notification: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"You’re no longer registered for all of {_title(entry)}: an organizer removed you."
        f"{_reason(notification)} You keep the dates that you’re registered for.",
        entry,
        _events(),
    )


def _ended_series(notification: Notification, entry: JournalEntry) -> Message:
    by = f" by {mention(notification.actor_id)}" if notification.actor_id else ""
    return _note(
        f"The series {_title(entry)} has been ended{by}, so there won’t be any new dates."
        f"{_reason(notification)} You keep the dates that you’re registered for, unless I message you that"
        " one is canceled.",
        entry,
        button("Update calendar", ActionId.UPDATE_CALENDAR, entry.event_id),
        _events(),
    )


def _deleted_series(_: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"The series {_title(entry)} has been deleted, so there won’t be any new dates. If you added it"
        " to your calendar, please remove it there.",
        entry,
        _events(),
    )


def _closed_series(_: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"No one else can register for all of {_title(entry)} anymore. You’re still registered for it.",
        entry,
        _stop_series(entry),
    )


def _questions_added_to_series(notification: Notification, entry: JournalEntry) -> Message:
    return _note(
        _please_answer(notification, f"later dates of {_title(entry)}"),
        entry,
        button("Answer", ActionId.CHANGE_ANSWERS, entry.event_id, style="primary"),
        _stop_series(entry),
    )


def _deactivated_in_series(notification: Notification, entry: JournalEntry) -> Message:
    return _note(
        f"{mention(notification.about_user_id or '')} is no longer in this workspace, and no longer"
        f" registered for all of {_title(entry)}.",
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


_OF_SERIES: Mapping[NotificationKind, Callable[[Notification, JournalEntry], Message]] = {
    NotificationKind.ADDED: _added_to_series,
    NotificationKind.REMOVED: _removed_from_series,
    NotificationKind.CANCELED: _ended_series,
    NotificationKind.DELETED: _deleted_series,
    NotificationKind.CLOSED: _closed_series,
    NotificationKind.QUESTIONS_ADDED: _questions_added_to_series,
    NotificationKind.DEACTIVATED: _deactivated_in_series,
}
"""What is said otherwise about a series: nobody has a seat or a position in it."""

_RENDERED: Mapping[NotificationKind, Callable[[Notification, JournalEntry], Message]] = {
    NotificationKind.ADDED: _added,
    NotificationKind.ENROLLED: _enrolled,
    NotificationKind.NOT_ENROLLED: _not_enrolled,
    NotificationKind.PROMOTED: _promoted,
    NotificationKind.REMOVED: _removed,
    NotificationKind.MOVED: _moved,
    NotificationKind.CANCELED: _canceled,
    NotificationKind.DELETED: _deleted,
    NotificationKind.CLOSED: _closed,
    NotificationKind.REMINDER: _reminder,
    NotificationKind.ANNOUNCEMENT: _announcement,
    NotificationKind.DEACTIVATED: _deactivated,
    NotificationKind.ORGANIZER_ADDED: _organizer_added,
    NotificationKind.ORGANIZER_LEFT: _organizer_left,
    NotificationKind.ORPHANED: _orphaned,
    NotificationKind.QUESTIONS_ADDED: _questions_added,
}
"""An export is sent as a file instead, see `bot.features.export.spreadsheet`. A card is posted by `card_poster`."""


_NAMES = {
    NotificationKind.ADDED: "Added by an organizer",
    NotificationKind.ENROLLED: "Registered as part of a series",
    NotificationKind.NOT_ENROLLED: "No place in an event of a series",
    NotificationKind.PROMOTED: "Got a seat",
    NotificationKind.REMOVED: "Removed",
    NotificationKind.MOVED: "Time or location changed",
    NotificationKind.CANCELED: "Event canceled",
    NotificationKind.DELETED: "Event deleted",
    NotificationKind.CLOSED: "Registration closed",
    NotificationKind.REMINDER: "Reminder",
    NotificationKind.ANNOUNCEMENT: "Message from an organizer",
    NotificationKind.DEACTIVATED: "Someone left the workspace",
    NotificationKind.EXPORT: "Attendee list",
    NotificationKind.ORGANIZER_ADDED: "Became an organizer",
    NotificationKind.ORGANIZER_LEFT: "An organizer left",
    NotificationKind.ORPHANED: "Event needs an organizer",
    NotificationKind.QUESTIONS_ADDED: "New questions",
}


def card_refused_message(entry: JournalEntry, refused: UnreachableRecipient) -> Message:
    """Tell whoever asked for a card that Slack refuses it, and what to do (R9.7)."""
    failure = ClassifiedError.of_code(refused.reason)
    return _note(
        card_not_posted(entry.event_id, _about(entry).title, refused.user_id, failure),
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def no_files_message(entry: JournalEntry, reason: str) -> Message:
    """Tell an organizer that the list they asked for can't be sent; `reason` is Slack's error code."""
    return _note(
        f"I can’t send you the attendee list for {_title(entry)} as a file, because"
        f" {why_no_files(reason)}. Ask a workspace admin to change that, or see the list in Manage.",
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def export_given_up_message(entry: JournalEntry) -> Message:
    """Tell an organizer that the list they asked for could not be made (R9.6)."""
    return _note(
        f"I couldn’t create the attendee list for {_title(entry)}: every attempt took too long or"
        " was interrupted. See the list in Manage, or export it again later.",
        entry,
        button("Manage", ActionId.MANAGE, entry.event_id),
    )


def unreachable_message(
    entry: JournalEntry, recipients: Sequence[UnreachableRecipient], more: int
) -> Message:
    """Tell organizers who can't be reached by direct message (R9.2).

    `more` counts unreachable recipients who are not in `recipients`.
    """
    first = (
        f"Some direct messages about {_title(entry)} couldn’t be delivered."
        " Please reach these people another way:"
    )
    named = [
        f"• {name}: {', '.join(mention(user_id) for user_id in user_ids)}"
        for kind, name in _NAMES.items()
        if (user_ids := [one.user_id for one in recipients if one.kind is kind])
    ]
    if more:
        named.append(f"• and {more} more")
    manage = ActionsBlock(elements=[button("Manage", ActionId.MANAGE, entry.event_id)])
    return Message(
        "\n".join([first, *named]),
        [section(first), context(when_or_rule(_about(entry))), *map(section, named), manage],
    )


def _note(
    text: str,
    entry: JournalEntry,
    *buttons: ButtonElement,
    is_for_seated: bool = False,
    more: str = "",
) -> Message:
    about = _about(entry)
    blocks: list[Block] = [context(when_or_rule(about))]
    if is_for_seated and about.join_link:
        blocks.append(section(join_line(about.join_link)))
    if more:
        blocks.append(section(more))
    return note(text, *blocks, ActionsBlock(elements=list(buttons)))


def _title(entry: JournalEntry) -> str:
    return bold(_about(entry).title)


def _unregister(entry: JournalEntry, label: str = "Unregister") -> ButtonElement:
    return button(label, ActionId.CHOOSE_TO_UNREGISTER, entry.event_id)


def _calendar(entry: JournalEntry, label: str = "Add to calendar") -> ButtonElement:
    return button(label, ActionId.ADD_TO_CALENDAR, entry.event_id)


def _events() -> ButtonElement:
    return button("See upcoming events", ActionId.SHOW_EVENTS, "all")


def _about(entry: JournalEntry) -> EventSummary:
    if entry.about is None:
        raise ValueError(
            f"version {entry.version} of {entry.event_id} has notifications but no event summary"
        )
    return entry.about
