"""Questions of an event and answers to them: what is new, what fits, what is missing (R12.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from domain.enums import ClosedReason, QuestionKind
from domain.errors import Invalid, RegistrationClosed
from domain.inputs import QuestionDraft
from domain.models import Event
from domain.questions import Answer, Answers, Question


def questions_of(
    drafts: Sequence[QuestionDraft], current: Sequence[Question], new_id: Callable[[], str]
) -> tuple[Question, ...]:
    """Return the questions that drafts describe, each with an id.

    A draft without an id is the current question with its text and kind, so a request that is repeated changes
    nothing (R8.13), or else a new one. Raises `Invalid` for a current question with another kind.
    """
    present = {one.question_id: one for one in current}
    taken = {one.question_id for one in drafts}
    free = [one for one in current if one.question_id not in taken]
    questions = []
    for number, draft in enumerate(drafts):
        question_id = draft.question_id or _take_same(free, draft) or new_id()
        before = present.get(question_id)
        if before is not None and before.kind is not draft.kind:
            reason = "can't be changed: leave out the id to ask a new question"
            raise Invalid(f"questions.{number}.kind", reason)
        questions.append(_question(before, question_id, draft))
    return tuple(questions)


def _take_same(free: list[Question], draft: QuestionDraft) -> str | None:
    """Return the id of the first question with a draft's text and kind, and leave it out of `free`."""
    for question in free:
        if (question.text, question.kind) == (draft.text, draft.kind):
            free.remove(question)
            return question.question_id
    return None


def _question(before: Question | None, question_id: str, draft: QuestionDraft) -> Question:
    """Return the question. One that is edited keeps what a newer version stored with it (R7.7)."""
    values = {name: getattr(draft, name) for name in ("text", "kind", "options", "required")}
    if before is not None:
        return before.model_copy(update=values)
    return Question(question_id=question_id, **values)


def check_takes_answers(event: Event, now: datetime) -> None:
    """Raise `RegistrationClosed` once the event has started or is canceled: answers stay as they are then."""
    reason = event.closed_reason(now)
    if reason in (ClosedReason.CANCELED, ClosedReason.STARTED):
        since, is_series = event.closed_since(reason), event.series is not None
        raise RegistrationClosed(event.event_id, event.title, reason, since, is_series)


def has_asked(questions: Sequence[Question], asked: frozenset[str] | None) -> bool:
    """Return whether a user was asked all of these questions as they are (None: nobody looked)."""
    return asked is None or all(one.fingerprint in asked for one in questions)


def checked_answers(
    questions: Sequence[Question], given: Answers, asked: frozenset[str] | None
) -> dict[str, Answer]:
    """Return the answers to these questions, without empty ones. Raises `Invalid` with the question's id.

    An answer to a question that the event does not have is refused, unless the user was asked it (`asked`).
    """
    by_id = {one.question_id: one for one in questions}
    for question_id in given:
        if question_id not in by_id and asked is None:
            raise Invalid(f"answers.{question_id}", "is not an answer to a question of this event")
    answers = {}
    for question in questions:
        answer = _checked(question, given.get(question.question_id, ""))
        if answer:
            answers[question.question_id] = answer
        elif question.required:
            raise Invalid(f"answers.{question.question_id}", "must be given")
    return answers


def _checked(question: Question, answer: Answer) -> Answer:
    field = f"answers.{question.question_id}"
    if not answer:
        return ""
    if not question.takes(answer):
        expected = "a list of options" if isinstance(answer, str) else "text"
        raise Invalid(field, f"must be {expected}")
    if question.kind is QuestionKind.TEXT:
        return answer
    chosen = {answer} if isinstance(answer, str) else set(answer)
    if not chosen <= set(question.options):
        raise Invalid(field, f"must be among the options: {', '.join(question.options)}")
    if isinstance(answer, str):
        return answer
    return tuple(option for option in question.options if option in chosen)
