"""An event's questions as its forms take them: up to three slots, each with the inputs of one question (R12.3).

Two organizers may edit an event at the same time. The form that edits an event therefore knows which question each
slot showed, and how. A slot that was left alone keeps the question as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.blocks.ids import QuestionInput, question_block
from bot.blocks.mrkdwn import shortened
from bot.slack.error_messages import FieldProblem, option_problem
from bot.slack.view_metadata import ShownQuestion
from bot.slack.view_payloads import ViewPayload
from domain.enums import QuestionKind
from domain.errors import Invalid
from domain.inputs import (
    MAX_OPTIONS_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    QuestionDraft,
    is_visible,
    utf16_length,
)
from domain.models import Event
from domain.questions import Question

MAX_TYPED_OPTIONS = 1_500
"""Characters of all options together. Options that keep to their limits take half of it: errors say what is wrong."""

KINDS = tuple(map(str, QuestionKind))


@dataclass(frozen=True, slots=True)
class QuestionSlot:
    """The inputs of one slot, as typed and chosen. The options are one per line."""

    text: str = ""
    kind: str = QuestionKind.TEXT
    options: str = ""
    required: bool = False


def slots_of(questions: Iterable[Question]) -> tuple[QuestionSlot, ...]:
    """Return a filled slot for each question."""
    return tuple(
        QuestionSlot(one.text, one.kind, "\n".join(one.options), one.required) for one in questions
    )


def slots_in(view: ViewPayload) -> tuple[QuestionSlot, ...]:
    """Return the slots of a form as they are by now, without what Slack would not take as an initial value."""
    return tuple(_slot(view, number) for number in _numbers(view))


def with_one_more(slots: Sequence[QuestionSlot]) -> tuple[QuestionSlot, ...]:
    """Return the slots and an empty one, unless there are three."""
    return (*slots, QuestionSlot())[:MAX_QUESTIONS]


def new_questions(view: ViewPayload) -> tuple[QuestionDraft, ...]:
    """Return the questions of a new event. Raises `Invalid` with the block that is wrong."""
    found = {number: _new_draft(view, number) for number in _numbers(view)}
    drafts = {number: draft for number, draft in found.items() if draft is not None}
    _check_options(drafts.values(), max((n for n in drafts if drafts[n].options), default=0))
    return tuple(drafts.values())


def as_shown(questions: Iterable[Question]) -> tuple[ShownQuestion, ...]:
    """Return what a form must know of the questions that it shows."""
    return tuple(
        ShownQuestion(question_id=one.question_id, kind=one.kind, fingerprint=one.fingerprint)
        for one in questions
    )


def edited_questions(
    view: ViewPayload, shown: Sequence[ShownQuestion], event: Event
) -> tuple[QuestionDraft, ...] | None:
    """Return all questions of an event with what a form changes, None if it changes none of them.

    `shown` are the questions in the form's first slots; the other slots are new. `event` is the event as it is now.
    Raises `Invalid` with the block that is wrong.
    """
    merge = _Merge(event.questions, shown)
    for number in _numbers(view):
        if number > len(shown):
            draft = _new_draft(view, number)
            if draft is not None:
                merge.add(number, draft)
            continue
        before = shown[number - 1]
        draft = _draft(view, number)
        if draft is None:
            merge.remove(before)
        elif _fingerprint(draft, before.question_id) != before.fingerprint:
            merge.replace(number, before, draft)
    if len(merge.drafts) > MAX_QUESTIONS:
        block = question_block(merge.last_added, QuestionInput.TEXT)
        raise Invalid(block, FieldProblem.TOO_MANY_QUESTIONS)
    _check_options(merge.drafts, merge.last_with_options)
    return tuple(merge.drafts) if merge.is_touched else None


class _Merge:
    """The questions of an event as it is now, with the changes of a form so far."""

    def __init__(self, current: Sequence[Question], shown: Sequence[ShownQuestion]) -> None:
        self.drafts = [_draft_of(question) for question in current]
        self.is_touched = False
        self.last_added = 0
        """The last slot that added a question."""
        self.last_with_options = 0
        """The last slot that changed options."""
        self._kinds = {question.question_id: question.kind for question in current}
        self._not_shown = self._kinds.keys() - {one.question_id for one in shown}

    def remove(self, before: ShownQuestion) -> None:
        """Remove a question, unless someone else has."""
        self.is_touched = True
        self.drafts = [one for one in self.drafts if one.question_id != before.question_id]

    def replace(self, number: int, before: ShownQuestion, draft: QuestionDraft) -> None:
        """Change a question. With another kind it is a new one, in the same place."""
        index = self._index(before.question_id)
        if draft.kind is self._kinds.get(before.question_id, before.kind):
            draft = draft.model_copy(update={"question_id": before.question_id})
        if index is None and draft.question_id is None:
            self.add(number, draft)
        else:
            self._put(number, index, draft)

    def add(self, number: int, draft: QuestionDraft) -> None:
        """Add a question. A form that is sent twice finds the one that it added."""
        same = (
            one.question_id
            for one in self.drafts
            if one.question_id in self._not_shown
            and (one.text, one.kind) == (draft.text, draft.kind)
        )
        question_id = next(same, None)
        self._not_shown -= {question_id}
        self._put(
            number,
            self._index(question_id),
            draft.model_copy(update={"question_id": question_id}),
        )

    def _put(self, number: int, index: int | None, draft: QuestionDraft) -> None:
        self.is_touched = True
        if draft.options:
            self.last_with_options = number
        if index is None:
            self.drafts.append(draft)
            self.last_added = number
        else:
            self.drafts[index] = draft

    def _index(self, question_id: str | None) -> int | None:
        ids = [one.question_id for one in self.drafts]
        return ids.index(question_id) if question_id and question_id in ids else None


def _numbers(view: ViewPayload) -> list[int]:
    """Return the numbers of the slots that a form shows."""
    return [
        number
        for number in range(1, MAX_QUESTIONS + 1)
        if view.shows(question_block(number, QuestionInput.TEXT))
    ]


def _slot(view: ViewPayload, number: int) -> QuestionSlot:
    kind = view.selected(question_block(number, QuestionInput.KIND))
    options = view.text(question_block(number, QuestionInput.OPTIONS))
    return QuestionSlot(
        text=shortened(view.text(question_block(number, QuestionInput.TEXT)), MAX_QUESTION_LENGTH),
        kind=kind if kind in KINDS else QuestionKind.TEXT,
        options=shortened(options, MAX_TYPED_OPTIONS),
        required=bool(view.checked(question_block(number, QuestionInput.REQUIRED))),
    )


def _new_draft(view: ViewPayload, number: int) -> QuestionDraft | None:
    """Return the question of a new slot, None if there is none. Raises `Invalid` with the block that is wrong."""
    draft = _draft(view, number)
    if draft is None and _options(view, number):
        raise Invalid(question_block(number, QuestionInput.TEXT), FieldProblem.NO_QUESTION)
    return draft


def _draft(view: ViewPayload, number: int) -> QuestionDraft | None:
    """Return the question that a slot describes, None if its text is empty. Raises `Invalid`, likewise."""
    text = view.text(question_block(number, QuestionInput.TEXT))
    if not is_visible(text):
        return None
    kind = view.selected(question_block(number, QuestionInput.KIND)) or QuestionKind.TEXT
    options = _options(view, number)
    if bool(options) is (kind == QuestionKind.TEXT):
        problem = FieldProblem.OPTIONS_OF_A_TEXT if options else FieldProblem.NO_OPTIONS
        raise Invalid(question_block(number, QuestionInput.OPTIONS), problem)
    try:
        return QuestionDraft.of(
            text=text,
            kind=kind,
            options=options,
            required=bool(view.checked(question_block(number, QuestionInput.REQUIRED))),
        )
    except Invalid as invalid:
        raise _in_slot(number, invalid) from None


def _options(view: ViewPayload, number: int) -> list[str]:
    typed = view.text(question_block(number, QuestionInput.OPTIONS))
    return [line for line in typed.splitlines() if is_visible(line)]


def _check_options(drafts: Iterable[QuestionDraft], last: int) -> None:
    """Raise `Invalid` with the options of the slot `last` if those of all questions are too long together."""
    length = sum(utf16_length(option) for draft in drafts for option in draft.options)
    if length > MAX_OPTIONS_LENGTH:
        block = question_block(last, QuestionInput.OPTIONS)
        raise Invalid(block, FieldProblem.OPTIONS_TOO_LONG)


def _in_slot(number: int, invalid: Invalid) -> Invalid:
    """Return an error of a question's field with the block that has this field."""
    field, _, index = invalid.field.partition(".")
    reason = option_problem(int(index) + 1, invalid.reason) if index else invalid.reason
    return Invalid(question_block(number, QuestionInput(field)), reason)


def _draft_of(question: Question) -> QuestionDraft:
    """Return a stored question as it is. It is not validated again."""
    return QuestionDraft.model_construct(**dict(question))


def _fingerprint(draft: QuestionDraft, question_id: str) -> str:
    return Question(**dict(draft) | {"question_id": question_id}).fingerprint
