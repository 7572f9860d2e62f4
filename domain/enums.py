"""The closed lists of words that are stored: statuses, changes, causes and notifications."""

from __future__ import annotations

from enum import StrEnum


class EventStatus(StrEnum):
    """Whether an event takes registrations, as its organizers set it."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"


class Frequency(StrEnum):
    """How a series repeats (R13.1)."""

    WEEKLY = "weekly"
    """Every so many weeks, on the weekday of its first day."""
    MONTHLY_BY_DATE = "monthly_by_date"
    """On the same day of each month that has it."""
    MONTHLY_BY_WEEKDAY = "monthly_by_weekday"
    """On the same weekday of each month, such as the third Friday; in a month without a fifth one, not at all."""


class RegistrationStatus(StrEnum):
    """`registered` has a seat, `waitlisted` is on the waitlist."""

    REGISTERED = "registered"
    WAITLISTED = "waitlisted"


class Deletion(StrEnum):
    """State of an event's deletion (R7.2): its attendees are being removed, or it is a tombstone."""

    IN_PROGRESS = "in_progress"
    DONE = "done"


class ChangeKind(StrEnum):
    """A change made by a commit, as the history shows it (R8.10)."""

    CREATED = "created"
    REGISTERED = "registered"
    WAITLISTED = "waitlisted"
    UNREGISTERED = "unregistered"
    ANSWERED = "answered"
    """The user changed their answers (R12.3). The history never has what they are."""
    PROMOTED = "promoted"
    EDITED = "edited"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELED = "canceled"
    DELETED = "deleted"
    REPAIRED = "repaired"
    ANNOUNCED = "announced"
    REMINDED = "reminded"
    EXPORTED = "exported"
    CARD_POSTED = "card_posted"
    ORGANIZER_LEFT = "organizer_left"
    TAKEN_OVER = "taken_over"
    OCCURRENCE_MADE = "occurrence_made"
    """A series has an occurrence more (R13.2)."""


class QuestionKind(StrEnum):
    """How a question is answered: with a short `text`, with `one` of its options, or with `several` of them."""

    TEXT = "text"
    """With a short text."""
    ONE = "one"
    """With one of the options."""
    SEVERAL = "several"
    """With any number of the options."""


class Cause(StrEnum):
    """Why a registration changed."""

    OWN = "own"
    REMOVED = "removed"
    USER_DELETED = "user_deleted"
    USER_DEACTIVATED = "user_deactivated"
    EVENT_DELETED = "event_deleted"
    SEAT_FREED = "seat_freed"
    CAPACITY_INCREASED = "capacity_increased"
    REPAIR = "repair"
    SERIES = "series"
    """The user registered for all of the series (R13.4)."""


class NotificationKind(StrEnum):
    """Why a user gets a direct message after a commit (R9.1)."""

    ADDED = "added"
    """To whoever an organizer registered (R12.4)."""
    PROMOTED = "promoted"
    REMOVED = "removed"
    MOVED = "moved"
    CANCELED = "canceled"
    DELETED = "deleted"
    CLOSED = "closed"
    REMINDER = "reminder"
    ANNOUNCEMENT = "announcement"
    EXPORT = "export"
    DEACTIVATED = "deactivated"
    CARD = "card"
    """Not a direct message: the event's card, posted in a channel (R9.7)."""
    ORGANIZER_LEFT = "organizer_left"
    """To the organizers who are left (R2.9)."""
    ORPHANED = "orphaned"
    """To the workspace's admins: the event has no organizer left (R2.9). The bot finds them on delivery."""
    ORGANIZER_ADDED = "organizer_added"
    """To whoever someone else made an organizer."""
    ENROLLED = "enrolled"
    """To whoever an occurrence has registered because they registered for all of the series (R13.4)."""
    NOT_ENROLLED = "not_enrolled"
    """To whoever registered for all of the series, of an occurrence that is full and has no waitlist."""
    QUESTIONS_ADDED = "questions_added"
    """To those who registered before a question was added (R12.3)."""


class Visibility(StrEnum):
    """Who may see an event's registered attendees (R12.1), besides its organizers and the workspace admins."""

    EVERYONE = "everyone"
    """Everyone who can see the event."""
    ATTENDEES = "attendees"
    """Also the waitlisted."""
    ORGANIZERS = "organizers"


class Audience(StrEnum):
    """The attendees that get a notification."""

    REGISTERED = "registered"
    WAITLISTED = "waitlisted"
    EVERYONE = "everyone"


class ClosedReason(StrEnum):
    """Why an event takes no registrations (R2.6)."""

    CLOSED = "closed"
    CANCELED = "canceled"
    STARTED = "started"
    DEADLINE = "deadline"
    OPENING = "opening"
    """Those who registered for the whole series get their places first (R13.4)."""


class CreationWarning(StrEnum):
    """A likely mistake that an organizer is warned about once, before the event is created (R12.6)."""

    SAME_EVENT = "same_event"
    """An event that the organizer can find has the same title and start."""
    FAR_AWAY = "far_away"
    """The start is more than two years away."""
