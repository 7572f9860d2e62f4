"""Search for an order of overlapping calls that explains every answer.

A history is linearizable if each call can be given one moment between its invocation and its
response, and the reference model, taking the calls in that order, gives each the same answer. Some
operations have more than one moment: the deletion of a user starts, leaves each event, takes the user
off each event's organizers (R2.9), and ends (R7.1); a long capacity increase continues seat by seat
(R2.5). Such background steps may happen at any moment after the operation has started.

The search is Wing and Gong's, with a memory of visited states: the calls that have their moment, and
the model's state. It rejects a history only after it has tried every order.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from tests.support.races.calls import BUSY, Call, Facts, model_answer
from tests.support.reference_model import ReferenceModel, Refused

NAMING_ORGANIZERS = frozenset({"create_event", "set_co_organizer", "take_over"})
"""Calls that are refused while the user is being deleted, and not after that."""

MAX_STATES = 1_000_000
"""The search gives up after this many states, unless told otherwise, and neither accepts nor rejects the history."""


class NotLinearizable(AssertionError):
    """No order of the calls explains every answer."""


class Undecided(Exception):
    """The history has too many orders to decide."""


@dataclass(frozen=True)
class _Step:
    """Part of a call that happens at one moment; usually the whole call."""

    call: Call
    take: Callable[[ReferenceModel], Facts]
    begins: int
    ends: float
    after: int = 0
    """Bit of the step that this one must follow."""

    @property
    def is_required(self) -> bool:
        return self.call.answer is not None

    @property
    def says_whether(self) -> bool:
        """Whether the answer says if the step changed anything; if not, the step may come later."""
        return self.call.name != "put_event"

    @property
    def event_id(self) -> object:
        """The event of the step; None if it concerns only a user."""
        of_a_user = self.call.name in {"create_user", "delete_user", "get_user"}
        return None if of_a_user else self.call.args[0]


@dataclass(frozen=True)
class _Node:
    """State of the search: the steps taken, as bits, and the model after them."""

    taken: int
    model: ReferenceModel
    state: Hashable
    before: _Node | None = None
    by: object = "at the start"

    def path(self) -> list[str]:
        path = [str(self.by)]
        node = self.before
        while node is not None:
            path.append(str(node.by))
            node = node.before
        return path[::-1]


def find_order(
    initial: ReferenceModel,
    calls: Sequence[Call],
    final: Hashable | None = None,
    *,
    max_states: int = MAX_STATES,
) -> list[str]:
    """Return an order of the calls and background steps that explains every answer.

    `final` is what `ReferenceModel.contents` must return once all operations have ended.
    Raises `NotLinearizable` if there is no such order, and `Undecided` after `max_states`.
    """
    search = _Search(calls, final, max_states)
    found = search.run(initial)
    if found is None:
        raise NotLinearizable(search.report())
    return found.path()


class _Search:
    def __init__(self, calls: Sequence[Call], final: Hashable | None, max_states: int) -> None:
        self._max_states = max_states
        self.steps = _steps(calls)
        self.required = sum(1 << n for n, step in enumerate(self.steps) if step.is_required)
        self.final = final
        self.furthest: _Node | None = None

    def run(self, initial: ReferenceModel) -> _Node | None:
        start = self._after_reads(_Node(0, initial.copied(), initial.state()))
        seen = {(start.taken, start.state)}
        frontier = [start]
        while frontier:
            node = frontier.pop()
            if self._is_end(node):
                return node
            self._remember(node)
            for following in self._following(node):
                key = following.taken, following.state
                if key not in seen:
                    seen.add(key)
                    frontier.append(following)
            if len(seen) > self._max_states:
                raise Undecided(self.report())
        return None

    def _is_end(self, node: _Node) -> bool:
        if node.taken & self.required != self.required:
            return False
        return self.final is None or node.model.contents() == self.final

    def _following(self, node: _Node) -> Iterator[_Node]:
        """Yield the next states of the search, the likeliest last."""
        possible = list(self._possible(node))
        events = self._events_that_matter(node, possible)
        for event_id, what, do in background_steps(node.model):
            if events is None or event_id in events:
                model = node.model.copied()
                do(model)
                yield self._after_reads(_Node(node.taken, model, model.state(), node, what))
        for n in sorted(possible, key=lambda n: self.steps[n].call.hint, reverse=True):
            if events is None or self.steps[n].event_id in {*events, None}:
                following = self._take(node, n)
                if following is not None and (
                    following.state != node.state or not self.steps[n].says_whether
                ):
                    yield self._after_reads(following)

    def _events_that_matter(self, node: _Node, possible: Sequence[int]) -> set[object] | None:
        """Return the events one of which has to change next; None if any event may.

        The most urgent step is about one of these events. In any order of the remaining steps one step
        about these events comes first. The steps before it are about other events, don't depend on it,
        and can follow it as well, so nothing is missed. The start of a deletion matters to calls that
        register the user. Its end matters only if the user might be created or deleted again, or become
        an organizer.
        """
        missing = self._missing(node)
        urgent = min(missing, key=lambda n: self.steps[n].ends, default=None)
        if (
            urgent is None
            or self.steps[urgent].event_id is None
            or not self.steps[urgent].is_required
        ):
            return None
        deleting: set[object] = set()
        for n in possible:
            step = self.steps[n]
            if step.event_id is None and not step.after and step.call.name != "get_user":
                if step.call.name != "delete_user" or (step.call.answer or BUSY)[0] != "deleted":
                    return None
                deleting |= set(step.call.args)
        gone = deleting | set(node.model.deleting)
        calls = [self.steps[n].call for n in possible]
        if any(call.name in NAMING_ORGANIZERS and call.args[1] in gone for call in calls):
            return None
        return {
            event_id
            for n in possible
            if (event_id := self.steps[n].event_id) is not None
            and (n == urgent or deleting & set(self.steps[n].call.args))
        }

    def _after_reads(self, node: _Node) -> _Node:
        """Take each step that changes nothing as soon as its answer is true: no order needs it later."""
        moved = True
        while moved:
            moved = False
            for n in list(self._possible(node)):
                step = self.steps[n]
                is_sure = step.is_required and step.says_whether
                following = self._take(node, n) if is_sure else None
                if following is not None and (
                    following.state == node.state or self._only_joins(node, step)
                ):
                    node, moved = following, True
        return node

    def _only_joins(self, node: _Node, step: _Step) -> bool:
        """Return whether a step only joins the deletion of a user who never comes back."""
        return (
            step.call.name == "delete_user"
            and step.call.args[0] in node.model.deleting
            and not any(
                self.steps[n].call.name == "create_user"
                and self.steps[n].call.args == step.call.args
                for n in self._missing(node)
            )
        )

    def _possible(self, node: _Node) -> Iterator[int]:
        """Yield the steps that need not wait for another one, in real time."""
        missing = self._missing(node)
        until = min((self.steps[n].ends for n in missing), default=inf)
        for n in missing:
            step = self.steps[n]
            if step.begins <= until and step.after & ~node.taken == 0:
                yield n

    def _missing(self, node: _Node) -> list[int]:
        return [n for n in range(len(self.steps)) if not node.taken >> n & 1]

    def _take(self, node: _Node, n: int) -> _Node | None:
        """Return the state after a step, or None if the model gives another answer."""
        step = self.steps[n]
        model = node.model.copied()
        answer = step.take(model)
        if step.is_required and answer != step.call.answer:
            return None
        return _Node(node.taken | 1 << n, model, model.state(), node, step.call)

    def _remember(self, node: _Node) -> None:
        if self.furthest is None or node.taken.bit_count() > self.furthest.taken.bit_count():
            self.furthest = node

    def report(self) -> str:
        """Return how far the search came and which steps it could not take."""
        node = self.furthest
        if node is None:
            return "there was no call, but the contents at the end differ from the start"
        missing = [
            f"{step.call}, but the model says {step.take(node.model.copied())}"
            for step in (self.steps[n] for n in self._missing(node))
        ]
        parts = [*node.path(), f"leads to {node.model}", "steps left:", *missing]
        if self.final is not None:
            parts += ["contents at the end:", str(self.final)]
        return "\n".join(parts)


def background_steps(
    model: ReferenceModel,
) -> Iterator[tuple[str | None, str, Callable[[ReferenceModel], object]]]:
    """Yield each next background step: its event, its description, and the function that takes it."""
    for user_id in model.deleting:
        events = [of for of, event in model.events.items() if user_id in event.tickets]
        for event_id in events:
            what = f"{user_id} is removed from {event_id}"
            yield event_id, what, partial(_remove_user, event_id, user_id)
        organized = [of for of, event in model.events.items() if user_id in event.organizers]
        for event_id in organized:
            what = f"{user_id} organizes {event_id} no longer"
            yield event_id, what, partial(_remove_organizer, event_id, user_id)
        if not events and not organized:
            yield None, f"the deletion of {user_id} ends", partial(_finish_deletion, user_id)
    for event_id, event in model.events.items():
        if event.target is not None:
            yield (
                event_id,
                f"the capacity increase of {event_id} continues",
                partial(_continue_capacity_increase, event_id),
            )


def _remove_user(event_id: str, user_id: str, model: ReferenceModel) -> None:
    model.leave(event_id, user_id)


def _remove_organizer(event_id: str, user_id: str, model: ReferenceModel) -> None:
    model.event(event_id).remove_organizer(user_id)


def _finish_deletion(user_id: str, model: ReferenceModel) -> None:
    model.finish_user_deletion(user_id)


def _continue_capacity_increase(event_id: str, model: ReferenceModel) -> None:
    model.event(event_id).continue_capacity_increase(1)


def _steps(calls: Sequence[Call]) -> list[_Step]:
    """Split the calls into steps; a call that was answered `Busy` has none."""
    steps: list[_Step] = []
    for call in sorted(calls, key=lambda call: call.invoked):
        ends = inf if call.responded is None else call.responded
        if call.answer == BUSY:
            continue
        if call.name != "delete_user":
            steps.append(_Step(call, partial(_whole, call), call.invoked, ends))
            continue
        deletion = len(steps)
        steps.append(_Step(call, partial(_start_deletion, call, deletion), call.invoked, ends))
        if call.answer == ("deleted", True):
            end = partial(_answer_deletion, call, deletion)
            steps.append(_Step(call, end, call.invoked, ends, after=1 << deletion))
    return steps


def _whole(call: Call, model: ReferenceModel) -> Facts:
    return model_answer(model, call)


def _start_deletion(call: Call, deletion: int, model: ReferenceModel) -> Facts:
    """Start a deletion, whether or not its answer waits for the end."""
    try:
        model.start_user_deletion(str(call.args[0]), deletion)
    except Refused as refused:
        return (refused.name,)
    return call.answer if call.answer and call.answer[0] == "deleted" else ("deleted", False)


def _answer_deletion(call: Call, deletion: int, model: ReferenceModel) -> Facts:
    """Answer a deletion once it has ended."""
    return call.answer or () if deletion in model.finished else ("not deleted yet",)
