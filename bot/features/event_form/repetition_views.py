"""The inputs of the form for a series, filled in from a `Repetition` (R13)."""

from __future__ import annotations

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    DatePickerElement,
    Option,
    StaticSelectElement,
)

from bot.blocks.builders import context
from bot.blocks.ids import ActionId, BlockId
from bot.blocks.inputs import input_block, number_element, option, paragraph_element
from bot.features.event_form.repetition import MAX_TYPED_DATES, NEVER, Repetition
from bot.features.event_form.typed_dates import EXAMPLES
from domain.inputs import MAX_DAYS_AHEAD
from domain.recurrence import MAX_OCCURRENCES

_CHOICES = {
    NEVER: "Doesn’t repeat",
    "weekly": "Every week",
    "weekly_2": "Every 2 weeks",
    "weekly_3": "Every 3 weeks",
    "weekly_4": "Every 4 weeks",
    "monthly_by_date": "Every month on the same date",
    "monthly_by_weekday": "Every month on the same weekday, such as the 2nd Tuesday",
}


def repeats_input(repetition: Repetition) -> Block:
    """Return the select that shows the other inputs of a series once the event repeats."""
    offered = {value: option(label, value) for value, label in _CHOICES.items()}
    select = StaticSelectElement(
        action_id=ActionId.REPEATS,
        options=list(offered.values()),
        initial_option=offered[repetition.choice],
    )
    return input_block(BlockId.REPEATS, "Repeats", select, dispatches=True)


def edit_rule_inputs(repetition: Repetition) -> list[Block]:
    """Return the inputs that change how a series goes on; none for an event that is no series."""
    if not repetition.repeats:
        return []
    labels = {value: label for value, label in _CHOICES.items() if value != NEVER}
    labels.setdefault(repetition.choice, f"Every {repetition.choice.removeprefix('weekly_')} weeks")
    offered = {value: option(label, value) for value, label in labels.items()}
    select = StaticSelectElement(
        action_id=ActionId.INPUT,
        options=list(offered.values()),
        initial_option=offered[repetition.choice],
    )
    until = repetition.until
    last = DatePickerElement(
        action_id=ActionId.INPUT, initial_date=until.isoformat() if until else None
    )
    return [
        input_block(BlockId.REPEATS, "Repeats", select, hint=ABOUT_RULE),
        input_block(BlockId.UNTIL, "Last date", last, hint=ABOUT_LAST_DATE),
    ]


ABOUT_RULE = (
    "Counted from the first date that this changes. Dates that are already open move only if you also"
    " change the start."
)
ABOUT_LAST_DATE = (
    "Later dates that are already open stay: cancel them in Manage of each. To skip single dates, use Skip"
    " dates in Manage series."
)


def rule_inputs(repetition: Repetition) -> list[Block]:
    """Return the inputs for the dates of a series; none if the event does not repeat."""
    if not repetition.repeats:
        return []
    until = repetition.until
    last = DatePickerElement(
        action_id=ActionId.INPUT, initial_date=until.isoformat() if until else None
    )
    left_out = paragraph_element(MAX_TYPED_DATES, repetition.left_out)
    return [
        context(ABOUT_TIMES),
        input_block(BlockId.UNTIL, "Last date", last, optional=True),
        input_block(
            BlockId.TIMES,
            "Or how many times",
            number_element(repetition.times, MAX_OCCURRENCES),
            optional=True,
            hint=f"Up to {MAX_OCCURRENCES}. Dates that you skip count, too.",
        ),
        input_block(
            BlockId.LEFT_OUT,
            "Dates to skip",
            left_out,
            optional=True,
            hint=f"Holidays, for example. One per line, such as {EXAMPLES}.",
        ),
    ]


def opening_inputs(repetition: Repetition) -> list[Block]:
    """Return the inputs for how each date of a series opens; none if the event does not repeat."""
    if not repetition.repeats:
        return []
    missed_first = _missed_first()
    checkbox = CheckboxesElement(
        action_id=ActionId.INPUT,
        options=[missed_first],
        initial_options=[missed_first] if repetition.missed_first else None,
    )
    return [
        input_block(
            BlockId.DAYS_AHEAD,
            "Days before each date when registration opens",
            number_element(repetition.days_ahead, MAX_DAYS_AHEAD),
            hint="Those who registered for the whole series get their seats first.",
        ),
        input_block(
            BlockId.CARD_DAYS,
            "Days before each date when its card is posted",
            number_element(repetition.card_days, MAX_DAYS_AHEAD),
            optional=True,
            hint="If you leave this empty, each card is posted when registration opens.",
        ),
        input_block(
            BlockId.MISSED_FIRST,
            "Who gets a seat first",
            checkbox,
            optional=True,
            hint="This is for those who registered for the whole series. Registration for a date then opens once"
            " the date before has started: only then is it known who missed it.",
        ),
    ]


def _missed_first() -> Option:
    return option("Whoever was on the waitlist last time goes first", BlockId.MISSED_FIRST)


ABOUT_TIMES = (
    "The times in this form are those of the first date. They’re the same for later dates."
)
