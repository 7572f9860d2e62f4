"""A history as constraints for the solver, in the SMT-LIB language.

They say that there is an order of the operations in which each answer is what docs/requirements.md promises. Each
operation has one moment between its begin and its end. A change, which may change the event, has the moment of a step
of its own: step k leads from state k to state k + 1. A look, such as a refusal, changes nothing: it has a state.

For each operation, a truth value `…-holds` says that its answer is true, and for each change `…-happens` that it has
taken effect: one without an answer need not.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from tests.support.second_checker.history import (
    Create,
    DeleteUser,
    Done,
    Edit,
    History,
    Leave,
    Left,
    Operation,
    Own,
    Read,
    Register,
    SetStatus,
)
from tests.support.second_checker.moments import Moment
from tests.support.second_checker.rules import (
    State,
    Step,
    all_of,
    any_of,
    claim,
    claim_of_change,
    effect,
    equal,
    nothing,
)


class Encoding:
    """The constraints of one history."""

    def __init__(self, history: History) -> None:
        self._start = history.start
        by_begin = sorted(history.operations, key=lambda one: one.begin)
        self.changes = [one for one in by_begin if _may_change(one)]
        self.looks = [one for one in by_begin if not _may_change(one) and one.answer is not None]
        self._begins = [one.begin for one in self.changes]
        self._ends = sorted(one.end for one in self.changes)
        self._steps = [self._step_of(number) for number in range(len(self.changes))]
        self._states = [self._state_of(number) for number in range(len(self.looks))]
        self._user_ids = list(dict.fromkeys(_user_ids(history)))
        self._lines: list[str] = []

    @property
    def size(self) -> int:
        """A measure of how many constraints there are."""
        choices = sum(one.last - one.first + 1 for one in (*self._steps, *self._states))
        return choices + len(self.changes) * len(self._user_ids)

    def text(self) -> str:
        """Return the constraints, all but one: that the answers are true."""
        self._lines = []
        self._order()
        state = self._first_state()
        for _ in self.changes:
            self._claim_looks(state)
            state = self._step(state)
        self._claim_looks(state)
        return "\n".join([*self._numbers(), *self._lines])

    def answers(self) -> dict[str, Operation]:
        """Return the operations with an answer, each by the name of the truth value that says the answer is true."""
        changes = {f"change{number}-holds": one for number, one in enumerate(self.changes)}
        looks = {f"look{number}-holds": one for number, one in enumerate(self.looks)}
        return {name: one for name, one in {**changes, **looks}.items() if one.answer is not None}

    # Order

    def _step_of(self, number: int) -> Moment:
        first, last = self._changes_before(self.changes[number])
        return Moment(f"step{number}", first, last - 1)

    def _state_of(self, number: int) -> Moment:
        return Moment(f"state{number}", *self._changes_before(self.looks[number]))

    def _changes_before(self, operation: Operation) -> tuple[int, int]:
        """Return how many changes must come before an operation, or be it, and how many may."""
        must = bisect_left(self._ends, operation.begin)
        return must, bisect_right(self._begins, operation.end)

    def _order(self) -> None:
        """Keep the order of operations that do not overlap, and give each change a step of its own."""
        for moment in (*self._steps, *self._states):
            self._lines += moment.declarations()
        for number, change in enumerate(self.changes):
            self._declare("Bool", f"change{number}-holds", f"change{number}-happens")
            for other in range(number):
                mine, others = self._steps[number], self._steps[other]
                is_first = self.changes[other].end < change.begin
                self._assert(*(others.is_before(mine) if is_first else mine.differs(others)))
        self._order_tickets()
        for number, look in enumerate(self.looks):
            self._declare("Bool", f"look{number}-holds")
            self._order_look(look, self._states[number])
            for other in range(number):
                if self.looks[other].end < look.begin:
                    self._assert(*self._states[other].is_not_after(self._states[number]))

    def _order_tickets(self) -> None:
        """Order the registrations by their tickets: that follows from the rules, but the solver is slow to see it."""
        placed = sorted(
            (change.answer.ticket, number)
            for number, change in enumerate(self.changes)
            if isinstance(change.answer, Own) and change.answer.ticket is not None
        )
        for (_, one), (_, other) in pairwise(placed):
            hold = f"(and change{one}-holds change{other}-holds)"
            self._assert(
                *(f"(=> {hold} {term})" for term in self._steps[one].is_before(self._steps[other]))
            )

    def _order_look(self, look: Operation, state: Moment) -> None:
        """Order a look and the changes: a state comes before the step of the same number."""
        for change, step in zip(self.changes, self._steps, strict=True):
            if change.end < look.begin:
                self._assert(*step.is_before(state))
            elif look.end < change.begin:
                self._assert(*state.is_not_after(step))

    # States

    def _first_state(self) -> State:
        start = self._start
        state = self._declare_state(
            0,
            {user_id: f"rank0-{user}" for user, user_id in enumerate(self._user_ids)},
            {user_id: f"ticket0-{user}" for user, user_id in enumerate(self._user_ids)},
        )
        seated = min(start.capacity, len(start.attendees))
        self._assert(equal(state.status, start.status))
        self._assert(equal(state.capacity, start.capacity))
        self._assert(equal(state.keeps_waitlist, "true" if start.has_waitlist else "false"))
        self._assert(equal(state.seated, seated))
        self._assert(equal(state.waitlisted, len(start.attendees) - seated))
        self._assert(equal(state.ticket, len(start.attendees) + 1))
        tickets = {user_id: ticket for ticket, user_id in enumerate(start.attendees, 1)}
        for user_id in self._user_ids:
            ticket = tickets.get(user_id, 0)
            self._declare("N", state.ranks[user_id], state.tickets[user_id])
            self._assert(equal(state.tickets[user_id], ticket))
            self._assert(equal(state.ranks[user_id], min(ticket, 1) + max(0, ticket - seated)))
        return state

    def _declare_state(self, number: int, ranks: dict[str, str], tickets: dict[str, str]) -> State:
        state = State(number, ranks, tickets)
        self._declare("Bool", state.keeps_waitlist)
        self._declare(
            "N", state.status, state.capacity, state.seated, state.waitlisted, state.ticket
        )
        return state

    def _step(self, before: State) -> State:
        """Let one change take its step, or not happen there."""
        number = before.number
        after = self._declare_state(number + 1, dict(before.ranks), dict(before.tickets))
        step = Step(before, after)
        self._declare("N", step.behind, step.by, step.rank)
        for change in self._candidates(number):
            operation, is_here = self.changes[change], self._steps[change].is_at(number)
            does = all_of(effect(operation.question, step))
            happens = f"change{change}-happens"
            self._assert(f"(=> {is_here} (ite {happens} {does} {all_of(nothing(step))}))")
            if operation.answer is not None:
                claims = all_of(
                    claim_of_change(operation.question, operation.answer, before, happens)
                )
                self._assert(f"(=> (and {is_here} change{change}-holds) {claims})")
        self._move_users(step)
        return after

    def _move_users(self, step: Step) -> None:
        number = step.before.number
        candidates = [
            (change, self.changes[change].question) for change in self._candidates(number)
        ]
        others_move = any(isinstance(one, Leave | DeleteUser | Edit) for _, one in candidates)
        for user, user_id in enumerate(self._user_ids):
            rank, ticket = step.before.ranks[user_id], step.before.tickets[user_id]
            new_rank = f"(up {rank} {step.behind} {step.by})" if others_move else rank
            own = [change for change, one in candidates if getattr(one, "user_id", None) == user_id]
            if own:
                acts = any_of(self._happens_at(one, number) for one in own)
                new_rank = f"(ite {acts} {step.rank} {new_rank})"
                new_ticket = f"(ite {acts} {step.before.ticket} {ticket})"
                step.after.tickets[user_id] = self._define(f"ticket{number + 1}-{user}", new_ticket)
            if new_rank != rank:
                step.after.ranks[user_id] = self._define(f"rank{number + 1}-{user}", new_rank)

    def _candidates(self, number: int) -> list[int]:
        return [change for change, step in enumerate(self._steps) if step.may_be(number)]

    def _happens_at(self, change: int, number: int) -> str:
        return f"(and {self._steps[change].is_at(number)} change{change}-happens)"

    def _claim_looks(self, state: State) -> None:
        for number, look in enumerate(self.looks):
            moment = self._states[number]
            if look.answer is not None and moment.may_be(state.number):
                claims = all_of(claim(look.question, look.answer, state))
                is_here = moment.is_at(state.number)
                self._assert(f"(=> (and {is_here} look{number}-holds) {claims})")

    # The language

    def _declare(self, sort: str, *names: str) -> None:
        self._lines += (f"(declare-const {name} {sort})" for name in names)

    def _define(self, name: str, term: str) -> str:
        self._declare("N", name)
        self._assert(equal(name, term))
        return name

    def _assert(self, *terms: str) -> None:
        self._lines += (f"(assert {term})" for term in terms)

    def _numbers(self) -> Iterator[str]:
        """Yield the definitions of numbers, of so many bits that no sum is too large."""
        used = {int(one) for line in self._lines for one in re.findall(r"\bn(\d+)\b", line)}
        most = max(
            *used, len(self._user_ids) + 2, len(self._start.attendees) + len(self.changes) + 2
        )
        bits = most.bit_length()
        yield f"(define-sort N () (_ BitVec {bits}))"
        for value in sorted(used | {1}):
            yield f"(define-fun n{value} () N (_ bv{value} {bits}))"
        # The rank of a user when those with a higher rank than `behind` move up, at most to a seat.
        yield "(define-fun up ((rank N) (behind N) (by N)) N"
        yield "  (ite (bvugt rank behind) (ite (bvugt rank by) (bvsub rank by) n1) rank))"


def _may_change(operation: Operation) -> bool:
    match operation.question, operation.answer:
        case Read(), _:
            return False
        case (_, None) | (Register(), Own()) | (_, Left()) | (Create() | DeleteUser(), Done()):
            return True
        case Edit(None, None), _:
            return False
        case ((Edit() | SetStatus()), Done(_, changed)):
            return changed is not False
    return False


def _user_ids(history: History) -> Iterator[str]:
    yield from history.start.attendees
    for operation in history.operations:
        user_id = getattr(operation.question, "user_id", "")
        if user_id:
            yield user_id
        yield from getattr(operation.answer, "promoted", None) or ()
