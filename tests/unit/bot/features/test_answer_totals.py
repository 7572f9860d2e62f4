"""Numbers in the totals of answers (R12.3)."""

from __future__ import annotations

import pytest

from bot.features.manage.answer_views import MAX_SHOWN, answer_totals
from domain.enums import QuestionKind
from domain.models import AnswerTotals, QuestionTotals
from domain.questions import Question
from tests.support.builders import an_event
from tests.support.slack.harness import text_of

QUESTION = Question(question_id="lunch", text="Which lunch?", kind=QuestionKind.ONE)


def text(*, options: int = 2, counted: int = 3, registered: int = 3) -> str:
    """Return the text of the modal about one question."""
    counts = {f"option {number}": 1 for number in range(options)}
    totals = AnswerTotals(
        an_event(registered_count=registered),
        (QuestionTotals(QUESTION, counts, counted),),
        counted=counted,
        is_complete=counted == registered,
    )
    return text_of(answer_totals(totals).to_dict()["blocks"])


@pytest.mark.parametrize(
    ("more", "said"), [(1, "and 1 earlier option"), (2, "and 2 earlier options")]
)
def test_options_beyond_those_shown_are_counted(more: int, said: str) -> None:
    assert text(options=MAX_SHOWN + more).splitlines()[-1] == f"• {said}"


def test_part_of_the_roster_is_called_one() -> None:
    assert "The first 1,000 of 2,500 people with a seat" in text(counted=1_000, registered=2_500)
