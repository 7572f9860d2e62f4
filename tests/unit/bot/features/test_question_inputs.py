"""The questions that a form that edits an event changes (R12.3)."""

from __future__ import annotations

from typing import Any

from bot.blocks.ids import ActionId, QuestionInput, question_block
from bot.features.event_form.changed_fields import as_it_is_shown
from bot.features.event_form.form_content import content_of
from bot.features.event_form.question_inputs import as_shown, edited_questions
from bot.features.event_form.views import edit_form
from bot.slack.view_payloads import ViewPayload
from domain.models import Event
from playground.workspace.block_elements import initial_state
from tests.unit.bot.features.test_view_limits import LARGEST

METADATA_LENGTH = 3_000
"""Characters that Slack allows in `private_metadata`."""


def as_opened(event: Event, **values: Any) -> ViewPayload:
    """Return the form as Slack sends it, with these values in the inputs of the first question."""
    view = edit_form(as_it_is_shown(event), content_of(event)).to_dict()
    state = initial_state(view["blocks"])
    for part, value in values.items():
        block = question_block(1, QuestionInput(part))
        state[block][ActionId.INPUT] |= {"value": value}
    return ViewPayload.model_validate(view | {"id": "V1", "state": {"values": state}})


def test_questions_left_alone_are_no_changes() -> None:
    """Saving them again could undo what another organizer saves at the same moment."""
    view = as_opened(LARGEST)
    assert edited_questions(view, as_shown(LARGEST.questions), LARGEST) is None


def test_line_endings_of_another_system_change_nothing() -> None:
    options = " \r\n".join(LARGEST.questions[0].options)
    view = as_opened(LARGEST, options=options)
    assert edited_questions(view, as_shown(LARGEST.questions), LARGEST) is None


def test_largest_metadata_keeps_to_slacks_limit() -> None:
    assert len(as_it_is_shown(LARGEST).model_dump_json()) < METADATA_LENGTH
