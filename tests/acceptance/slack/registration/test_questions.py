"""Questions at registration, and changing one's answers (R12.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ANSWER_BLOCK, ActionId, BlockId
from bot.features.registration.answer_views import (
    NO_LONGER_AN_OPTION,
    NO_SEAT_HELD,
    QUESTIONS_CHANGED,
)
from bot.slack.error_messages import field_error
from domain.enums import ClosedReason
from domain.inputs import EventChanges, QuestionDraft
from domain.questions import Answers
from playground.client import payloads
from playground.client.inputs import Values
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import View
from tests.support.questions import DAYS, LUNCH, NOTES, SIZE
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SlackHarness, reply, shown, text_of
from tests.support.slack.modals import press, said, top


def asking(harness: SlackHarness, *questions: QuestionDraft, **values: Any) -> None:
    harness.event(questions=questions, **values)


def edit(harness: SlackHarness, *questions: QuestionDraft) -> None:
    harness.bot.service.edit_event("yoga", EventChanges.of(questions=questions))


def register(harness: SlackHarness, user_id: str = BJORN) -> View:
    """Type `/register`. Return the form with the questions."""
    view = harness.slack.command(user_id, RANDOM, "/register", "yoga").view
    assert view is not None
    return view


def submit(
    harness: SlackHarness, view: View, answers: Mapping[str, Any], user_id: str = BJORN
) -> ActionResult:
    """Submit the form with these values, by question id, as Slack's client would."""
    return harness.slack.submit(
        user_id,
        view.id,
        {
            (f"{ANSWER_BLOCK}{question_id}", ActionId.INPUT): value
            for question_id, value in answers.items()
        },
    )


def chosen_option(text: str) -> dict[str, Any]:
    """Return the state of radio buttons."""
    label = {"type": "plain_text", "text": text, "emoji": False}
    return {"type": "radio_buttons", "selected_option": {"text": label, "value": f"={text}"}}


def answers_of(harness: SlackHarness, user_id: str = BJORN) -> Answers | None:
    found = harness.bot.service.find_registration("yoga", user_id)
    return None if found is None else found.registration.answers


def change(harness: SlackHarness, user_id: str = BJORN) -> View:
    """Open one's answers from `/registrations`."""
    listed = harness.slack.command(user_id, RANDOM, "/registrations").ephemeral[-1]
    view = harness.slack.click(user_id, listed, ActionId.CHANGE_ANSWERS).view
    assert view is not None
    return view


def test_command_asks_before_it_registers(harness: SlackHarness) -> None:
    asking(harness, LUNCH, DAYS, NOTES)
    view = register(harness)
    text = said(view)
    assert [LUNCH.text in text, DAYS.text in text, NOTES.text in text] == [True] * 3
    assert NO_SEAT_HELD in text
    assert answers_of(harness) is None


def test_submitted_answers_are_kept_with_the_registration(harness: SlackHarness) -> None:
    asking(harness, LUNCH, DAYS, NOTES)
    result = submit(
        harness,
        register(harness),
        {"lunch": "=Vegetarian", "days": ["=Friday"], "notes": "No nuts"},
    )
    assert sentences.seat() in said(result.view)
    assert answers_of(harness) == {"lunch": "Vegetarian", "days": ("Friday",), "notes": "No nuts"}


def test_button_on_card_opens_the_form(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    card = harness.card(harness.bot.service.get_event("yoga"))
    view = harness.slack.click(BJORN, card, ActionId.REGISTER).view
    assert view is not None
    submit(harness, view, {"lunch": "=Meat"})
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_button_in_app_home_opens_the_form(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    home = harness.slack.open_home(BJORN).view or harness.workspace.views.home(BJORN)
    assert home is not None
    view = harness.slack.click(BJORN, home, ActionId.REGISTER).view
    assert view is not None
    submit(harness, view, {"lunch": "=Meat"})
    assert answers_of(harness) == {"lunch": "Meat"}


def test_choice_among_events_opens_the_form(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    harness.event("other", title="Yoga at home")
    choice = harness.slack.command(BJORN, RANDOM, "/register", "yog").ephemeral[-1]
    view = harness.slack.click(BJORN, choice, ActionId.CHOOSE_TO_REGISTER, value="yoga").view
    assert view is not None
    submit(harness, view, {"lunch": "=Meat"})
    assert answers_of(harness) == {"lunch": "Meat"}


def test_picker_is_followed_by_the_form(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    picker = harness.slack.command(BJORN, RANDOM, "/register").view
    assert picker is not None
    harness.slack.options(BJORN, picker.id, BlockId.EVENT, ActionId.EVENT, "")
    form = harness.slack.submit(BJORN, picker.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"}).view
    assert form is not None
    submit(harness, form, {"lunch": "=Meat"})
    assert answers_of(harness) == {"lunch": "Meat"}


def test_event_without_questions_keeps_its_one_click(harness: SlackHarness) -> None:
    asking(harness)
    assert sentences.seat() in reply(harness.slack.command(BJORN, RANDOM, "/register", "yoga"))


def test_waitlist_asks_too_and_promotion_keeps_the_answers(harness: SlackHarness) -> None:
    asking(harness, LUNCH, capacity=1)
    submit(harness, register(harness, CHLOE), {"lunch": "=Meat"}, CHLOE)
    result = submit(harness, register(harness), {"lunch": "=Vegetarian"})
    assert sentences.waitlisted(1) in said(result.view)
    harness.bot.service.unregister("yoga", CHLOE)
    assert harness.assert_invariants().seated("yoga") == [BJORN]
    assert answers_of(harness) == {"lunch": "Vegetarian"}


def test_required_question_must_be_answered(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    view = register(harness)
    result = harness.slack.submit(BJORN, view.id, client_checks=False)
    assert result.errors == {f"{ANSWER_BLOCK}lunch": field_error("must be given")}
    assert answers_of(harness) is None


def test_optional_questions_may_stay_open(harness: SlackHarness) -> None:
    asking(harness, DAYS, NOTES, SIZE)
    submit(harness, register(harness), {"size": "none"})
    assert answers_of(harness) == {}


def test_answer_of_200_emoji_is_too_long(harness: SlackHarness) -> None:
    """Slack's clients count UTF-16 units, and so does Rollcall (R1.2)."""
    asking(harness, NOTES)
    view = register(harness)
    typed: Values = {(f"{ANSWER_BLOCK}notes", ActionId.INPUT): "🎉" * 101}
    result = harness.slack.submit(BJORN, view.id, typed, client_checks=False)
    assert list(result.errors) == [f"{ANSWER_BLOCK}notes"]


def test_second_submit_changes_nothing(harness: SlackHarness) -> None:
    """R8.13: Slack sends a form twice before it shows the reply to the first."""
    asking(harness, LUNCH)
    view = register(harness)
    state = {f"{ANSWER_BLOCK}lunch": {str(ActionId.INPUT): chosen_option("Meat")}}
    typed = replace(view, state=state)
    payload = payloads.view_submission(harness.workspace, harness.workspace.member(BJORN), typed)
    harness.slack.interact(payload)
    version = harness.bot.service.get_event("yoga").version
    harness.slack.interact(payload)
    assert harness.bot.service.get_event("yoga").version == version
    assert answers_of(harness) == {"lunch": "Meat"}


@pytest.mark.parametrize(
    "now",
    [(LUNCH, NOTES, SIZE), (LUNCH.model_copy(update={"options": ("Fish", "Meat")}), NOTES)],
    ids=["added", "changed"],
)
def test_question_that_changed_meanwhile_is_asked_again_with_what_was_typed(
    harness: SlackHarness, now: tuple[QuestionDraft, ...]
) -> None:
    asking(harness, LUNCH, NOTES)
    view = register(harness)
    edit(harness, *now)
    again = submit(harness, view, {"lunch": "=Meat", "notes": "No nuts"}).view
    assert again is not None
    assert QUESTIONS_CHANGED in said(again)
    assert answers_of(harness) is None
    submit(harness, again, {})
    assert answers_of(harness) == {"lunch": "Meat", "notes": "No nuts"}


def test_question_that_vanished_meanwhile_is_left_out(harness: SlackHarness) -> None:
    asking(harness, LUNCH, NOTES)
    view = register(harness)
    edit(harness, NOTES)
    submit(harness, view, {"lunch": "=Meat", "notes": "No nuts"})
    assert answers_of(harness) == {"notes": "No nuts"}


def test_event_that_filled_meanwhile_puts_on_the_waitlist(harness: SlackHarness) -> None:
    asking(harness, LUNCH, capacity=1)
    view = register(harness)
    submit(harness, register(harness, CHLOE), {"lunch": "=Meat"}, CHLOE)
    assert sentences.waitlisted(1) in said(submit(harness, view, {"lunch": "=Meat"}).view)


def test_submit_after_the_start_is_refused_and_keeps_the_form(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    view = register(harness)
    start = harness.bot.service.get_event("yoga").starts_at
    harness.clock.advance(timedelta(days=3))
    result = submit(harness, view, {"lunch": "=Meat"})
    assert sentences.closed(ClosedReason.STARTED, start) in said(result.view)
    assert harness.workspace.views.stack(BJORN)[0].id == view.id
    assert answers_of(harness) is None


def test_form_replaces_a_third_modal(harness: SlackHarness) -> None:
    """Slack allows no fourth."""
    asking(harness, LUNCH)
    harness.slack.command(BJORN, RANDOM, "/register")
    harness.slack.options(BJORN, top(harness).id, BlockId.EVENT, ActionId.EVENT, "")
    harness.slack.submit(BJORN, top(harness).id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    for _ in range(3):
        submit(harness, top(harness), {"lunch": "=Meat"})
        press(harness, ActionId.CHOOSE_TO_UNREGISTER)
        press(harness, ActionId.CHOOSE_TO_REGISTER)
    assert len(harness.workspace.views.stack(BJORN)) == 3
    submit(harness, top(harness), {"lunch": "=Vegetarian"})
    assert answers_of(harness) == {"lunch": "Vegetarian"}


# Changing answers


def test_answers_can_be_changed_until_the_start(harness: SlackHarness) -> None:
    asking(harness, LUNCH, NOTES)
    submit(harness, register(harness), {"lunch": "=Meat", "notes": "No nuts"})
    submit(harness, change(harness), {"lunch": "=Vegetarian"})
    assert answers_of(harness) == {"lunch": "Vegetarian", "notes": "No nuts"}
    harness.clock.advance(timedelta(days=3))
    listed = harness.slack.command(BJORN, RANDOM, "/registrations").ephemeral[-1]
    assert f"[{ActionId.CHANGE_ANSWERS}]" not in shown(listed)


def test_an_answer_can_be_taken_back(harness: SlackHarness) -> None:
    asking(harness, SIZE, DAYS)
    submit(harness, register(harness), {"size": "=M", "days": ["=Monday"]})
    submit(harness, change(harness), {"size": "none", "days": []})
    assert answers_of(harness) == {}


def test_reply_to_registering_has_a_button_to_change_the_answers(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    result = submit(harness, register(harness), {"lunch": "=Meat"})
    assert f"[{ActionId.CHANGE_ANSWERS}]" in said(result.view)


@pytest.mark.parametrize("capacity", [1, 2])
def test_whoever_registers_again_gets_a_button_to_change_the_answers(
    harness: SlackHarness, capacity: int
) -> None:
    asking(harness, LUNCH, capacity=capacity)
    submit(harness, register(harness, CHLOE), {"lunch": "=Meat"}, CHLOE)
    submit(harness, register(harness), {"lunch": "=Meat"})
    again = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert sentences.already(1 if capacity == 1 else None) in reply(again)
    view = harness.slack.click(BJORN, again.messages[-1], ActionId.CHANGE_ANSWERS).view
    assert view is not None
    submit(harness, view, {"lunch": "=Vegetarian"})
    assert answers_of(harness) == {"lunch": "Vegetarian"}


@pytest.mark.parametrize("because", ["started", "canceled", "no questions"])
def test_whoever_registers_again_gets_no_button_that_does_nothing(
    harness: SlackHarness, because: str
) -> None:
    asking(harness, LUNCH)
    card = harness.card(harness.bot.service.get_event("yoga"))
    submit(harness, register(harness), {"lunch": "=Meat"})
    if because == "canceled":
        harness.bot.service.cancel_event("yoga")
    elif because == "started":
        harness.clock.advance(harness.bot.service.get_event("yoga").starts_at - harness.clock.now())
    else:
        edit(harness)
    again = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert f"[{ActionId.CHANGE_ANSWERS}]" not in shown(again.messages[-1])


def test_option_that_was_chosen_and_is_gone_is_named(harness: SlackHarness) -> None:
    asking(harness, LUNCH, DAYS)
    submit(harness, register(harness), {"lunch": "=Meat", "days": ["=Monday", "=Friday"]})
    edit(harness, LUNCH.model_copy(update={"options": ("Beef", "Vegetarian")}), DAYS)
    said_now = said(change(harness))
    assert f"{NO_LONGER_AN_OPTION}: Meat" in said_now
    assert said_now.count(NO_LONGER_AN_OPTION) == 1


def test_form_left_open_after_the_start_says_so(harness: SlackHarness) -> None:
    asking(harness, LUNCH)
    submit(harness, register(harness), {"lunch": "=Meat"})
    view = change(harness)
    start = harness.bot.service.get_event("yoga").starts_at
    harness.clock.advance(timedelta(days=3))
    result = submit(harness, view, {"lunch": "=Vegetarian"})
    assert sentences.closed(ClosedReason.STARTED, start) in said(result.view)
    assert answers_of(harness) == {"lunch": "Meat"}


def test_added_question_is_asked_by_direct_message(harness: SlackHarness) -> None:
    asking(harness, NOTES)
    submit(harness, register(harness), {})
    edit(harness, NOTES, LUNCH)
    harness.deliver_due(5)
    message = harness.workspace.messages(harness.workspace.dm(BJORN).id)[-1]
    assert LUNCH.text in shown(message)
    view = harness.slack.click(BJORN, message, ActionId.CHANGE_ANSWERS).view
    assert view is not None
    submit(harness, view, {"lunch": "=Meat"})
    assert answers_of(harness) == {"lunch": "Meat"}


def test_removed_question_is_asked_no_more_and_its_answer_hidden(harness: SlackHarness) -> None:
    asking(harness, NOTES, LUNCH)
    submit(harness, register(harness), {"lunch": "=Meat", "notes": "No nuts"})
    edit(harness, LUNCH)
    text = said(change(harness))
    assert NOTES.text not in text
    assert "No nuts" not in text


def test_press_on_a_message_about_a_question_that_was_removed_says_so(
    harness: SlackHarness,
) -> None:
    asking(harness)
    harness.register(BJORN)
    edit(harness, NOTES)
    harness.deliver_due(5)
    edit(harness)
    message = harness.workspace.messages(harness.workspace.dm(BJORN).id)[-1]
    result = harness.slack.click(BJORN, message, ActionId.CHANGE_ANSWERS)
    assert "has no questions anymore" in reply(result)


def test_cards_and_lists_of_others_show_no_answers(harness: SlackHarness) -> None:
    asking(harness, NOTES)
    card = harness.card(harness.bot.service.get_event("yoga"))
    submit(harness, register(harness), {"notes": "No nuts"})
    going = harness.slack.click(CHLOE, card, ActionId.GOING).ephemeral[-1]
    harness.deliver_due(5)
    (newest,) = harness.workspace.messages(EVENTS, visible_to=AMARA)[-1:]
    assert "No nuts" not in text_of(going.blocks) + shown(newest)
