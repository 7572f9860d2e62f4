"""Validation of questions and answers (R12.3): limits in UTF-16 units, what shows nothing, and what fits together."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import QuestionKind
from domain.errors import Invalid
from domain.inputs import (
    MAX_ANSWER_LENGTH,
    MAX_OPTION_LENGTH,
    MAX_OPTIONS,
    MAX_OPTIONS_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    AnswersDraft,
    EventChanges,
)
from domain.questions import Answer

ONE = QuestionKind.ONE


def question(**values: Any) -> dict[str, Any]:
    return {"text": "Which lunch?", "kind": ONE, "options": ["Meat"]} | values


def refused(questions: object) -> Invalid:
    """Return why questions are refused."""
    with pytest.raises(Invalid) as refusal:
        EventChanges.of(questions=questions)
    return refusal.value


def answer(value: object) -> Answer:
    """Return an answer as it is stored."""
    return AnswersDraft.of(answers={"lunch": value}).answers["lunch"]


def test_limits_are_those_of_the_requirement() -> None:
    assert (MAX_QUESTIONS, MAX_OPTIONS) == (3, 10)
    assert (MAX_QUESTION_LENGTH, MAX_OPTION_LENGTH, MAX_OPTIONS_LENGTH) == (150, 75, 750)
    assert MAX_ANSWER_LENGTH == 200


@pytest.mark.parametrize("character", ["x", "漢", "م", "😀"])
def test_texts_may_be_as_long_as_their_limits_in_utf_16(character: str) -> None:
    """Slack's clients count so: most emoji count twice."""
    width = len(character.encode("utf-16-le")) // 2
    text, option = (character * (limit // width) for limit in (150, 75))
    (asked,) = EventChanges.of(questions=[question(text=text, options=[option])]).questions
    assert (asked.text, asked.options) == (text, (option,))
    assert refused([question(text=text + "xx")]).field == "questions.0.text"
    assert refused([question(options=[option + "xx"])]).field == "questions.0.options.0"
    longest = character * (200 // width)
    assert answer(longest) == longest
    with pytest.raises(Invalid) as refusal:
        answer(longest + "x")
    assert refusal.value.field == "answers.lunch"
    assert "200" in refusal.value.reason


def test_options_of_all_questions_have_a_limit_together() -> None:
    full = [question(options=[f"{number}{'x' * 74}" for number in range(5)])] * 2
    assert len(EventChanges.of(questions=full).questions) == 2
    refusal = refused([*full, question(options=["x"])])
    assert (refusal.field, "750" in refusal.reason) == ("questions", True)


@pytest.mark.parametrize("nothing", ["", " ", "\n\t", "\u200b", "\u2800\u3164", "\x00\x1b"])
def test_text_that_shows_nothing_is_none(nothing: str) -> None:
    """R1.2: neither a question nor an option nor an answer."""
    assert refused([question(text=nothing)]).reason == "must not be empty"
    assert refused([question(options=["Meat", nothing])]).field == "questions.0.options.1"
    assert answer(nothing) == ""


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\t", "\u2028", "\x00", "\x85"])
def test_texts_are_on_one_line(separator: str) -> None:
    text = f"{separator}Meat{separator}balls "
    (asked,) = EventChanges.of(questions=[question(text=text, options=[text])]).questions
    assert (asked.text, asked.options) == ("Meat balls", ("Meat balls",))
    assert answer(text) == "Meat balls"
    assert answer([text]) == ("Meat balls",)


@pytest.mark.parametrize(
    ("questions", "field"),
    [
        ([question()] * (MAX_QUESTIONS + 1), "questions"),
        ([question(options=[*"abcdefghijk"])], "questions.0.options"),
        ([question(options=["Meat", " Meat"])], "questions.0.options"),
        ([question(options=[])], "questions.0.options"),
        ([question(kind=QuestionKind.SEVERAL, options=[])], "questions.0.options"),
        ([question(), question(kind=QuestionKind.TEXT)], "questions.1.options"),
        ([question(kind="many")], "questions.0.kind"),
        ([question(question_id="no id")], "questions.0.question_id"),
        ([question(question_id="a"), question(question_id="a")], "questions"),
        ([question(required="yes")], "questions.0.required"),
        ([question(hint="?")], "questions.0.hint"),
        ([{"text": "Which lunch?"}], "questions.0.kind"),
        ([{"text": "Which lunch?", "kind": ONE}], "questions.0.options"),
    ],
)
def test_questions_that_do_not_fit_are_refused(questions: object, field: str) -> None:
    assert refused(questions).field == field


@pytest.mark.parametrize(
    "value", [7, None, True, {}, ["Meat", 7], [["Meat"]], ["Meat"] * 11, "\ud83d", ["\ud83d"]]
)
def test_malformed_answer_is_refused_with_its_question(value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        answer(value)
    assert refusal.value.field == "answers.lunch"
