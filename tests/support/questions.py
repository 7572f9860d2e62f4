"""Questions that tests ask, one of each kind (R12.3)."""

from __future__ import annotations

from domain.enums import QuestionKind
from domain.inputs import QuestionDraft
from domain.planning.questions import questions_of

LUNCH = QuestionDraft(
    question_id="lunch",
    text="Which lunch?",
    kind=QuestionKind.ONE,
    options=("Meat", "Vegetarian"),
    required=True,
)
DAYS = QuestionDraft(
    question_id="days",
    text="Which days?",
    kind=QuestionKind.SEVERAL,
    options=("Monday", "Friday"),
)
NOTES = QuestionDraft(question_id="notes", text="Anything else?", kind=QuestionKind.TEXT)
SIZE = QuestionDraft(
    question_id="size", text="Which size?", kind=QuestionKind.ONE, options=("S", "M")
)


def fingerprints_of(*questions: QuestionDraft) -> frozenset[str]:
    """Return what a form with these questions says that it asks."""
    return frozenset(one.fingerprint for one in questions_of(questions, (), str))
