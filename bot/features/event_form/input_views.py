"""The inputs of the forms that create and edit an event, filled in from a `FormContent`."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date, time

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    CheckboxesElement,
    DatePickerElement,
    ExternalDataSelectElement,
    StaticMultiSelectElement,
    StaticSelectElement,
    TimePickerElement,
    UserMultiSelectElement,
)

from bot.blocks.builders import button, context, plain
from bot.blocks.formatting import before_start
from bot.blocks.ids import ActionId, BlockId, EventOption, QuestionInput, question_block
from bot.blocks.inputs import input_block, line_element, option, paragraph_element
from bot.features.event_form.end_choices import end_label, end_value
from bot.features.event_form.form_content import MAX_CO_ORGANIZERS, FormContent
from bot.features.event_form.question_inputs import MAX_TYPED_OPTIONS, QuestionSlot
from bot.slack.error_messages import WHO_SEES_ATTENDEES
from domain.enums import QuestionKind
from domain.inputs import (
    MAX_JOIN_LINK_LENGTH,
    MAX_OPTIONS,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    MAX_REMINDERS,
)

REMINDERS = (7 * 24 * 60, 2 * 24 * 60, 24 * 60, 3 * 60, 60, 15)
"""Minutes before the start that the forms offer for reminders."""


def title_input(content: FormContent) -> Block:
    """Return the input for the title."""
    return input_block(BlockId.TITLE, "Title", line_element(120, content.title))


def start_inputs(content: FormContent) -> list[Block]:
    """Return the inputs for the start."""
    return [
        input_block(BlockId.START_DATE, "Start date", _date(content.start_date)),
        input_block(BlockId.START_TIME, "Start time", _time(content.start_time)),
    ]


def end_input(content: FormContent, hint: str) -> Block:
    """Return the input for the end: a time of day, or how long the event lasts. `hint` says on which day."""
    end = content.end
    select = ExternalDataSelectElement(
        action_id=ActionId.END,
        initial_option=option(end_label(end), end_value(end)) if end else None,
        min_query_length=0,
        placeholder=plain("2h, 90 min or 7:30 PM"),
    )
    return input_block(BlockId.END, "End", select, optional=True, hint=hint)


def end_date_input(content: FormContent) -> Block:
    """Return the input for the day of the end."""
    return input_block(BlockId.END_DATE, "End date", _date(content.end_date), optional=True)


def time_zone_input(content: FormContent) -> Block:
    """Return the input for the time zone."""
    zone = content.time_zone
    select = ExternalDataSelectElement(
        action_id=ActionId.TIME_ZONE,
        initial_option=option(zone, zone) if zone else None,
        min_query_length=2,
        placeholder=plain("Type a city"),
    )
    return input_block(BlockId.TIME_ZONE, "Time zone", select)


def location_input(content: FormContent) -> Block:
    """Return the input for the location."""
    line = line_element(200, content.location)
    return input_block(BlockId.LOCATION, "Location", line, optional=True)


def about_inputs(content: FormContent) -> list[Block]:
    """Return the inputs for the description and the join link."""
    text = paragraph_element(2_500, content.description)
    link = line_element(MAX_JOIN_LINK_LENGTH, content.join_link)
    return [
        input_block(BlockId.DESCRIPTION, "Description", text, optional=True),
        input_block(
            BlockId.JOIN_LINK,
            "Join link",
            link,
            optional=True,
            hint="A web address to join online. Only attendees with a seat see it.",
        ),
    ]


def options_input(checked: Set[str], listed_label: str) -> Block:
    """Return the checkboxes."""
    offered = {
        EventOption.WAITLIST: option(
            "Keep a waitlist when the event is full",
            EventOption.WAITLIST,
            "When a seat opens up, the next person gets it.",
        ),
        EventOption.LISTED: option(listed_label, EventOption.LISTED),
    }
    checkboxes = CheckboxesElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[name] for name in offered if name in checked] or None,
    )
    return input_block(BlockId.OPTIONS, "Options", checkboxes, optional=True)


def last_inputs(content: FormContent) -> list[Block]:
    """Return the inputs that few events need."""
    offered = {
        visibility: option(words[:1].upper() + words[1:], visibility)
        for visibility, words in WHO_SEES_ATTENDEES.items()
    }
    visible_to = StaticSelectElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_option=offered[content.visible_to],
    )
    on, at = _date(content.deadline_date), _time(content.deadline_time)
    co_organizers = UserMultiSelectElement(
        action_id=ActionId.INPUT,
        max_selected_items=MAX_CO_ORGANIZERS,
        initial_users=list(content.co_organizer_ids) or None,
    )
    return [
        input_block(BlockId.VISIBLE_TO, "Who can see who’s going", visible_to),
        input_block(BlockId.DEADLINE_DATE, "Registration deadline date", on, optional=True),
        input_block(BlockId.DEADLINE_TIME, "Registration deadline time", at, optional=True),
        _reminders_input(content),
        input_block(BlockId.CO_ORGANIZERS, "Co-organizers", co_organizers, optional=True),
    ]


def _reminders_input(content: FormContent) -> Block:
    offered = {
        minutes: option(before_start(minutes).capitalize(), str(minutes))
        for minutes in sorted({*REMINDERS, *content.reminders}, reverse=True)
    }
    select = StaticMultiSelectElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_options=[offered[minutes] for minutes in content.reminders] or None,
        max_selected_items=MAX_REMINDERS,
        placeholder=plain("No reminders"),
    )
    return input_block(
        BlockId.REMINDERS, "Reminders for everyone registered", select, optional=True
    )


def question_inputs(
    slots: Sequence[QuestionSlot], add: ActionId, event_id: str, *, stored: int = 0
) -> list[Block]:
    """Return the inputs for questions, and the button `add` for one more, if there may be one.

    The first `stored` of them are questions that the event has.
    """
    blocks: list[Block] = [context(ABOUT_QUESTIONS)]
    for number, slot in enumerate(slots, 1):
        blocks += _question_inputs(number, slot, is_stored=number <= stored)
    if len(slots) < MAX_QUESTIONS:
        blocks.append(ActionsBlock(elements=[button("Add a question", add, event_id)]))
    return blocks


ABOUT_QUESTIONS = (
    "You can ask up to three questions when people register. Only organizers see the answers."
)

_ANSWERS = {
    QuestionKind.TEXT: "Short text",
    QuestionKind.ONE: "One of the options",
    QuestionKind.SEVERAL: "Any of the options",
}


def _question_inputs(number: int, slot: QuestionSlot, *, is_stored: bool) -> list[Block]:
    kinds = {str(kind): option(words, kind) for kind, words in _ANSWERS.items()}
    answer = StaticSelectElement(
        action_id=ActionId.INPUT, options=list(kinds.values()), initial_option=kinds[slot.kind]
    )
    required = option("Required", QuestionInput.REQUIRED, "Everyone who registers must answer it.")
    settings = CheckboxesElement(
        action_id=ActionId.INPUT,
        options=[required],
        initial_options=[required] if slot.required else None,
    )
    return [
        input_block(
            question_block(number, QuestionInput.TEXT),
            f"Question {number}",
            line_element(MAX_QUESTION_LENGTH, slot.text),
            optional=True,
            hint="To remove the question and hide its answers, clear it." if is_stored else None,
        ),
        input_block(
            question_block(number, QuestionInput.KIND),
            f"Kind of answer to question {number}",
            answer,
            hint="Changing this hides earlier answers. Until the event starts, everyone is asked again."
            if is_stored
            else None,
        ),
        input_block(
            question_block(number, QuestionInput.OPTIONS),
            f"Options for question {number}, one per line",
            paragraph_element(MAX_TYPED_OPTIONS, slot.options),
            optional=True,
            hint=f"Up to {MAX_OPTIONS} options. Leave this empty for a short text.",
        ),
        input_block(
            question_block(number, QuestionInput.REQUIRED),
            f"Settings for question {number}",
            settings,
            optional=True,
        ),
    ]


def _date(day: date | None) -> DatePickerElement:
    return DatePickerElement(
        action_id=ActionId.INPUT, initial_date=day.isoformat() if day else None
    )


def _time(hour: time | None) -> TimePickerElement:
    initial = None if hour is None else f"{hour:%H:%M}"
    return TimePickerElement(action_id=ActionId.INPUT, initial_time=initial)
