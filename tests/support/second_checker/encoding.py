"""A history as constraints for the solver, in the SMT-LIB language.

They say that there is an order of the operations in which each answer is what docs/requirements.md promises. Each
operation has one moment between its begin and its end. A change, which may change the event, has the moment of a step
of its own: step k leads from state k to state k + 1. A look, such as a refusal, changes nothing: it has a state.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

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
from tests.support.second_checker.rules import (
    State,
    Step,
    all_of,
    any_of,
    claim,
    claim_of_change,
    effect,
    equal,
    negation,
    nothing,
)

Window = tuple[int, int]
"""The first and the last step or state that an operation may have."""


class Encoding:
    """The constraints of one history."""

    def __init__(self, history: History) -> None:
        self._start = history.start
        by_begin = sorted(history.operations, key=lambda one: one.begin)
        self.changes = [one for one in by_begin if _may_change(one)]
        self.looks = [one for one in by_begin if not _may_change(one) and one.answer is not None]
        self._begins = [one.begin for one in self.changes]
        self._ends = sorted(one.end for one in self.changes)
        self._steps = [(first, last - 1) for first, last in map(self._window, self.changes)]
        self._states = [self._window(one) for one in self.looks]
        self._user_ids = list(dict.fromkeys(_user_ids(history)))
        self._lines: list[str] = []

    @property
    def size(self) -> int:
        """A measure of how many constraints there are."""
        choices = sum(last - first + 1 for first, last in (*self._steps, *self._states))
        return choices + len(self.changes) * len(self._user_ids)

    def text(self) -> str:
        """Return the constraints, without that the answers are true."""
        self._lines = []
        self._order()
        state = self._first_state()
        for _ in self.changes:
            self._claim_looks(state)
            state = self._step(state)
        self._claim_looks(state)
        return "\n".join([*self._numbers(), *self._lines])

    def answers(self) -> dict[str, Operation]:
        """Return the operations with an answer, by the name of the variable that the answer is true."""
        changes = {f"change{number}-holds": one for number, one in enumerate(self.changes)}
        looks = {f"look{number}-holds": one for number, one in enumerate(self.looks)}
        return {name: one for name, one in {**changes, **looks}.items() if one.answer is not None}

    # Order

    def _window(self, operation: Operation) -> Window:
        """Return how many changes must come before an operation, and how many may."""
        must = bisect_left(self._ends, operation.begin)
        return must, bisect_right(self._begins, operation.end)

    def _order(self) -> None:
        """Whatever ended before something else began comes first, and each change has a step of its own."""
        for number, window in enumerate(self._steps):
            self._declare(f"step{number}", "N", f"change{number}-holds", f"happens{number}")
            self._within(f"step{number}", window)
            for other in range(number):
                if _meet(window, self._steps[other]):
                    before, after = f"step{other}", f"step{number}"
                    is_first = self.changes[other].end < self.changes[number].begin
                    self._assert(
                        f"(bvult {before} {after})" if is_first else negation(equal(before, after))
                    )
        for number, window in enumerate(self._states):
            self._declare(f"state{number}", "N", f"look{number}-holds")
            self._within(f"state{number}", window)
            self._order_look(number, window)

    def _order_look(self, number: int, window: Window) -> None:
        look, name = self.looks[number], f"state{number}"
        for other, change in enumerate(self.changes):
            if _meet(window, self._steps[other]):
                if change.end < look.begin:
                    self._assert(f"(bvult step{other} {name})")
                elif look.end < change.begin:
                    self._assert(f"(bvule {name} step{other})")
        for other in range(number):
            if self.looks[other].end < look.begin and _meet(window, self._states[other]):
                self._assert(f"(bvule state{other} {name})")

    def _within(self, name: str, window: Window) -> None:
        self._assert(f"(bvule n{window[0]} {name})")
        self._assert(f"(bvule {name} n{window[1]})")

    # States

    def _first_state(self) -> State:
        start, users = self._start, range(len(self._user_ids))
        state = self._declare_state(
            0,
            {user_id: f"rank0-{user}" for user_id, user in zip(self._user_ids, users, strict=True)},
            {user_id: f"ticket0-{user}" for user_id, user in zip(self._user_ids, users, strict=True)},
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
            self._declare(state.ranks[user_id], "N")
            self._declare(state.tickets[user_id], "N")
            self._assert(equal(state.tickets[user_id], ticket))
            self._assert(equal(state.ranks[user_id], min(ticket, 1) + max(0, ticket - seated)))
        return state

    def _declare_state(self, number: int, ranks: dict[str, str], tickets: dict[str, str]) -> State:
        state = State(number, ranks, tickets)
        for name in (state.status, state.capacity, state.seated, state.waitlisted, state.ticket):
            self._declare(name, "N")
        self._declare(state.keeps_waitlist, "Bool")
        return state

    def _step(self, before: State) -> State:
        """Let one change take its step, or not happen there."""
        number = before.number
        after = self._declare_state(number + 1, dict(before.ranks), dict(before.tickets))
        step = Step(before, after)
        self._declare(step.behind, "N")
        self._declare(step.by, "N")
        self._declare(step.rank, "N")
        for change in self._candidates(number):
            operation, is_here = self.changes[change], equal(f"step{change}", number)
            does = all_of(effect(operation.question, step))
            happens = f"happens{change}"
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
        candidates = [(change, self.changes[change].question) for change in self._candidates(number)]
        others_move = any(isinstance(one, Leave | DeleteUser | Edit) for _, one in candidates)
        for user, user_id in enumerate(self._user_ids):
            rank, ticket = step.before.ranks[user_id], step.before.tickets[user_id]
            new_rank = f"(up {rank} {step.behind} {step.by})" if others_move else rank
            own = [change for change, one in candidates if getattr(one, "user_id", None) == user_id]
            if own:
                acts = any_of(f"(and {equal(f'step{one}', number)} happens{one})" for one in own)
                new_rank = f"(ite {acts} {step.rank} {new_rank})"
                new_ticket = f"(ite {acts} {step.before.ticket} {ticket})"
                step.after.tickets[user_id] = self._define(f"ticket{number + 1}-{user}", new_ticket)
            if new_rank != rank:
                step.after.ranks[user_id] = self._define(f"rank{number + 1}-{user}", new_rank)

    def _candidates(self, step: int) -> list[int]:
        return [one for one, (first, last) in enumerate(self._steps) if first <= step <= last]

    def _claim_looks(self, state: State) -> None:
        for number, (first, last) in enumerate(self._states):
            if first <= state.number <= last:
                look = self.looks[number]
                assert look.answer is not None
                claims = all_of(claim(look.question, look.answer, state))
                is_here = equal(f"state{number}", state.number)
                self._assert(f"(=> (and {is_here} look{number}-holds) {claims})")

    # The language

    def _declare(self, name: str, sort: str, *booleans: str) -> None:
        self._lines.append(f"(declare-const {name} {sort})")
        self._lines += [f"(declare-const {one} Bool)" for one in booleans]

    def _define(self, name: str, term: str) -> str:
        self._declare(name, "N")
        self._assert(equal(name, term))
        return name

    def _assert(self, term: str) -> None:
        self._lines.append(f"(assert {term})")

    def _numbers(self) -> Iterator[str]:
        """Yield the definitions of numbers, of so many bits that no sum is too large."""
        used = {int(one) for line in self._lines for one in re.findall(r"\bn(\d+)\b", line)}
        bits = (2 * max(*used, len(self.changes) + len(self._user_ids)) + 4).bit_length()
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
        case (Edit() | SetStatus()), Done(_, changed):
            return changed is not False
    return False


def _user_ids(history: History) -> Iterator[str]:
    yield from history.start.attendees
    for operation in history.operations:
        user_id = getattr(operation.question, "user_id", "")
        if user_id:
            yield user_id
        yield from getattr(operation.answer, "promoted", None) or ()


def _meet(one: Window, other: Window) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
