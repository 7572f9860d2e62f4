"""Neutral form of a recorded history: what was asked of one event, when, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import inf


class Status(IntEnum):
    """An event's status. Nobody finds an event that was never created or that is deleted (R6.4, R7.2)."""

    ABSENT = 0
    OPEN = 1
    CLOSED = 2
    CANCELED = 3
    DELETED = 4


# Questions about an event.


@dataclass(frozen=True)
class Create:
    """Create the event."""

    capacity: int
    has_waitlist: bool


@dataclass(frozen=True)
class Register:
    """Register a user (R3)."""

    user_id: str


@dataclass(frozen=True)
class Leave:
    """Unregister a user, or remove one for an organizer (R4)."""

    user_id: str


@dataclass(frozen=True)
class DeleteUser:
    """Delete a user, who leaves the event if registered for it (R7.1)."""

    user_id: str


@dataclass(frozen=True)
class Edit:
    """Change the capacity, the waitlist, or something else that no answer depends on (R2.5, R2.7)."""

    capacity: int | None = None
    has_waitlist: bool | None = None


@dataclass(frozen=True)
class SetStatus:
    """Close, reopen, cancel or delete the event (R2.6, R7.2)."""

    status: Status


@dataclass(frozen=True)
class Read:
    """Read a user's registration, or the event."""

    user_id: str = ""


Question = Create | Register | Leave | DeleteUser | Edit | SetStatus | Read


# Answers. A field is None if the answer does not tell it.


@dataclass(frozen=True)
class Own:
    """A registration: of the user who has just registered, who had registered before, or who reads it.

    A user with a seat has no position.
    """

    position: int | None
    ticket: int | None = None


@dataclass(frozen=True)
class NotRegistered:
    """The user has no registration."""


@dataclass(frozen=True)
class NotListed:
    """The user's list of registrations does not have the event."""


@dataclass(frozen=True)
class Left:
    """The user has left, and others were promoted."""

    promoted: tuple[str, ...] | None = None
    had_seat: bool | None = None
    ticket: int | None = None


@dataclass(frozen=True)
class Done:
    """The event is as requested, and others were promoted. `changed`: it was not so before."""

    promoted: tuple[str, ...] | None = None
    changed: bool | None = None


@dataclass(frozen=True)
class Already:
    """Refused: the user is registered or waitlisted already (R3.4)."""

    position: int | None


@dataclass(frozen=True)
class Full:
    """Refused: no seat is free, and the event keeps no waitlist (R3.2)."""

    capacity: int
    seated: int


@dataclass(frozen=True)
class NotOpen:
    """Refused: the event takes no registrations (R3.5), because it is closed or canceled."""

    status: Status


@dataclass(frozen=True)
class Canceled:
    """Refused: a canceled event can't be changed (R2.6)."""


@dataclass(frozen=True)
class BelowSeated:
    """Refused: the capacity would be below the number registered (R2.5)."""

    capacity: int
    seated: int


@dataclass(frozen=True)
class UnknownEvent:
    """Refused: there is no such event (R3.5, R6.4)."""


@dataclass(frozen=True)
class Counts:
    """The event, as it was read."""

    capacity: int
    status: Status
    seated: int
    waitlisted: int


Answer = (
    Own
    | NotRegistered
    | NotListed
    | Left
    | Done
    | Already
    | Full
    | NotOpen
    | Canceled
    | BelowSeated
    | UnknownEvent
    | Counts
)


@dataclass(frozen=True)
class Operation:
    """One question with its answer.

    Without an answer (None), it may have taken effect at any moment since it began, or never. What was refused as
    busy changed nothing: leave it out.
    """

    question: Question
    begin: float
    end: float = inf
    answer: Answer | None = None

    def __str__(self) -> str:
        """Return the operation on one line."""
        answer = "no answer" if self.answer is None else str(self.answer)
        return f"{self.begin:.15g} to {self.end:.15g}: {self.question} -> {answer}"


@dataclass(frozen=True)
class Start:
    """The event before the history. By default it has not been created."""

    status: Status = Status.ABSENT
    capacity: int = 1
    has_waitlist: bool = False
    attendees: Sequence[str] = ()
    """Those with a seat, then the waitlist, with tickets in this order, from 1."""


@dataclass(frozen=True)
class History:
    """All that was asked of one event, in any order."""

    operations: Sequence[Operation]
    start: Start = Start()

    def first(self, number: int) -> History:
        """Return the history of the first so many operations.

        The other ones can't explain an answer that came before the first of them began. An answer that came after
        that is left out: the others may have a part in it.
        """
        by_begin = sorted(self.operations, key=lambda one: one.begin)
        if len(by_begin) <= number:
            return self
        return History(before(by_begin[:number], by_begin[number].begin), self.start)


def before(operations: Sequence[Operation], end: float) -> list[Operation]:
    """Return what began before a moment, without the answers that came at that moment or after it."""
    return [
        one if one.end < end else Operation(one.question, one.begin)
        for one in operations
        if one.begin < end
    ]
