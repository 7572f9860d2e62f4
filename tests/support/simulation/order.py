"""Judge of the order of messages: a person's about one event arrive in the order of its journal (R9.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, NamedTuple

from bot.notifications.messages import notification_message
from bot.notifications.recipients import in_order
from domain.enums import NotificationKind
from domain.models import JournalEntry

if TYPE_CHECKING:
    from tests.support.simulation.slack import Posted


class JournalPosition(NamedTuple):
    """Where a notification stands in its event's journal."""

    version: int
    number: int


def assert_in_order(
    event_id: str,
    journal: Iterable[JournalEntry],
    posted: list[Posted],
    replies: Container[tuple[str, str]],
    of_several: Container[str] = (),
) -> None:
    """Assert that everybody got an event's messages in the order of its journal.

    The repeat of a message may come late (R9.1), so its first arrival counts. A text that the journal has twice, or
    that a reply to this member or the journal of another event has, too, says nothing: it may be either.
    """
    positions = _positions(journal)
    last: dict[str, tuple[JournalPosition, str]] = {}
    heard: set[tuple[str, str]] = set()
    for message in posted:
        user_id, text = message.channel, str(message.content["text"])
        found = positions.get(text, [])
        is_ambiguous = len(found) != 1 or text in of_several or (user_id, text) in replies
        if is_ambiguous or (user_id, text) in heard:
            continue
        heard.add((user_id, text))
        before, earlier = last.get(user_id, (JournalPosition(0, 0), ""))
        assert before <= found[0], (
            f"{user_id} was told of {event_id} in the wrong order: {earlier!r}, then {text!r}"
        )
        last[user_id] = found[0], text


def texts_of_several(journals: Iterable[Iterable[JournalEntry]]) -> set[str]:
    """Return the texts that several events' journals have: the occurrences of a series have one title."""
    found = Counter(text for journal in journals for text in _positions(journal))
    return {text for text, number in found.items() if number > 1}


def _positions(journal: Iterable[JournalEntry]) -> dict[str, list[JournalPosition]]:
    positions: dict[str, list[JournalPosition]] = {}
    for entry in journal:
        for number, notification in enumerate(in_order(entry)):
            if notification.kind not in (NotificationKind.CARD, NotificationKind.ORPHANED):
                text = notification_message(notification, entry).text
                positions.setdefault(text, []).append(JournalPosition(entry.version, number))
    return positions
