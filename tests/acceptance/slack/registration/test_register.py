"""Registering: commands, buttons, the picker, and what each is answered (R8.1, R8.4, R8.13)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from slack_sdk import WebClient

from bot.blocks.formatting import ordinal
from bot.blocks.ids import ActionId, BlockId
from bot.features.cards.views import event_card
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import Member
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, answer, shown

# /register: R8.1


def test_register_with_an_id_registers_at_once_also_for_an_unlisted_event(
    harness: SlackHarness,
) -> None:
    harness.event(listed=False)
    seen = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert "You have a seat in *Yoga in the park*." in answer(seen)
    assert "Riverside lawn" in answer(seen)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_register_with_a_part_of_a_title_registers_at_once(harness: SlackHarness) -> None:
    harness.event("one", title="Chess & <friends>")
    seen = harness.slack.command(BJORN, RANDOM, "/register", "ESS & <fr")
    assert "You have a seat" in answer(seen)
    assert harness.assert_invariants().seated("one") == [BJORN]


def test_an_unlisted_event_is_not_found_by_its_title(harness: SlackHarness) -> None:
    harness.event("hidden", title="Board meeting", listed=False)
    seen = harness.slack.command(BJORN, RANDOM, "/register", "Board meeting")
    assert "No event fits" in answer(seen)
    assert harness.assert_invariants().seated("hidden") == []


def test_a_part_that_fits_several_titles_gives_a_choice(harness: SlackHarness) -> None:
    harness.event("y1", title="Yoga for beginners")
    harness.event("y2", title="Yoga in the park", starts_at=harness.clock.now() + timedelta(days=3))
    seen = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert "Which one do you mean?" in answer(seen)
    assert "Yoga for beginners" in answer(seen)
    assert harness.assert_invariants().registrations == {}

    chosen = harness.slack.click(BJORN, seen.ephemeral[-1], ActionId.CHOOSE_TO_REGISTER, value="y2")
    assert "You have a seat in *Yoga in the park*" in shown(chosen.messages[-1])
    assert chosen.messages[-1].ts == seen.ephemeral[-1].ts, "the answer replaces the question"
    assert harness.assert_invariants().seated("y2") == [BJORN]


def test_events_of_one_title_are_told_apart_by_their_dates(harness: SlackHarness) -> None:
    first = harness.event("y1")
    second = harness.event("y2", starts_at=harness.clock.now() + timedelta(days=9))
    seen = harness.slack.command(BJORN, RANDOM, "/register", "in the")
    for event in (first, second):
        assert f"<!date^{int(event.starts_at.timestamp())}^" in answer(seen)


def test_a_text_that_fits_nothing_gives_the_nearest_titles_as_buttons(
    harness: SlackHarness,
) -> None:
    harness.event()
    seen = harness.slack.command(BJORN, RANDOM, "/register", "Joga im Park")
    assert "No event fits that. Do you mean one of these?" in answer(seen)
    harness.slack.click(BJORN, seen.ephemeral[-1], ActionId.CHOOSE_TO_REGISTER)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_an_unknown_event_is_said_to_be_unknown(harness: SlackHarness) -> None:
    seen = harness.slack.command(BJORN, RANDOM, "/register", "nothing like it")
    assert "No event fits that. `/events` shows what is coming up." in answer(seen)
    assert harness.everything().users == {}


def test_register_alone_opens_a_picker_of_the_open_events(harness: SlackHarness) -> None:
    harness.event()
    harness.event("chess", title="Chess")
    harness.event("past", title="Yoga closed")
    harness.bot.service.close_event("past")
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    offered = harness.slack.options(BJORN, view, ActionId.EVENT, query="yog").options
    assert [option["value"] for option in offered] == ["yoga"]
    assert offered[0]["text"]["text"].startswith("Yoga in the park · ")

    seen = harness.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert "You have a seat in *Yoga in the park*" in answer(seen)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_the_picker_sent_empty_is_marked_at_its_field(harness: SlackHarness) -> None:
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    seen = harness.slack.submit(BJORN, view.id, client_checks=False)
    assert seen.errors == {BlockId.EVENT: "Choose an event."}


def test_who_registers_by_command_is_created_on_first_contact_without_asking_slack(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert harness.everything().users[BJORN].name == harness.workspace.member(BJORN).name
    assert harness.api.calls() == [], "no call before the acknowledgement"


def test_a_click_on_a_card_calls_nothing_but_its_response_url(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    before = len(harness.api.calls())
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert [call.method for call in harness.api.calls()[before:]] == ["response_url"]


# What is answered: R8.4


def test_a_seat_a_place_in_line_and_a_second_press_are_each_answered_as_they_are(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=1))
    assert "You have a seat" in answer(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert "You are 1st in line" in answer(harness.slack.click(CHLOE, card, ActionId.REGISTER))
    assert "You are 2nd in line" in answer(harness.slack.click(DIEGO, card, ActionId.REGISTER))
    assert "You are 3rd in line" in answer(harness.slack.click(HARUKI, card, ActionId.REGISTER))
    again = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert "You already have a seat in *Yoga in the park*" in answer(again)
    waits = harness.slack.click(DIEGO, card, ActionId.REGISTER)
    assert "You already wait for *Yoga in the park*: you are 2nd in line" in answer(waits)


def test_the_answer_to_a_click_is_seen_by_that_person_only_and_the_card_stays(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event())
    seen = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert [message.ephemeral_to for message in seen.messages] == [BJORN]
    assert harness.workspace.message(EVENTS, card.ts).blocks == card.blocks


def test_a_full_event_without_a_waitlist_says_so(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1, has_waitlist=False))
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    seen = harness.slack.click(CHLOE, card, ActionId.REGISTER)
    assert "is full: 1 of 1 seat taken, and there is no waitlist" in answer(seen)
    assert harness.assert_invariants().seated("yoga") == [BJORN]


def test_a_closed_an_ended_and_a_started_event_each_say_so(harness: SlackHarness) -> None:
    now = harness.clock.now()
    deadline = now + timedelta(hours=1)
    harness.event("closed")
    harness.event("ended", registration_deadline=deadline)
    harness.event("started", starts_at=deadline)
    harness.bot.service.close_event("closed")
    harness.clock.advance(timedelta(hours=2))
    for event_id, words in (
        ("closed", "Registration for *Yoga in the park* is closed."),
        ("ended", "Registration for *Yoga in the park* has ended"),
        ("started", "*Yoga in the park* has already started"),
    ):
        assert words in answer(harness.slack.command(BJORN, RANDOM, "/register", event_id))
    assert harness.assert_invariants().registrations == {}


# Twice: R8.13


def test_a_double_click_on_register_changes_nothing_twice(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    before = harness.assert_invariants()
    assert "You already have a seat" in answer(harness.slack.click(BJORN, card, ActionId.REGISTER))
    assert harness.assert_invariants() == before


def test_a_double_click_on_leave_takes_nobody_else_out(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1))
    harness.register(BJORN, CHLOE, DIEGO)
    asked = harness.slack.click(BJORN, card, ActionId.LEAVE).ephemeral[-1]
    harness.slack.click(BJORN, asked, ActionId.LEAVE_CONFIRMED)
    before = harness.assert_invariants()
    again = harness.slack.click(BJORN, asked, ActionId.LEAVE_CONFIRMED)
    assert "You are not in *Yoga in the park*" in answer(again)
    assert harness.assert_invariants() == before


def test_a_click_adopts_a_card_that_the_store_does_not_know(harness: SlackHarness) -> None:
    answered = WebClient(
        token=harness.workspace.app.bot_token, base_url=f"{harness.workspace.url}/api/"
    ).chat_postMessage(channel=EVENTS, **event_card(harness.event()).to_dict())
    card = harness.workspace.message(EVENTS, answered["ts"])
    harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert "1 of 2 seats" in harness.current_card_text()


def test_sixteen_people_who_press_at_once_for_five_seats_each_get_a_true_answer(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event(capacity=5))
    ids = [f"U0CROWD{number:02}" for number in range(16)]
    for user_id in ids:
        harness.workspace.put_member(Member(user_id, user_id.lower(), user_id))
        harness.workspace.join(EVENTS, user_id)
    with ThreadPoolExecutor(16) as crowd:
        seen = crowd.map(lambda user_id: harness.slack.click(user_id, card, ActionId.REGISTER), ids)
    said = [answer(one) for one in seen]
    everything = harness.assert_invariants()
    assert sum("You have a seat" in text for text in said) == 5
    for user_id, text in zip(ids, said, strict=True):
        if user_id in everything.waiting("yoga"):
            position = everything.waiting("yoga").index(user_id) + 1
            assert f"You are {ordinal(position)} in line" in text


def test_one_person_who_clicks_sixteen_times_at_once_has_one_seat(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=5))
    with ThreadPoolExecutor(16) as clicks:
        seen = clicks.map(lambda _: harness.slack.click(BJORN, card, ActionId.REGISTER), range(16))
    assert all(one.failure is None for one in seen)
    assert harness.assert_invariants().seated("yoga") == [BJORN]
