"""The rules of docs/requirements.md as terms of the SMT-LIB language: what a question does, and what an answer claims.

A rank is 0 for somebody without a registration, 1 for a seat, and 1 + n for position n of the waitlist. So whoever
leaves lets everybody with a higher rank move up by one: that is how position 1 gets the seat (R4.2, R4.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.second_checker.history import (
    Already,
    Answer,
    BelowSeated,
    Canceled,
    Counts,
    Create,
    DeleteUser,
    Done,
    Edit,
    Full,
    Leave,
    Left,
    NotListed,
    NotOpen,
    NotRegistered,
    Own,
    Question,
    Register,
    SetStatus,
    Status,
    UnknownEvent,
)

NO_RANK, SEAT = "n0", "n1"


@dataclass(frozen=True)
class State:
    """The names of what is true between two steps."""

    number: int
    ranks: dict[str, str]
    tickets: dict[str, str]

    @property
    def status(self) -> str:
        """The event's status."""
        return f"status{self.number}"

    @property
    def capacity(self) -> str:
        """The event's capacity."""
        return f"capacity{self.number}"

    @property
    def keeps_waitlist(self) -> str:
        """Whether newcomers to a full event join a waitlist."""
        return f"keeps{self.number}"

    @property
    def seated(self) -> str:
        """The number of users with a seat."""
        return f"seated{self.number}"

    @property
    def waitlisted(self) -> str:
        """The number of waitlisted users."""
        return f"waitlisted{self.number}"

    @property
    def ticket(self) -> str:
        """The next ticket."""
        return f"ticket{self.number}"

    @property
    def exists(self) -> str:
        """Whether there is the event."""
        return self.status_is(Status.OPEN, Status.CLOSED, Status.CANCELED)

    @property
    def has_seat_for_newcomer(self) -> str:
        """Whether a seat is free, and nobody is ahead of a newcomer (R3.1, R3.6)."""
        return all_of([equal(self.waitlisted, 0), f"(bvult {self.seated} {self.capacity})"])

    def status_is(self, *statuses: Status) -> str:
        """Return the term that the event has one of these statuses."""
        return any_of(equal(self.status, status) for status in statuses)


@dataclass(frozen=True)
class Step:
    """The names of one step, from a state to the next one."""

    before: State
    after: State

    @property
    def behind(self) -> str:
        """Those with a higher rank than this move up."""
        return f"behind{self.before.number}"

    @property
    def by(self) -> str:
        """By how much they move up, at most to a seat."""
        return f"by{self.before.number}"

    @property
    def rank(self) -> str:
        """The new rank of the user whom the step is about."""
        return f"rank{self.before.number}"


def nothing(step: Step) -> Iterable[str]:
    """Return what holds if nothing happens."""
    yield from _stays(step, "status", "capacity", "keeps", "seated", "waitlisted", "ticket")
    yield _nobody_moves(step)


def effect(question: Question, step: Step) -> Iterable[str]:
    """Return what holds if a question takes effect."""
    match question:
        case Create(capacity, has_waitlist):
            yield step.before.status_is(Status.ABSENT)
            yield equal(step.after.status, Status.OPEN)
            yield equal(step.after.capacity, capacity)
            yield equal(step.after.keeps_waitlist, _boolean(has_waitlist))
            yield from _stays(step, "seated", "waitlisted", "ticket")
            yield _nobody_moves(step)
        case Register(user_id):
            yield from _register(user_id, step)
        case Leave(user_id) | DeleteUser(user_id):
            yield from _leave(user_id, step)
        case Edit(capacity, has_waitlist):
            yield from _edit(capacity, has_waitlist, step)
        case SetStatus(status):
            yield _can_become(status, step.before)
            yield equal(step.after.status, status)
            yield from _stays(step, "capacity", "keeps", "seated", "waitlisted", "ticket")
            yield _nobody_moves(step)


def _register(user_id: str, step: Step) -> Iterable[str]:
    """Give the user a seat, or the end of the waitlist (R3.1 to R3.6)."""
    before, after = step.before, step.after
    has_seat = before.has_seat_for_newcomer
    yield before.status_is(Status.OPEN)
    yield equal(before.ranks[user_id], NO_RANK)
    yield any_of([has_seat, before.keeps_waitlist])
    yield equal(step.rank, _if(has_seat, SEAT, _plus(before.waitlisted, "n2")))
    yield equal(after.seated, _if(has_seat, _plus(before.seated, "n1"), before.seated))
    yield equal(after.waitlisted, _if(has_seat, "n0", _plus(before.waitlisted, "n1")))
    yield equal(after.ticket, _plus(before.ticket, "n1"))
    yield from _stays(step, "status", "capacity", "keeps")
    yield _nobody_moves(step)


def _leave(user_id: str, step: Step) -> Iterable[str]:
    """Take the user away. Either the waitlist becomes shorter by that, or a seat becomes free (R4.1 to R4.5)."""
    before, after = step.before, step.after
    is_empty = equal(before.waitlisted, 0)
    yield before.exists
    yield negation(equal(before.ranks[user_id], NO_RANK))
    yield equal(step.rank, NO_RANK)
    yield equal(step.behind, before.ranks[user_id])
    yield equal(step.by, 1)
    yield equal(after.seated, _if(is_empty, _minus(before.seated, "n1"), before.seated))
    yield equal(after.waitlisted, _if(is_empty, "n0", _minus(before.waitlisted, "n1")))
    yield from _stays(step, "status", "capacity", "keeps", "ticket")


def _edit(capacity: int | None, has_waitlist: bool | None, step: Step) -> Iterable[str]:
    """Change the capacity, and promote as many as there are new seats (R2.5); keep a waitlist or not (R2.7)."""
    before, after = step.before, step.after
    yield before.status_is(Status.OPEN, Status.CLOSED)
    yield from _stays(step, "status", "ticket")
    if has_waitlist is None:
        yield from _stays(step, "keeps")
    else:
        yield equal(after.keeps_waitlist, _boolean(has_waitlist))
    if capacity is None:
        yield from _stays(step, "capacity", "seated", "waitlisted")
        yield _nobody_moves(step)
        return
    free = _minus(_number(capacity), before.seated)
    promoted = _if(f"(bvult {free} {before.waitlisted})", free, before.waitlisted)
    yield f"(bvule {before.seated} {_number(capacity)})"
    yield equal(after.capacity, capacity)
    yield equal(step.behind, SEAT)
    yield equal(step.by, promoted)
    yield equal(after.seated, _plus(before.seated, step.by))
    yield equal(after.waitlisted, _minus(before.waitlisted, step.by))


def _can_become(status: Status, before: State) -> str:
    """Return the term that an event can get a status: a canceled one can only be deleted (R2.6)."""
    if status is Status.DELETED:
        return before.exists
    return before.status_is(Status.OPEN, Status.CLOSED)


def claim_of_change(
    question: Question, answer: Answer, before: State, happens: str
) -> Iterable[str]:
    """Return what the answer to a change says about the state before it."""
    match question, answer:
        case DeleteUser(user_id), Done():
            is_attendee = negation(equal(before.ranks[user_id], NO_RANK))
            yield equal(happens, all_of([before.exists, is_attendee]))
            return
        case Register(_), Own(None, ticket):
            yield before.has_seat_for_newcomer
            yield from _has_ticket(before.ticket, ticket)
        case Register(_), Own(int(position), ticket):
            yield negation(before.has_seat_for_newcomer)
            yield equal(before.waitlisted, position - 1)
            yield from _has_ticket(before.ticket, ticket)
        case Leave(user_id), Left(promoted, had_seat, ticket):
            if had_seat is not None:
                is_seat = equal(before.ranks[user_id], SEAT)
                yield is_seat if had_seat else negation(is_seat)
            yield from _has_ticket(before.tickets[user_id], ticket)
            yield from _leave_promotes(user_id, promoted, before)
        case Edit(capacity, has_waitlist), Done(promoted, changed):
            if changed:
                yield negation(all_of(_is_so(capacity, has_waitlist, before)))
            yield from _increase_promotes(capacity, promoted, before)
        case SetStatus(status), Done(_, changed):
            if changed:
                yield negation(equal(before.status, status))
    yield happens


def _leave_promotes(user_id: str, promoted: tuple[str, ...] | None, before: State) -> Iterable[str]:
    had_seat = equal(before.ranks[user_id], SEAT)
    if promoted == ():
        yield any_of([negation(had_seat), equal(before.waitlisted, 0)])
    elif promoted is not None:
        yield had_seat
        yield from _are_first(promoted, before)
        yield _boolean(len(promoted) == 1)


def _increase_promotes(
    capacity: int | None, promoted: tuple[str, ...] | None, before: State
) -> Iterable[str]:
    if promoted is None:
        return
    yield from _are_first(promoted, before)
    if capacity is None:
        yield _boolean(not promoted)
        return
    # Either there are no more seats, or there is nobody else.
    seats = equal(_plus(before.seated, _number(len(promoted))), capacity)
    yield any_of([seats, equal(before.waitlisted, len(promoted))])
    yield f"(bvule {_number(len(promoted))} {before.waitlisted})"


def _are_first(user_ids: tuple[str, ...], before: State) -> Iterable[str]:
    for position, user_id in enumerate(user_ids, 1):
        yield equal(before.ranks[user_id], 1 + position)


def _is_so(capacity: int | None, has_waitlist: bool | None, state: State) -> Iterable[str]:
    if capacity is not None:
        yield equal(state.capacity, capacity)
    if has_waitlist is not None:
        yield equal(state.keeps_waitlist, _boolean(has_waitlist))


def claim(question: Question, answer: Answer, state: State) -> Iterable[str]:
    """Return what an answer says about the state that it was true in."""
    user_id = getattr(question, "user_id", "")
    match answer:
        case UnknownEvent():
            yield negation(state.exists)
        case NotListed():
            yield any_of([negation(state.exists), equal(state.ranks[user_id], NO_RANK)])
        case Own(position, ticket):
            yield state.exists
            yield equal(state.ranks[user_id], 1 + (position or 0))
            yield from _has_ticket(state.tickets[user_id], ticket)
        case Already(position):
            yield state.exists
            yield equal(state.ranks[user_id], 1 + (position or 0))
        case NotRegistered():
            yield state.exists
            yield equal(state.ranks[user_id], NO_RANK)
        case Full(capacity, seated):
            yield state.status_is(Status.OPEN)
            yield equal(state.ranks[user_id], NO_RANK)
            yield negation(any_of([state.keeps_waitlist, state.has_seat_for_newcomer]))
            yield equal(state.capacity, capacity)
            yield equal(state.seated, seated)
        case NotOpen(status):
            yield state.status_is(status)
            yield equal(state.ranks[user_id], NO_RANK)
        case Canceled():
            yield state.status_is(Status.CANCELED)
        case BelowSeated(capacity, seated):
            yield state.status_is(Status.OPEN, Status.CLOSED)
            yield equal(state.seated, seated)
            yield _boolean(capacity < seated)
            yield _boolean(isinstance(question, Edit) and question.capacity == capacity)
        case Counts(capacity, status, seated, waitlisted):
            yield state.status_is(status)
            yield equal(state.capacity, capacity)
            yield equal(state.seated, seated)
            yield equal(state.waitlisted, waitlisted)
        case Done():
            yield state.exists
            yield from _was_so_before(question, state)
        case Left():
            yield "false"


def _was_so_before(question: Question, state: State) -> Iterable[str]:
    """Return what holds if nothing had to be changed."""
    match question:
        case Edit(capacity, has_waitlist):
            yield state.status_is(Status.OPEN, Status.CLOSED)
            yield from _is_so(capacity, has_waitlist, state)
        case SetStatus(status):
            yield equal(state.status, status)


def _has_ticket(ticket: str, expected: int | None) -> Iterable[str]:
    if expected is not None:
        yield equal(ticket, expected)


def _stays(step: Step, *names: str) -> Iterable[str]:
    for name in names:
        yield equal(f"{name}{step.after.number}", f"{name}{step.before.number}")


def _nobody_moves(step: Step) -> str:
    return equal(step.by, 0)


# Terms


def equal(one: str, other: str | int) -> str:
    """Return the term that two terms are equal. No term is less than 0."""
    if isinstance(other, int):
        return "false" if other < 0 else f"(= {one} {_number(other)})"
    return f"(= {one} {other})"


def negation(term: str) -> str:
    """Return the negation."""
    return f"(not {term})"


def all_of(terms: Iterable[str]) -> str:
    """Return the conjunction."""
    return f"(and true {' '.join(terms)})"


def any_of(terms: Iterable[str]) -> str:
    """Return the disjunction."""
    return f"(or false {' '.join(terms)})"


def _number(value: int) -> str:
    return f"n{int(value)}"


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _if(condition: str, one: str, other: str) -> str:
    return f"(ite {condition} {one} {other})"


def _plus(one: str, other: str) -> str:
    return f"(bvadd {one} {other})"


def _minus(one: str, other: str) -> str:
    return f"(bvsub {one} {other})"
