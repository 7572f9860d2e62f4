"""Questions of an event, and the answers of those who register (R12.3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pydantic import BaseModel

from domain.enums import QuestionKind
from domain.stored import STORED

Answer: TypeAlias = str | tuple[str, ...]
"""A text, the option chosen, or for `QuestionKind.SEVERAL` the options chosen, in the question's order."""

Answers: TypeAlias = Mapping[str, Answer]
"""A user's answers, by question id. A question that was not answered is missing."""

FINGERPRINT_LENGTH = 8
"""Hexadecimal digits that tell two wordings of one question apart."""


ID_LENGTH = 10
"""Hexadecimal digits of a question's id, if no program chose it."""


class Question(BaseModel):
    """A question. Its id stays the same when its text or options change; its kind never changes."""

    model_config = STORED

    question_id: str
    text: str
    kind: QuestionKind
    options: tuple[str, ...] = ()
    required: bool = False

    def takes(self, answer: Answer) -> bool:
        """Return whether an answer is a list if, and only if, several options can be chosen."""
        return isinstance(answer, str) is not (self.kind is QuestionKind.SEVERAL)

    @property
    def fingerprint(self) -> str:
        """A text that changes with whatever a person reads of the question, or must do with it."""
        shown = json.dumps([self.question_id, self.text, self.kind, self.options, self.required])
        return hashlib.sha256(shown.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def question_id(unique: str) -> str:
    """Return a new question's id: short, because programs and payloads carry it."""
    return hashlib.sha256(unique.encode()).hexdigest()[:ID_LENGTH]


def shown_answers(questions: Sequence[Question], answers: Answers) -> dict[str, Answer]:
    """Return the answers to these questions, in their order.

    Those to removed questions are hidden (R12.3), and so is one to a removed question whose id a program gave to a
    question of another kind.
    """
    return {
        one.question_id: answers[one.question_id]
        for one in questions
        if one.question_id in answers and one.takes(answers[one.question_id])
    }
