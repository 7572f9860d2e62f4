"""The largest views that submissions are acknowledged with, against Socket Mode's frames in every script (R8.11).

Lists are messages of commands: those that are too large are posted. A view can't be, so all of them must fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.models.views import View

from bot.features.announcement.views import announcement_form
from bot.features.event_form.form_content import FormContent, content_of
from bot.features.event_form.series_views import preview
from bot.features.event_form.views import event_created, form_to_confirm
from bot.features.manage.views import capacity_preview
from bot.features.registration.answer_views import change_form, registration_form
from bot.slack.api_errors import ClassifiedError
from bot.slack.context import CardStatus
from bot.slack.frame_limits import fits
from bot.slack.view_metadata import CreateMetadata
from domain.enums import Audience, CreationWarning, QuestionKind
from domain.inputs import (
    MAX_OPTIONS,
    MAX_OPTIONS_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    AnnouncementDraft,
    utf16_length,
)
from domain.models import CapacityPreview
from domain.questions import Question
from tests.unit.bot.features.test_view_limits import CASES, IDS, LARGEST_SERIES, REPEATING, event

SCRIPTS = {"ASCII": "&", "quotes": '"', "Cyrillic": "Ж", "CJK": "漢", "emoji": "🎉"}

BY_THE_WEB_API = (
    *("home.views.", "history.views.", "manage.views.manage_event", "manage.answer_views."),
    *("manage.series_views.manage_series", "manage.series_views.skip_form"),
    *("event_form.views.create_form", "event_form.views.edit_form"),
)
"""Views that are never an acknowledgement: calls of the Web API show them."""

in_every_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)


def texts(script: str) -> dict[str, Any]:
    """Return the longest texts of an event, in one script."""
    units = utf16_length(script)
    lengths = {"title": 120, "location": 200, "description": 2_500}
    return {field: script * (length // units) for field, length in lengths.items()}


def questions(script: str) -> tuple[Question, ...]:
    """Return the longest questions of an event, in one script."""
    units = utf16_length(script)
    options = [f"{number}" for number in range(MAX_OPTIONS)]
    each = (MAX_OPTIONS_LENGTH // MAX_QUESTIONS // MAX_OPTIONS - 1) // units
    return tuple(
        Question(
            question_id=f"{number:q>64}",
            text=script * (MAX_QUESTION_LENGTH // units),
            kind=QuestionKind.SEVERAL,
            options=tuple(f"{one}{script * each}" for one in options),
        )
        for number in range(MAX_QUESTIONS)
    )


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(BY_THE_WEB_API)])
def test_longest_view_fits(name: str) -> None:
    """An escaped "&" has more bytes than a character of any script. Texts that are cut have tests of their own."""
    made = CASES[name]()
    if isinstance(made, View):
        assert fits(made.to_dict())


@in_every_script
def test_longest_preview_of_a_message_fits(script: str) -> None:
    values = texts(script)
    draft = AnnouncementDraft(text=values["description"], audience=Audience.EVERYONE)
    view = announcement_form(
        event(**values), request_id="r" * 32, draft=draft, previewed="f" * 16, by=IDS[0]
    )
    assert fits(view.to_dict())


def warned(content: FormContent, preview: Sequence[str] = ()) -> dict[str, Any]:
    """Return a complete form that warns before an event is created."""
    form = CreateMetadata(event_id="e" * 64, time_zone=content.time_zone, warned="f" * 16)
    warnings = tuple(CreationWarning)
    return form_to_confirm(form, content, warnings, preview, is_complete=True).to_dict()


@in_every_script
def test_longest_form_that_warns_fits(script: str) -> None:
    assert fits(warned(content_of(event(**texts(script), questions=questions(script)))))


@in_every_script
def test_longest_preview_of_a_series_fits(script: str) -> None:
    content = content_of(event(**texts(script), questions=questions(script)))
    content = replace(content, repetition=REPEATING.repetition)
    assert fits(warned(content, preview(LARGEST_SERIES)))


def test_form_that_warns_has_all_texts_if_they_fit() -> None:
    content = content_of(event(description="Bring a mat"))
    assert "Bring a mat" in str(warned(content))
    assert content.questions[0].text in str(warned(content))


@in_every_script
def test_longest_form_with_questions_fits(script: str) -> None:
    """The picker is answered with it, and so is a form whose questions have changed."""
    largest = event(**texts(script), questions=questions(script))
    answers = {one.question_id: one.options for one in largest.questions}
    for form in (registration_form, change_form):
        assert fits(form(largest, answers, has_changed=True).to_dict())


@in_every_script
def test_longest_confirmations_fit(script: str) -> None:
    largest = event(**texts(script))
    preview = CapacityPreview(largest, 100_000, tuple(IDS), 5_000)
    refused = CardStatus("C" * 20, refusal=ClassifiedError.of_code("not_in_channel"))
    for view in (event_created(largest, refused), capacity_preview(preview)):
        assert fits(view.to_dict())
