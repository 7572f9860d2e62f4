"""The form with an event's questions: at registration, and to change one's answers (R12.3)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextObject,
    RadioButtonsElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks.builders import context, plain, section, warning
from bot.blocks.ids import ANSWER_BLOCK, ActionId, CallbackId
from bot.blocks.inputs import line_element, option
from bot.blocks.mrkdwn import bold
from bot.blocks.recurrence_text import when_or_rule
from bot.features.cards.views import occupancy, register_label
from bot.slack.view_payloads import InputState, ViewPayload
from domain.enums import QuestionKind
from domain.inputs import MAX_ANSWER_LENGTH
from domain.models import Event
from domain.questions import Answer, Answers, Question

NO_SEAT_HELD = "No seat is held for you until you submit this form."
FOR_EACH_DATE = f"Your answers count for every date. {NO_SEAT_HELD}"
QUESTIONS_CHANGED = "The questions have just changed. Please check your answers."
NO_LONGER_AN_OPTION = "Your earlier answer is no longer an option"
NO_ANSWER = "No answer"

_NO_ANSWER = "none"
"""The value of the option that takes an answer back. Slack's selects can't be cleared."""

_OPTION = "="
"""The first character of the value of every other option."""


def registration_form(event: Event, answers: Answers, *, has_changed: bool = False) -> View:
    """Ask an event's questions before registering for it, or for all of a series. `answers` are those typed so far."""
    is_series = event.series is not None
    of_event = f"{occupancy(event)} · {NO_SEAT_HELD}"
    about = [_about(event), context(FOR_EACH_DATE if is_series else of_event)]
    label = "Register" if is_series else register_label(event)
    return _form(event, answers, CallbackId.ANSWERS, about, "Register", label, has_changed)


def change_form(event: Event, answers: Answers, *, has_changed: bool = False) -> View:
    """Ask an event's questions again, filled in with one's answers."""
    return _form(
        event,
        answers,
        CallbackId.CHANGE_ANSWERS,
        [_about(event)],
        "Your answers",
        "Save",
        has_changed,
    )


def _about(event: Event) -> Block:
    which = f"All of {bold(event.title)}" if event.series is not None else bold(event.title)
    return section(f"{which}\n{when_or_rule(event)}")


def _form(
    event: Event,
    answers: Answers,
    callback_id: CallbackId,
    about: Sequence[Block],
    title: str,
    submit: str,
    has_changed: bool,  # for the two forms above
) -> View:
    metadata = {
        "event_id": event.event_id,
        "asked": [question.fingerprint for question in event.questions],
    }
    return View(
        type="modal",
        callback_id=callback_id,
        private_metadata=json.dumps(metadata),
        title=plain(title),
        submit=plain(submit),
        close=plain("Cancel"),
        blocks=[
            *about,
            *([warning(QUESTIONS_CHANGED)] if has_changed else []),
            *(_input(one, answers.get(one.question_id, "")) for one in event.questions),
        ],
    )


def _input(question: Question, answer: Answer) -> Block:
    return InputBlock(
        block_id=f"{ANSWER_BLOCK}{question.question_id}",
        label=plain(question.text),
        element=_element(question, answer),
        hint=_hint(question, answer),
        optional=not question.required,
    )


def _hint(question: Question, answer: Answer) -> PlainTextObject | None:
    """Say which options one chose that an organizer has changed or removed since."""
    if question.kind is QuestionKind.TEXT:
        return None
    gone = [one for one in _texts(answer) if one and one not in question.options]
    return plain(f"{NO_LONGER_AN_OPTION}: {', '.join(gone)}") if gone else None


def _element(question: Question, answer: Answer) -> InputInteractiveElement:
    if question.kind is QuestionKind.TEXT:
        text = answer if isinstance(answer, str) else ""
        return line_element(MAX_ANSWER_LENGTH, text)
    offered = {text: option(text, f"{_OPTION}{text}") for text in question.options}
    chosen = [offered[one] for one in _texts(answer) if one in offered]
    if question.kind is QuestionKind.SEVERAL:
        return CheckboxesElement(
            action_id=ActionId.INPUT,
            options=[*offered.values()],
            initial_options=chosen or None,
        )
    initial = chosen[0] if chosen else None
    if question.required:
        return RadioButtonsElement(
            action_id=ActionId.INPUT, options=[*offered.values()], initial_option=initial
        )
    options: list[Option] = [option(NO_ANSWER, _NO_ANSWER), *offered.values()]
    return StaticSelectElement(action_id=ActionId.INPUT, options=[*options], initial_option=initial)


def _texts(answer: Answer) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else answer


def answers_in(view: ViewPayload) -> dict[str, Answer]:
    """Return what is typed and chosen in the form, by question id, without empty answers."""
    inputs = {
        shown.block_id.removeprefix(ANSWER_BLOCK): view.input(shown.block_id)
        for shown in view.blocks
        if shown.block_id is not None and shown.block_id.startswith(ANSWER_BLOCK)
    }
    answers = {question_id: _answer(state) for question_id, state in inputs.items()}
    return {question_id: answer for question_id, answer in answers.items() if answer}


def _answer(state: InputState) -> Answer:
    if state.selected_options is not None:
        return tuple(one.value.removeprefix(_OPTION) for one in state.selected_options)
    if state.selected_option is not None:
        value = state.selected_option.value
        return "" if value == _NO_ANSWER else value.removeprefix(_OPTION)
    return (state.value or "").strip()
