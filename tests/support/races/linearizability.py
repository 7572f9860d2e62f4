"""Whether a history of calls that overlapped is one that calls one after the other could have had.

A history is linearizable if each call can be given one moment between its invocation and its
response, so that the plain model, taking them in that order, gives each the answer that it got. What
the requirements let go in steps is not one moment: the deletion of a user is a mark, then one leave
per event, then the end (R7.1); a long raise goes on seat by seat (R2.5). Such steps take place by
themselves, at any moment once they are begun.

The search is Wing and Gong's, and remembers where it has been: by the calls that have their moment,
and the model's state. It rejects a history only after it tried every order.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from tests.support.races.calls import BUSY, Call, Facts, model_answer
from tests.support.reference_model import ReferenceModel, Refused

MAX_STATES = 1_000_000
"""So many states are looked at before the search gives up: neither accepted nor rejected."""


class NotLinearizable(AssertionError):
    """There is no order of the calls in which the model gives each the answer that it got."""


class Undecided(Exception):
    """The history is too tangled to be decided in reasonable time."""


@dataclass(frozen=True)
class _Step:
    """What takes place at one moment of a call: all of it, or a part."""

    call: Call
    take: Callable[[ReferenceModel], Facts]
    begins: int
    ends: float
    after: int = 0
    """The bit of the step that this one must follow."""

    @property
    def is_required(self) -> bool:
        return self.call.answer is not None

    @property
    def says_whether(self) -> bool:
        """Whether the answer says if the step changed anything: one that does not may change it later."""
        return self.call.name != "put_event"

    @property
    def event_id(self) -> object:
        """The event that the step is about, None for one about a user alone."""
        of_a_user = self.call.name in {"create_user", "delete_user", "get_user"}
        return None if of_a_user else self.call.args[0]


@dataclass(frozen=True)
class _SearchState:
    """Where the search is: which steps were taken, a bit each, and what the model holds then."""

    taken: int
    model: ReferenceModel
    state: Hashable
    before: _SearchState | None = None
    by: object = "in the beginning"

    def path(self) -> list[str]:
        path = [str(self.by)]
        place = self.before
        while place is not None:
            path.append(str(place.by))
            place = place.before
        return path[::-1]


def find_order(
    initial: ReferenceModel, calls: Sequence[Call], final: Hashable | None = None
) -> list[str]:
    """Return an order of the calls, and of what took place by itself, that explains every answer.

    `final` is what `ReferenceModel.contents` must be in the end, when nothing is under way any more.
    Raises `NotLinearizable` if there is no such order.
    """
    search = _Search(calls, final)
    found = search.run(initial)
    if found is None:
        raise NotLinearizable(search.report())
    return found.path()


class _Search:
    def __init__(self, calls: Sequence[Call], final: Hashable | None) -> None:
        self.steps = _steps(calls)
        self.required = sum(1 << n for n, step in enumerate(self.steps) if step.is_required)
        self.final = final
        self.furthest: _SearchState | None = None

    def run(self, initial: ReferenceModel) -> _SearchState | None:
        start = self._after_reads(_SearchState(0, initial.copied(), initial.state()))
        seen = {(start.taken, start.state)}
        open_ends = [start]
        while open_ends:
            place = open_ends.pop()
            if self._is_end(place):
                return place
            self._remember(place)
            for following in self._following(place):
                key = following.taken, following.state
                if key not in seen:
                    seen.add(key)
                    open_ends.append(following)
            if len(seen) > MAX_STATES:
                raise Undecided(self.report())
        return None

    def _is_end(self, place: _SearchState) -> bool:
        if place.taken & self.required != self.required:
            return False
        return self.final is None or place.model.contents() == self.final

    def _following(self, place: _SearchState) -> Iterator[_SearchState]:
        """Yield where the search may go from here, the likeliest last."""
        possible = list(self._possible(place))
        events = self._events_that_matter(place, possible)
        for event_id, what, do in background_steps(place.model):
            if events is None or event_id in events:
                model = place.model.copied()
                do(model)
                yield self._after_reads(
                    _SearchState(place.taken, model, model.state(), place, what)
                )
        for n in sorted(possible, key=lambda n: self.steps[n].call.hint, reverse=True):
            if events is None or self.steps[n].event_id in {*events, None}:
                following = self._take(place, n)
                if following is not None and (
                    following.state != place.state or not self.steps[n].says_whether
                ):
                    yield self._after_reads(following)

    def _events_that_matter(
        self, place: _SearchState, possible: Sequence[int]
    ) -> set[object] | None:
        """Return the events of which one has to move next, or a mark be set; None: it may be anything.

        In any order of the rest there is a first move of these. What precedes it there is of other
        events, does not depend on it, and can come after it as well; so nothing is missed. The most
        urgent step is of these events. A mark matters to whoever registers the marked user; the end
        of a deletion to nobody, unless the user might be created or deleted again.
        """
        missing = self._missing(place)
        urgent = min(missing, key=lambda n: self.steps[n].ends, default=None)
        if (
            urgent is None
            or self.steps[urgent].event_id is None
            or not self.steps[urgent].is_required
        ):
            return None
        marked: set[object] = set()
        for n in possible:
            step = self.steps[n]
            if step.event_id is None and not step.after and step.call.name != "get_user":
                if step.call.name != "delete_user" or (step.call.answer or BUSY)[0] != "deleted":
                    return None
                marked |= set(step.call.args)
        return {
            event_id
            for n in possible
            if (event_id := self.steps[n].event_id) is not None
            and (n == urgent or marked & set(self.steps[n].call.args))
        }

    def _after_reads(self, place: _SearchState) -> _SearchState:
        """Take what changes nothing, for nobody, as soon as its answer is true: no order can need it later."""
        moved = True
        while moved:
            moved = False
            for n in list(self._possible(place)):
                step = self.steps[n]
                is_sure = step.is_required and step.says_whether
                following = self._take(place, n) if is_sure else None
                if following is not None and (
                    following.state == place.state or self._only_joins(place, step)
                ):
                    place, moved = following, True
        return place

    def _only_joins(self, place: _SearchState, step: _Step) -> bool:
        """Whether a step deletes a user whose deletion is under way, and who never comes back."""
        return (
            step.call.name == "delete_user"
            and step.call.args[0] in place.model.marked
            and not any(
                self.steps[n].call.name == "create_user"
                and self.steps[n].call.args == step.call.args
                for n in self._missing(place)
            )
        )

    def _possible(self, place: _SearchState) -> Iterator[int]:
        """Yield the steps that no step which is still to come has to precede, in real time."""
        missing = self._missing(place)
        until = min((self.steps[n].ends for n in missing), default=inf)
        for n in missing:
            step = self.steps[n]
            if step.begins <= until and step.after & ~place.taken == 0:
                yield n

    def _missing(self, place: _SearchState) -> list[int]:
        return [n for n in range(len(self.steps)) if not place.taken >> n & 1]

    def _take(self, place: _SearchState, n: int) -> _SearchState | None:
        """Return the place after a step, None if the model's answer is another than was given."""
        step = self.steps[n]
        model = place.model.copied()
        answer = step.take(model)
        if step.is_required and answer != step.call.answer:
            return None
        return _SearchState(place.taken | 1 << n, model, model.state(), place, step.call)

    def _remember(self, place: _SearchState) -> None:
        if self.furthest is None or place.taken.bit_count() > self.furthest.taken.bit_count():
            self.furthest = place

    def report(self) -> str:
        """Return how far the search came, for whoever has to understand why it came no further."""
        place = self.furthest
        if place is None:
            return "nothing happened, and yet the end is not as the beginning"
        missing = [
            f"{step.call}, where the model says {step.take(place.model.copied())}"
            for step in (self.steps[n] for n in self._missing(place))
        ]
        parts = [*place.path(), f"leads to {place.model}", "and leaves:", *missing]
        if self.final is not None:
            parts += ["and in the end there was:", str(self.final)]
        return "\n".join(parts)


def background_steps(
    model: ReferenceModel,
) -> Iterator[tuple[str | None, str, Callable[[ReferenceModel], object]]]:
    """Yield each next step of what was begun in the model: in which event, what it is, what does it."""
    for user_id in model.marked:
        events = [of for of, event in model.events.items() if user_id in event.tickets]
        for event_id in events:
            what = f"{user_id} is taken out of {event_id}"
            yield event_id, what, partial(_remove_user, event_id, user_id)
        if not events:
            yield None, f"{user_id} is gone", partial(_finish_deletion, user_id)
    for event_id, event in model.events.items():
        if event.target is not None:
            yield (
                event_id,
                f"{event_id} is raised on",
                partial(_continue_capacity_increase, event_id),
            )


def _remove_user(event_id: str, user_id: str, model: ReferenceModel) -> None:
    model.leave(event_id, user_id)


def _finish_deletion(user_id: str, model: ReferenceModel) -> None:
    model.forget_user(user_id)


def _continue_capacity_increase(event_id: str, model: ReferenceModel) -> None:
    model.event(event_id).continue_capacity_increase(1)


def _steps(calls: Sequence[Call]) -> list[_Step]:
    """Take the calls apart into what takes place at one moment; `Busy` is nothing at all."""
    steps: list[_Step] = []
    for call in sorted(calls, key=lambda call: call.invoked):
        ends = inf if call.responded is None else call.responded
        if call.answer == BUSY:
            continue
        if call.name != "delete_user":
            steps.append(_Step(call, partial(_whole, call), call.invoked, ends))
            continue
        deletion = len(steps)
        steps.append(_Step(call, partial(_mark, call, deletion), call.invoked, ends))
        if call.answer == ("deleted", True):
            end = partial(_end, call, deletion)
            steps.append(_Step(call, end, call.invoked, ends, after=1 << deletion))
    return steps


def _whole(call: Call, model: ReferenceModel) -> Facts:
    return model_answer(model, call)


def _mark(call: Call, deletion: int, model: ReferenceModel) -> Facts:
    """Begin a deletion; whether its end is told of now is not the model's affair."""
    try:
        model.start_user_deletion(str(call.args[0]), deletion)
    except Refused as refused:
        return (refused.name,)
    return call.answer if call.answer and call.answer[0] == "deleted" else ("deleted", False)


def _end(call: Call, deletion: int, model: ReferenceModel) -> Facts:
    """Tell of the end of a deletion, once it has come."""
    return call.answer or () if deletion in model.finished else ("not deleted yet",)
