"""Judge of answers to questions (R12.3): each registration has those that its user gave, and keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bot.blocks.ids import ANSWER_BLOCK, ActionId
from domain.enums import ChangeKind, QuestionKind
from domain.inputs import QuestionDraft
from domain.models import JournalEntry, Registration
from domain.questions import Answers
from playground.client.inputs import Values
from playground.workspace.model import View

if TYPE_CHECKING:
    from random import Random

_SIZES = ("S", "M", "L")

SIZE = QuestionDraft(question_id="size", text="Size?", kind=QuestionKind.ONE, options=_SIZES)
TEAM = QuestionDraft(question_id="team", text="Team?", kind=QuestionKind.TEXT)

QUESTIONS: tuple[tuple[QuestionDraft, ...], ...] = ((), (SIZE,), (TEAM,), (SIZE, TEAM))
"""What an event may ask. Nothing is required: programs register without answers."""

_GIVES = (ChangeKind.REGISTERED, ChangeKind.WAITLISTED, ChangeKind.ANSWERED)
"""Changes of a registration that set its answers. A promotion keeps them."""


def drawn_answers(form: View, dice: Random, number: int) -> Values:
    """Return answers for the questions of a form."""
    drawn: dict[str, Any] = {
        f"{ANSWER_BLOCK}size": f"={dice.choice(_SIZES)}",
        f"{ANSWER_BLOCK}team": f"Team {number}",
    }
    asked = [block.get("block_id") for block in form.blocks]
    return {
        (block, ActionId.INPUT): answer
        for block, answer in drawn.items()
        if block in asked and dice.random() < 0.8
    }


class AnswersJudge:
    """Knows what was asked for, and what each registration has."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], list[Answers]] = {}
        self._kept: dict[tuple[str, str], Registration] = {}

    def has_given(self, event_id: str, user_id: str, answers: Answers) -> None:
        """Take note of answers on their way. They may be stored long after that."""
        self._given.setdefault((event_id, user_id), []).append(answers)

    def has_written(self, entry: JournalEntry, registrations: Iterable[Registration]) -> None:
        """Assert that each registration of an event has answers of its user, and that only its user changes them."""
        changed = {change.user_id for change in entry.changes if change.kind in _GIVES}
        for row in registrations:
            key = row.event_id, row.user_id
            kept = self._kept.get(key)
            if row.user_id in changed or kept is None:
                given = self._given.get(key, [])
                assert not row.answers or any(
                    row.answers.items() <= one.items() for one in given
                ), f"{row} has answers that nobody gave: {given}"
            else:
                assert row.answers == kept.answers, f"{kept} became {row} in {entry}"
            self._kept[key] = row
