"""Violations: what a check can find (R7.5 and the design's own rules), and what a repair did about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ViolationKind(StrEnum):
    """A kind of violation: of an event's counts, its journal, a registration or a waitlist entry."""

    REGISTERED_COUNT = "registered_count"
    WAITLIST_COUNT = "waitlist_count"
    BLOCK_COUNTS = "block_counts"
    OVER_CAPACITY = "over_capacity"
    FREE_SEAT = "free_seat"
    NEXT_TICKET = "next_ticket"
    OPERATION = "operation"
    """A capacity increase or a deletion that can't be finished: its fields contradict each other."""

    ORGANIZERS = "organizers"
    """An event without an organizer has co-organizers (R2.9)."""

    MISSING_JOURNAL_ENTRY = "missing_journal_entry"
    JOURNAL_AHEAD = "journal_ahead"
    """The journal is ahead of its event: no commit can apply."""
    JOURNAL_RULE = "journal_rule"
    """An entry tells a change that the rules forbid, such as a seat above the capacity."""
    JOURNAL_EVENT = "journal_event"
    """A value or count of the event that its journal does not lead to."""
    JOURNAL_REGISTRATION = "journal_registration"
    """A registration that the journal does not lead to, or one that it leads to and that is not stored."""

    NO_EVENT = "no_event"
    NO_USER = "no_user"
    NOT_ON_WAITLIST = "not_on_waitlist"
    ROSTER = "roster"
    """The roster lists a waitlisted registration, or does not list a registered one."""
    SHARED_TICKET = "shared_ticket"
    BAD_TICKET = "bad_ticket"
    SEATED_AT = "seated_at"
    SEATED_VERSION = "seated_version"
    """The version of a seat on the waitlist, or of one before the registration (R9.4)."""
    VERSION_AHEAD = "version_ahead"
    """A registration is of a version that its event has not reached: no message to many would include it (R9.4)."""

    STRAY_WAITLIST_ENTRY = "stray_waitlist_entry"


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation: where it is, what is stored, and what should be."""

    kind: ViolationKind
    event_id: str
    user_id: str | None = None
    ticket: int | None = None
    stored: str = ""
    expected: str = ""
    versions: tuple[int, int] | None = None
    """For the journal: the first and the last version concerned."""


@dataclass(frozen=True, slots=True)
class FixedViolation:
    """A violation that was fixed, and what is stored instead."""

    violation: Violation
    result: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How much was read so far."""

    events: int = 0
    counted: int = 0
    """Registrations and waitlist entries read to count those of an event."""
    registrations: int = 0
    waitlist_entries: int = 0
