"""What a check can find wrong (R7.5, and the design's own rules), and what a repair did about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ViolationKind(StrEnum):
    """What can be wrong: with an event's numbers, its history, a registration, or a place in line."""

    REGISTERED_COUNT = "registered_count"
    WAITLIST_COUNT = "waitlist_count"
    BLOCK_COUNTS = "block_counts"
    OVER_CAPACITY = "over_capacity"
    FREE_SEAT = "free_seat"
    NEXT_TICKET = "next_ticket"
    OPERATION = "operation"
    """A raise or a deletion that nobody can finish: its marks contradict each other."""

    MISSING_JOURNAL_ENTRY = "missing_entry"
    JOURNAL_AHEAD = "entry_ahead"
    """The history is ahead of its event: no commit can get through."""

    NO_EVENT = "no_event"
    NO_USER = "no_user"
    NOT_ON_WAITLIST = "not_on_waitlist"
    ROSTER = "roster"
    """The roster lists a registration that has no seat, or does not list one that has."""
    SHARED_TICKET = "shared_ticket"
    BAD_TICKET = "bad_ticket"
    SEATED_AT = "seated_at"

    STRAY_WAITLIST_ENTRY = "stray_waitlist_entry"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong, where, and what was found instead of what should be."""

    kind: ViolationKind
    event_id: str
    user_id: str | None = None
    ticket: int | None = None
    stored: str = ""
    expected: str = ""
    versions: tuple[int, int] | None = None
    """Of the history: the first and the last that it is about."""


@dataclass(frozen=True, slots=True)
class FixedViolation:
    """A breach that is gone, and what is so now instead."""

    violation: Violation
    now: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How much was read so far: events, seats and places counted for them, then row by row."""

    events: int = 0
    counted: int = 0
    registrations: int = 0
    places: int = 0
