"""How often each answer to an event's questions was given (R12.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from domain.models import AnswerTotals, Event, QuestionTotals
from domain.ports import Store
from domain.questions import Answers, Question, shown_answers

MAX_PAGES = 4
"""Pages of the roster that are read, as large as the store gives: in DynamoDB 1 MB, thousands of registrations.

More would not be read within Slack's three seconds. Then the totals say how many registrations they count."""


def count_answers(store: Store, event: Event) -> AnswerTotals:
    """Count the answers of those with a seat, in order of tickets. Eventually consistent, as the roster is."""
    given: list[Answers] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = store.list_roster(event.event_id, limit=None, cursor=cursor)
        given += [
            shown_answers(event.questions, registration.answers) for registration in page.items
        ]
        cursor = page.next_cursor
        if cursor is None:
            break
    totals = tuple(_totals(question, given) for question in event.questions)
    return AnswerTotals(event, totals, counted=len(given), is_complete=cursor is None)


def _totals(question: Question, given: Sequence[Answers]) -> QuestionTotals:
    answers = [one[question.question_id] for one in given if question.question_id in one]
    counts = Counter(
        text for answer in answers for text in ([answer] if isinstance(answer, str) else answer)
    )
    return QuestionTotals(question, _in_order(question.options, counts), len(answers))


def _in_order(options: Iterable[str], counts: Counter[str]) -> dict[str, int]:
    """Return the counts in the order of the options, with 0 for none, then those of options that were changed since."""
    first = {option: counts.pop(option, 0) for option in options}
    return first | dict(counts.most_common())
