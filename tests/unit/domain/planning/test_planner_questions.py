"""The planner and questions (R12.3): refusals with all their data, what they check, and what is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from domain.commands import ChangeAnswers, Command, Edit, Register, StartDeletion, Unregister
from domain.enums import Cause, ClosedReason, Deletion, EventStatus, QuestionKind
from domain.errors import (
    AlreadyRegistered,
    AnswersNeeded,
    Invalid,
    NotRegistered,
    RegistrationClosed,
    RollcallError,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import EventChanges
from domain.models import Event
from domain.planning.plan import CheckUser, PutEvent, PutJournalEntry, PutRegistration
from domain.planning.questions import questions_of
from domain.questions import Question
from tests.support.environment import START, ids
from tests.support.planning import SEATED, event, planned
from tests.support.questions import LUNCH as LUNCH_DRAFT
from tests.support.questions import NOTES

LUNCH = Question(
    question_id="lunch",
    text="Which lunch?",
    kind=QuestionKind.ONE,
    options=("Meat", "Vegetarian"),
    required=True,
)
MEAT = {"lunch": "Meat"}
ASKS = Edit(EventChanges.of(questions=(LUNCH_DRAFT,)), None)


def asking(**values: Any) -> Event:
    """Return the event of `planned` with a question, and room for more."""
    return event(questions=(LUNCH,), **values)


NEEDED = AnswersNeeded("e1", "Supper")


@pytest.mark.parametrize(
    ("command", "at", "refusal"),
    [
        (Register("new"), asking(), NEEDED),
        (Register("new", MEAT, frozenset()), asking(), NEEDED),
        (Register("new", {}), asking(), Invalid("answers.lunch", "must be given")),
        (
            Register("new", {"lunch": "Fish"}),
            asking(),
            Invalid("answers.lunch", "must be among the options: Meat, Vegetarian"),
        ),
        (Register("new", {"lunch": ("Meat",)}), asking(), Invalid("answers.lunch", "must be text")),
        (Register("unknown"), asking(), UnknownUser("unknown")),
        (
            Register("sits"),
            asking(),
            AlreadyRegistered("e1", "Supper", "sits", SEATED, None, takes_answers=True),
        ),
        (
            ChangeAnswers("first", MEAT | {"size": "L"}),
            asking(),
            Invalid("answers.size", "is not an answer to a question of this event"),
        ),
        (ChangeAnswers("first", MEAT, frozenset({"other"})), asking(), NEEDED),
        (ChangeAnswers("new", MEAT), asking(), NotRegistered("e1", "Supper", "new")),
        (ChangeAnswers("first", MEAT), asking(deletion=Deletion.IN_PROGRESS), UnknownEvent("e1")),
        (
            ChangeAnswers("first", MEAT),
            asking(status=EventStatus.CANCELED),
            RegistrationClosed("e1", "Supper", ClosedReason.CANCELED, None),
        ),
        (
            ChangeAnswers("first", MEAT),
            asking(starts_at=START),
            RegistrationClosed("e1", "Supper", ClosedReason.STARTED, START),
        ),
    ],
)
def test_refusal_has_all_its_data(command: Command, at: Event, refusal: RollcallError) -> None:
    plan = planned(command, at=at)
    (outcome,) = plan.outcomes
    assert isinstance(outcome, RollcallError)
    assert (type(outcome), vars(outcome)) == (type(refusal), vars(refusal))
    assert plan.actions == ()


@pytest.mark.parametrize(
    ("commands", "checked"),
    [
        ((ASKS, Register("new")), ["new"]),
        ((ASKS, Register("new", {})), ["new"]),
        ((ASKS, Register("unknown")), []),
        (
            (ASKS, ChangeAnswers("first", {})),
            [],
        ),  # its registration does not change without a version
    ],
)
def test_refusal_caused_by_a_question_of_the_batch_checks_its_user(
    commands: Sequence[Command], checked: list[str]
) -> None:
    """R7.1: a deletion does not change the event's version, so the commit checks the user."""
    plan = planned(*commands)
    assert isinstance(plan.outcomes[1], RollcallError)
    assert [one.user_id for one in plan.actions if isinstance(one, CheckUser)] == checked


def test_refusal_about_answers_that_the_snapshot_shows_writes_nothing() -> None:
    plan = planned(Register("new"), Register("new", {}), at=asking())
    assert [type(outcome) for outcome in plan.outcomes] == [AnswersNeeded, Invalid]
    assert plan.actions == ()


@pytest.mark.parametrize("user_id", ["sits", "first"])
def test_changed_answers_write_the_event_the_registration_and_the_journal(user_id: str) -> None:
    """Not the waitlist entry, which has no answers."""
    plan = planned(ChangeAnswers(user_id, MEAT), at=asking())
    assert [type(action) for action in plan.actions] == [PutEvent, PutRegistration, PutJournalEntry]


def test_answers_of_someone_promoted_in_the_same_batch_are_theirs() -> None:
    leaves = Unregister("sits", Cause.OWN)
    plan = planned(leaves, ChangeAnswers("first", MEAT, with_position=True), at=asking())
    outcome = plan.outcomes[1]
    assert not isinstance(outcome, RollcallError)
    (row,) = [one.registration for one in plan.actions if isinstance(one, PutRegistration)]
    assert (row.user_id, row.status, row.answers) == ("first", SEATED, MEAT)


def test_deleted_event_takes_no_answers() -> None:
    plan = planned(StartDeletion(None), ChangeAnswers("first", MEAT), at=asking())
    assert isinstance(plan.outcomes[-1], UnknownEvent)


def test_questions_that_are_alike_keep_their_ids_without_them() -> None:
    """R8.13: a request that is repeated changes nothing, also if two questions have the same text."""
    drafts = (NOTES.model_copy(update={"question_id": None}),) * 2
    current = questions_of(drafts, (), ids())
    assert questions_of(drafts, current, ids("new")) == current
