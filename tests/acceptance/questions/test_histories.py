"""Answers belong to their registration through any history (R12.3), on the in-memory store and on each real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.enums import QuestionKind
from domain.errors import RollcallError
from domain.inputs import EventChanges, QuestionDraft, UserDraft
from domain.models import Registration
from domain.ports import Store
from domain.questions import Answer, Answers, Question, shown_answers
from domain.service import Service
from tests.support.environment import new_event, new_users, service_on
from tests.support.invariants import assert_invariants
from tests.support.questions import DAYS, LUNCH, NOTES
from tests.support.scale import scaled
from tests.support.stores import Kind, empty_store

USERS = "abcd"

VARIANTS = (
    *(LUNCH, DAYS, NOTES),
    LUNCH.model_copy(update={"text": "Lunch?", "options": ("Meat", "Fish"), "required": False}),
    NOTES.model_copy(update={"required": True}),
)
"""Questions as an organizer asks and edits them."""


@dataclass
class Model:
    """The answers of each attendee: the last ones accepted for the present registration."""

    accepted: dict[str, Answers] = field(default_factory=dict)

    def registered(self, user_id: str, questions: Sequence[Question], given: Answers) -> None:
        self.accepted[user_id] = fitting(questions, given)

    def changed(self, user_id: str, questions: Sequence[Question], given: Answers) -> None:
        """Replace the answers, unless a person sees no difference."""
        if shown_answers(questions, self.accepted[user_id]) != fitting(questions, given):
            self.registered(user_id, questions, given)

    def left(self, user_id: str) -> None:
        del self.accepted[user_id]


def fitting(questions: Sequence[Question], given: Answers) -> Answers:
    """Return what was answered of these questions."""
    ids = [question.question_id for question in questions]
    return {question_id: given[question_id] for question_id in ids if given.get(question_id)}


answers: st.SearchStrategy[dict[str, Answer]] = st.fixed_dictionaries(
    {},
    optional={
        "lunch": st.sampled_from(["Meat", "Vegetarian", "Fish"]),
        "days": st.sampled_from([(), ("Monday",), ("Monday", "Friday")]),
        "notes": st.sampled_from(["", "Late", "No nuts"]),
    },
)
question_sets = st.lists(
    st.sampled_from(VARIANTS), max_size=3, unique_by=lambda one: one.question_id
)
steps = st.tuples(
    st.sampled_from(
        [
            *("register", "register", "change", "change", "leave", "remove", "add", "recreate"),
            *("capacity", "ask", "ask"),
        ]
    ),
    st.integers(0, 11),
    answers,
    question_sets,
)
"""Steps: an action, a user, and answers and questions. Each action uses what it needs."""


@dataclass
class History:
    """An event with a seat, which three of the users share, and the model of its answers."""

    store: Store
    service: Service
    form: frozenset[str]
    """Fingerprints of the questions in a form that was opened before the first step."""
    model: Model = field(default_factory=Model)
    accepted: Counter[str] = field(default_factory=Counter)

    def take(self, step: tuple[str, int, dict[str, Answer], list[QuestionDraft]]) -> None:
        """Take a step, unless it is refused; the model follows."""
        what, number, made_up, drafts = step
        here = sorted(self.model.accepted)
        users = here if here and what in ("change", "leave", "remove") else USERS
        user_id = users[number % len(users)]
        with suppress(RollcallError):
            self._take(what, number, user_id, made_up, drafts)
            self.accepted[what] += 1
        found = assert_invariants(self.store)
        stored = {key[1]: row.answers for key, row in found.registrations.items()}
        assert stored == self.model.accepted

    def _take(
        self,
        what: str,
        number: int,
        user_id: str,
        made_up: dict[str, Answer],
        drafts: list[QuestionDraft],
    ) -> None:
        questions = self.service.get_event("e1").questions
        given = made_up if number % 4 else completed(questions, made_up)
        asked = None if number % 3 else self.form
        match what:
            case "register":
                self.service.register("e1", user_id, given, asked=asked)
                self.model.registered(user_id, questions, given)
            case "change":
                self.service.change_answers("e1", user_id, given, asked=asked)
                self.model.changed(user_id, questions, given)
            case "leave":
                self.service.unregister("e1", user_id)
                self.model.left(user_id)
            case "remove":
                self.service.remove("e1", user_id)
                self.model.left(user_id)
            case "add":
                self.service.add_attendees("e1", [user_id])
                self.model.registered(user_id, questions, {})
            case "recreate":
                self.service.delete_user(user_id)
                self.model.accepted.pop(user_id, None)
                self.service.create_user(UserDraft.of(user_id=user_id, name=user_id))
            case "capacity":
                self.service.edit_event("e1", EventChanges.of(capacity=1 + number % 3))
            case _:
                self.service.edit_event("e1", EventChanges.of(questions=drafts))


def completed(questions: Sequence[Question], given: Answers) -> Answers:
    """Return answers that the questions take, as far as they are given."""
    answers = {}
    for question in questions:
        answer = given.get(question.question_id, "")
        fits = question.kind is not QuestionKind.ONE or answer in question.options
        answers[question.question_id] = answer if answer and fits else example(question)
    return answers


def example(question: Question) -> Answer:
    """Return an answer that the question takes."""
    first = question.options[:1]
    return first if question.kind is QuestionKind.SEVERAL else (*first, "Late")[0]


@pytest.mark.parametrize(
    ("kind", "examples"),
    [
        ("memory", 100),
        pytest.param("sqlite", 25, marks=pytest.mark.short),
        pytest.param("local", 3, marks=pytest.mark.short),
        pytest.param("sqlite", 200, marks=pytest.mark.soak),
        pytest.param("local", 25, marks=pytest.mark.soak),
    ],
)
def test_each_registration_has_the_answers_that_were_accepted_last(
    kind: Kind, examples: int
) -> None:
    """Through joins, promotions, edits of the questions, changed answers, removals and deletions of users."""
    accepted: Counter[str] = Counter()

    @settings(max_examples=scaled(examples), suppress_health_check=[HealthCheck.too_slow])
    @given(question_sets, st.lists(steps, min_size=5, max_size=25))
    def holds(asked: list[QuestionDraft], steps: list[Any]) -> None:
        with empty_store(kind) as store:
            history = started(store, asked)
            for step in steps:
                history.take(step)
            assert list(history.service.check(lambda _: None)) == []
            accepted.update(history.accepted)

    holds()
    if kind != "local":
        assert {"register", "change", "leave", "ask", "capacity"} <= accepted.keys()


def started(store: Store, asked: Sequence[QuestionDraft]) -> History:
    """Return a history that begins with one seat, which a has; b and c are on the waitlist."""
    service = service_on(store)
    new_users(service, *USERS)
    questions = new_event(service, capacity=1, questions=asked).questions
    history = History(store, service, frozenset(one.fingerprint for one in questions))
    given = completed(questions, {})
    for user_id in "abc":
        service.register("e1", user_id, given)
        history.model.registered(user_id, questions, given)
    return history


@pytest.mark.parametrize("forgets", ["promotions", "changes"])
def test_property_fails_if_answers_are_lost(monkeypatch: pytest.MonkeyPatch, forgets: str) -> None:
    """Negative control: a promotion, or a change, that does not keep to the answers that were accepted."""
    copied = Registration.model_copy

    def forgetful(row: Registration, *, update: Mapping[str, Any], deep: bool = False) -> Any:
        if (forgets == "promotions") == ("status" in update):
            return copied(row, update={**update, "answers": {"lunch": "Fish"}}, deep=deep)
        return copied(row, update=update, deep=deep)

    monkeypatch.setattr(Registration, "model_copy", forgetful)  # the fault: no port is in the way
    step = "leave" if forgets == "promotions" else "change"
    with empty_store("memory") as store:
        history = started(store, (LUNCH,))
        with pytest.raises(AssertionError):
            history.take((step, 0, {"lunch": "Vegetarian"}, []))
