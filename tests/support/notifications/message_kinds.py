"""Recognizes direct messages by the code's own sentences, so a change of wording breaks no test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache

from bot.blocks.builders import Message
from bot.blocks.mrkdwn import bold
from bot.notifications.messages import notification_message, unreachable_message
from domain.enums import Cause, ChangeKind, NotificationKind
from domain.models import Change, EventSummary, JournalEntry, Notification
from tests.support.environment import START
from tests.support.slack.harness import text_of

REPORT = "report"
"""A message to an organizer about unreachable recipients. The others have their `NotificationKind`."""

DEADLINE = "deadline"
"""The variant of `NotificationKind.CLOSED` for a deadline that passed."""

_TITLE = "The title"


def kind_of(message: str) -> str:
    """Return the kind of a direct message, as `SlackHarness.direct_messages` returns it."""
    for kind, pattern in _patterns():
        if pattern.match(message):
            return kind
    raise AssertionError(f"unknown direct message: {message}")


def kinds_of(messages: list[str]) -> list[str]:
    """Return the kind of each direct message."""
    return [kind_of(message) for message in messages]


def buttons_of(kind: NotificationKind) -> list[str]:
    """Return the buttons of a kind's message, as `SlackHarness.direct_messages` shows them."""
    notification = Notification(kind=kind, user_id="U1", ticket=1)
    lines = text_of(notification_message(notification, _entry(())).to_dict()["blocks"]).splitlines()
    return [line for line in lines if line.startswith("[")]


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, _pattern(message)) for kind, message in _samples())


def _samples() -> Iterator[tuple[str, Message]]:
    closed = Change(kind=ChangeKind.CLOSED, actor_id="U2")
    increased = Change(kind=ChangeKind.PROMOTED, user_id="U1", cause=Cause.CAPACITY_INCREASED)
    for changes in ((), (increased,), (closed,)):
        entry = _entry(changes)
        for kind in NotificationKind:
            # Some start with a name. An export is a file, a card goes to a channel.
            if kind not in _NAMED | {NotificationKind.EXPORT, NotificationKind.CARD}:
                notification = Notification(kind=kind, user_id="U1", ticket=1)
                is_deadline = kind is NotificationKind.CLOSED and closed not in changes
                name = DEADLINE if is_deadline else kind.value
                yield name, notification_message(notification, entry)
    for before in _BEFORE_MOVES:
        moved = Notification(kind=NotificationKind.MOVED, before=before)
        yield NotificationKind.MOVED.value, notification_message(moved, _entry(()))
    yield REPORT, unreachable_message(_entry(()), (), 0)


_NAMED = {
    NotificationKind.ANNOUNCEMENT,
    NotificationKind.DEACTIVATED,
    NotificationKind.ORGANIZER_LEFT,
}


_ABOUT = EventSummary(title=_TITLE, starts_at=START, time_zone="UTC", location="")

_EARLIER = START - timedelta(days=1)

_BEFORE_MOVES = [
    _ABOUT.model_copy(update=before)
    for before in (
        {"starts_at": _EARLIER},
        {"location": "Room 1"},
        {"starts_at": _EARLIER, "location": "Room 1"},
        {"time_zone": "Asia/Tokyo"},
    )
]
"""A message names what changed."""


def _entry(changes: tuple[Change, ...]) -> JournalEntry:
    return JournalEntry(
        event_id="e1", version=1, plan_id="p", at=START, changes=changes, about=_ABOUT
    )


def _pattern(message: Message) -> re.Pattern[str]:
    line = text_of(message.to_dict()["blocks"]).splitlines()[0]
    before, found, after = line.partition(bold(_TITLE))
    assert found, f"the first line does not name the event: {line}"
    # It may go on with who did it, or with how soon the event starts.
    stable = re.sub(r" starts .*|\.$", "", after)
    return re.compile(f"{re.escape(before)}.*{re.escape(stable)}")
