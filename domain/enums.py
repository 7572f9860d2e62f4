"""What state things are in, and why they changed: the closed lists of words that are stored."""

from __future__ import annotations

from enum import StrEnum


class EventStatus(StrEnum):
    """Whether an event takes registrations, as its organizers set it."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"


class RegistrationStatus(StrEnum):
    """`registered` has a seat, `waitlisted` waits for one."""

    REGISTERED = "registered"
    WAITLISTED = "waitlisted"


class Deletion(StrEnum):
    """How far an event's deletion is (R7.2): marked and being emptied, or a tombstone."""

    MARKED = "marked"
    DONE = "done"


class ChangeKind(StrEnum):
    """What a commit did, as the history tells it (R8.10)."""

    CREATED = "created"
    REGISTERED = "registered"
    WAITLISTED = "waitlisted"
    LEFT = "left"
    PROMOTED = "promoted"
    EDITED = "edited"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELED = "canceled"
    DELETED = "deleted"
    REPAIRED = "repaired"
    MESSAGED = "messaged"
    REMINDED = "reminded"
    EXPORTED = "exported"


class Cause(StrEnum):
    """Why a registration moved."""

    OWN = "own"
    REMOVED = "removed"
    USER_DELETED = "user_deleted"
    USER_DEACTIVATED = "user_deactivated"
    EVENT_DELETED = "event_deleted"
    SEAT_FREED = "seat_freed"
    CAPACITY_INCREASED = "capacity_increased"
    REPAIR = "repair"


class NotificationKind(StrEnum):
    """What a person is told, or given, by direct message because of a commit (R9.1)."""

    PROMOTED = "promoted"
    REMOVED = "removed"
    MOVED = "moved"
    CANCELED = "canceled"
    DELETED = "deleted"
    CLOSED = "closed"
    REMINDER = "reminder"
    MESSAGE = "message"
    EXPORT = "export"
    DEACTIVATED = "deactivated"


class Audience(StrEnum):
    """Whom of an event's people a message is for."""

    REGISTERED = "registered"
    WAITING = "waiting"
    EVERYONE = "everyone"


class ClosedBecause(StrEnum):
    """Why an event takes no registrations (R2.6)."""

    CLOSED = "closed"
    CANCELED = "canceled"
    STARTED = "started"
    DEADLINE = "deadline"
