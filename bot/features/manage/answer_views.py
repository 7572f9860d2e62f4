"""Answers to an event's questions, for its organizers: totals, and each attendee's (R12.3)."""

from __future__ import annotations

import json

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.blocks.builders import MAX_SECTION, context, plain, section, sections
from bot.blocks.formatting import headcount
from bot.blocks.ids import CallbackId
from bot.blocks.mrkdwn import bold, escape
from domain.enums import QuestionKind
from domain.inputs import MAX_OPTIONS
from domain.models import AnswerTotals, Event, QuestionTotals
from domain.questions import Answer, Answers, shown_answers

TEXTS_ELSEWHERE = "To read the answers, see *Details* of an attendee or *Export CSV*."
MAX_SHOWN = 2 * MAX_OPTIONS
"""Options of one question in the totals: those of today, and some that were changed after they were chosen."""

EARLIER = "no longer an option"
NO_ANSWER = "_No answer_"

_ROW_LENGTH = 150
"""Characters of all answers in an attendee's row."""


def answer_totals(totals: AnswerTotals) -> View:
    """Show how often each answer was given by those with a seat."""
    who = f"{headcount(totals.counted)} with a seat"
    if not totals.is_complete:
        everyone = headcount(totals.event.registered_count)
        who = f"The first {totals.counted:,} of {everyone} with a seat"
    blocks: list[Block] = [section(f"{bold(totals.event.title)}\n{who}")]
    for one in totals.questions:
        blocks += sections(_lines(one, totals.counted))
    if any(one.question.kind is QuestionKind.TEXT for one in totals.questions):
        blocks.append(context(TEXTS_ELSEWHERE))
    return View(
        type="modal",
        callback_id=CallbackId.ANSWER_TOTALS,
        private_metadata=json.dumps({"event_id": totals.event.event_id}),
        title=plain("Answers"),
        close=plain("Back"),
        blocks=blocks,
    )


def _lines(totals: QuestionTotals, of: int) -> list[str]:
    lines = [bold(totals.question.text)]
    if totals.question.kind is QuestionKind.TEXT:
        return [*lines, f"{totals.answered:,} answered"]
    counts = list(totals.counts.items())
    for text, count in counts[:MAX_SHOWN]:
        earlier = "" if text in totals.question.options else f" _({EARLIER})_"
        lines.append(f"• {count:,} {escape(text)}{earlier}")
    if more := len(counts[MAX_SHOWN:]):
        lines.append(f"• and {more:,} earlier {'option' if more == 1 else 'options'}")
    if without := of - totals.answered:
        lines.append(f"• {without:,} without an answer")
    return lines


def attendee_answers(event: Event, answers: Answers) -> list[Block]:
    """Show all answers of one attendee; nothing if the event asks nothing."""
    shown = shown_answers(event.questions, answers)
    lines = ((bold(one.text), _words(shown.get(one.question_id))) for one in event.questions)
    return [block for question in lines for block in sections(question)]


def answers_line(event: Event, answers: Answers) -> str:
    """Return an excerpt of an attendee's answers for their row, on a line of its own; "" without any."""
    shown = shown_answers(event.questions, answers)
    texts = ", ".join(one for answer in shown.values() for one in _texts(answer))
    return f"\n{escape(texts, _ROW_LENGTH)}" if texts else ""


def _words(answer: Answer | None) -> str:
    return NO_ANSWER if answer is None else escape(", ".join(_texts(answer)), MAX_SECTION)


def _texts(answer: Answer) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else answer
