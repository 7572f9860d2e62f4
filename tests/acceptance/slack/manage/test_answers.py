"""Answers as organizers see them: totals, each attendee's, the CSV (R12.3)."""

from __future__ import annotations

import csv
import io

from bot.blocks.ids import ActionId
from bot.features.manage.answer_views import EARLIER, NO_ANSWER
from domain.enums import QuestionKind
from domain.inputs import EventChanges
from domain.questions import Answers
from tests.support.questions import DAYS, LUNCH, NOTES
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, files
from tests.support.slack.modals import form, manage_modal, press, said


def answered(harness: SlackHarness, answers: dict[str, Answers], *, capacity: int = 9) -> None:
    """Create an event of Bjorn's, and register users with these answers, in order."""
    harness.event(organizer_id=BJORN, questions=(LUNCH, DAYS, NOTES), capacity=capacity)
    for user_id, given in answers.items():
        harness.bot.service.register_ensuring_user("yoga", harness.draft(user_id), given)


def test_totals_count_each_answer_of_those_with_a_seat(harness: SlackHarness) -> None:
    answered(
        harness,
        {
            CHLOE: {"lunch": "Vegetarian", "days": ("Monday", "Friday"), "notes": "No nuts"},
            DIEGO: {"lunch": "Vegetarian", "days": ("Friday",)},
            HARUKI: {"lunch": "Meat"},
        },
        capacity=2,
    )
    text = said(form(harness, ActionId.ANSWER_TOTALS))
    assert "2 people with a seat" in text
    for line in ("0 Meat", "2 Vegetarian", "1 Monday", "2 Friday", "1 answered"):
        assert line in text
    assert "No nuts" not in text


def test_totals_keep_options_that_were_changed_since(harness: SlackHarness) -> None:
    answered(harness, {CHLOE: {"lunch": "Meat"}})
    changed = LUNCH.model_copy(update={"options": ("Fish", "Vegetarian")})
    harness.bot.service.edit_event("yoga", EventChanges.of(questions=(changed,)))
    assert f"1 Meat _({EARLIER})_" in said(form(harness, ActionId.ANSWER_TOTALS))


def test_attendees_show_their_answers(harness: SlackHarness) -> None:
    answered(
        harness,
        {CHLOE: {"lunch": "Meat", "days": ("Monday",)}, DIEGO: {"lunch": "Vegetarian"}},
        capacity=1,
    )
    text = said(manage_modal(harness))
    assert "Meat, Monday" in text
    assert "Vegetarian" in text, "also on the waitlist"


def test_details_show_every_question(harness: SlackHarness) -> None:
    answered(harness, {CHLOE: {"lunch": "Meat", "notes": "No nuts"}})
    manage_modal(harness)
    text = said(press(harness, ActionId.ATTENDEE, value=CHLOE))
    assert f"*{LUNCH.text}*\nMeat" in text
    assert f"*{DAYS.text}*\n{NO_ANSWER}" in text
    assert "No nuts" in text


def test_event_without_questions_has_no_button_for_answers(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    assert f"[{ActionId.ANSWER_TOTALS}]" not in said(manage_modal(harness))


def test_csv_has_a_column_for_each_question(harness: SlackHarness) -> None:
    answered(
        harness,
        {
            CHLOE: {"lunch": "Meat", "days": ("Monday", "Friday"), "notes": "=1+1"},
            DIEGO: {"lunch": "Vegetarian"},
        },
        capacity=1,
    )
    form(harness, ActionId.EXPORT)
    harness.deliver_due(5)
    (file,) = files(harness)
    rows = list(csv.DictReader(io.StringIO((file.content or b"").decode("utf-8-sig"))))
    assert [(row[LUNCH.text], row[DAYS.text], row[NOTES.text]) for row in rows] == [
        ("Meat", "Monday, Friday", "'=1+1"),
        ("Vegetarian", "", ""),
    ]


def test_removed_question_is_hidden_from_organizers(harness: SlackHarness) -> None:
    answered(harness, {CHLOE: {"lunch": "Meat", "notes": "No nuts"}})
    harness.bot.service.edit_event("yoga", EventChanges.of(questions=(LUNCH,)))
    shown = said(manage_modal(harness)) + said(press(harness, ActionId.ATTENDEE, value=CHLOE))
    assert "No nuts" not in shown


def test_answer_to_an_earlier_question_with_the_same_id_is_hidden(harness: SlackHarness) -> None:
    """A program may choose an id again, for a question of another kind."""
    answered(harness, {CHLOE: {"lunch": "Meat", "days": ("Monday",)}})
    several = LUNCH.model_copy(update={"kind": QuestionKind.SEVERAL})
    for questions in ((DAYS,), (several, DAYS)):
        harness.bot.service.edit_event("yoga", EventChanges.of(questions=questions))
    form(harness, ActionId.EXPORT)
    harness.deliver_due(5)
    (file,) = files(harness)
    (row,) = csv.DictReader(io.StringIO((file.content or b"").decode("utf-8-sig")))
    assert (row[LUNCH.text], row[DAYS.text]) == ("", "Monday")
    assert "0 Meat" in said(form(harness, ActionId.ANSWER_TOTALS))


def test_history_tells_of_changed_answers_without_them(harness: SlackHarness) -> None:
    answered(harness, {CHLOE: {"lunch": "Meat"}})
    harness.bot.service.change_answers("yoga", CHLOE, {"lunch": "Vegetarian"})
    text = said(form(harness, ActionId.HISTORY))
    assert "changed their answers" in text
    assert "Vegetarian" not in text
