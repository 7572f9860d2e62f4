"""Questions in the forms that create, edit and copy an event (R12.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId, QuestionInput, question_block
from bot.features.event_form.views import NO_CHANGES, asked, warning_text
from bot.slack.error_messages import FieldProblem, field_error, option_problem
from domain.enums import ChangeKind, CreationWarning, NotificationKind, QuestionKind
from domain.inputs import (
    MAX_OPTION_LENGTH,
    MAX_OPTIONS,
    MAX_OPTIONS_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    EventChanges,
    utf16_length,
)
from domain.models import Event
from domain.questions import Question
from playground.client import payloads
from playground.client.member_client import ActionResult, find_element
from playground.workspace.model import View
from tests.support.slack.event_form import INPUTS, filled, opened, opened_short
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, text_of
from tests.support.slack.modals import NOT_ALLOWED, form, press, said, top

TEXT, KIND = QuestionInput.TEXT, QuestionInput.KIND
OPTIONS, REQUIRED = QuestionInput.OPTIONS, QuestionInput.REQUIRED

LUNCH = {
    "question_id": "lunch",
    "text": "Which lunch?",
    "kind": QuestionKind.ONE,
    "options": ("Meat", "Vegetarian"),
    "required": True,
}
NOTES = {"question_id": "notes", "text": "Anything else?", "kind": QuestionKind.TEXT}
SHIRT = {"question_id": "shirt", "text": "T-shirt size?", "kind": QuestionKind.TEXT}

SCRIPTS = {"ASCII": "x", "Cyrillic": "Ж", "CJK": "漢", "emoji": "🎉"}

Values = Mapping[tuple[str, str], Any]


def slot(number: int, text: str = "", **parts: Any) -> Values:
    """Return what is typed into the inputs of a question."""
    given = {"text": text} | parts
    return {
        (question_block(number, QuestionInput(part)), ActionId.INPUT.value): value
        for part, value in given.items()
    }


CHOICE = slot(
    1, "Which lunch?", kind="one", options="Meat\n\n Vegetarian \n", required=["required"]
)


def add_question(harness: SlackHarness, values: Values | None = None) -> View:
    """Press *Add a question* in the form on top, with these values typed so far; return the form."""
    view = top(harness)
    is_new = view.body["callback_id"] == "create_event"
    action = ActionId.ADD_QUESTION if is_new else ActionId.ADD_QUESTION_TO_EVENT
    return press(harness, action, values=values)


def inputs(view: View, number: int) -> dict[str, Any]:
    """Return the values of a question's inputs, as the domain names them."""

    def held(part: QuestionInput) -> Any:
        (state,) = view.state[question_block(number, part)].values()
        match part:
            case QuestionInput.KIND:
                return state["selected_option"]["value"]
            case QuestionInput.REQUIRED:
                return bool(state["selected_options"])
        return state["value"]

    return {str(part): held(part) for part in QuestionInput}


def shown_slots(view: View) -> int:
    """Return how many questions a form has inputs for."""
    numbers = range(1, MAX_QUESTIONS + 1)
    return sum(question_block(number, TEXT) in view.state for number in numbers)


def hints(view: View, number: int) -> list[str]:
    """Return the hints at a question's inputs."""
    blocks = {block["block_id"]: block for block in view.blocks}
    found = (blocks[question_block(number, part)].get("hint") for part in QuestionInput)
    return [hint["text"] for hint in found if hint]


def asked_by(event: Event) -> list[dict[str, Any]]:
    """Return an event's questions without their ids."""
    return [dict(one) | {"question_id": None} for one in event.questions]


def described(**values: Any) -> dict[str, Any]:
    """Return a question as `asked_by` does."""
    return {
        "question_id": None,
        "text": "",
        "kind": QuestionKind.TEXT,
        "options": (),
        "required": False,
    } | values


def yoga(harness: SlackHarness, *questions: Mapping[str, Any], **values: Any) -> Event:
    return harness.event(organizer_id=BJORN, questions=questions, **values)


def stored(harness: SlackHarness, event_id: str = "yoga") -> tuple[Question, ...]:
    return harness.bot.service.get_event(event_id).questions


def save(harness: SlackHarness, values: Values, view: View | None = None) -> ActionResult:
    """Submit the Edit form on top, or this one."""
    return harness.slack.submit(BJORN, (view or top(harness)).id, values)


def created(harness: SlackHarness, values: Values, **more: Any) -> ActionResult:
    """Submit the create form on top with a title, a start and seats."""
    return harness.slack.submit(BJORN, top(harness).id, {**filled(harness, **more), **values})


def only_event(harness: SlackHarness) -> Event:
    (event,) = harness.assert_invariants().events.values()
    return event


# A new event


def test_new_form_has_no_question_until_one_is_added(harness: SlackHarness) -> None:
    assert shown_slots(opened(harness)) == 0
    assert shown_slots(add_question(harness)) == 1


def test_short_form_has_no_questions(harness: SlackHarness) -> None:
    labels = [
        element.get("action_id")
        for block in opened_short(harness).blocks
        for element in block.get("elements", [])
    ]
    assert ActionId.ADD_QUESTION not in labels


def test_form_creates_an_event_with_a_question(harness: SlackHarness) -> None:
    opened(harness)
    add_question(harness)
    result = created(harness, CHOICE)
    assert result.errors == {}
    assert asked_by(only_event(harness)) == [
        described(
            text="Which lunch?",
            kind=QuestionKind.ONE,
            options=("Meat", "Vegetarian"),
            required=True,
        )
    ]


def test_each_new_question_has_an_id_of_its_own(harness: SlackHarness) -> None:
    opened(harness)
    add_question(harness)
    add_question(harness)
    created(harness, {**slot(1, "Same?"), **slot(2, "Same?")})
    assert len({one.question_id for one in only_event(harness).questions}) == 2


def test_question_left_empty_is_not_asked(harness: SlackHarness) -> None:
    opened(harness)
    add_question(harness)
    add_question(harness)
    created(harness, slot(2, "Anything else?"))
    assert asked_by(only_event(harness)) == [described(text="Anything else?")]


def test_adding_a_question_keeps_what_was_typed(harness: SlackHarness) -> None:
    opened(harness)
    typed = {**filled(harness, LOCATION="Studio 5", DESCRIPTION="Clay\nis there"), **CHOICE}
    add_question(harness)
    view = add_question(harness, typed)
    # The form itself holds this. Slack's client would keep what was typed anyway.
    element = {block["block_id"]: block.get("element", {}) for block in view.blocks}
    assert element[BlockId.TITLE]["initial_value"] == "Pottery"
    assert element[BlockId.DESCRIPTION]["initial_value"] == "Clay\nis there"
    assert element[question_block(1, TEXT)]["initial_value"] == "Which lunch?"
    assert element[question_block(1, KIND)]["initial_option"]["value"] == QuestionKind.ONE
    assert element[question_block(1, OPTIONS)]["initial_value"] == "Meat\n\n Vegetarian \n"
    assert len(element[question_block(1, REQUIRED)]["initial_options"]) == 1
    assert inputs(view, 2) == {"text": None, "kind": "text", "options": None, "required": False}


def test_three_questions_leave_no_button_for_another(harness: SlackHarness) -> None:
    opened(harness)
    for _ in range(MAX_QUESTIONS):
        add_question(harness)
    assert shown_slots(top(harness)) == MAX_QUESTIONS
    with pytest.raises(LookupError):
        add_question(harness)


def test_double_press_adds_one_question(harness: SlackHarness) -> None:
    view, member = opened(harness), harness.workspace.member(BJORN)
    block, element = find_element(view.blocks, ActionId.ADD_QUESTION)
    pressed = payloads.action(block, element, None, {})
    payload = payloads.block_actions(harness.workspace, member, view, pressed, {})
    for _ in range(2):
        assert harness.slack.interact(payload).failure is None
    assert shown_slots(top(harness)) == 1


def test_form_that_warns_keeps_the_questions(harness: SlackHarness) -> None:
    opened(harness)
    add_question(harness)
    day = (harness.clock.now() + timedelta(days=800)).date().isoformat()
    warned = created(harness, CHOICE, START_DATE=day).view
    assert warned is not None
    assert inputs(warned, 1)["text"] == "Which lunch?"
    harness.slack.submit(BJORN, warned.id, {})
    assert [one.text for one in only_event(harness).questions] == ["Which lunch?"]


def test_form_still_says_that_it_is_a_copy_after_a_question_was_added(
    harness: SlackHarness,
) -> None:
    yoga(harness)
    before = text_of(form(harness, ActionId.DUPLICATE).blocks[:1])
    assert text_of(add_question(harness).blocks[:1]) == before


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_largest_questions_are_created_and_warned_about(harness: SlackHarness, script: str) -> None:
    def longest(units: int) -> str:
        return script * (units // utf16_length(script))

    opened(harness)
    values: dict[tuple[str, str], Any] = {}
    each = MAX_OPTIONS_LENGTH // MAX_QUESTIONS // MAX_OPTIONS - 1
    for number in range(1, MAX_QUESTIONS + 1):
        add_question(harness)
        options = "\n".join(f"{one}{longest(each)}" for one in range(MAX_OPTIONS))
        values |= slot(number, longest(MAX_QUESTION_LENGTH), kind="several", options=options)
    day = (harness.clock.now() + timedelta(days=800)).date().isoformat()
    texts = {"TITLE": longest(120), "LOCATION": longest(200), "DESCRIPTION": longest(2_500)}
    warned = created(harness, values, START_DATE=day, **texts)
    assert warned.failure is None
    assert warned.view is not None
    assert warned_about(CreationWarning.FAR_AWAY) in text_of(warned.view.blocks[:1])
    assert harness.slack.submit(BJORN, warned.view.id, {}).errors == {}
    event = only_event(harness)
    assert event.description == texts["DESCRIPTION"]
    assert [len(one.options) for one in event.questions] == [MAX_OPTIONS] * MAX_QUESTIONS


def warned_about(warning: CreationWarning) -> str:
    return warning_text([warning]).split(".")[0]


# Wrong input


def too_long(units: int) -> str:
    return f"must have at most {units} characters"


WRONG: dict[str, tuple[Values, QuestionInput, str]] = {
    "options without a question": (slot(1, " ", options="Meat"), TEXT, FieldProblem.NO_QUESTION),
    "a text that is too long": (slot(1, "x" * 151), TEXT, too_long(MAX_QUESTION_LENGTH)),
    "options of a short text": (
        slot(1, "Which?", options="Meat"),
        OPTIONS,
        FieldProblem.OPTIONS_OF_A_TEXT,
    ),
    "a choice without options": (
        slot(1, "Which?", kind="several", options=" \n\u200b\n"),
        OPTIONS,
        FieldProblem.NO_OPTIONS,
    ),
    "an option that is too long": (
        slot(1, "Which?", kind="one", options=f"Meat\n\n{'x' * 76}"),
        OPTIONS,
        option_problem(2, too_long(MAX_OPTION_LENGTH)),
    ),
    "too many options": (
        slot(1, "Which?", kind="one", options="\n".join(map(str, range(11)))),
        OPTIONS,
        f"must have at most {MAX_OPTIONS} entries",
    ),
    "an option twice": (
        slot(1, "Which?", kind="one", options="Meat\nFish\n Meat"),
        OPTIONS,
        "must all be different",
    ),
}


@pytest.mark.parametrize(("values", "part", "problem"), WRONG.values(), ids=WRONG)
def test_wrong_question_is_an_error_at_its_input(
    harness: SlackHarness, values: Values, part: QuestionInput, problem: str
) -> None:
    opened(harness)
    add_question(harness)
    add_question(harness)
    second = {(block.replace("1", "2"), action): value for (block, action), value in values.items()}
    everything = {**filled(harness), **second}
    result = harness.slack.submit(BJORN, top(harness).id, everything, client_checks=False)
    assert result.errors == {question_block(2, part): field_error(problem)}
    assert harness.assert_invariants().events == {}
    harness.workspace.refusals.clear()


def test_options_that_are_too_long_together_are_an_error_at_the_last_of_them(
    harness: SlackHarness,
) -> None:
    opened(harness)
    for _ in range(3):
        add_question(harness)
    options = "\n".join(f"{number}{'x' * 70}" for number in range(6))
    values = {
        **slot(1, "Which?", kind="one", options=options),
        **slot(2, "Which else?", kind="one", options=options),
        **slot(3, "Anything?"),
    }
    result = created(harness, values)
    problem = field_error(FieldProblem.OPTIONS_TOO_LONG)
    assert result.errors == {question_block(2, OPTIONS): problem}


# Duplicate


def test_copy_asks_the_same_questions_with_new_ids(harness: SlackHarness) -> None:
    event = yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.DUPLICATE)
    save(harness, {})
    events = harness.assert_invariants().events
    (copy,) = (one for event_id, one in events.items() if event_id != "yoga")
    assert asked_by(copy) == asked_by(event)
    assert {one.question_id for one in copy.questions}.isdisjoint({"lunch", "notes"})


# Editing


def test_form_shows_the_questions(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    view = form(harness, ActionId.EDIT)
    assert inputs(view, 1) == {
        "text": "Which lunch?",
        "kind": "one",
        "options": "Meat\nVegetarian",
        "required": True,
    }
    assert inputs(view, 2)["text"] == "Anything else?"
    assert shown_slots(view) == 2


def test_form_says_what_clearing_and_another_answer_do(harness: SlackHarness) -> None:
    """Only questions that the event has can be removed or asked again."""
    yoga(harness, NOTES)
    form(harness, ActionId.EDIT)
    view = add_question(harness)
    assert len(hints(view, 1)) > len(hints(view, 2))


def test_form_left_alone_changes_nothing(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    assert NO_CHANGES in said(save(harness, {}).view)


def test_adding_a_question_in_the_edit_form_keeps_what_was_typed(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, description="Bring a mat")
    form(harness, ActionId.EDIT)
    typed = {INPUTS[BlockId.TITLE]: "Pilates", INPUTS[BlockId.NOTE]: "The lawn is wet."}
    view = add_question(harness, {**typed, **slot(1, "What lunch?")})
    element = {block["block_id"]: block.get("element", {}) for block in view.blocks}
    assert element[BlockId.TITLE]["initial_value"] == "Pilates"
    assert element[BlockId.NOTE]["initial_value"] == "The lawn is wet."
    assert element[BlockId.DESCRIPTION]["initial_value"] == "Bring a mat"
    assert element[question_block(1, TEXT)]["initial_value"] == "What lunch?"


def test_fields_left_alone_stay_another_organizers_after_a_question_was_added(
    harness: SlackHarness,
) -> None:
    """The form still knows how it showed the event first."""
    yoga(harness)
    form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(description="Bring a mat"))
    add_question(harness)
    save(harness, slot(1, "Anything else?"))
    event = harness.bot.service.get_event("yoga")
    assert event.description == "Bring a mat"
    assert [one.text for one in event.questions] == ["Anything else?"]


def test_question_can_be_added_by_organizers_only(harness: SlackHarness) -> None:
    yoga(harness)
    view = form(harness, ActionId.EDIT)
    harness.bot.service.edit_event("yoga", EventChanges.of(organizer_id=CHLOE))
    result = harness.slack.click(BJORN, view, ActionId.ADD_QUESTION_TO_EVENT)
    assert NOT_ALLOWED in said(result.view)
    assert shown_slots(harness.workspace.views.stack(BJORN)[1]) == 0


def test_new_question_is_appended(harness: SlackHarness) -> None:
    yoga(harness, LUNCH)
    before = stored(harness)
    form(harness, ActionId.EDIT)
    add_question(harness)
    save(harness, slot(2, "Which days?", kind="several", options="Monday\nFriday"))
    (first, second) = stored(harness)
    assert (first,) == before
    assert (second.text, second.kind) == ("Which days?", QuestionKind.SEVERAL)


def test_changed_text_and_options_keep_the_id(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    save(harness, slot(1, "What lunch?", options="Meat\nFish\nVegetarian", required=[]))
    (lunch, notes) = stored(harness)
    assert lunch == Question(
        question_id="lunch",
        text="What lunch?",
        kind=QuestionKind.ONE,
        options=("Meat", "Fish", "Vegetarian"),
    )
    assert notes.question_id == "notes"


def test_another_kind_is_a_new_question_in_the_same_order(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    save(harness, slot(1, "Which lunch?", kind="several"))
    (lunch, notes) = stored(harness)
    assert (lunch.text, lunch.kind) == ("Which lunch?", QuestionKind.SEVERAL)
    assert lunch.question_id != "lunch"
    assert notes.question_id == "notes"


def test_cleared_question_is_removed_whatever_its_other_inputs_hold(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    save(harness, slot(1, "", options="Meat\nMeat", kind="text"))
    assert [one.question_id for one in stored(harness)] == ["notes"]


def test_error_in_a_question_saves_nothing(harness: SlackHarness) -> None:
    yoga(harness, LUNCH)
    before = harness.everything()
    form(harness, ActionId.EDIT)
    result = save(harness, {INPUTS[BlockId.TITLE]: "Pilates", **slot(1, "Which?", options="")})
    assert result.errors == {question_block(1, OPTIONS): field_error(FieldProblem.NO_OPTIONS)}
    assert harness.everything() == before


def test_options_that_a_change_makes_too_long_together_are_an_error_at_that_question(
    harness: SlackHarness,
) -> None:
    options = [f"{number}{'x' * 70}" for number in range(6)]
    long = {"text": "Which?", "kind": QuestionKind.ONE, "options": options}
    yoga(harness, LUNCH, long)
    form(harness, ActionId.EDIT)
    result = save(harness, slot(1, "Which lunch?", options="\n".join(options)))
    assert result.errors == {question_block(1, OPTIONS): field_error(FieldProblem.OPTIONS_TOO_LONG)}


@pytest.mark.parametrize(
    "values",
    [
        slot(2, "Which days?", kind="several", options="Monday\nFriday"),
        slot(1, "What lunch?"),
        slot(1, "Which lunch?", kind="several"),
        slot(1, ""),
        {**slot(2, "Which team?"), **slot(3, "Which team?", required=["required"])},
    ],
    ids=["added", "changed", "another kind", "removed", "the same text twice"],
)
def test_form_that_is_sent_twice_changes_nothing_twice(
    harness: SlackHarness, values: Values
) -> None:
    yoga(harness, LUNCH)
    form(harness, ActionId.EDIT)
    add_question(harness)
    view = add_question(harness)
    save(harness, values, view)
    before = harness.everything()
    again = harness.workspace.views.open(BJORN, view.body, None)
    assert NO_CHANGES in said(save(harness, values, again).view)
    assert harness.everything() == before


# Two organizers at once


def edit_meanwhile(harness: SlackHarness, *questions: Mapping[str, Any]) -> None:
    """Let another organizer change the questions."""
    harness.bot.service.edit_event("yoga", EventChanges.of(questions=questions))


def test_question_left_alone_stays_another_organizers(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    edit_meanwhile(harness, LUNCH | {"text": "What lunch?"}, NOTES)
    save(harness, slot(2, "Anything more?"))
    assert [one.text for one in stored(harness)] == ["What lunch?", "Anything more?"]


def test_questions_left_alone_are_not_saved(harness: SlackHarness) -> None:
    yoga(harness, LUNCH)
    form(harness, ActionId.EDIT)
    edit_meanwhile(harness, NOTES)
    save(harness, {INPUTS[BlockId.TITLE]: "Pilates"})
    assert [one.text for one in stored(harness)] == ["Anything else?"]


def test_question_that_another_organizer_removed_stays_removed(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    edit_meanwhile(harness, NOTES)
    save(harness, slot(2, "Anything more?"))
    assert [one.text for one in stored(harness)] == ["Anything more?"]


def test_question_that_another_organizer_removed_is_back_if_it_was_changed(
    harness: SlackHarness,
) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    edit_meanwhile(harness, NOTES)
    save(harness, slot(1, "What lunch?"))
    assert [one.question_id for one in stored(harness)] == ["notes", "lunch"]


def test_question_that_another_organizer_added_stays(harness: SlackHarness) -> None:
    yoga(harness, LUNCH)
    form(harness, ActionId.EDIT)
    add_question(harness)
    edit_meanwhile(harness, LUNCH, NOTES)
    save(harness, slot(2, "T-shirt size?"))
    assert [one.text for one in stored(harness)] == [
        "Which lunch?",
        "Anything else?",
        "T-shirt size?",
    ]


def test_question_over_three_is_an_error_at_that_question(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    add_question(harness)
    edit_meanwhile(harness, LUNCH, NOTES, SHIRT)
    before = harness.everything()
    result = save(harness, slot(3, "Which days?"))
    problem = field_error(FieldProblem.TOO_MANY_QUESTIONS)
    assert result.errors == {question_block(3, TEXT): problem}
    assert harness.everything() == before


def test_question_that_replaces_a_removed_one_is_saved(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    form(harness, ActionId.EDIT)
    add_question(harness)
    edit_meanwhile(harness, LUNCH, NOTES, SHIRT)
    save(harness, {**slot(1, ""), **slot(3, "Which days?")})
    assert [one.text for one in stored(harness)] == [
        "Anything else?",
        "T-shirt size?",
        "Which days?",
    ]


# The recipients of a new question


def test_those_on_the_waitlist_are_not_called_registered() -> None:
    assert asked(2, 1) == "2 people who already signed up will be asked the new question."


def test_confirmation_says_how_many_are_asked(harness: SlackHarness) -> None:
    yoga(harness, capacity=2)
    harness.register(CHLOE, DIEGO, HARUKI)
    form(harness, ActionId.EDIT)
    add_question(harness)
    assert asked(3, 1) in said(save(harness, slot(1, "Anything else?")).view)
    (entry, *_) = harness.bot.service.list_history("yoga").items
    assert NotificationKind.QUESTIONS_ADDED in [one.kind for one in entry.notifications]


def test_confirmation_of_another_kind_says_who_is_asked(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(CHLOE)
    edit_meanwhile(harness, NOTES)
    form(harness, ActionId.EDIT)
    changed = slot(1, "Anything else?", kind="one", options="Yes\nNo")
    assert asked(1, 1) in said(save(harness, changed).view)


def asks_anyone(result: ActionResult) -> bool:
    """Return whether a confirmation says that people will be asked."""
    return any(asked(count, 1).partition(" ")[2] in said(result.view) for count in (1, 2))


@pytest.mark.parametrize("values", [slot(1, "Anything more?"), slot(1, "")])
def test_confirmation_of_a_changed_or_removed_question_asks_no_one(
    harness: SlackHarness, values: Values
) -> None:
    yoga(harness)
    harness.register(CHLOE)
    edit_meanwhile(harness, NOTES)
    form(harness, ActionId.EDIT)
    assert not asks_anyone(save(harness, values))


def test_no_one_is_asked_if_no_one_is_registered(harness: SlackHarness) -> None:
    yoga(harness)
    form(harness, ActionId.EDIT)
    add_question(harness)
    assert not asks_anyone(save(harness, slot(1, "Anything else?")))


def test_no_one_is_asked_once_the_event_has_started(harness: SlackHarness) -> None:
    ends_at = harness.clock.now() + timedelta(days=2, hours=2)
    yoga(harness, ends_at=ends_at)
    harness.register(CHLOE)
    harness.clock.advance(timedelta(days=2, hours=1))
    form(harness, ActionId.EDIT)
    add_question(harness)
    result = save(harness, slot(1, "Anything else?"))
    assert not asks_anyone(result)
    (entry, *_) = harness.bot.service.list_history("yoga").items
    assert [change.kind for change in entry.changes] == [ChangeKind.EDITED]
    assert entry.notifications == ()


# History


def history(harness: SlackHarness) -> str:
    """Return the newest entry of the event's history, as an organizer reads it."""
    return said(form(harness, ActionId.HISTORY)).split("•")[1]


def test_history_names_only_the_question_that_was_added(harness: SlackHarness) -> None:
    yoga(harness, LUNCH)
    edit_meanwhile(harness, LUNCH, NOTES)
    assert "added: “Anything else?”" in history(harness)
    assert "Which lunch?" not in history(harness)


def test_history_names_only_the_question_that_was_removed(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    edit_meanwhile(harness, LUNCH)
    assert "removed: “Anything else?”" in history(harness)
    assert "Which lunch?" not in history(harness)


def test_history_shows_how_a_question_changed(harness: SlackHarness) -> None:
    yoga(harness, LUNCH, NOTES)
    edit_meanwhile(harness, LUNCH | {"options": ("Meat", "Fish"), "required": False}, NOTES)
    shown = history(harness)
    assert "“Which lunch? (one of Meat, Vegetarian; required)” → “Which lunch? (one of" in shown
    assert "Anything else?" not in shown


def test_history_shows_another_kind(harness: SlackHarness) -> None:
    yoga(harness, LUNCH)
    edit_meanwhile(harness, LUNCH | {"question_id": None, "kind": QuestionKind.SEVERAL})
    shown = history(harness)
    assert "(one of Meat, Vegetarian; required)” → “Which lunch? (any of" in shown
